// A small memory with a bound and an age: the least recently used entry goes first, an old one is never told.
// It must never grow beyond its bound nor keep a timer of its own.

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
  // A Map keeps the order of insertion, so its first key is the one that was used longest ago.
  const entries = new Map<string, { readonly value: Value; readonly setMs: number }>();
  const isExpired = (setMs: number): boolean => options.nowMs() - setMs >= options.ttlMs();
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return null;
      entries.delete(key);
      if (isExpired(entry.setMs)) return null;
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value) {
      if (options.entries === 0 || options.ttlMs() === 0) return;
      entries.delete(key);
      entries.set(key, { value, setMs: options.nowMs() });
      const [oldest] = entries.keys();
      if (entries.size > options.entries && oldest !== undefined) entries.delete(oldest);
    },
    sweep() {
      for (const [key, { setMs }] of entries) if (isExpired(setMs)) entries.delete(key);
    },
    get size() {
      return entries.size;
    },
  };
}
