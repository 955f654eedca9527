// One attempt at one target: what it has seen so far, and the limits that end it. It becomes an AttemptRecord.

import type { AbortListener } from "../canon/context.ts";
import type { Target } from "../canon/decision.ts";
import { Failure } from "../canon/failure.ts";
import type { AttemptRecord } from "../canon/record.ts";
import type { Turn } from "../tenants/queue.ts";
import type { Progress } from "./answer-source.ts";
import type { Provider, Services } from "./dependencies.ts";
import { type LimitListener, LimitTimer } from "./limit-timer.ts";
import { Observer } from "./observer.ts";

export type AttemptFields = {
  readonly provider: Provider;
  readonly target: Target;
  /** The provider's credential by its fingerprint; null where it has none with a name. */
  readonly credential: string | null;
  readonly lane: AttemptRecord["lane"];
  readonly turn: Turn;
};

export class Attempt implements AbortListener, LimitListener, Progress {
  readonly provider: Provider;
  readonly target: Target;
  readonly credential: string | null;
  readonly lane: AttemptRecord["lane"];
  readonly turn: Turn;
  readonly startedMs: number;
  readonly startedAtMs: number;
  readonly abort = new AbortController();
  readonly observer = new Observer();
  status: number | null = null;
  headersMs: number | null = null;
  firstTokenMs: number | null = null;
  /** What was changed or left out for this target. */
  readonly adapted: string[] = [];
  /** Parameters of the client that have no effect here. */
  readonly unsupported: string[] = [];
  /** The one attempt that may find out whether an ejected provider is back. */
  isProbe = false;
  isSettled = false;
  /** The upstream may have begun to work. */
  isSent = false;
  /** When it is over at the latest (monotonic), and how long it may be silent. */
  private readonly endMs: number;
  private readonly idleMs: number;
  private readonly limitTimer: LimitTimer;

  constructor(
    fields: AttemptFields,
    private readonly clock: Services["clock"],
    ticker: Services["ticker"],
  ) {
    this.provider = fields.provider;
    this.target = fields.target;
    this.credential = fields.credential;
    this.lane = fields.lane;
    this.turn = fields.turn;
    this.startedMs = clock.monotonicMs();
    this.startedAtMs = clock.nowMs();
    const { idleMs, totalMs } = fields.provider.limits;
    this.idleMs = idleMs;
    this.endMs = totalMs === null ? Number.POSITIVE_INFINITY : this.startedMs + totalMs;
    this.limitTimer = new LimitTimer(ticker, this);
  }

  /** From now on the first word is waited for, for `answerMs` at most. */
  limitFirstWord(answerMs: number): void {
    this.limitTimer.set(Math.min(this.startedMs + answerMs, this.endMs));
  }

  /**
   * A whole answer is being written: its first word, and every later one. It is no silent upstream, however long it takes
   * in all.
   */
  progressed(): void {
    const nowMs = this.clock.monotonicMs();
    this.firstTokenMs ??= Math.round(nowMs - this.startedMs);
    this.limitTimer.set(Math.min(nowMs + this.idleMs, this.endMs));
  }

  /** Its gate is open, or it is over. */
  stopTimer(): void {
    this.limitTimer.stop();
  }

  limitReached(): void {
    const stage =
      this.headersMs === null
        ? "the request was sent, and no answer began"
        : this.firstTokenMs === null
          ? "an answer had begun, and its first word did not come"
          : "the answer stopped before its end";
    const seconds = Math.round((this.clock.monotonicMs() - this.startedMs) / 100) / 10;
    this.abort.abort(
      new Failure("timed-out", "The upstream gave no answer in time.", {
        maybeBilled: true,
        why: `timed out after ${seconds} s: ${stage}`,
      }),
    );
  }

  /** The request ends, and with it this attempt. */
  aborted(reason: Error): void {
    this.abort.abort(reason);
  }
}
