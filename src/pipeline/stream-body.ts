// The bytes of a stream, pulled by the client: piece after piece, keep-alives in long silences, and its limits.
// A client that does not read is let go; an upstream that falls silent is cut off. It must never buffer ahead.

import type { AbortListener } from "../canon/context.ts";
import { Failure, failureFrom } from "../canon/failure.ts";
import type { ClientHalf } from "../dialects/dialect.ts";
import { commentFrame } from "../wire/sse.ts";
import type { Opened } from "./attempt.ts";
import { hedgedFrame } from "./hedge.ts";
import type { Run } from "./run.ts";
import { Watch } from "./watch.ts";

const silence = Symbol("silence");

export type StreamBody = AsyncGenerator<Uint8Array | string, void, void>;

/** `source` is a promise when headers had to be sent before any target opened its gate. */
export function streamBody(run: Run, client: ClientHalf, source: Opened | Promise<Opened>): StreamBody {
  const { context, generation } = run;
  const patience = createPatience(run);
  const quiet = client.quietFrame ?? commentFrame;
  const frame = generation.streaming.keepalive === "event" ? client.heartbeatFrame : quiet;

  let isEnded = false;
  const end = (failure: Failure | null): void => {
    isEnded = true;
    patience.stop();
    context.offAbort(listener);
    run.settle(200, failure);
  };
  // A generator that was never started, or that waits for a client who has gone, may never reach its `finally`.
  const listener: AbortListener = {
    aborted(reason) {
      if (patience.isWithUpstream()) return;
      end(failureFrom(reason));
      // Who reads now is still told the end; who does not would keep the connection and its full buffers for ever.
      run.connection?.letGo();
    },
  };
  context.onAbort(listener);

  /** Before every yield: whoever has gone is not waited for. */
  const offer = (): void => {
    if (context.abortReason !== null) throw context.abortReason;
    patience.offer();
  };

  async function* generate(): StreamBody {
    let failure: Failure | null = null;
    let isOver = false;
    try {
      let opened: Opened;
      if (source instanceof Promise) {
        // The client must hear at once that its request was accepted.
        let result: Opened | typeof silence = silence;
        do {
          offer();
          yield frame;
          patience.taken();
          result = await patience.wait(source);
        } while (result === silence);
        opened = result;
        // The headers had left before it was known.
        if (run.hedged.length > 0 && client.quietFrame === undefined) {
          offer();
          yield hedgedFrame(run);
          patience.taken();
        }
      } else opened = source;
      patience.hear(opened);
      let isLast = false;
      for (const piece of opened.pieces) {
        isLast = piece.isLast;
        if (piece.bytes.length > 0) {
          offer();
          yield piece.bytes;
          patience.taken();
        }
        if (piece.failure !== null) throw piece.failure;
      }
      while (!isLast) {
        const next = opened.lane.next();
        let piece = await patience.wait(next);
        while (piece === silence) {
          offer();
          yield frame;
          patience.taken();
          piece = await patience.wait(next);
        }
        patience.heard();
        if (piece.bytes.length > 0) {
          offer();
          yield piece.bytes;
          patience.taken();
          // What the client took its time for is not the upstream's silence.
          patience.heard();
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
function createPatience(run: Run) {
  const { clock } = run.estate;
  const { streaming } = run.generation;
  const keepAliveMs = streaming.keepalive_s * 1000;
  const stallMs = streaming.stall_s * 1000;
  let opened: Opened | null = null;
  let stands: "with-client" | "with-upstream" = "with-client";
  let offeredMs = clock.monotonicMs();
  let heardMs = offeredMs;
  let pingMs = offeredMs + keepAliveMs;
  let wake: ((value: typeof silence) => void) | null = null;
  let isStopped = false;

  const upstreamLimitMs = (): number => {
    if (opened === null) return Number.POSITIVE_INFINITY;
    const { limits } = opened.trial.provider;
    const totalMs =
      limits.totalMs === null ? Number.POSITIVE_INFINITY : opened.trial.startedMs + limits.totalMs;
    return Math.min(heardMs + limits.idleMs, totalMs);
  };
  /** The sides change with every chunk, and no timer is moved for that: so it looks as often as the nearest limit may come. */
  const lookAgain = (now: number): void => {
    if (isStopped) return;
    const next = stands === "with-client" ? offeredMs + stallMs : Math.min(pingMs, upstreamLimitMs());
    const idleMs = opened?.trial.provider.limits.idleMs ?? Number.POSITIVE_INFINITY;
    watch.set(Math.max(now + 1, Math.min(next, now + stallMs, now + keepAliveMs, now + idleMs)));
  };
  const look = (): void => {
    const now = clock.monotonicMs();
    if (stands === "with-client" && now >= offeredMs + stallMs) {
      run.context.abort(new Failure("cancelled", "The client stopped reading."));
      return;
    }
    if (stands === "with-upstream" && now >= upstreamLimitMs()) {
      opened?.trial.abort.abort(
        new Failure("timed-out", "The upstream fell silent.", {
          maybeBilled: true,
          why: "fell silent in the middle of its answer (timeout.idle_s or total_s)",
        }),
      );
      return;
    }
    if (stands === "with-upstream" && now >= pingMs) {
      pingMs = now + keepAliveMs;
      wake?.(silence);
    }
    lookAgain(now);
  };
  const watch = new Watch(run.estate.ticker, { limitReached: look });
  lookAgain(offeredMs);

  return {
    stop() {
      isStopped = true;
      watch.stop();
    },
    isWithUpstream: () => stands === "with-upstream",
    hear(source: Opened) {
      opened = source;
      heardMs = clock.monotonicMs();
      stands = "with-upstream";
      lookAgain(heardMs);
    },
    heard() {
      heardMs = clock.monotonicMs();
    },
    offer() {
      offeredMs = clock.monotonicMs();
      stands = "with-client";
    },
    taken() {
      stands = "with-upstream";
      pingMs = clock.monotonicMs() + keepAliveMs;
    },
    /** The value, or `silence` when a keep-alive is due first; then the same promise is to be waited for again. */
    wait<T>(promise: Promise<T>): Promise<T | typeof silence> {
      stands = "with-upstream";
      return new Promise((resolve, reject) => {
        wake = resolve;
        promise.then(resolve, reject);
      });
    },
  };
}
