// Remembers which provider of a pool served a session last, so that the next turn finds its prompt cache warm. It must
// never decide: a provider that can no longer serve is skipped like any other.

import { createExpiringCache } from "./expiring-cache.ts";

export type Stickiness = {
  lastOf(pool: string, session: string): string | null;
  /** `session`: a key that includes its tenant (tenants/sessions.ts). */
  remember(pool: string, session: string, provider: string): void;
  /** Everything it knows, for `restore` in another process. */
  known(): readonly (readonly [key: string, provider: string])[];
  restore(known: readonly (readonly [key: string, provider: string])[]): void;
  /** Drops expired entries. */
  sweep(): void;
  count(): number;
};

const maxSessions = 10_000;

export function createStickiness(options: {
  readonly nowMs: () => number;
  /** After this long without an answer a session is forgotten. */
  readonly ttlMs: () => number;
}): Stickiness {
  const providers = createExpiringCache<string>({
    entries: maxSessions,
    ttlMs: options.ttlMs,
    nowMs: options.nowMs,
  });
  const keyOf = (pool: string, session: string): string => `${pool}\n${session}`;
  return {
    lastOf: (pool, session) => providers.get(keyOf(pool, session)),
    remember: (pool, session, provider) => providers.set(keyOf(pool, session), provider),
    known: providers.entries,
    restore(known) {
      for (const [key, provider] of known) providers.set(key, provider);
    },
    sweep: providers.sweep,
    count: () => providers.size,
  };
}
