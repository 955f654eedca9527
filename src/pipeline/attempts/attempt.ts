// One attempt at one target: what it has received so far, and the limits that end it. It becomes an AttemptRecord.

import type { AbortListener } from "../../canon/context.ts";
import type { Target } from "../../canon/decision.ts";
import { Failure } from "../../canon/failure.ts";
import type { AttemptRecord } from "../../canon/record.ts";
import type { Turn } from "../../tenants/queue.ts";
import type { Progress } from "../answer/answer-source.ts";
import type { Provider, Services } from "../dependencies.ts";
import { type LimitListener, LimitTimer } from "../limit-timer.ts";
import { Observer } from "../observer.ts";

export type AttemptFields = {
  readonly provider: Provider;
  readonly target: Target;
  /** The fingerprint of the provider's credential; null where the provider has no configured key. */
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
  /** Client parameters that have no effect here. */
  readonly unsupported: string[] = [];
  /** The single attempt that probes whether an ejected provider has recovered. */
  isProbe = false;
  isSettled = false;
  /** Its span; null: the upstream is not told of one. */
  spanId: string | null = null;
  /** The upstream may have started work. */
  isSent = false;
  /** Of the upstream's answer; null: there is none, or no wire. */
  vendorHeaders: Headers | null = null;
  /** The latest end (monotonic), and the longest silence allowed. */
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

  /** Starts the wait for the first word, at most `answerMs`. */
  limitFirstWord(answerMs: number): void {
    this.limitTimer.set(Math.min(this.startedMs + answerMs, this.endMs));
  }

  /**
   * A word of a whole answer arrived, the first or a later one: the upstream is not silent, however long the answer takes
   * in total.
   */
  progressed(): void {
    const nowMs = this.clock.monotonicMs();
    this.firstTokenMs ??= Math.round(nowMs - this.startedMs);
    this.limitTimer.set(Math.min(nowMs + this.idleMs, this.endMs));
  }

  /** The gate is open, or the attempt is over. */
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

  /** The request ends, and this attempt with it. */
  aborted(reason: Error): void {
    this.abort.abort(reason);
  }
}
