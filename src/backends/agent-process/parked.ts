// Processes between two requests of one conversation: those that wait for the client's tools, and those that may be asked again.
// It must never give one to two requests, to another tenant, or to a request that does not fit in every part.

import { normaliseToolId } from "../../canon/id.ts";
import type { Clock } from "../../system/clock.ts";
import { callKey } from "./conversation-fingerprint.ts";
import type { PendingCall } from "../claude-code/conversation/client-tools.ts";
import type { Conversation } from "../claude-code/conversation/conversation.ts";

export type ParkedLimits = {
  readonly max: number;
  readonly maxPerTenant: number;
  /** For the client's tools; 0: none is parked. */
  readonly callsTtlMs: number;
  /** For the next question; 0: none is parked. */
  readonly idleTtlMs: number;
};

export type ParkedProcess = {
  readonly tenant: string;
  readonly fingerprint: string;
  /** Calls that wait for the client; empty after a plain answer. */
  readonly calls: readonly PendingCall[];
  readonly conversation: Conversation;
};

export type ParkedCounts = { readonly calls: number; readonly idle: number };

export type ParkedProcesses = {
  /** False: there is no place, and the process is the caller's to stop. */
  park(entry: ParkedProcess): boolean;
  /** Does anybody wait here for this tenant? */
  hasAny(tenant: string): boolean;
  /** The process whose conversation this is, and whose calls are exactly these; it is the caller's from then on. */
  take(tenant: string, fingerprint: string, callIds: readonly string[]): ParkedProcess | null;
  /** The same without taking it. */
  has(tenant: string, fingerprint: string, callIds: readonly string[]): boolean;
  /** Gives up those whose calls were answered in a request that does not fit. */
  abandon(tenant: string, callIds: readonly string[]): void;
  counts(): ParkedCounts;
  /** Gives up all of them. */
  clear(): void;
};

type Entry = ParkedProcess & { readonly cancel: () => void };

export function createParkedProcesses(options: {
  readonly clock: Clock;
  readonly limits: ParkedLimits;
  readonly stop: (conversation: Conversation) => void;
}): ParkedProcesses {
  const { clock, limits, stop } = options;
  /** In the order of arrival. */
  const entries = new Set<Entry>();

  const remove = (entry: Entry): boolean => {
    entry.cancel();
    return entries.delete(entry);
  };
  const evict = (entry: Entry): void => {
    if (remove(entry)) stop(entry.conversation);
  };
  const ofTenant = (tenant: string): Entry[] => [...entries].filter((place) => place.tenant === tenant);

  /** A client that works for us would lose more than one that may come back: the oldest idle one goes first. */
  const makeRoom = (among: readonly Entry[], entry: ParkedProcess): boolean => {
    const victim =
      among.find((place) => place.calls.length === 0) ?? (entry.calls.length > 0 ? among[0] : undefined);
    if (victim === undefined) return false;
    evict(victim);
    return true;
  };

  const find = (tenant: string, fingerprint: string, callIds: readonly string[]): Entry | null => {
    const key = callKey(callIds);
    for (const place of entries)
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
      if (twin !== null) evict(twin);
      const own = ofTenant(entry.tenant);
      if (own.length >= limits.maxPerTenant && !makeRoom(own, entry)) return false;
      if (entries.size >= limits.max && !makeRoom([...entries], entry)) return false;
      const { channel } = entry.conversation;
      const cancelTimer = clock.setTimer(ttlMs, () => evict(place));
      let unwatch = (): void => undefined;
      const place: Entry = {
        ...entry,
        cancel() {
          cancelTimer();
          unwatch();
        },
      };
      entries.add(place);
      // It went on by itself (a call that its own checks refused): what it says now belongs to no request.
      unwatch = channel.onUnsolicited(() => evict(place));
      if (!entries.has(place)) unwatch();
      // One that ends by itself is of no use to anybody.
      void channel.over.then(() => evict(place));
      return entries.has(place);
    },
    hasAny(tenant) {
      for (const place of entries) if (place.tenant === tenant) return true;
      return false;
    },
    take(tenant, fingerprint, callIds) {
      const place = find(tenant, fingerprint, callIds);
      if (place === null) return null;
      remove(place);
      return place.conversation.channel.child.isAlive() ? place : (stop(place.conversation), null);
    },
    has: (tenant, fingerprint, callIds) => find(tenant, fingerprint, callIds) !== null,
    abandon(tenant, callIds) {
      const answered = new Set(callIds.map(normaliseToolId));
      for (const place of ofTenant(tenant))
        if (place.calls.some((call) => answered.has(normaliseToolId(call.id)))) evict(place);
    },
    counts() {
      const calls = [...entries].filter((place) => place.calls.length > 0).length;
      return { calls, idle: entries.size - calls };
    },
    clear() {
      for (const place of entries) evict(place);
    },
  };
}
