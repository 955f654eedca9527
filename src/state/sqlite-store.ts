// State in an SQLite file: read from memory, written in batches off the request path. A file that cannot be used is told of
// once; until it can be, memory serves and nothing that was to be written is forgotten.

import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import {
  type Change,
  describeError,
  isCorrupt,
  isTableLost,
  moveAside,
  openStateFile,
  type StateFile,
} from "./state-file.ts";
import { asJson, createRowMap } from "./memory-store.ts";
import type { StateRow, StateStore } from "./state-store.ts";

export type SqliteStoreOptions = {
  readonly path: string;
  /** Which variable the folder came from. */
  readonly from?: string;
  readonly clock: Pick<Clock, "nowMs" | "setTimer">;
  readonly log: Pick<Log, "info" | "warn">;
  /** Asked before the file is opened again. False: it belongs to somebody else by now. Absent: it never does. */
  readonly mayOpen?: () => boolean;
};

const batchMs = 250;
/** A file that was locked or full is tried again with the next change, but not more often than this. */
const retryMs = 30_000;
const maxPending = 10_000;

export function openSqliteStore(options: SqliteStoreOptions): StateStore {
  const { path, clock, log } = options;
  const rows = createRowMap(clock.nowMs);
  const pending = new Map<string, Change>();
  let file: StateFile | null = null;
  let problem: string | null = null;
  let lastOpenMs = Number.NEGATIVE_INFINITY;
  let cancelTimer: (() => void) | null = null;
  let isClosed = false;

  const fail = (error: unknown): void => {
    const detail = describeError(error);
    const from = options.from === undefined ? {} : { from: options.from };
    if (problem === null)
      log.warn("state file cannot be used: state is kept in memory", { path, ...from, detail });
    problem = detail;
  };

  const recovered = (): void => {
    if (problem !== null) log.info("state file works again", { path });
    problem = null;
  };

  const moveBrokenAside = (error: unknown): boolean => {
    try {
      const aside = moveAside(path, clock.nowMs());
      log.warn("state file is damaged: moved aside, a new one is started", {
        path,
        aside,
        detail: describeError(error),
      });
      return true;
    } catch (second) {
      fail(second);
      return false;
    }
  };

  const loadFrom = (opened: StateFile): void => {
    // What this process knows is newer than what lies in the file.
    for (const { namespace, row } of opened.load(clock.nowMs()))
      if (rows.get(namespace, row.key) === undefined && !pending.has(nameOf(namespace, row.key)))
        rows.set(namespace, row);
    file = opened;
    recovered();
  };

  const isDue = (): boolean => clock.nowMs() - lastOpenMs >= retryMs;

  const openNow = (): void => {
    lastOpenMs = clock.nowMs();
    if (options.mayOpen?.() === false) {
      fail(new Error("the state directory is not this gateway's by now"));
      return;
    }
    for (let tries = 0; tries < 2; tries++) {
      let opened: StateFile | null = null;
      try {
        opened = openStateFile(path);
        loadFrom(opened);
        return;
      } catch (error) {
        opened?.closeReplaced();
        if (!isCorrupt(error)) {
          fail(error);
          return;
        }
        if (!moveBrokenAside(error)) return;
      }
    }
  };

  /** What was deleted or replaced under us is opened again, and everything that is known goes into it. */
  const checkFile = (): void => {
    if (file?.wasReplaced() === true) replaceFile(file, null);
    // With nothing to write nobody else would try again, and what is over by now would still be told.
    else if (file === null && !isClosed && isDue()) openNow();
  };

  const replaceFile = (gone: StateFile, detail: string | null): void => {
    log.warn("state file was deleted or replaced: opened again", { path, detail });
    file = null;
    try {
      gone.closeReplaced();
    } catch (error) {
      log.warn("state file: letting go of the old one", { path, detail: describeError(error) });
    }
    for (const namespace of rows.namespaces()) rewriteAll(namespace);
    openNow();
    if (pending.size > 0) scheduleWrite();
  };

  const write = (isLastChance: boolean): void => {
    checkFile();
    if (pending.size === 0) return;
    if (file === null && (isLastChance || isDue())) openNow();
    if (file === null) return;
    try {
      file.write(pending.values());
      pending.clear();
      recovered();
    } catch (error) {
      if (isTableLost(error)) {
        replaceFile(file, describeError(error));
        return;
      }
      if (!isCorrupt(error)) {
        fail(error);
        return;
      }
      file.closeReplaced();
      file = null;
      // A new file begins empty: everything that is known goes into it.
      if (moveBrokenAside(error)) for (const namespace of rows.namespaces()) rewriteAll(namespace);
      lastOpenMs = Number.NEGATIVE_INFINITY;
    }
  };

  const rewriteAll = (namespace: string): void => {
    for (const row of rows.list(namespace))
      pending.set(nameOf(namespace, row.key), { namespace, key: row.key, row });
  };

  const change = (namespace: string, key: string, row: StateRow | null): void => {
    if (isClosed) return;
    if (row === null) rows.delete(namespace, key);
    else rows.set(namespace, row);
    const name = nameOf(namespace, key);
    if (pending.size >= maxPending && !pending.has(name)) return;
    pending.set(name, { namespace, key, row });
    scheduleWrite();
  };

  const scheduleWrite = (): void => {
    if (cancelTimer !== null) return;
    cancelTimer = clock.setTimer(problem === null ? batchMs : retryMs, () => {
      cancelTimer = null;
      write(false);
      if (pending.size > 0) scheduleWrite();
    });
  };

  openNow();
  return {
    get: (namespace, key) => Promise.resolve(rows.get(namespace, key)?.value),
    async set(namespace, key, value, expiresAtMs) {
      change(namespace, key, { key, value: asJson(value), expiresAtMs });
    },
    async delete(namespace, key) {
      change(namespace, key, null);
    },
    list: (namespace) => Promise.resolve(rows.list(namespace)),
    writeNow() {
      if (problem === null) write(false);
    },
    checkFile() {
      if (!isClosed) checkFile();
    },
    async flush() {
      write(true);
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      cancelTimer?.();
      write(true);
      const last = file;
      file = null;
      try {
        last?.close();
      } catch (error) {
        log.warn("state file: closing", { path, detail: describeError(error) });
      }
    },
    status: () => ({
      state: isClosed ? "closed" : problem === null ? "ok" : "memory",
      path,
      detail: problem,
    }),
  };
}

const nameOf = (namespace: string, key: string): string => `${namespace}\n${key}`;
