// Processes between two requests of one conversation: those that wait for the client's tools, and those that may be asked again.
// It must never give one to two requests, to another tenant, or to a request that does not fit in every part.

import { normaliseToolId } from "../../canon/id.ts";
import type { Clock } from "../../system/clock.ts";
import { callKey } from "./fingerprint.ts";
import type { PendingCall } from "./client-tools.ts";
import type { Conversation } from "./conversation.ts";

export type ParkingLimits = {
  readonly max: number;
  readonly maxPerTenant: number;
  /** For the client's tools; 0: none is parked. */
  readonly callsTtlMs: number;
  /** For the next question; 0: none is parked. */
  readonly idleTtlMs: number;
};

export type Parked = {
  readonly tenant: string;
  readonly fingerprint: string;
  /** Calls that wait for the client; empty after a plain answer. */
  readonly calls: readonly PendingCall[];
  readonly conversation: Conversation;
};

export type ParkingCounts = { readonly calls: number; readonly idle: number };

export type Parking = {
  /** False: there is no place, and the process is the caller's to stop. */
  park(entry: Parked): boolean;
  /** Does anybody wait here for this tenant? */
  holds(tenant: string): boolean;
  /** The process whose conversation this is, and whose calls are exactly these; it is the caller's from then on. */
  take(tenant: string, fingerprint: string, callIds: readonly string[]): Parked | null;
  /** The same without taking it. */
  awaits(tenant: string, fingerprint: string, callIds: readonly string[]): boolean;
  /** Gives up those whose calls were answered in a request that does not fit. */
  abandon(tenant: string, callIds: readonly string[]): void;
  counts(): ParkingCounts;
  /** Gives up all of them. */
  clear(): void;
};

type Place = Parked & { readonly cancel: () => void };

export function createParking(options: {
  readonly clock: Clock;
  readonly limits: ParkingLimits;
  readonly stop: (conversation: Conversation) => void;
}): Parking {
  const { clock, limits, stop } = options;
  /** In the order of arrival. */
  const places = new Set<Place>();

  const leave = (place: Place): boolean => {
    place.cancel();
    return places.delete(place);
  };
  const giveUp = (place: Place): void => {
    if (leave(place)) stop(place.conversation);
  };
  const ofTenant = (tenant: string): Place[] => [...places].filter((place) => place.tenant === tenant);

  /** A client that works for us would lose more than one that may come back: the oldest idle one goes first. */
  const makeRoom = (among: readonly Place[], entry: Parked): boolean => {
    const victim =
      among.find((place) => place.calls.length === 0) ?? (entry.calls.length > 0 ? among[0] : undefined);
    if (victim === undefined) return false;
    giveUp(victim);
    return true;
  };

  const find = (tenant: string, fingerprint: string, callIds: readonly string[]): Place | null => {
    const key = callKey(callIds);
    for (const place of places)
      if (
        place.tenant === tenant &&
        place.fingerprint === fingerprint &&
        callKey(place.calls.map((call) => call.id)) === key
      )
        return place;
    return null;
  };

  return {
    park(entry) {
      const ttlMs = entry.calls.length > 0 ? limits.callsTtlMs : limits.idleTtlMs;
      if (ttlMs <= 0 || limits.max <= 0 || limits.maxPerTenant <= 0) return false;
      if (!entry.conversation.channel.child.isAlive()) return false;
      const twin = find(
        entry.tenant,
        entry.fingerprint,
        entry.calls.map((call) => call.id),
      );
      if (twin !== null) giveUp(twin);
      const own = ofTenant(entry.tenant);
      if (own.length >= limits.maxPerTenant && !makeRoom(own, entry)) return false;
      if (places.size >= limits.max && !makeRoom([...places], entry)) return false;
      const { channel } = entry.conversation;
      const cancelTimer = clock.setTimer(ttlMs, () => giveUp(place));
      let unwatch = (): void => undefined;
      const place: Place = {
        ...entry,
        cancel() {
          cancelTimer();
          unwatch();
        },
      };
      places.add(place);
      // It went on by itself (a call that its own checks refused): what it says now belongs to no request.
      unwatch = channel.onUnasked(() => giveUp(place));
      if (!places.has(place)) unwatch();
      // One that ends by itself is of no use to anybody.
      void channel.over.then(() => giveUp(place));
      return places.has(place);
    },
    holds(tenant) {
      for (const place of places) if (place.tenant === tenant) return true;
      return false;
    },
    take(tenant, fingerprint, callIds) {
      const place = find(tenant, fingerprint, callIds);
      if (place === null) return null;
      leave(place);
      return place.conversation.channel.child.isAlive() ? place : (stop(place.conversation), null);
    },
    awaits: (tenant, fingerprint, callIds) => find(tenant, fingerprint, callIds) !== null,
    abandon(tenant, callIds) {
      const answered = new Set(callIds.map(normaliseToolId));
      for (const place of ofTenant(tenant))
        if (place.calls.some((call) => answered.has(normaliseToolId(call.id)))) giveUp(place);
    },
    counts() {
      const calls = [...places].filter((place) => place.calls.length > 0).length;
      return { calls, idle: places.size - calls };
    },
    clear() {
      for (const place of places) giveUp(place);
    },
  };
}
