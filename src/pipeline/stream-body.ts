// The bytes of a stream, pulled by the client: piece after piece, keep-alives in long silences, and its limits.
// A client that does not read is let go; an upstream that falls silent is cut off. It must never buffer ahead.

import type { AbortListener } from "../canon/context.ts";
import { Failure, failureFrom } from "../canon/failure.ts";
import type { ClientHalf } from "../dialects/dialect.ts";
import type { Opened } from "./fallback.ts";
import { hedgedRemark } from "./hedge.ts";
import type { Run } from "./run.ts";
import { LimitTimer } from "./limit-timer.ts";

const silence = Symbol("silence");

export type StreamBody = AsyncGenerator<Uint8Array | string, void, void>;

/** `source` is a promise when headers had to be sent before any target opened its gate. */
export function streamBody(run: Run, client: ClientHalf, opening: Opened | Promise<Opened>): StreamBody {
  const { context, snapshot } = run;
  const timeouts = createStreamTimeouts(run);
  const { framing } = client;
  const frame = snapshot.streaming.keepalive === "event" ? framing.heartbeat : framing.quiet;

  let isEnded = false;
  const end = (failure: Failure | null): void => {
    isEnded = true;
    timeouts.stop();
    context.offAbort(listener);
    run.settle(200, failure);
  };
  // A generator that was never started, or that waits for a client who has gone, may never reach its `finally`.
  const listener: AbortListener = {
    aborted(reason) {
      if (timeouts.isWithUpstream()) return;
      end(failureFrom(reason));
      // Who reads now is still told the end; who does not would keep the connection and its full buffers for ever.
      run.connection?.close();
    },
  };
  context.onAbort(listener);

  /** Before every yield: whoever has gone is not waited for. */
  const beforeYield = (): void => {
    if (context.abortReason !== null) throw context.abortReason;
    timeouts.beforeYield();
  };

  async function* generate(): StreamBody {
    let failure: Failure | null = null;
    let isOver = false;
    try {
      let opened: Opened;
      if (opening instanceof Promise) {
        // The client must hear at once that its request was accepted.
        let result: Opened | typeof silence = silence;
        do {
          beforeYield();
          yield frame;
          timeouts.afterYield();
          result = await timeouts.wait(opening);
        } while (result === silence);
        opened = result;
        // The headers had left before it was known.
        if (run.hedged.length > 0 && framing.remark !== null) {
          beforeYield();
          yield framing.remark(hedgedRemark(run));
          timeouts.afterYield();
        }
      } else opened = opening;
      timeouts.upstreamBegan(opened);
      let isLast = false;
      for (const piece of opened.pieces) {
        isLast = piece.isLast;
        if (piece.bytes.length > 0) {
          beforeYield();
          yield piece.bytes;
          timeouts.afterYield();
        }
        if (piece.failure !== null) throw piece.failure;
      }
      while (!isLast) {
        const next = opened.source.next();
        let piece = await timeouts.wait(next);
        while (piece === silence) {
          beforeYield();
          yield frame;
          timeouts.afterYield();
          piece = await timeouts.wait(next);
        }
        timeouts.upstreamProgressed();
        if (piece.bytes.length > 0) {
          beforeYield();
          yield piece.bytes;
          timeouts.afterYield();
          // What the client took its time for is not the upstream's silence.
          timeouts.upstreamProgressed();
        }
        if (piece.failure !== null) throw piece.failure;
        isLast = piece.isLast;
      }
      isOver = true;
    } catch (thrown) {
      failure = failureFrom(thrown);
      isOver = true;
      // Settled before the last word is said: the client may never take it.
      end(failure);
      yield client.encodeFailureFrame(failure, context.id);
    } finally {
      // Left at a yield without an end: the client has gone.
      if (!isOver) failure = goneFailure(context.abortReason);
      if (!isEnded) end(failure);
    }
  }
  return generate();
}

function goneFailure(reason: Error | null): Failure {
  return reason !== null ? failureFrom(reason) : new Failure("cancelled", "The client went away.");
}

/** The waiting of one stream: who is being waited for, since when, and what happens when it is too long. */
function createStreamTimeouts(run: Run) {
  const { clock } = run.services;
  const { streaming } = run.snapshot;
  const keepAliveMs = streaming.keepalive_s * 1000;
  const stallMs = streaming.stall_s * 1000;
  let opened: Opened | null = null;
  let waitingFor: "with-client" | "with-upstream" = "with-client";
  let yieldedMs = clock.monotonicMs();
  let progressedMs = yieldedMs;
  let pingMs = yieldedMs + keepAliveMs;
  let wake: ((value: typeof silence) => void) | null = null;
  let isStopped = false;

  const upstreamLimitMs = (): number => {
    if (opened === null) return Number.POSITIVE_INFINITY;
    const { limits } = opened.attempt.provider;
    const totalMs =
      limits.totalMs === null ? Number.POSITIVE_INFINITY : opened.attempt.startedMs + limits.totalMs;
    return Math.min(progressedMs + limits.idleMs, totalMs);
  };
  /** The sides change with every chunk, and no timer is moved for that: so it looks as often as the nearest limit may come. */
  const scheduleCheck = (now: number): void => {
    if (isStopped) return;
    const next = waitingFor === "with-client" ? yieldedMs + stallMs : Math.min(pingMs, upstreamLimitMs());
    const idleMs = opened?.attempt.provider.limits.idleMs ?? Number.POSITIVE_INFINITY;
    limitTimer.set(Math.max(now + 1, Math.min(next, now + stallMs, now + keepAliveMs, now + idleMs)));
  };
  const check = (): void => {
    const now = clock.monotonicMs();
    if (waitingFor === "with-client" && now >= yieldedMs + stallMs) {
      run.context.abort(new Failure("cancelled", "The client stopped reading."));
      return;
    }
    if (waitingFor === "with-upstream" && now >= upstreamLimitMs()) {
      opened?.attempt.abort.abort(
        new Failure("timed-out", "The upstream fell silent.", {
          maybeBilled: true,
          why: "fell silent in the middle of its answer (timeout.idle_s or total_s)",
        }),
      );
      return;
    }
    if (waitingFor === "with-upstream" && now >= pingMs) {
      pingMs = now + keepAliveMs;
      wake?.(silence);
    }
    scheduleCheck(now);
  };
  const limitTimer = new LimitTimer(run.services.ticker, { limitReached: check });
  scheduleCheck(yieldedMs);

  return {
    stop() {
      isStopped = true;
      limitTimer.stop();
    },
    isWithUpstream: () => waitingFor === "with-upstream",
    upstreamBegan(source: Opened) {
      opened = source;
      progressedMs = clock.monotonicMs();
      waitingFor = "with-upstream";
      scheduleCheck(progressedMs);
    },
    upstreamProgressed() {
      progressedMs = clock.monotonicMs();
    },
    beforeYield() {
      yieldedMs = clock.monotonicMs();
      waitingFor = "with-client";
    },
    afterYield() {
      waitingFor = "with-upstream";
      pingMs = clock.monotonicMs() + keepAliveMs;
    },
    /** The value, or `silence` when a keep-alive is due first; then the same promise is to be waited for again. */
    wait<T>(promise: Promise<T>): Promise<T | typeof silence> {
      waitingFor = "with-upstream";
      return new Promise((resolve, reject) => {
        wake = resolve;
        promise.then(resolve, reject);
      });
    },
  };
}
