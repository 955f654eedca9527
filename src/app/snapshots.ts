// Which generation is in force, and which older ones still have requests. A new one takes over in one assignment;
// an old one, its secrets with it, is let go with its last request.

import type { LoadedConfig } from "../config/load.ts";
import type { ConfigSnapshot, RequestCounter } from "./config-snapshot.ts";
import type { SecretRegistry } from "./secret-registry.ts";

export type Snapshots = {
  /** Throws before the first one took over. */
  current(): ConfigSnapshot;
  /** The config in force; the first one's before it took over. */
  currentConfig(): LoadedConfig;
  /** The generation in force and the older ones that still have requests, newest first. */
  inUse(): readonly ConfigSnapshot[];
  /** Builds the next generation whole, then swaps it in. What `build` throws leaves everything as it was. */
  activate(loaded: LoadedConfig, build: (counter: RequestCounter) => ConfigSnapshot): ConfigSnapshot;
};

type CountedSnapshot = {
  readonly snapshot: ConfigSnapshot;
  requests: number;
  readonly releaseSecrets: () => void;
};

export function createSnapshots(options: {
  readonly first: LoadedConfig;
  readonly secrets: SecretRegistry;
  /** Told after an old generation went. */
  readonly onGone: (gone: ConfigSnapshot) => void;
}): Snapshots {
  let active: CountedSnapshot | null = null;
  let old: readonly CountedSnapshot[] = [];
  const release = (gone: CountedSnapshot): void => {
    // After the step that ended its last request: the record and the log lines of that step still need its config and secrets.
    queueMicrotask(() => {
      if (!old.includes(gone)) return;
      old = old.filter((each) => each !== gone);
      gone.releaseSecrets();
      options.onGone(gone.snapshot);
    });
  };
  return {
    current() {
      if (active === null) throw new Error("no generation has taken over yet");
      return active.snapshot;
    },
    currentConfig: () => active?.snapshot.loaded ?? options.first,
    inUse: () => [...(active === null ? [] : [active]), ...old].map((each) => each.snapshot),
    activate(loaded, build) {
      const releaseSecrets = options.secrets.add(loaded);
      let next: CountedSnapshot | null = null;
      let snapshot: ConfigSnapshot;
      try {
        snapshot = build({
          enter() {
            if (next !== null) next.requests += 1;
          },
          leave() {
            if (next === null) return;
            next.requests -= 1;
            if (next.requests === 0 && next !== active) release(next);
          },
        });
      } catch (thrown) {
        releaseSecrets();
        throw thrown;
      }
      next = { snapshot, requests: 0, releaseSecrets };
      const before = active;
      active = next;
      if (before !== null) {
        old = [before, ...old];
        if (before.requests === 0) release(before);
      }
      return snapshot;
    },
  };
}
