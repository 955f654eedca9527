// Keeps across restarts which tenant was given which id of a vendor's Response: written to the state store at most every second, and at
// the end.

import { VendorIds } from "../../pipeline/responses/vendor-ids.ts";
import type { StateStore } from "../../state/state-store.ts";
import type { Clock } from "../../system/clock.ts";
import type { Log } from "../../system/log.ts";

type OnVendorIdGiven = (id: string, tenant: string | null) => void;

export type SavedVendorIds = {
  readonly ids: VendorIds;
  /** Once, before the first request. Never rejects. */
  load(): Promise<void>;
  flush(): Promise<void>;
  /** From then on another process writes, and is told of every id. */
  handOver(to: OnVendorIdGiven): void;
  takeBack(): void;
};

const namespace = "vendor-response";
const writeEveryMs = 1_000;
/** OpenAI keeps a Response for 30 days. */
const keptMs = 30 * 86_400_000;

export function createSavedVendorIds(options: {
  readonly store: StateStore;
  readonly clock: Pick<Clock, "nowMs" | "setTimer">;
  readonly log: Pick<Log, "warn">;
}): SavedVendorIds {
  const { store, clock, log } = options;
  const added = new Map<string, string | null>();
  const forgotten = new Set<string>();
  let cancel: (() => void) | null = null;
  let heir: OnVendorIdGiven | null = null;

  const write = async (): Promise<void> => {
    cancel?.();
    cancel = null;
    const atMs = clock.nowMs();
    const changes: Promise<void>[] = [];
    for (const [id, tenant] of added) changes.push(store.set(namespace, id, { tenant, atMs }, atMs + keptMs));
    for (const id of forgotten) changes.push(store.delete(namespace, id));
    added.clear();
    forgotten.clear();
    await Promise.all(changes);
  };
  const writeNow = (): Promise<void> =>
    write().catch((error: unknown) =>
      log.warn("whose the vendors' responses are could not be saved", { error }),
    );
  const writeSoon = (): void => {
    cancel ??= clock.setTimer(writeEveryMs, () => void writeNow());
  };
  const ids = new VendorIds({
    onGiven(id, tenant) {
      if (heir !== null) return heir(id, tenant);
      added.set(id, tenant);
      writeSoon();
    },
    onForgotten(id) {
      if (heir !== null) return;
      if (!added.delete(id)) forgotten.add(id);
      writeSoon();
    },
  });

  return {
    ids,
    async load() {
      try {
        const rows = (await store.list(namespace)).flatMap(({ key, value }) => {
          const { tenant, atMs } = (value ?? {}) as Partial<Record<string, unknown>>;
          if (tenant !== null && typeof tenant !== "string") return [];
          return [{ id: key, tenant, atMs: typeof atMs === "number" ? atMs : 0 }];
        });
        for (const { id, tenant } of rows.toSorted((one, other) => one.atMs - other.atMs))
          ids.restore(id, tenant);
      } catch (error) {
        log.warn("whose the vendors' responses are is unknown", { error });
      }
    },
    flush: writeNow,
    handOver(to) {
      void writeNow();
      heir = to;
    },
    takeBack() {
      heir = null;
    },
  };
}
