// Which generation is in force, and which older ones still have requests. A new one takes over in one assignment;
// an old one, its secrets with it, is let go with its last request.

import type { LoadedConfig } from "../config/load.ts";
import type { Assembled, Occupancy } from "./generation.ts";
import type { SecretBook } from "./secrets.ts";

export type Succession = {
  /** Throws before the first one took over. */
  current(): Assembled;
  /** The config in force; the first one's before it took over. */
  inForce(): LoadedConfig;
  /** The generation in force and the older ones that still have requests, newest first. */
  living(): readonly Assembled[];
  /** Builds the next generation whole, then swaps it in. What `build` throws leaves everything as it was. */
  succeed(loaded: LoadedConfig, build: (occupancy: Occupancy) => Assembled): Assembled;
};

type Reign = { readonly assembled: Assembled; requests: number; readonly releaseSecrets: () => void };

export function createSuccession(options: {
  readonly first: LoadedConfig;
  readonly secrets: SecretBook;
  /** Told after an old generation went. */
  readonly onGone: (gone: Assembled) => void;
}): Succession {
  let reign: Reign | null = null;
  let old: readonly Reign[] = [];
  const letGo = (gone: Reign): void => {
    // After the step that ended its last request: the record and the log lines of that step still need its config and secrets.
    queueMicrotask(() => {
      if (!old.includes(gone)) return;
      old = old.filter((each) => each !== gone);
      gone.releaseSecrets();
      options.onGone(gone.assembled);
    });
  };
  return {
    current() {
      if (reign === null) throw new Error("no generation has taken over yet");
      return reign.assembled;
    },
    inForce: () => reign?.assembled.loaded ?? options.first,
    living: () => [...(reign === null ? [] : [reign]), ...old].map((each) => each.assembled),
    succeed(loaded, build) {
      const releaseSecrets = options.secrets.hold(loaded);
      let next: Reign | null = null;
      let assembled: Assembled;
      try {
        assembled = build({
          enter() {
            if (next !== null) next.requests += 1;
          },
          leave() {
            if (next === null) return;
            next.requests -= 1;
            if (next.requests === 0 && next !== reign) letGo(next);
          },
        });
      } catch (thrown) {
        releaseSecrets();
        throw thrown;
      }
      next = { assembled, requests: 0, releaseSecrets };
      const before = reign;
      reign = next;
      if (before !== null) {
        old = [before, ...old];
        if (before.requests === 0) letGo(before);
      }
      return assembled;
    },
  };
}
