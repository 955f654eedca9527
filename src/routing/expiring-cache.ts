// A small memory with a bound and an age: the least recently used entry goes first (lru-cache), an old one is never told.
// It must never grow beyond its bound nor keep a timer of its own.

import { LRUCache } from "lru-cache";

export type ExpiringCache<Value> = {
  get(key: string): Value | null;
  /** An entry keeps the age of its last `set`. */
  set(key: string, value: Value): void;
  /** Drops the old ones, which otherwise stay until they are asked for or pushed out. */
  sweep(): void;
  readonly size: number;
};

export function createExpiringCache<Value>(options: {
  readonly entries: number;
  /** Asked whenever an age is judged: a new value holds for entries that are there already. */
  readonly ttlMs: () => number;
  readonly nowMs: () => number;
}): ExpiringCache<Value> {
  // Its own ages are fixed when an entry is set, and ours follow a reload; a cache without room is none to it.
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
