// Asks the reading thread. It starts with the first question and again after it died; a question that takes too long ends it, because
// a statement that runs cannot be interrupted in any other way. It must never reject.

import type { MetricsLog } from "./connection.ts";
import type { ThreadAnswer, ThreadMessage, ThreadQuestion } from "./reading-thread.ts";
import type { AnswerTo, RecordQuestion } from "./record-questions.ts";

/** "failed": the thread could not read the file. "gone": it died, took too long, or too many wait. */
export type Asked<Q extends RecordQuestion> =
  | { readonly outcome: "answered"; readonly answer: AnswerTo<Q> }
  | { readonly outcome: "failed" | "gone"; readonly detail: string };

type Done = (asked: Settled) => void;
type Settled =
  | { readonly outcome: "answered"; readonly answer: unknown }
  | { readonly outcome: "failed" | "gone"; readonly detail: string };
type Waiting = { readonly message: ThreadMessage; readonly timeLimitMs: number; readonly done: Done };

export type QueryWorkerOptions = {
  readonly log: MetricsLog;
  readonly timeLimitMs?: number;
  readonly start?: () => Worker;
};

const defaultTimeLimitMs = 5_000;
/** A slow disk takes its time. */
const checkpointLimitMs = 60_000;
const mostWaiting = 200;

/** Where the thread's file is: beside main, in the compiled program under its bare name. */
function startWorker(): Worker {
  const place = Bun.isStandaloneExecutable
    ? "./records-worker.ts"
    : new URL("../records-worker.ts", import.meta.url).href;
  return new Worker(place, { smol: true, ref: false });
}

export class QueryWorker {
  private worker: Worker | null = null;
  private asked: Waiting | null = null;
  private readonly waiting: Waiting[] = [];
  private timer: Timer | null = null;
  private lastId = 0;
  private isClosed = false;

  constructor(private readonly options: QueryWorkerOptions) {}

  async ask<Q extends RecordQuestion>(path: string, question: Q): Promise<Asked<Q>> {
    const { timeLimitMs = defaultTimeLimitMs } = this.options;
    return (await this.send(path, question, timeLimitMs)) as Asked<Q>;
  }

  /** Moves the journal into the file. Null: it did; otherwise why it could not. */
  async checkpoint(path: string): Promise<string | null> {
    const settled = await this.send(path, { kind: "checkpoint" }, checkpointLimitMs);
    return settled.outcome === "answered" ? null : settled.detail;
  }

  private send(path: string, question: ThreadQuestion, timeLimitMs: number): Promise<Settled> {
    if (this.isClosed) return Promise.resolve({ outcome: "gone", detail: "the store is closed" });
    if (this.waiting.length >= mostWaiting)
      return Promise.resolve({ outcome: "gone", detail: "too many questions wait" });
    return new Promise((done) => {
      this.lastId += 1;
      this.waiting.push({ message: { id: this.lastId, path, question }, timeLimitMs, done });
      this.sendNext();
    });
  }

  close(): void {
    this.isClosed = true;
    this.end("the store is closed");
    for (const { done } of this.waiting.splice(0)) done({ outcome: "gone", detail: "the store is closed" });
  }

  /** One at a time, so that the time limit is that of one question. */
  private sendNext(): void {
    if (this.asked !== null) return;
    const next = this.waiting.shift();
    if (next === undefined) return;
    this.asked = next;
    this.worker ??= this.started();
    this.timer = setTimeout(() => this.lost("a report took too long and was given up"), next.timeLimitMs);
    this.timer.unref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window.
    this.worker.postMessage(next.message);
  }

  private started(): Worker {
    const worker = (this.options.start ?? startWorker)();
    worker.addEventListener("message", ({ data }: MessageEvent<ThreadAnswer>) => this.answered(data));
    const isCurrent = (): boolean => this.worker === worker;
    worker.addEventListener("error", ({ message }) => {
      if (isCurrent()) this.lost(message);
    });
    worker.addEventListener("close", () => {
      if (isCurrent()) this.lost("it ended");
    });
    return worker;
  }

  private answered(said: ThreadAnswer): void {
    if (this.asked === null || this.asked.message.id !== said.id) return;
    this.settle(
      "error" in said
        ? { outcome: "failed", detail: said.error }
        : { outcome: "answered", answer: said.answer },
    );
  }

  private lost(detail: string): void {
    if (this.isClosed) return;
    this.options.log.warn(
      "metrics: the thread that reads records was lost, the next report starts it again",
      {
        detail,
      },
    );
    this.end(detail);
  }

  private end(detail: string): void {
    const { worker } = this;
    this.worker = null;
    worker?.terminate();
    this.settle({ outcome: "gone", detail });
  }

  private settle(asked: Settled): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const answeredTo = this.asked;
    this.asked = null;
    answeredTo?.done(asked);
    if (!this.isClosed) this.sendNext();
  }
}
