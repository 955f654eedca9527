// A small cache with a size limit and a maximum age: the least recently used entry goes first (lru-cache), an expired one
// is never returned. It must never exceed its limit nor keep a timer.

import { LRUCache } from "lru-cache";

export type ExpiringCache<Value> = {
  get(key: string): Value | null;
  /** An entry keeps the age of its last `set`. */
  set(key: string, value: Value): void;
  /** Those that have not expired, the least recently used first. */
  entries(): readonly (readonly [key: string, value: Value])[];
  /** Drops expired entries, which otherwise stay until they are read or evicted. */
  sweep(): void;
  readonly size: number;
};

export function createExpiringCache<Value>(options: {
  readonly entries: number;
  /** Read whenever an age is checked: a new value applies to existing entries too. */
  readonly ttlMs: () => number;
  readonly nowMs: () => number;
}): ExpiringCache<Value> {
  // lru-cache fixes an entry's age when it is set, but ours must follow a reload; and it does not accept a size of 0.
  const entries = new LRUCache<string, { readonly value: Value; readonly setMs: number }>({
    max: Math.max(1, options.entries),
  });
  const isExpired = (setMs: number): boolean => options.nowMs() - setMs >= options.ttlMs();
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return null;
      if (!isExpired(entry.setMs)) return entry.value;
      entries.delete(key);
      return null;
    },
    set(key, value) {
      if (options.entries === 0 || options.ttlMs() === 0) return;
      entries.set(key, { value, setMs: options.nowMs() });
    },
    entries() {
      const kept: (readonly [string, Value])[] = [];
      entries.rforEach(({ value, setMs }, key) => void (isExpired(setMs) || kept.push([key, value])));
      return kept;
    },
    sweep() {
      const old: string[] = [];
      entries.forEach(({ setMs }, key) => void (isExpired(setMs) && old.push(key)));
      for (const key of old) entries.delete(key);
    },
    get size() {
      return entries.size;
    },
  };
}
