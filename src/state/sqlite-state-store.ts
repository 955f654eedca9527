// State in a SQLite file: read from memory, written in batches off the request path. A file that cannot be used is logged once;
// until it can be used, memory replaces it and no pending write is lost.

import { describeDatabaseError, isTableLost } from "../sqlite/database-error.ts";
import { ResilientDatabase } from "../sqlite/resilient-database.ts";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import { asJson, createRowMap, type Rows } from "./memory-store.ts";
import { type Change, schema, StateTable } from "./state-rows.ts";
import type { StateRow, StateStatus, StateStore } from "./state-store.ts";

export type SqliteStateOptions = {
  readonly path: string;
  /** The variable that set the folder. */
  readonly from?: string;
  readonly clock: Pick<Clock, "nowMs" | "setTimer">;
  readonly log: Pick<Log, "info" | "warn">;
  /** Called before the file is opened again. False: the folder now belongs to another gateway. Absent: that cannot happen. */
  readonly mayOpen?: () => boolean;
};

const batchMs = 250;
/** A file that was locked or full is tried again on the next change, but not more often than this. */
const retryMs = 30_000;
const maxPending = 10_000;

const fileOptions = { schema, makesFolder: false, mayShrink: false };

const nameOf = (namespace: string, key: string): string => `${namespace}\n${key}`;

export class SqliteStateStore implements StateStore {
  private readonly rows: Rows;
  private readonly pending = new Map<string, Change>();
  private readonly database: ResilientDatabase<StateTable>;
  private problem: string | null = null;
  private lastOpenMs = Number.NEGATIVE_INFINITY;
  private cancelTimer: (() => void) | null = null;
  private isClosed = false;
  private isOurs = true;

  constructor(private readonly options: SqliteStateOptions) {
    const { clock, log } = options;
    this.rows = createRowMap(clock.nowMs);
    this.database = new ResilientDatabase({
      name: "state file",
      // Memory replaces it: nothing here is worse than a warning.
      log: { info: log.info, warn: log.warn, error: log.warn },
      nowMs: clock.nowMs,
      prepare: (db) => this.load(new StateTable(db)),
    });
    this.openNow();
  }

  get(namespace: string, key: string): Promise<unknown> {
    return Promise.resolve(this.rows.get(namespace, key)?.value);
  }

  async set(namespace: string, key: string, value: unknown, expiresAtMs: number | null): Promise<void> {
    this.change(namespace, key, { key, value: asJson(value), expiresAtMs });
  }

  async delete(namespace: string, key: string): Promise<void> {
    this.change(namespace, key, null);
  }

  list(namespace: string): Promise<readonly StateRow[]> {
    return Promise.resolve(this.rows.list(namespace));
  }

  writeNow(): void {
    if (this.problem === null) this.write(false);
  }

  /** A file that was deleted or replaced is opened again, and everything known is written into it. */
  checkFile(): void {
    if (this.isClosed || !this.isOurs) return;
    this.checkPath();
  }

  setWriter(isOurs: boolean): void {
    this.isOurs = isOurs;
    if (isOurs && this.pending.size > 0) this.scheduleWrite();
  }

  async flush(): Promise<void> {
    this.write(true);
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.cancelTimer?.();
    this.write(true);
    this.database.close();
  }

  status(): StateStatus {
    const { isClosed, problem } = this;
    return {
      state: isClosed ? "closed" : problem === null ? "ok" : "memory",
      path: this.options.path,
      detail: problem,
    };
  }

  private checkPath(): void {
    if (!this.database.isInPlace()) this.openAgain();
    // With nothing to write, no other code opens it again, and a solved problem would still be reported.
    else if (this.database.current === null && !this.isClosed && this.isDue()) this.openNow();
  }

  private openNow(): void {
    const { path, clock, mayOpen } = this.options;
    this.lastOpenMs = clock.nowMs();
    if (mayOpen?.() === false) {
      this.fail("the state directory now belongs to another gateway");
      return;
    }
    const trouble = this.database.open(path, fileOptions);
    if (trouble === null) this.recovered();
    else this.fail(trouble.moveError ?? trouble.detail);
  }

  private openAgain(): void {
    this.rewriteAll();
    this.openNow();
    if (this.pending.size > 0) this.scheduleWrite();
  }

  private load(table: StateTable): StateTable {
    const { rows, pending } = this;
    try {
      // The values in memory are newer than those in the file.
      for (const { namespace, row } of table.load(this.options.clock.nowMs()))
        if (rows.get(namespace, row.key) === undefined && !pending.has(nameOf(namespace, row.key)))
          rows.set(namespace, row);
      return table;
    } catch (error) {
      // Nothing else refers to it: its statements would keep the damaged file open.
      table.close();
      throw error;
    }
  }

  private isDue(): boolean {
    return this.options.clock.nowMs() - this.lastOpenMs >= retryMs;
  }

  private write(isLastChance: boolean): void {
    if (!this.isOurs) return;
    this.checkPath();
    if (this.pending.size === 0) return;
    if (this.database.current === null && (isLastChance || this.isDue())) this.openNow();
    const open = this.database.current;
    if (open === null) return;
    try {
      open.prepared.write(this.pending.values());
      this.pending.clear();
      this.recovered();
    } catch (error) {
      this.reportError(error);
    }
  }

  private reportError(error: unknown): void {
    if (isTableLost(error)) {
      this.database.letGo(describeDatabaseError(error));
      this.openAgain();
      return;
    }
    const { kind, detail, moveError } = this.database.reportError(error);
    if (kind !== "corrupt") {
      this.fail(detail);
      return;
    }
    // A new file starts empty: everything known is written into it.
    if (moveError === undefined) this.rewriteAll();
    else this.fail(moveError);
    this.lastOpenMs = Number.NEGATIVE_INFINITY;
  }

  private fail(detail: string): void {
    const { path, from, log } = this.options;
    if (this.problem === null)
      log.warn("state file cannot be used: state is kept in memory", {
        path,
        ...(from === undefined ? {} : { from }),
        detail,
      });
    this.problem = detail;
  }

  private recovered(): void {
    if (this.problem !== null) this.options.log.info("state file works again", { path: this.options.path });
    this.problem = null;
  }

  private rewriteAll(): void {
    for (const namespace of this.rows.namespaces())
      for (const row of this.rows.list(namespace))
        this.pending.set(nameOf(namespace, row.key), { namespace, key: row.key, row });
  }

  private change(namespace: string, key: string, row: StateRow | null): void {
    if (this.isClosed) return;
    if (row === null) this.rows.delete(namespace, key);
    else this.rows.set(namespace, row);
    const name = nameOf(namespace, key);
    if (this.pending.size >= maxPending && !this.pending.has(name)) return;
    this.pending.set(name, { namespace, key, row });
    this.scheduleWrite();
  }

  private scheduleWrite(): void {
    if (this.cancelTimer !== null || this.isClosed) return;
    const { clock } = this.options;
    this.cancelTimer = clock.setTimer(this.problem === null ? batchMs : retryMs, () => {
      this.cancelTimer = null;
      this.write(false);
      if (this.pending.size > 0 && this.isOurs) this.scheduleWrite();
    });
  }
}
