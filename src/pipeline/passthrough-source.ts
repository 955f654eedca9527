// The express lane: the same dialect on both sides, so bytes pass and only what the record needs is read.
// It is an optimisation of the hub and must never show the client anything else than the hub would.

import type { Backend, Call } from "../backends/backend.ts";
import { foreignAnswer } from "../backends/http/backend.ts";
import { redactedFailure } from "../backends/http/redacted-failure.ts";
import { ReplyPace } from "../backends/http/reply-pace.ts";
import { networkFailure } from "../backends/http/network-failure.ts";
import { maxReplyBytes, parseReply, readReplyBytes } from "../backends/http/reply-bytes.ts";
import { startsAnswer } from "../canon/event.ts";
import { Failure, failureFrom } from "../canon/failure.ts";
import { brokenOff, parseLoosely } from "../dialects/decoding.ts";
import type { AnswerFacts, FullDialect } from "../dialects/dialect.ts";
import { releaseMemory } from "../wire/body.ts";
import { portionBytes, portionsOf } from "../wire/loop-pacer.ts";
import {
  lastFrameEnd,
  maxFrameBytes,
  readFrame,
  splitFrames,
  type SseFrame,
  sseDecoder,
} from "../wire/sse.ts";
import { pieceEncoder, wholePiece } from "./translate.ts";
import { endQuietly, failurePiece, type AnswerSource, type Piece, type Progress } from "./answer-source.ts";
import type { Observer } from "./observer.ts";

export type PassthroughOptions = {
  readonly send: NonNullable<Backend["open"]>;
  readonly dialect: FullDialect;
  /** Path below the base URL, query included. */
  readonly path: string;
  /** The client's body, patched for the target. */
  readonly body: Uint8Array;
  /** True: made for this try alone, and freed when it is answered. */
  readonly isOwnBody: boolean;
  readonly stream: boolean;
  readonly facts: AnswerFacts;
  readonly call: Call;
  readonly observer: Observer;
  readonly progress: Progress;
  readonly redact: (text: string) => string;
  readonly setTimer: (ms: number, run: () => void) => () => void;
};

const asBytes = (bytes: Uint8Array | string): Uint8Array =>
  typeof bytes === "string" ? Buffer.from(bytes) : bytes;
const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function passthroughSource(options: PassthroughOptions): AnswerSource {
  return new PassthroughSource(options);
}

class PassthroughSource implements AnswerSource {
  /** Null until the upstream has answered, and for an answer of one piece. */
  private source: AnswerSource | null = null;

  constructor(private readonly options: PassthroughOptions) {}

  next(): Promise<Piece> {
    return this.source === null ? this.first() : this.source.next();
  }

  private async first(): Promise<Piece> {
    const { options } = this;
    try {
      const answer = await options.send(options.path, options.body, options.call);
      if (options.isOwnBody) releaseMemory(options.body);
      const type = answer.headers.get("content-type") ?? "";
      if (type.includes("text/html")) return failurePiece(foreignAnswer());
      const isStream = type.includes("text/event-stream") || (options.stream && !type.includes("json"));
      if (!isStream) return jsonPiece(options, await readReplyBytes(answer, maxReplyBytes, options.progress));
      this.source = options.stream ? framedSource(options, answer) : foldedSource(options, answer);
      return await this.source.next();
    } catch (thrown) {
      return failedPiece(options, thrown);
    }
  }
}

function failedPiece(options: PassthroughOptions, thrown: unknown): Piece {
  const { signal } = options.call;
  const failure = signal.aborted ? failureFrom(signal.reason) : networkFailure(thrown);
  return failurePiece(redactedFailure(options.redact, failure));
}

function jsonPiece(options: PassthroughOptions, bytes: Uint8Array): Piece {
  const body = parseReply(bytes);
  const { backend } = options.dialect;
  const { observer } = options;
  const facts = options.stream ? null : backend.passthrough.replyFacts(body);
  if (facts !== null) {
    observer.frame(facts);
    if (observer.countsBytes && (observer.usage.output ?? 0) === 0)
      observer.addBytes(backend.passthrough.textBytes(body));
    return { bytes, opens: true, failure: null, isLast: true };
  }
  const events = backend.decodeReply(body);
  const last = events.at(-1);
  if (last?.type === "failure") return failurePiece(redactedFailure(options.redact, last.failure));
  // A vendor that answers a stream request with one JSON body: the client still gets its stream.
  if (options.stream) return pieceEncoder(options.dialect.client, options.facts, options.observer)(events);
  if (observer.countsBytes) observer.addBytes(backend.passthrough.textBytes(body));
  for (const event of events) observer.event(event);
  return { bytes, opens: true, failure: null, isLast: true };
}

/** A vendor that streams although one body was asked for. */
function foldedSource(options: PassthroughOptions, answer: Response): AnswerSource {
  return {
    async next() {
      const decoder = options.dialect.backend.streamDecoder();
      const frames = sseDecoder();
      const events = [];
      const replyPace = new ReplyPace();
      let size = 0;
      if (answer.body !== null)
        for await (const chunk of answer.body) {
          size += chunk.byteLength;
          if (size > maxReplyBytes)
            throw new Failure("bad-output", "The upstream's answer is larger than the limit.");
          for (const portion of portionsOf(chunk)) {
            const turn = replyPace.take(portion.length);
            if (turn !== null) await turn;
            for (const frame of frames.push(portion))
              for (const event of decoder.step(frame)) {
                replyPace.hasBegun ||= startsAnswer(event);
                events.push(event);
                options.observer.event(event);
                options.observer.countEvent(event);
              }
          }
          if (replyPace.hasBegun) options.progress.progressed();
        }
      const rest = [...frames.end().flatMap((frame) => decoder.step(frame)), ...decoder.end()];
      for (const event of rest) {
        options.observer.event(event);
        options.observer.countEvent(event);
      }
      return wholePiece([...events, ...rest], { client: options.dialect.client, facts: options.facts });
    },
  };
}

function framedSource(options: PassthroughOptions, answer: Response): AnswerSource {
  const { passthrough } = options.dialect.backend;
  const { observer } = options;
  const reader = answer.body?.getReader();
  /** The beginning of a frame, in the pieces in which it came. */
  let carry: Buffer[] = [];
  let carriedBytes = 0;
  /** What has been read and waits for its turn. */
  let waiting: Buffer | null = null;
  const replyPace = new ReplyPace();
  let isOver = false;

  const count = (frame: SseFrame | null): void => {
    if (frame !== null) observer.addBytes(passthrough.textBytes(parseLoosely(frame.data)));
  };

  /** The frames of `ready` one by one: what may pass, and what they tell. */
  const inspect = (ready: Buffer): Piece => {
    let passed: Buffer[] | null = null;
    let failure: Failure | null = null;
    let opens = false;
    const frames = splitFrames(ready);
    for (const [at, slice] of frames.entries()) {
      const frame = readFrame(slice);
      if (observer.countsBytes) count(frame);
      const facts = frame === null ? {} : passthrough.frameFacts(frame);
      observer.frame(facts);
      const isHidden =
        isOver || facts.failure !== undefined || (facts.isUsageOnly === true && !options.facts.wantsUsage);
      if (isHidden) passed ??= frames.slice(0, at);
      else if (passed !== null) passed.push(slice);
      opens ||= facts.startsAnswer === true || facts.finish !== undefined;
      if (facts.isEnd === true) isOver = true;
      if (facts.failure !== undefined) {
        failure = redactedFailure(options.redact, facts.failure);
        break;
      }
    }
    replyPace.hasBegun ||= opens;
    const bytes = passed === null ? ready : Buffer.concat(passed);
    return { bytes, opens, failure, isLast: isOver && failure === null };
  };

  const markers = passthrough.frameMarkers.map((marker) => Buffer.from(marker));
  const hasMarker = (ready: Buffer): boolean => {
    for (const marker of markers) if (ready.includes(marker)) return true;
    return false;
  };

  const atEnd = (): Piece => {
    const piece =
      carry.length === 0
        ? { ...emptyPiece, isLast: isOver }
        : inspect(Buffer.concat([...carry, Buffer.from("\n\n")]));
    carry = [];
    if (piece.failure !== null || piece.isLast) return piece;
    // The vendor said why it stopped but not that it stopped: the dialect's end is ours to write.
    if (observer.finish === null) return { ...piece, failure: brokenOff() };
    return {
      ...piece,
      bytes: Buffer.concat([asBytes(piece.bytes), Buffer.from(options.dialect.client.framing.end)]),
      isLast: true,
    };
  };

  return {
    async next() {
      let received = waiting;
      try {
        if (received === null) {
          // Everything that has arrived, in one step: a chunk at a time costs three promises each.
          const step = await reader?.readMany();
          if (step === undefined || step.done) return atEnd();
          const [only] = step.value;
          received =
            step.value.length === 1 && only !== undefined ? asBuffer(only) : Buffer.concat(step.value);
        }
        waiting = null;
        if (received.length > portionBytes) {
          waiting = received.subarray(portionBytes);
          received = received.subarray(0, portionBytes);
        }
        const turn = replyPace.take(received.length);
        if (turn !== null) {
          await turn;
          const { signal } = options.call;
          if (signal.aborted) throw failureFrom(signal.reason);
        }
      } catch (thrown) {
        return failedPiece(options, thrown);
      }
      // Joined only when a frame ends: what goes on without end would otherwise be copied again with every portion.
      const isFrameEnd =
        carry.length === 0 ? lastFrameEnd(received) > 0 : lastFrameEnd(seam(carry, received)) > 0;
      const chunk = !isFrameEnd ? null : carry.length === 0 ? received : Buffer.concat([...carry, received]);
      if (chunk === null) carry.push(received);
      const end = chunk === null ? 0 : lastFrameEnd(chunk);
      carriedBytes += received.length;
      if (chunk !== null) {
        carry = end === chunk.length ? [] : [chunk.subarray(end)];
        carriedBytes = chunk.length - end;
      }
      if (carriedBytes > maxFrameBytes)
        return failurePiece(new Failure("bad-output", "The upstream sent an event beyond the size limit."));
      // Half a frame is a sign of life.
      if (chunk === null || end === 0) return emptyPiece;
      const ready = end === chunk.length ? chunk : chunk.subarray(0, end);
      let piece: Piece;
      try {
        if (replyPace.hasBegun && !hasMarker(ready)) {
          if (observer.countsBytes) for (const slice of splitFrames(ready)) count(readFrame(slice));
          return { bytes: ready, opens: true, failure: null, isLast: false };
        }
        piece = inspect(ready);
      } catch (thrown) {
        return failedPiece(options, thrown);
      }
      if (piece.isLast && reader !== undefined) {
        endQuietly(
          () => reader.read(),
          () => void reader.cancel().catch(() => undefined),
          options.setTimer,
        );
      }
      return piece;
    },
  };
}

const emptyPiece: Piece = { bytes: "", opens: false, failure: null, isLast: false };

/** Where a frame ends between what was carried and what is new: its blank line has three bytes at most before that. */
function seam(carry: readonly Buffer[], news: Buffer): Buffer {
  let tail = carry.at(-1) ?? news;
  if (tail.length < 3) tail = Buffer.concat(carry.slice(-3));
  return Buffer.concat([tail.subarray(-3), news]);
}
