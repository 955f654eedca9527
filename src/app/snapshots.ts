// The active config snapshot, and older ones that still have requests. A new one becomes active in one assignment; an old one
// is released, its secrets with it, when its last request ends.

import type { LoadedConfig } from "../config/load.ts";
import type { ConfigSnapshot, RequestCounter } from "./config-snapshot.ts";
import type { SecretRegistry } from "./known-secrets.ts";

export type Snapshots = {
  /** Throws before the first one is active. */
  current(): ConfigSnapshot;
  /** The active config; the first one's before it is active. */
  currentConfig(): LoadedConfig;
  /** The active snapshot and older ones that still have requests, newest first. */
  inUse(): readonly ConfigSnapshot[];
  /** Builds the next snapshot, then makes it active. If `build` throws, nothing changes. */
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
  /** Called after an old snapshot was released. */
  readonly onReleased: (gone: ConfigSnapshot) => void;
}): Snapshots {
  let active: CountedSnapshot | null = null;
  let old: readonly CountedSnapshot[] = [];
  const release = (gone: CountedSnapshot): void => {
    // After the step that ended its last request: the record and the log lines of that step still need its config and secrets.
    queueMicrotask(() => {
      if (!old.includes(gone)) return;
      old = old.filter((each) => each !== gone);
      gone.releaseSecrets();
      options.onReleased(gone.snapshot);
    });
  };
  return {
    current() {
      if (active === null) throw new Error("no config snapshot is active yet");
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
