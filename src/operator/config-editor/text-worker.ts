// Asks the thread that works on config texts. A short text is worked on at once: the way to the thread would take longer. The thread
// starts with the first question and ends when nobody has asked for a while.

import { Conflict } from "../conflict.ts";
import { answerTo, type TextAnswers, type TextQuestion } from "./text-questions.ts";
import type { ThreadAnswer } from "./text-thread.ts";

/** Characters that take a few milliseconds. */
const shortText = 3_000;
const timeLimitMs = 60_000;
const idleMs = 30_000;
const mostWaiting = 50;

type Waiting = {
  readonly answer: (answer: unknown) => void;
  readonly fail: (error: Error) => void;
  readonly timer: Timer;
};

function startWorker(): Worker {
  const place = Bun.isStandaloneExecutable
    ? "./config-worker.ts"
    : new URL("../../config-worker.ts", import.meta.url).href;
  return new Worker(place, { smol: true, ref: false });
}

export class TextWorker {
  private worker: Worker | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private idle: Timer | null = null;
  private lastId = 0;

  constructor(private readonly start: () => Worker = startWorker) {}

  /** Throws Conflict if the thread ended or takes too long. */
  async ask<Q extends TextQuestion>(question: Q): Promise<TextAnswers[Q["ask"]]> {
    const answer = lengthOf(question) <= shortText ? answerTo(question) : await this.askThread(question);
    return answer as TextAnswers[Q["ask"]];
  }

  private askThread(question: TextQuestion): Promise<unknown> {
    if (this.waiting.size >= mostWaiting) return Promise.reject(unanswered());
    return new Promise((resolve, reject) => {
      this.lastId += 1;
      const timer = setTimeout(() => this.end(), timeLimitMs);
      timer.unref();
      this.waiting.set(this.lastId, { answer: resolve, fail: reject, timer });
      this.worker ??= this.started();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window.
      this.worker.postMessage({ id: this.lastId, question: JSON.stringify(question) });
    });
  }

  private started(): Worker {
    const worker = this.start();
    const lost = (): void => {
      if (this.worker === worker) this.end();
    };
    worker.addEventListener("message", ({ data }: MessageEvent<ThreadAnswer>) => this.answered(data));
    worker.addEventListener("error", lost);
    worker.addEventListener("close", lost);
    return worker;
  }

  private answered(said: ThreadAnswer): void {
    const waiting = this.waiting.get(said.id);
    if (waiting === undefined) return;
    this.waiting.delete(said.id);
    clearTimeout(waiting.timer);
    if ("error" in said) waiting.fail(new Error(`a config text could not be worked on (${said.error})`));
    else waiting.answer(JSON.parse(said.answer));
    if (this.idle !== null) clearTimeout(this.idle);
    this.idle = setTimeout(() => {
      if (this.waiting.size === 0) this.end();
    }, idleMs);
    this.idle.unref();
  }

  private end(): void {
    const { worker } = this;
    this.worker = null;
    worker?.terminate();
    for (const { fail, timer } of this.waiting.values()) {
      clearTimeout(timer);
      fail(unanswered());
    }
    this.waiting.clear();
  }
}

function lengthOf(question: TextQuestion): number {
  switch (question.ask) {
    case "restore":
      return Math.max(question.edited.length, question.original.text.length);
    case "diff":
      return Math.max(question.after.length, question.before?.text.length ?? 0);
    default:
      return question.text.length;
  }
}

const unanswered = (): Conflict =>
  new Conflict(503, "config_busy", "The config text could not be worked on in time; try again.");
