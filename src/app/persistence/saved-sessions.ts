// Keeps what sessions with a cap have spent across restarts: written to the state store in the turn of the loop after a change, at most
// every 150 milliseconds, and at the end.

import type { StateStore } from "../../state/state-store.ts";
import type { Clock } from "../../system/clock.ts";
import type { Log } from "../../system/log.ts";
import { type SavedSession, SessionSpending } from "../../tenants/session-spending.ts";

export type SavedSessions = {
  readonly sessions: SessionSpending;
  /** Once, before the first request. Never rejects. */
  load(): Promise<void>;
  /** Writes pending changes. */
  flush(): Promise<void>;
  /** Writes pending changes; from then on another process writes, and is told of every charge. */
  handOver(to: OnSessionCharged): void;
  /** After `handOver`: that process is gone, and this one writes again. */
  takeBack(): void;
};

/** `session.nanoUsd`: what one request has cost. */
export type OnSessionCharged = (session: SavedSession) => void;

const namespace = "session-spent";
/** Between two writes: a kill loses what was spent since the last one. */
const writeEveryMs = 150;
/** A session that nobody continued for so long begins anew. */
const keptMs = 30 * 86_400_000;

export function createSavedSessions(options: {
  readonly store: StateStore;
  readonly clock: Pick<Clock, "nowMs" | "monotonicMs" | "setTimer">;
  readonly log: Pick<Log, "warn">;
}): SavedSessions {
  const { store, clock, log } = options;
  const dirty = new Set<string>();
  const forgotten = new Set<string>();
  let cancel: (() => void) | null = null;
  let heir: OnSessionCharged | null = null;
  let writtenMs = Number.NEGATIVE_INFINITY;

  const write = async (): Promise<void> => {
    cancel?.();
    cancel = null;
    writtenMs = clock.monotonicMs();
    const atMs = clock.nowMs();
    const changes: Promise<void>[] = [];
    for (const key of dirty) {
      const saved = sessions.saved(key);
      if (saved !== null) changes.push(store.set(namespace, key, { ...saved, atMs }, atMs + keptMs));
    }
    for (const key of forgotten) if (!dirty.has(key)) changes.push(store.delete(namespace, key));
    dirty.clear();
    forgotten.clear();
    store.writeNow();
    await Promise.all(changes);
  };
  const writeNow = (): void => {
    write().catch((error: unknown) => log.warn("the spending of sessions could not be saved", { error }));
  };
  const writeSoon = (): void => {
    const waitMs = Math.max(0, writtenMs + writeEveryMs - clock.monotonicMs());
    cancel ??= clock.setTimer(waitMs, writeNow);
  };
  const sessions = new SessionSpending({
    onChange(key, nanoUsd) {
      dirty.add(key);
      if (heir === null) writeSoon();
      else heir({ key, nanoUsd, capNanoUsd: sessions.saved(key)?.capNanoUsd ?? null });
    },
    onForgotten(key) {
      if (heir !== null) return;
      dirty.delete(key);
      forgotten.add(key);
      writeSoon();
    },
  });

  return {
    sessions,
    async load() {
      try {
        const rows = await store.list(namespace);
        const known = rows.flatMap(({ key, value }) => readSaved(key, value) ?? []);
        for (const { session } of known.toSorted((one, other) => one.atMs - other.atMs))
          sessions.restore(session);
      } catch (error) {
        log.warn("what sessions have spent earlier is unknown", { error });
      }
    },
    handOver(to) {
      writeNow();
      heir = to;
    },
    takeBack() {
      heir = null;
      writeNow();
    },
    async flush() {
      await write();
      await store.flush();
    },
  };
}

/** Null: it is not ours. */
function readSaved(
  key: string,
  value: unknown,
): { readonly session: SavedSession; readonly atMs: number } | null {
  const { nanoUsd, capNanoUsd, atMs } = (value ?? {}) as Partial<Record<string, unknown>>;
  const isSum = (sum: unknown): sum is number => typeof sum === "number" && Number.isFinite(sum) && sum >= 0;
  if (!isSum(nanoUsd) || !(capNanoUsd === null || isSum(capNanoUsd))) return null;
  return { session: { key, nanoUsd, capNanoUsd }, atMs: isSum(atMs) ? atMs : 0 };
}
