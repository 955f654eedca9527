// Reads one answer of a running conversation as batches of events until it ends. It must never wait without a limit,
// nor hold back text from a client for long.

import type { StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import type { Clock } from "../../system/clock.ts";
import type { AgentChannel, TurnDecoder } from "./agent-channel.ts";
import { abortReason, waitForEvent, tookTooLong } from "./bounded-wait.ts";

export type TurnOptions<Line, End> = {
  /** The program's name in failures. */
  readonly program: string;
  readonly channel: Pick<AgentChannel<Line>, "take" | "onReady" | "isOver" | "endFailure">;
  readonly decoder: TurnDecoder<Line, End>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Monotonic time by which the whole answer must be complete. */
  readonly deadlineMs: number;
  /** Limit for the program's first line after the request. */
  readonly firstLineMs: number;
  /** The program runs its own tools silently. */
  readonly runsTools: boolean;
};

/** How long text is held back at most: a comment before a tool call takes less. */
const heldMs = 1_000;
const heartbeatMs = 10_000;
/** Limit for the result line of a complete answer. */
const resultMs = 5_000;
const largestBatch = 256;

/** The last batch comes with the end. */
export type TurnBatch<End> = { readonly batch: readonly StreamEvent[]; readonly end: End | null };

/** Throws the abort's Failure, or `timed-out`. */
export async function* turnEvents<Line, End>(
  options: TurnOptions<Line, End>,
): AsyncGenerator<TurnBatch<End>, void, void> {
  const { program, channel, decoder, clock, signal } = options;
  const begunMs = clock.monotonicMs();
  let shownMs = begunMs;
  let heldSinceMs: number | null = null;
  let completeSinceMs: number | null = null;
  let isAlive = false;
  for (;;) {
    const { batch, end, lines } = takeBatch(channel, decoder);
    if (signal.aborted) throw abortReason(signal);
    if (end !== null) {
      yield { batch, end };
      return;
    }
    const nowMs = clock.monotonicMs();
    isAlive ||= lines > 0;
    heldSinceMs = decoder.isHolding() ? (heldSinceMs ?? nowMs) : null;
    if (heldSinceMs !== null && nowMs - heldSinceMs >= heldMs) {
      batch.push(...decoder.release());
      heldSinceMs = null;
    }
    const isSilent = nowMs - shownMs >= heartbeatMs;
    const isBusy = options.runsTools && decoder.hasStarted() && !decoder.isStreaming();
    // Hidden thinking and running tools do not count as silence.
    if (batch.length === 0 && isSilent && (lines > 0 || isBusy)) batch.push({ type: "heartbeat" });
    if (batch.length > 0) {
      shownMs = nowMs;
      yield { batch, end: null };
      continue;
    }
    const complete = decoder.complete();
    completeSinceMs = complete === null ? null : (completeSinceMs ?? nowMs);
    const isLate = completeSinceMs !== null && nowMs - completeSinceMs >= resultMs;
    if (complete !== null && (isLate || channel.isOver())) {
      yield { batch: [], end: complete };
      return;
    }
    if (channel.isOver()) throw channel.endFailure();
    if (nowMs >= options.deadlineMs) throw tookTooLong(program, "answer");
    if (!isAlive && nowMs - begunMs >= options.firstLineMs) throw tookTooLong(program, "begin its answer");
    const dueMs = Math.min(
      options.deadlineMs,
      isAlive ? Number.POSITIVE_INFINITY : begunMs + options.firstLineMs,
      heldSinceMs === null ? Number.POSITIVE_INFINITY : heldSinceMs + heldMs,
      completeSinceMs === null ? Number.POSITIVE_INFINITY : completeSinceMs + resultMs,
      isBusy ? shownMs + heartbeatMs : Number.POSITIVE_INFINITY,
    );
    await waitForEvent(channel, { clock, signal, limitMs: Math.max(0, dueMs - nowMs) });
  }
}

function takeBatch<Line, End>(
  channel: Pick<AgentChannel<Line>, "take">,
  decoder: TurnDecoder<Line, End>,
): { batch: StreamEvent[]; end: End | null; lines: number } {
  const batch: StreamEvent[] = [];
  let lines = 0;
  for (let line = channel.take(); line !== null; line = channel.take()) {
    lines++;
    const { events, end } = decoder.take(line);
    batch.push(...events);
    if (end !== null) return { batch, end, lines };
    if (batch.length >= largestBatch) break;
  }
  return { batch, end: null, lines };
}

/** The total time limit of a request's answer. */
export function deadlineOf(clock: Clock, timeoutMs: number): number {
  if (!(timeoutMs > 0)) throw new Failure("internal", "A request without time.");
  return clock.monotonicMs() + timeoutMs;
}
