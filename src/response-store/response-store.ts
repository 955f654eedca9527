// The store of kept answers: in memory, and with `mode: disk` also in a file that is written on a timer. It must never delay a
// request, show one tenant what is another's, nor grow without bound.

import { rm, stat } from "node:fs/promises";
import { abandoned, type KeptAnswer } from "../canon/kept-answer.ts";
import { type Clock, pause } from "../system/clock.ts";
import { errorCode } from "../system/files.ts";
import type { Log } from "../system/log.ts";
import { AnswerFile } from "./answer-file.ts";
import { AnswerTable } from "./answer-table.ts";
import { type Predecessor, PredecessorAnswers } from "./predecessor-answers.ts";
import type { ResponsesStoreSettings } from "./settings.ts";

export type ResponseStoreOptions = {
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  readonly settings: () => ResponsesStoreSettings;
  /** Of the file, absolute. */
  readonly path: string;
};

export type ResponseStoreReport = {
  readonly mode: ResponsesStoreSettings["mode"];
  readonly answers: number;
  readonly bytes: number;
  readonly max_bytes: number;
  readonly ttl_h: number;
  /** Answers that were larger than the store. */
  readonly refused: number;
  readonly tenants: readonly {
    readonly tenant: string | null;
    readonly answers: number;
    readonly bytes: number;
  }[];
};

const writeMs = 250;
const retryMs = 1_000;
/** The other process of a hand-over may be writing at the end. */
const lastTries = 10;
const lastTryMs = 50;
const sweepMs = 60_000;
/** Answers that are looked at, or deleted on disk, between two turns of the loop. */
const sweptAtOnce = 1_000;
const deletedAtOnce = 50;
const tidyMs = 10_000;
const hourMs = 3_600_000;
const megabyte = 1024 * 1024;
/** Written between two turns of the loop. */
const batchBytes = megabyte;

export class ResponseStore {
  private readonly table = new AnswerTable();
  private file: AnswerFile | null = null;
  /** What is not on disk yet; null: it is to be deleted there. */
  private readonly unwritten = new Map<string, KeptAnswer | null>();
  private refused = 0;
  private cancelTimer: (() => void) | null = null;
  private cancelSweep = (): void => undefined;
  private writing: Promise<void> | null = null;
  private isStopped = false;
  private isUntidy = false;
  private tidiedAtMs = 0;
  /** What another process was making when it was read from the file. */
  private readonly foreign: PredecessorAnswers;

  constructor(private readonly options: ResponseStoreOptions) {
    this.foreign = new PredecessorAnswers({
      clock: options.clock,
      log: options.log,
      file: () => (this.mode === "disk" && !this.isStopped ? this.opened() : null),
      isKnown: ({ key, tenant }) => this.table.has(key, tenant) || this.unwritten.has(key),
      take: (answer) => this.take(answer),
      abandon: (id, tenant) => this.abandon(id, tenant),
      forget: (id, tenant) => void this.table.remove(id, tenant),
    });
  }

  get mode(): ResponsesStoreSettings["mode"] {
    return this.options.settings().mode;
  }

  /** Null: there is none of this tenant's with that id. */
  find(id: string, tenant: string | null): KeptAnswer | null {
    const found = this.mode === "off" ? null : this.table.find(id, tenant);
    if (found === null || found.createdMs >= this.oldestMs()) return found;
    this.delete(id, tenant);
    return null;
  }

  keep(answer: KeptAnswer): void {
    if (this.mode === "off" || this.isStopped) return;
    this.foreign.settled(answer.id);
    const isKept = this.table.add(answer, this.maxBytes(), (id) => this.writeLater(id, null));
    if (isKept) this.writeLater(answer.id, answer);
    else {
      this.refused += 1;
      this.options.log.warn("an answer is larger than responses_store.max_mb and is not kept", {
        id: answer.id,
      });
    }
  }

  /** False: there is none of this tenant's with that id. */
  delete(id: string, tenant: string | null): boolean {
    const isThere = this.table.remove(id, tenant);
    if (isThere) this.writeLater(id, null);
    // Asked for: it must not lie in the file for longer than it takes to write.
    if (isThere) this.tidiedAtMs = Number.NEGATIVE_INFINITY;
    return isThere;
  }

  /** Deletes everything of the tenant; null: of callers without one; "*": of everybody. */
  deleteAll(tenant: string | null): Promise<number> {
    return this.removeWhere(
      (each) => tenant === "*" || each.tenant === tenant,
      (each) => this.delete(each.id, each.tenant),
    );
  }

  report(): ResponseStoreReport {
    const { mode, ttl_h } = this.options.settings();
    const { table, refused } = this;
    return {
      mode,
      answers: table.size,
      bytes: table.bytes,
      max_bytes: this.maxBytes(),
      ttl_h,
      refused,
      tenants: table.usage(),
    };
  }

  /** Reads what an earlier process kept on disk. `isShared`: it still ends its last requests, and `follow` comes next. */
  async load(isShared = false): Promise<void> {
    if (this.mode !== "disk") return this.sweep();
    if (!(await this.hasFile())) return;
    for (const answer of this.opened().read(this.oldestMs())) this.take(answer);
    if (!isShared) this.foreign.abandonAll();
    await this.sweep();
  }

  /** What the process before this one writes is read as it comes; what it leaves unfinished has failed. */
  follow(predecessor: Predecessor): void {
    this.foreign.follow(predecessor, () => this.oldestMs());
  }

  cancelElsewhere(id: string, tenant: string | null): void {
    this.foreign.cancel(id, tenant);
  }

  /** Enforces age, size and mode from now on. The returned function ends that. */
  watch(): () => void {
    const arm = (): void => {
      this.cancelSweep = this.options.clock.setTimer(
        sweepMs,
        () => void this.sweep().finally(() => (this.isStopped ? undefined : arm())),
      );
    };
    arm();
    return () => this.cancelSweep();
  }

  /** Settles when all changes so far are on disk, as far as the file accepts them. */
  async written(): Promise<void> {
    this.cancelTimer?.();
    this.cancelTimer = null;
    await this.writing;
    if (this.unwritten.size > 0) await this.writeNow();
  }

  async close(): Promise<void> {
    this.cancelSweep();
    this.foreign.stop();
    await this.written();
    for (let tries = 1; tries < lastTries && this.unwritten.size > 0 && this.file?.isBusy === true; tries++) {
      await pause(this.options.clock, lastTryMs);
      await this.written();
    }
    this.isStopped = true;
    this.cancelTimer?.();
    this.file?.close();
    this.file = null;
  }

  /** From the file. */
  private take(answer: KeptAnswer): void {
    const drop = (id: string): void => this.writeLater(id, null);
    if (!this.table.add(answer, this.maxBytes(), drop)) drop(answer.id);
    else if (answer.status === "in_progress") this.foreign.add(answer);
  }

  private abandon(id: string, tenant: string | null): void {
    const answer = this.table.find(id, tenant);
    if (answer?.status === "in_progress") this.keep(abandoned(answer));
  }

  private maxBytes(): number {
    return this.options.settings().max_mb * megabyte;
  }

  private oldestMs(): number {
    return this.options.clock.nowMs() - this.options.settings().ttl_h * hourMs;
  }

  private writeLater(id: string, answer: KeptAnswer | null): void {
    if (this.mode !== "disk") return;
    this.unwritten.set(id, answer);
    this.writeIn(writeMs);
  }

  private writeIn(waitMs: number): void {
    if (this.writing !== null || this.isStopped) return;
    this.cancelTimer ??= this.options.clock.setTimer(waitMs, () => {
      this.cancelTimer = null;
      void this.writeNow();
    });
  }

  private writeNow(): Promise<void> {
    this.writing ??= this.writeAll()
      .catch((error: unknown) => this.options.log.error("kept answers could not be written", { error }))
      .finally(() => {
        this.writing = null;
        if (this.unwritten.size > 0) this.writeIn(retryMs);
      });
    return this.writing;
  }

  private async writeAll(): Promise<void> {
    let hasDeleted = false;
    while (this.unwritten.size > 0) {
      const batch = this.nextBatch();
      const put = batch.flatMap(([, answer]) => answer ?? []);
      const gone = batch.flatMap(([id, answer]) => (answer === null ? [id] : []));
      hasDeleted ||= gone.length > 0;
      if (!this.opened().write(put, gone)) return;
      // What changed meanwhile is written again.
      for (const [id, answer] of batch) if (this.unwritten.get(id) === answer) this.unwritten.delete(id);
      await turnOfLoop();
    }
    this.isUntidy ||= hasDeleted;
    this.tidyIfDue();
  }

  /** A full store deletes with every answer, and tidying waits for the disk. */
  private tidyIfDue(): void {
    const nowMs = this.options.clock.nowMs();
    if (!this.isUntidy || nowMs - this.tidiedAtMs < tidyMs) return;
    this.isUntidy = false;
    this.tidiedAtMs = nowMs;
    this.opened().tidy();
  }

  private nextBatch(): readonly (readonly [string, KeptAnswer | null])[] {
    const batch: (readonly [string, KeptAnswer | null])[] = [];
    let bytes = 0;
    for (const each of this.unwritten) {
      batch.push(each);
      const answer = each[1];
      bytes += answer === null ? 0 : answer.response.length + answer.output.text.length;
      bytes += answer?.history.at(-1)?.text.length ?? 0;
      if (bytes >= batchBytes || batch.length >= 64) break;
    }
    return batch;
  }

  /** Also while nothing is kept: what was kept before must not stay. */
  private async sweep(): Promise<void> {
    try {
      const { table, mode } = this;
      const oldestMs = this.oldestMs();
      await this.removeWhere(
        ({ createdMs }) => mode === "off" || createdMs < oldestMs,
        (each) => this.outgrow(each),
      );
      table.shrink(this.maxBytes(), (id) => this.writeLater(id, null));
      if (mode === "disk") {
        if (this.file === null) {
          // The mode has changed, or nothing was written yet.
          for (const each of table.answers()) this.writeLater(each.id, each);
          if (!(await this.hasFile())) return;
        }
        while (!this.isStopped && this.opened().deleteOld(oldestMs, deletedAtOnce) > 0) {
          this.isUntidy = true;
          await turnOfLoop();
        }
        this.tidyIfDue();
      } else await this.removeFile();
    } catch (error) {
      this.options.log.error("kept answers could not be swept", { error });
    }
  }

  /** Old in the file too, which is swept by itself: there may be a million of them. */
  private outgrow({ id, tenant }: KeptAnswer): boolean {
    if (this.unwritten.has(id)) this.writeLater(id, null);
    return this.table.remove(id, tenant);
  }

  private async removeWhere(
    isMeant: (answer: KeptAnswer) => boolean,
    remove: (answer: KeptAnswer) => boolean,
  ): Promise<number> {
    let seen = 0;
    let deleted = 0;
    for (const each of this.table.answers()) {
      if (isMeant(each) && remove(each)) deleted += 1;
      if (++seen % sweptAtOnce === 0) await turnOfLoop();
    }
    return deleted;
  }

  private async removeFile(): Promise<void> {
    this.unwritten.clear();
    await this.writing;
    this.file?.close();
    this.file = null;
    if (!(await this.hasFile())) return;
    for (const end of ["", "-wal", "-shm"]) await rm(this.options.path + end, { force: true });
    this.options.log.info("kept answers: the file was deleted, because responses_store.mode is not disk");
  }

  private async hasFile(): Promise<boolean> {
    try {
      await stat(this.options.path);
      return true;
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
      return false;
    }
  }

  private opened(): AnswerFile {
    const { path, log, clock } = this.options;
    return (this.file ??= new AnswerFile(path, { log, nowMs: clock.nowMs }));
  }
}

const turnOfLoop = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
