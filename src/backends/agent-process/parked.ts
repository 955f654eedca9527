// Keeps processes between two requests of one conversation: those that wait for the client's tool results, and those that may be
// asked again. It must never give one to two requests, to another tenant, or to a request that does not match in every part.

import { normaliseToolId } from "../../canon/id.ts";
import type { Clock } from "../../system/clock.ts";
import type { AgentChannel, PendingCall } from "./agent-channel.ts";
import { callKey } from "./conversation-fingerprint.ts";

export type ParkedLimits = {
  readonly max: number;
  readonly maxPerTenant: number;
  /** Time to wait for the client's tools; 0: none is parked. */
  readonly callsTtlMs: number;
  /** Time to wait for the next question; 0: none is parked. */
  readonly idleTtlMs: number;
};

/** What a program's conversation must provide to be parked. */
export type Parkable = {
  readonly channel: Pick<AgentChannel<unknown>, "onUnsolicited" | "over"> & {
    readonly child: Pick<AgentChannel<unknown>["child"], "isAlive">;
  };
};

export type ParkedProcess<C extends Parkable> = {
  readonly tenant: string;
  readonly fingerprint: string;
  /** Calls that wait for the client; empty after a plain answer. */
  readonly calls: readonly PendingCall[];
  readonly conversation: C;
};

export type ParkedCounts = { readonly calls: number; readonly idle: number };

export type ParkedProcesses<C extends Parkable> = {
  /** False: there is no place, and the process is the caller's to stop. */
  park(entry: ParkedProcess<C>): boolean;
  /** Whether any process is parked for this tenant. */
  hasAny(tenant: string): boolean;
  /** The process with this conversation and exactly these calls; from then on it belongs to the caller. */
  take(tenant: string, fingerprint: string, callIds: readonly string[]): ParkedProcess<C> | null;
  /** The same without taking it. */
  has(tenant: string, fingerprint: string, callIds: readonly string[]): boolean;
  /** Stops those whose calls were answered in a request that does not match. */
  abandon(tenant: string, callIds: readonly string[]): void;
  counts(): ParkedCounts;
  /** Stops all of them. */
  clear(): void;
};

export type ParkingOptions<C extends Parkable> = {
  readonly clock: Clock;
  readonly limits: ParkedLimits;
  readonly stop: (conversation: C) => void;
};

export function createParkedProcesses<C extends Parkable>(options: ParkingOptions<C>): ParkedProcesses<C> {
  return new Parking(options);
}

type Place<C extends Parkable> = ParkedProcess<C> & { readonly cancel: () => void };

class Parking<C extends Parkable> implements ParkedProcesses<C> {
  /** In the order of arrival. */
  private readonly places = new Set<Place<C>>();

  constructor(private readonly options: ParkingOptions<C>) {}

  park(entry: ParkedProcess<C>): boolean {
    const { clock, limits } = this.options;
    const { channel } = entry.conversation;
    const ttlMs = entry.calls.length > 0 ? limits.callsTtlMs : limits.idleTtlMs;
    if (ttlMs <= 0 || !channel.child.isAlive() || !this.hasRoomFor(entry)) return false;
    const cancelTimer = clock.setTimer(ttlMs, () => this.evict(place));
    let unwatch = (): void => undefined;
    const place: Place<C> = {
      ...entry,
      cancel() {
        cancelTimer();
        unwatch();
      },
    };
    this.places.add(place);
    // It continued by itself (its own checks refused a call): its output belongs to no request.
    unwatch = channel.onUnsolicited(() => this.evict(place));
    if (!this.places.has(place)) unwatch();
    // One that ends by itself cannot be resumed.
    void channel.over.then(() => this.evict(place));
    return this.places.has(place);
  }

  hasAny(tenant: string): boolean {
    for (const place of this.places) if (place.tenant === tenant) return true;
    return false;
  }

  take(tenant: string, fingerprint: string, callIds: readonly string[]): ParkedProcess<C> | null {
    const place = this.find(tenant, fingerprint, callIds);
    if (place === null) return null;
    this.remove(place);
    if (place.conversation.channel.child.isAlive()) return place;
    this.options.stop(place.conversation);
    return null;
  }

  has(tenant: string, fingerprint: string, callIds: readonly string[]): boolean {
    return this.find(tenant, fingerprint, callIds) !== null;
  }

  abandon(tenant: string, callIds: readonly string[]): void {
    const answered = new Set(callIds.map(normaliseToolId));
    for (const place of this.ofTenant(tenant))
      if (place.calls.some((call) => answered.has(normaliseToolId(call.id)))) this.evict(place);
  }

  counts(): ParkedCounts {
    const calls = [...this.places].filter((place) => place.calls.length > 0).length;
    return { calls, idle: this.places.size - calls };
  }

  clear(): void {
    for (const place of this.places) this.evict(place);
  }

  private remove(place: Place<C>): boolean {
    place.cancel();
    return this.places.delete(place);
  }

  private evict(place: Place<C>): void {
    if (this.remove(place)) this.options.stop(place.conversation);
  }

  private ofTenant(tenant: string): Place<C>[] {
    return [...this.places].filter((place) => place.tenant === tenant);
  }

  private find(tenant: string, fingerprint: string, callIds: readonly string[]): Place<C> | null {
    const key = callKey(callIds);
    for (const place of this.places)
      if (place.tenant === tenant && place.fingerprint === fingerprint && callKey(idsOf(place)) === key)
        return place;
    return null;
  }

  /** Drops a duplicate, and at the limits a less valuable one. */
  private hasRoomFor(entry: ParkedProcess<C>): boolean {
    const { max, maxPerTenant } = this.options.limits;
    if (max <= 0 || maxPerTenant <= 0) return false;
    const twin = this.find(entry.tenant, entry.fingerprint, idsOf(entry));
    if (twin !== null) this.evict(twin);
    const own = this.ofTenant(entry.tenant);
    if (own.length >= maxPerTenant && !this.makeRoom(own, entry)) return false;
    return this.places.size < max || this.makeRoom([...this.places], entry);
  }

  /** A client that is running tools would lose more than one that may come back: the oldest idle one goes first. */
  private makeRoom(among: readonly Place<C>[], entry: ParkedProcess<C>): boolean {
    const victim =
      among.find((place) => place.calls.length === 0) ?? (entry.calls.length > 0 ? among[0] : undefined);
    if (victim === undefined) return false;
    this.evict(victim);
    return true;
  }
}

const idsOf = ({ calls }: Pick<ParkedProcess<Parkable>, "calls">): string[] => calls.map((call) => call.id);
