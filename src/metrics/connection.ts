// The database that is open now, or the reason why none is: which path is in use, whether another one replaces it, when to try again.
// It must never throw, and never wait.

import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import { type FileOptions, inMemory, type Migration } from "../sqlite/database-file.ts";
import { type DatabaseTrouble, type OpenDatabase, ResilientDatabase } from "../sqlite/resilient-database.ts";
import { schema } from "./records-file.ts";
import type { StoreStatus } from "./store-status.ts";
import { createWriter, type Writer, type WriterOptions } from "./writer.ts";

export type MetricsLog = Pick<Log, "info" | "warn" | "error">;

export type ConnectionOptions = WriterOptions & {
  /** Paths to try, in order. */
  readonly paths: readonly string[];
  /** The variable or key that set the first path. */
  readonly from?: string;
  readonly log: MetricsLog;
  readonly clock: Pick<Clock, "nowMs">;
  readonly maxFileBytes: number;
};

type ConnectionStatus = Pick<StoreStatus, "path" | "state" | "detail" | "passedOver">;

const megabyte = 1024 ** 2;
const largeBytes = 20 * megabyte;
/** Measured with a file of 357 MB, whose rows were all rewritten. */
const migratedBytesPerSecond = 30 * megabyte;
const memoryBytes = 32 * 1024 * 1024;

const pragmas = [
  // Pages of 8 KB. A checkpoint here delays the requests of this process: the reading thread makes them long before (checkpoints.ts).
  "wal_autocheckpoint = 4000",
  "temp_store = MEMORY",
  "journal_size_limit = 67108864",
];

export class MetricsConnection {
  private readonly database: ResilientDatabase<Writer>;
  private state: ConnectionStatus["state"] = "opening";
  private detail: string | null = null;
  private memoryDetail: string | null = null;
  private passedOver: string | undefined;
  private path: string | null;
  /** Trying again does not make a foreign file ours. */
  private isMemoryOnly = false;

  constructor(private readonly options: ConnectionOptions) {
    this.path = options.paths[0] ?? null;
    this.database = new ResilientDatabase({
      name: "metrics database",
      log: options.log,
      nowMs: options.clock.nowMs,
      prepare: (db) => createWriter(db, options),
    });
  }

  /** The open database; opens or reopens one if that is due. Null while none is available. */
  current(): OpenDatabase<Writer> | null {
    if (this.state === "closed") return null;
    if (!this.database.isInPlace() || this.database.current === null) this.openFirst();
    return this.database.current;
  }

  /** Whether it is still the open one, without checking the disk. */
  holds(open: OpenDatabase<Writer>): boolean {
    return this.database.current === open;
  }

  /** Reports to the connection what a statement threw; returns the kind of error. */
  reportError(error: unknown): DatabaseTrouble["kind"] {
    const trouble = this.database.reportError(error);
    if (trouble.kind === "row") return trouble.kind;
    this.logStuck(trouble);
    // Moved aside: the next check opens a new one at the same path.
    if (trouble.kind === "corrupt" && trouble.moveError === undefined) this.state = "failed";
    this.fail(trouble.detail);
    return trouble.kind;
  }

  /** After a statement that succeeded. */
  reportSuccess(): void {
    if (this.state !== "failed" || this.database.current === null) return;
    this.options.log.info("metrics database works again", { path: this.path });
    const isMemory = this.database.path === inMemory;
    this.state = isMemory ? "memory" : "ok";
    this.detail = isMemory ? this.memoryDetail : null;
  }

  status(): ConnectionStatus {
    const { path, state, detail, passedOver } = this;
    return { path, state, detail, ...(passedOver === undefined ? {} : { passedOver }) };
  }

  close(): void {
    this.state = "closed";
    this.database.close();
  }

  private openFirst(): void {
    for (const candidate of this.options.paths) {
      if (this.isMemoryOnly) break;
      if (this.tryPath(candidate) !== "next") return;
    }
    if (this.tryPath(inMemory) === "next") this.fail("no database could be opened, not even in memory");
  }

  /** "next": this path cannot be used. "wait": it can be used later. */
  private tryPath(candidate: string): "done" | "wait" | "next" {
    const trouble = this.database.open(candidate, this.fileOptions(candidate));
    if (trouble === null) {
      this.opened(candidate);
      return "done";
    }
    this.logStuck(trouble);
    this.path = candidate;
    if (trouble.kind === "busy") {
      this.fail(trouble.detail);
      return "wait";
    }
    this.skip(candidate, trouble);
    return "next";
  }

  private fileOptions(path: string): FileOptions {
    return {
      schema,
      makesFolder: true,
      mayShrink: true,
      // This halves the number of writes compared to 4 KB pages.
      pageSize: 8192,
      onMigration: (migration) => this.announce(path, migration),
      maxBytes: path === inMemory ? memoryBytes : this.options.maxFileBytes,
      pragmas,
    };
  }

  /** A large file is rewritten for longer than anybody waits without a word. */
  private announce(path: string, { from, to, bytes }: Migration): void {
    const megabytes = Math.round(bytes / megabyte);
    if (bytes < largeBytes) return;
    const seconds = Math.ceil(bytes / migratedBytesPerSecond);
    this.options.log.info(
      `metrics database: the file is brought from version ${from} to ${to} before requests are taken: ${megabytes} MB, ` +
        (seconds < 60 ? `up to ${seconds} s` : `up to ${Math.ceil(seconds / 60)} min`),
      { path },
    );
  }

  private opened(path: string): void {
    this.path = path;
    const isMemory = path === inMemory;
    if (path === this.options.paths[0]) this.passedOver = undefined;
    if (isMemory) this.memoryDetail = this.detail ?? "no file; records are lost when the gateway stops";
    this.detail = isMemory ? this.memoryDetail : null;
    if (this.state !== "ok") this.options.log.info("metrics database open", { path });
    this.state = isMemory ? "memory" : "ok";
  }

  private skip(candidate: string, { kind, detail }: DatabaseTrouble): void {
    const { paths, from, log } = this.options;
    this.detail = `${candidate}: ${detail}`;
    const isFirst = candidate === paths[0];
    if (isFirst) this.passedOver = detail;
    log.warn("metrics database path cannot be used", {
      path: candidate,
      ...(isFirst && from !== undefined ? { from } : {}),
      detail,
    });
    // With a foreign file, do not write elsewhere: the operator looks here and would find nothing.
    if (kind === "foreign") this.isMemoryOnly = true;
  }

  private fail(detail: string): void {
    if (this.state !== "failed")
      this.options.log.warn("metrics database: records stay in memory and will be retried", {
        path: this.path,
        detail,
      });
    this.state = "failed";
    this.detail = detail;
  }

  private logStuck({ moveError }: DatabaseTrouble): void {
    if (moveError === undefined) return;
    this.options.log.error("metrics database is damaged and cannot be moved aside", {
      path: this.path,
      detail: moveError,
    });
  }
}
