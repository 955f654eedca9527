// The express lane: the same dialect on both sides, so bytes pass and only what the record needs is read.
// It is an optimisation of the hub and must never show the client anything else than the hub would.

import type { Backend, Call } from "../backends/backend.ts";
import { foreignAnswer, maxReplyBytes, networkFailure, readReplyBytes, redactedFailure } from "../backends/http/backend.ts";
import { Failure, failureFrom } from "../canon/failure.ts";
import { cutShort } from "../dialects/decoding.ts";
import type { AnswerFacts, Dialect } from "../dialects/dialect.ts";
import { lastFrameEnd, readFrames, splitFrames, sseDecoder } from "../wire/sse.ts";
import { pieceEncoder, wholePiece } from "./hub.ts";
import { endQuietly, failurePiece, type Lane, type Piece } from "./lane.ts";
import type { Observer } from "./observe.ts";

export type RelayOptions = {
  readonly backend: Backend & { readonly open: NonNullable<Backend["open"]> };
  readonly dialect: Dialect;
  /** Path below the base URL, query included. */
  readonly path: string;
  /** The client's body, patched for the target. */
  readonly body: Uint8Array;
  readonly stream: boolean;
  readonly facts: AnswerFacts;
  readonly call: Call;
  readonly observer: Observer;
  readonly redact: (text: string) => string;
  readonly setTimer: (ms: number, run: () => void) => () => void;
};

const asBytes = (bytes: Uint8Array | string): Uint8Array => (typeof bytes === "string" ? Buffer.from(bytes) : bytes);
const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function relayLane(options: RelayOptions): Lane {
  let source: Lane | null = null;
  return {
    async next() {
      try {
        if (source === null) {
          const answer = await options.backend.open(options.path, options.body, options.call);
          const type = answer.headers.get("content-type") ?? "";
          if (type.includes("text/html")) return failurePiece(foreignAnswer());
          const isStream = type.includes("text/event-stream") || (options.stream && !type.includes("json"));
          if (isStream) source = options.stream ? frameLane(options, answer) : foldedStream(options, answer);
          else return await jsonPiece(options, answer);
        }
        return await source.next();
      } catch (thrown) {
        const failure = options.call.signal.aborted ? failureFrom(options.call.signal.reason) : networkFailure(thrown);
        return failurePiece(failure);
      }
    },
  };
}

async function jsonPiece(options: RelayOptions, answer: Response): Promise<Piece> {
  const bytes = await readReplyBytes(answer);
  const events = options.dialect.backend.readReply(readJson(bytes));
  const last = events.at(-1);
  if (last?.type === "failure") return failurePiece(redactedFailure(options.redact, last.failure));
  // A vendor that answers a stream request with one JSON body: the client still gets its stream.
  if (options.stream) return pieceEncoder(options.dialect.client, options.facts, options.observer)(events);
  for (const event of events) options.observer.event(event);
  return { bytes, opens: true, failure: null, isLast: true };
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(asBuffer(bytes).toString("utf8")) as unknown;
  } catch (cause) {
    throw new Failure("bad-output", "The upstream's answer is not valid JSON.", { cause });
  }
}

/** A vendor that streams although one body was asked for. */
function foldedStream(options: RelayOptions, answer: Response): Lane {
  return {
    async next() {
      const decoder = options.dialect.backend.streamDecoder();
      const frames = sseDecoder();
      const events = [];
      let size = 0;
      if (answer.body !== null)
        for await (const chunk of answer.body) {
          size += chunk.byteLength;
          if (size > maxReplyBytes) throw new Failure("bad-output", "The upstream's answer is larger than the limit.");
          for (const frame of frames.push(chunk)) events.push(...decoder.step(frame));
        }
      for (const frame of frames.end()) events.push(...decoder.step(frame));
      events.push(...decoder.end());
      return wholePiece(events, { client: options.dialect.client, facts: options.facts, observer: options.observer });
    },
  };
}

function frameLane(options: RelayOptions, answer: Response): Lane {
  const { relay } = options.dialect.backend;
  const reader = answer.body?.getReader();
  let carry: Buffer | null = null;
  let isOpen = false;
  let isOver = false;

  /** The frames of `ready` one by one: what may pass, and what they tell. */
  const inspect = (ready: Buffer): Piece => {
    let passed: Buffer[] | null = null;
    let failure: Failure | null = null;
    let opens = false;
    const frames = splitFrames(ready);
    for (const [at, slice] of frames.entries()) {
      const [frame] = readFrames(slice);
      const glance = frame === undefined ? {} : relay.glance(frame);
      options.observer.glance(glance);
      const isHidden = isOver || glance.failure !== undefined || (glance.isUsageOnly === true && !options.facts.wantsUsage);
      if (isHidden) passed ??= frames.slice(0, at);
      else if (passed !== null) passed.push(slice);
      opens ||= glance.opens === true || glance.finish !== undefined;
      if (glance.isEnd === true) isOver = true;
      if (glance.failure !== undefined) {
        failure = redactedFailure(options.redact, glance.failure);
        break;
      }
    }
    isOpen ||= opens;
    const bytes = passed === null ? ready : Buffer.concat(passed);
    return { bytes, opens, failure, isLast: isOver && failure === null };
  };

  const markers = relay.markers.map((marker) => Buffer.from(marker));
  const hasMarker = (ready: Buffer): boolean => markers.some((marker) => ready.includes(marker));

  const atEnd = (): Piece => {
    const rest = carry === null ? null : Buffer.concat([carry, Buffer.from("\n\n")]);
    carry = null;
    const piece: Piece = rest === null ? { bytes: "", opens: false, failure: null, isLast: isOver } : inspect(rest);
    if (piece.failure !== null || piece.isLast) return piece;
    // The vendor said why it stopped but not that it stopped: the dialect's end is ours to write.
    if (options.observer.sight.finish === null) return { ...piece, failure: cutShort() };
    return { ...piece, bytes: Buffer.concat([asBytes(piece.bytes), Buffer.from(options.dialect.client.endFrame)]), isLast: true };
  };

  return {
    async next() {
      for (;;) {
        const step = await reader?.read();
        if (step === undefined || step.done) return atEnd();
        let chunk = asBuffer(step.value);
        if (carry !== null) chunk = Buffer.concat([carry, chunk]);
        const end = lastFrameEnd(chunk);
        carry = end === chunk.length ? null : chunk.subarray(end);
        if (carry !== null && carry.length > maxCarryBytes)
          return failurePiece(new Failure("bad-output", "The upstream sent an event beyond the size limit."));
        if (end === 0) continue;
        const ready = end === chunk.length ? chunk : chunk.subarray(0, end);
        if (isOpen && !hasMarker(ready)) return { bytes: ready, opens: true, failure: null, isLast: false };
        const piece = inspect(ready);
        if (piece.isLast && reader !== undefined) {
          endQuietly(
            () => reader.read(),
            () => void reader.cancel().catch(() => undefined),
            options.setTimer,
          );
        }
        if (piece.bytes.length > 0 || piece.failure !== null || piece.isLast) return piece;
      }
    },
  };
}

const maxCarryBytes = 16 * 1024 * 1024;
