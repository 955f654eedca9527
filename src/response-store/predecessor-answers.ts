// Answers that another process of this gateway was making when they were read from the file: they become what it writes, and have
// failed when it is gone. It must never touch an answer that this process makes.

import type { KeptAnswer } from "../canon/kept-answer.ts";
import { type Clock, pause } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import type { AnswerFile, AnswerHead } from "./answer-file.ts";

export type Predecessor = {
  /** Settles when it is gone. */
  readonly gone: Promise<void>;
  cancelAnswer(id: string, tenant: string | null): void;
};

type Parts = {
  readonly clock: Clock;
  readonly log: Pick<Log, "error">;
  /** Null: there is none now. */
  readonly file: () => AnswerFile | null;
  /** It is in memory, or this process has changed it since. */
  readonly isKnown: (head: AnswerHead) => boolean;
  readonly take: (answer: KeptAnswer) => void;
  readonly abandon: (id: string, tenant: string | null) => void;
  readonly forget: (id: string, tenant: string | null) => void;
};

const lookMs = 250;
const readAtOnce = 200;

export class PredecessorAnswers {
  private readonly tenants = new Map<string, string | null>();
  private predecessor: Predecessor | null = null;
  private readonly ending = new AbortController();

  constructor(private readonly parts: Parts) {}

  add({ id, tenant }: KeptAnswer): void {
    this.tenants.set(id, tenant);
  }

  settled(id: string): void {
    this.tenants.delete(id);
  }

  /** Nobody makes them any more. */
  abandonAll(): void {
    for (const [id, tenant] of this.tenants) this.parts.abandon(id, tenant);
    this.tenants.clear();
  }

  cancel(id: string, tenant: string | null): void {
    if (this.tenants.has(id)) this.predecessor?.cancelAnswer(id, tenant);
  }

  follow(predecessor: Predecessor, oldestMs: () => number): void {
    this.predecessor = predecessor;
    void this.followOnce(predecessor, oldestMs).catch((error: unknown) =>
      this.parts.log.error("kept answers of the process before this one could not be read", { error }),
    );
  }

  stop(): void {
    this.ending.abort();
  }

  private async followOnce({ gone }: Predecessor, oldestMs: () => number): Promise<void> {
    let isGone = false;
    const end = gone.then(() => {
      isGone = true;
    });
    const { signal } = this.ending;
    while (!isGone) {
      this.look();
      await Promise.race([end, pause(this.parts.clock, lookMs, signal)]);
      if (signal.aborted) return;
    }
    this.look();
    await this.readRest(oldestMs());
    this.predecessor = null;
    if (!signal.aborted) this.abandonAll();
  }

  /** What it began or ended since. */
  private look(): void {
    const { file, isKnown, take, forget } = this.parts;
    const open = file();
    if (open === null) return;
    const running = open.running();
    const isRunning = new Set(running.map(({ key }) => key));
    for (const head of running) if (!isKnown(head)) taken(open.find(head.key), take);
    // Listed before: what is taken may be added again, and would come round for ever.
    const ended = [...this.tenants].filter(([id]) => !isRunning.has(id));
    for (const [id, tenant] of ended) {
      const answer = open.find(id);
      this.tenants.delete(id);
      if (answer === null) forget(id, tenant);
      else take(answer);
    }
  }

  /** Its last answers, whenever their requests began. */
  private async readRest(sinceMs: number): Promise<void> {
    const { file, isKnown, take, clock } = this.parts;
    let after = { createdMs: sinceMs, key: "" };
    for (;;) {
      const open = this.ending.signal.aborted ? null : file();
      const heads = open?.page(after, readAtOnce) ?? [];
      const last = heads.at(-1);
      if (open === null || last === undefined) return;
      for (const head of heads) if (!isKnown(head)) taken(open.find(head.key), take);
      after = { createdMs: last.created_ms, key: last.key };
      await pause(clock, 0);
    }
  }
}

const taken = (answer: KeptAnswer | null, take: (answer: KeptAnswer) => void): void =>
  answer === null ? undefined : take(answer);
