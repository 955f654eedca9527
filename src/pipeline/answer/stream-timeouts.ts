// The timeouts of one stream to the client: which side is being awaited, since when, and what happens when it takes too
// long. A client that does not read is disconnected, an upstream that falls silent is aborted.

import { Failure } from "../../canon/failure.ts";
import type { Opened } from "../attempts/attempt-target.ts";
import { type LimitListener, LimitTimer } from "../limit-timer.ts";
import type { Run } from "../run.ts";

/** Nothing came in time: a keep-alive is due. */
export const silence = Symbol("silence");

export class StreamTimeouts implements LimitListener {
  private readonly clock: Run["services"]["clock"];
  private readonly keepAliveMs: number;
  private readonly stallMs: number;
  private readonly limitTimer: LimitTimer;
  private opened: Opened | null = null;
  private waitingFor: "with-client" | "with-upstream" = "with-client";
  private yieldedMs: number;
  private progressedMs: number;
  private pingMs: number;
  private wake: ((value: typeof silence) => void) | null = null;
  private isStopped = false;

  constructor(private readonly run: Run) {
    const { streaming } = run.snapshot;
    this.clock = run.services.clock;
    this.keepAliveMs = streaming.keepalive_s * 1000;
    this.stallMs = streaming.stall_s * 1000;
    this.yieldedMs = this.clock.monotonicMs();
    this.progressedMs = this.yieldedMs;
    this.pingMs = this.yieldedMs + this.keepAliveMs;
    this.limitTimer = new LimitTimer(run.services.ticker, this);
    this.scheduleCheck(this.yieldedMs);
  }

  stop(): void {
    this.isStopped = true;
    this.limitTimer.stop();
  }

  get isWithUpstream(): boolean {
    return this.waitingFor === "with-upstream";
  }

  upstreamBegan(opened: Opened): void {
    this.opened = opened;
    this.progressedMs = this.clock.monotonicMs();
    this.waitingFor = "with-upstream";
    this.scheduleCheck(this.progressedMs);
  }

  upstreamProgressed(): void {
    this.progressedMs = this.clock.monotonicMs();
  }

  beforeYield(): void {
    this.yieldedMs = this.clock.monotonicMs();
    this.waitingFor = "with-client";
  }

  afterYield(): void {
    this.waitingFor = "with-upstream";
    this.pingMs = this.clock.monotonicMs() + this.keepAliveMs;
  }

  /** The value, or `silence` when a keep-alive is due first; then await the same promise again. */
  wait<T>(promise: Promise<T>): Promise<T | typeof silence> {
    this.waitingFor = "with-upstream";
    return new Promise((resolve, reject) => {
      this.wake = resolve;
      promise.then(resolve, reject);
    });
  }

  limitReached(): void {
    const now = this.clock.monotonicMs();
    if (this.waitingFor === "with-client" && now >= this.yieldedMs + this.stallMs) {
      this.run.context.abort(new Failure("cancelled", "The client stopped reading."));
      return;
    }
    if (this.waitingFor === "with-upstream" && now >= this.upstreamLimitMs()) {
      this.opened?.attempt.abort.abort(
        new Failure("timed-out", "The upstream stopped sending.", {
          maybeBilled: true,
          why: "stopped sending in the middle of its answer (timeout.idle_s or total_s)",
        }),
      );
      return;
    }
    if (this.waitingFor === "with-upstream" && now >= this.pingMs) {
      this.pingMs = now + this.keepAliveMs;
      this.wake?.(silence);
    }
    this.scheduleCheck(now);
  }

  private upstreamLimitMs(): number {
    if (this.opened === null) return Number.POSITIVE_INFINITY;
    const { attempt } = this.opened;
    const { idleMs, totalMs } = attempt.provider.limits;
    const endMs = totalMs === null ? Number.POSITIVE_INFINITY : attempt.startedMs + totalMs;
    return Math.min(this.progressedMs + idleMs, endMs);
  }

  /**
   * The awaited side changes with every chunk without moving the timer, so the timer checks as often as the nearest limit
   * requires.
   */
  private scheduleCheck(now: number): void {
    if (this.isStopped) return;
    const { stallMs, keepAliveMs } = this;
    const next =
      this.waitingFor === "with-client"
        ? this.yieldedMs + stallMs
        : Math.min(this.pingMs, this.upstreamLimitMs());
    const idleMs = this.opened?.attempt.provider.limits.idleMs ?? Number.POSITIVE_INFINITY;
    this.limitTimer.set(Math.max(now + 1, Math.min(next, now + stallMs, now + keepAliveMs, now + idleMs)));
  }
}
