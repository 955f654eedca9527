// State without a disk: lost with the process. The SQLite store also reads from it, so that no reader ever waits.

import type { StateRow, StateStore } from "./state-store.ts";

export type Rows = {
  get(namespace: string, key: string): StateRow | undefined;
  set(namespace: string, row: StateRow): void;
  delete(namespace: string, key: string): void;
  /** Those that have not expired. */
  list(namespace: string): StateRow[];
  namespaces(): string[];
};

export function createRowMap(nowMs: () => number): Rows {
  const spaces = new Map<string, Map<string, StateRow>>();
  const isExpired = (row: StateRow): boolean => row.expiresAtMs !== null && nowMs() >= row.expiresAtMs;
  const dropExpired = (rows: Map<string, StateRow>): void => {
    for (const [key, row] of rows) if (isExpired(row)) rows.delete(key);
  };
  return {
    get(namespace, key) {
      const row = spaces.get(namespace)?.get(key);
      return row === undefined || isExpired(row) ? undefined : row;
    },
    set(namespace, row) {
      let rows = spaces.get(namespace);
      if (rows === undefined) {
        rows = new Map();
        spaces.set(namespace, rows);
      }
      // Each new key removes expired ones, so that they never pile up.
      if (!rows.has(row.key)) dropExpired(rows);
      rows.set(row.key, row);
    },
    delete: (namespace, key) => void spaces.get(namespace)?.delete(key),
    list(namespace) {
      const rows = spaces.get(namespace);
      if (rows === undefined) return [];
      dropExpired(rows);
      return [...rows.values()];
    },
    namespaces: () => [...spaces.keys()],
  };
}

/** A value as JSON would return it, so that both stores behave alike. */
export const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value) ?? "null") as unknown;

export function createMemoryStore(nowMs: () => number): StateStore {
  const rows = createRowMap(nowMs);
  let isClosed = false;
  return {
    get: (namespace, key) => Promise.resolve(rows.get(namespace, key)?.value),
    async set(namespace, key, value, expiresAtMs) {
      rows.set(namespace, { key, value: asJson(value), expiresAtMs });
    },
    async delete(namespace, key) {
      rows.delete(namespace, key);
    },
    setWriter: () => undefined,
    list: (namespace) => Promise.resolve(rows.list(namespace)),
    writeNow: () => undefined,
    checkFile: () => undefined,
    flush: () => Promise.resolve(),
    async close() {
      isClosed = true;
    },
    status: () => ({ state: isClosed ? "closed" : "memory", path: null, detail: null }),
  };
}
