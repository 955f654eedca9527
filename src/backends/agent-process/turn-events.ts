// One answer of a running conversation, as batches of events until it ends.
// It must never wait without a limit, nor keep a client waiting over text that is long known.

import type { StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import type { TurnDecoder, TurnEnd } from "../../dialects/claude-code/decode-turn.ts";
import type { Clock } from "../../system/clock.ts";
import type { ControlChannel } from "../claude-code/conversation/control-channel.ts";
import { endFailure } from "../claude-code/conversation/conversation.ts";
import { abortReason, waitForEvent, tookTooLong } from "./bounded-wait.ts";

export type TurnOptions = {
  readonly channel: ControlChannel;
  readonly decoder: TurnDecoder;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Monotonic: when the whole answer must be there. */
  readonly deadlineMs: number;
  /** For the program's first line after it was asked. */
  readonly firstLineMs: number;
  /** The program runs tools of its own, in silence. */
  readonly runsTools: boolean;
};

/** Text that waits for its fate no longer than this: a remark before a tool takes less. */
const heldMs = 1_000;
const heartbeatMs = 10_000;
/** For the result of an answer that is complete. */
const resultMs = 5_000;
const largestBatch = 256;

/** The last batch comes with the end. Throws the abort's Failure, or `timed-out`. */
export type TurnBatch = { readonly batch: readonly StreamEvent[]; readonly end: TurnEnd | null };

export async function* turnEvents(options: TurnOptions): AsyncGenerator<TurnBatch, void, void> {
  const { channel, decoder, clock, signal } = options;
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
    // Thinking that is not shown and tools that run are no silence.
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
    if (channel.isOver()) throw endFailure(channel);
    if (nowMs >= options.deadlineMs) throw tookTooLong("answer");
    if (!isAlive && nowMs - begunMs >= options.firstLineMs) throw tookTooLong("begin its answer");
    const dueMs = Math.min(
      options.deadlineMs,
      isAlive ? Number.POSITIVE_INFINITY : begunMs + options.firstLineMs,
      heldSinceMs === null ? Number.POSITIVE_INFINITY : heldSinceMs + heldMs,
      completeSinceMs === null ? Number.POSITIVE_INFINITY : completeSinceMs + resultMs,
      isBusy ? shownMs + heartbeatMs : Number.POSITIVE_INFINITY,
    );
    await waitForEvent(channel.onReady, { clock, signal, limitMs: Math.max(0, dueMs - nowMs) });
  }
}

function takeBatch(
  channel: ControlChannel,
  decoder: TurnDecoder,
): { batch: StreamEvent[]; end: TurnEnd | null; lines: number } {
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

/** The closing event of an answer. */
export function closingEvent(end: TurnEnd): StreamEvent {
  return end.kind === "failed" ? { type: "failure", failure: end.failure } : end.finish;
}

/** What a request's answer may take in all. */
export function deadlineOf(clock: Clock, timeoutMs: number): number {
  if (!(timeoutMs > 0)) throw new Failure("internal", "A request without time.");
  return clock.monotonicMs() + timeoutMs;
}
