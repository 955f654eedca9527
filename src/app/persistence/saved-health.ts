// Keeps provider health across restarts: holds and open circuits are written to the state store after a change, never during a
// request. What was learned with a key that was removed is not applied to another one.

import type { HealthTracker } from "../../backends/health/health-tracker.ts";
import { type PersistedState, readPersistedState } from "../../backends/health/persisted-state.ts";
import type { StateStore } from "../../state/state-store.ts";
import type { Clock } from "../../system/clock.ts";
import type { Log } from "../../system/log.ts";

export type SavedHealth = {
  /** To be called on every change; cheap. */
  changed(provider: string): void;
  /** Restores what still applies. Once, before the first request. */
  load(): Promise<void>;
  /** Writes pending changes. */
  flush(): Promise<void>;
};

const namespace = "health";
/** Failures come in bursts: all changes within this time are written together. */
const settleMs = 500;

const keyOf = (provider: string, { credential, model, kind }: PersistedState): string =>
  JSON.stringify([provider, kind === "circuit" ? kind : credential, model]);

export function createSavedHealth(options: {
  readonly store: StateStore;
  readonly health: () => Pick<HealthTracker, "persistedStates" | "restore">;
  readonly clock: Pick<Clock, "setTimer">;
  readonly log: Pick<Log, "warn">;
}): SavedHealth {
  const { store, health } = options;
  const dirty = new Set<string>();
  const written = new Map<string, readonly string[]>();
  let cancel: (() => void) | null = null;

  const write = async (): Promise<void> => {
    cancel?.();
    cancel = null;
    const providers = [...dirty];
    dirty.clear();
    for (const provider of providers) {
      const kept = new Map(
        health()
          .persistedStates(provider)
          .map((each) => [keyOf(provider, each), each]),
      );
      const before = written.get(provider) ?? [];
      written.set(provider, [...kept.keys()]);
      for (const key of before) if (!kept.has(key)) await store.delete(namespace, key);
      for (const [key, each] of kept) await store.set(namespace, key, { provider, ...each }, each.untilMs);
    }
  };
  const writeSoon = (): void => {
    write().catch((error: unknown) => options.log.warn("health could not be saved", { error }));
  };

  return {
    changed(provider) {
      dirty.add(provider);
      cancel ??= options.clock.setTimer(settleMs, writeSoon);
    },
    async load() {
      for (const { key, value } of await store.list(namespace)) {
        const kept = readPersistedState(value);
        const provider = providerOf(value);
        if (kept === null || provider === null) {
          await store.delete(namespace, key);
          continue;
        }
        written.set(provider, [...(written.get(provider) ?? []), key]);
        health().restore(provider, kept);
      }
    },
    async flush() {
      await write();
      await store.flush();
    },
  };
}

function providerOf(value: unknown): string | null {
  const provider = (value as { readonly provider?: unknown } | null)?.provider;
  return typeof provider === "string" ? provider : null;
}
