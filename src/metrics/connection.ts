// The database that is open just now, or the reason why none is: which path was taken, what was moved aside, when to
// look again. It must never throw, and never wait.

import type { Database } from "bun:sqlite";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import {
  closeReplaced,
  closeDatabase,
  type DatabaseFile,
  describeDatabaseError,
  moveAside,
  openDatabase,
  type DatabaseErrorKind,
  databaseErrorKind,
  wasReplaced,
} from "./database.ts";
import { inMemory } from "./database-path.ts";
import { type Writer, createWriter } from "./writer.ts";

export type MetricsLog = Pick<Log, "info" | "warn" | "error">;

export type ConnectionState = "opening" | "ok" | "memory" | "failed" | "closed";

export type OpenDatabase = { readonly db: Database; readonly writer: Writer };

export type Connection = {
  /** The open database; opens or reopens one if that is due. Null while there is none to be had. */
  current(): OpenDatabase | null;
  /** Tells the connection what a statement threw; gives what kind of trouble that was. */
  reportError(error: unknown): DatabaseErrorKind;
  /** After a statement that succeeded. */
  reportSuccess(): void;
  status(): {
    readonly path: string | null;
    readonly state: ConnectionState;
    readonly detail: string | null;
    /** What was wrong with the first choice, where another one serves in its place. */
    readonly passedOver?: string;
  };
  close(): void;
};

export type ConnectionOptions = {
  readonly paths: readonly string[];
  /** Which variable or key the first of them came from. */
  readonly from?: string;
  readonly log: MetricsLog;
  readonly clock: Pick<Clock, "nowMs">;
  readonly maxFileBytes: number;
  readonly keepsDecisions: boolean;
  readonly isListed: (provider: string, model: string) => boolean;
};

const memoryBytes = 32 * 1024 * 1024;

export function createConnection(options: ConnectionOptions): Connection {
  const { log, clock } = options;
  let held: { readonly file: DatabaseFile; readonly open: OpenDatabase } | null = null;
  let state: ConnectionState = "opening";
  let detail: string | null = null;
  let memoryDetail: string | null = null;
  let passedOver: string | undefined;
  let path: string | null = options.paths[0] ?? null;
  // A foreign file does not become ours by asking again.
  let isMemoryOnly = false;

  const fail = (what: string) => {
    if (state !== "failed")
      log.warn("metrics database: records are kept in memory and tried again", { path, detail: what });
    state = "failed";
    detail = what;
  };

  /** Null when taken over. A file whose tables somebody changed by hand refuses our statements. */
  const adopt = (file: DatabaseFile): { trouble: DatabaseErrorKind; detail: string } | null => {
    try {
      held = { file, open: { db: file.db, writer: createWriter(file.db, options) } };
    } catch (error) {
      file.db.close();
      return { trouble: databaseErrorKind(error), detail: describeDatabaseError(error) };
    }
    path = file.path;
    const isMemory = file.path === inMemory;
    if (file.path === options.paths[0]) passedOver = undefined;
    if (isMemory) memoryDetail = detail ?? "no file; records are lost when the gateway stops";
    detail = isMemory ? memoryDetail : null;
    if (state !== "ok") log.info("metrics database open", { path });
    state = isMemory ? "memory" : "ok";
    return null;
  };

  const moveBrokenAside = (broken: string, why: string): boolean => {
    try {
      const name = moveAside(broken, clock.nowMs());
      log.error("metrics database is damaged: moved aside, a new one is started", {
        path: broken,
        aside: name,
        detail: why,
      });
      return true;
    } catch (error) {
      log.error("metrics database is damaged and cannot be moved aside", {
        path: broken,
        detail: describeDatabaseError(error),
      });
      return false;
    }
  };

  /** "next": this path is of no use. "wait": it will be, later. */
  const tryPath = (candidate: string): "done" | "wait" | "next" => {
    const limit = candidate === inMemory ? memoryBytes : options.maxFileBytes;
    let result = openDatabase(candidate, limit);
    if (result.kind === "corrupt" && moveBrokenAside(candidate, result.detail))
      result = openDatabase(candidate, limit);
    if (result.kind === "open") {
      const refusal = adopt(result.file);
      if (refusal === null) return "done";
      result = { kind: refusal.trouble === "busy" ? "busy" : "unusable", detail: refusal.detail };
    }
    path = candidate;
    if (result.kind === "busy") {
      fail(result.detail);
      return "wait";
    }
    detail = `${candidate}: ${result.detail}`;
    const isFirst = candidate === options.paths[0];
    if (isFirst) passedOver = result.detail;
    log.warn("metrics database path cannot be used", {
      path: candidate,
      ...(isFirst && options.from !== undefined ? { from: options.from } : {}),
      detail: result.detail,
    });
    // A foreign file is no reason to write somewhere else: the operator looks there and would find nothing.
    if (result.kind === "foreign") isMemoryOnly = true;
    return "next";
  };

  const openOne = () => {
    for (const candidate of options.paths) {
      if (isMemoryOnly) break;
      if (tryPath(candidate) !== "next") return;
    }
    if (tryPath(inMemory) === "next") fail("no database can be opened, not even in memory");
  };

  const openNow = (): OpenDatabase | null => held?.open ?? null;

  const release = () => {
    const gone = held;
    held = null;
    if (gone === null) return;
    try {
      gone.open.writer.close();
      closeReplaced(gone.file);
    } catch (error) {
      log.warn("metrics database: letting go of the old file", { detail: describeDatabaseError(error) });
    }
  };

  return {
    current() {
      if (state === "closed") return null;
      if (held !== null && wasReplaced(held.file)) {
        log.warn("metrics database was deleted or replaced: opened again", { path: held.file.path });
        release();
      }
      if (held === null) openOne();
      return openNow();
    },

    reportError(error) {
      const trouble = databaseErrorKind(error);
      if (trouble === "row") return trouble;
      const broken = held?.file ?? null;
      if (trouble === "corrupt" && broken !== null) {
        // Another gateway may have moved it aside already; then the path leads to its new file.
        const isStillThere = broken.identity !== null && !wasReplaced(broken);
        if (isStillThere && moveBrokenAside(broken.path, describeDatabaseError(error))) state = "failed";
        release();
      }
      fail(describeDatabaseError(error));
      return trouble;
    },

    reportSuccess() {
      if (state !== "failed" || held === null) return;
      log.info("metrics database works again", { path });
      state = held.file.path === inMemory ? "memory" : "ok";
      detail = state === "memory" ? memoryDetail : null;
    },

    status: () => ({ path, state, detail, ...(passedOver === undefined ? {} : { passedOver }) }),

    close() {
      const last = held;
      held = null;
      state = "closed";
      if (last === null) return;
      try {
        last.open.writer.close();
        if (wasReplaced(last.file)) closeReplaced(last.file);
        else closeDatabase(last.file);
      } catch (error) {
        log.warn("metrics database: closing", { detail: describeDatabaseError(error) });
      }
    },
  };
}
