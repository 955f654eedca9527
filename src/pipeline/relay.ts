// The express lane: the same dialect on both sides, so bytes pass and only what the record needs is read.
// It is an optimisation of the hub and must never show the client anything else than the hub would.

import type { Backend, Call } from "../backends/backend.ts";
import { foreignAnswer, redactedFailure } from "../backends/http/backend.ts";
import { Intake } from "../backends/http/intake.ts";
import { networkFailure } from "../backends/http/network-failure.ts";
import { maxReplyBytes, parseReply, readReplyBytes } from "../backends/http/reply-bytes.ts";
import { opensGate } from "../canon/event.ts";
import { Failure, failureFrom } from "../canon/failure.ts";
import { cutShort, parseLoosely } from "../dialects/decoding.ts";
import type { AnswerFacts, Dialect } from "../dialects/dialect.ts";
import { giveBack } from "../wire/body.ts";
import { portionBytes, portionsOf } from "../wire/pace.ts";
import {
  lastFrameEnd,
  maxFrameBytes,
  readFrame,
  splitFrames,
  type SseFrame,
  sseDecoder,
} from "../wire/sse.ts";
import { pieceEncoder, wholePiece } from "./hub.ts";
import { endQuietly, failurePiece, type Lane, type Piece, type Progress } from "./lane.ts";
import type { Observer } from "./observe.ts";

export type RelayOptions = {
  readonly send: NonNullable<Backend["open"]>;
  readonly dialect: Dialect;
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

export function relayLane(options: RelayOptions): Lane {
  return new RelayLane(options);
}

class RelayLane implements Lane {
  /** Null until the upstream has answered, and for an answer of one piece. */
  private source: Lane | null = null;

  constructor(private readonly options: RelayOptions) {}

  next(): Promise<Piece> {
    return this.source === null ? this.first() : this.source.next();
  }

  private async first(): Promise<Piece> {
    const { options } = this;
    try {
      const answer = await options.send(options.path, options.body, options.call);
      if (options.isOwnBody) giveBack(options.body);
      const type = answer.headers.get("content-type") ?? "";
      if (type.includes("text/html")) return failurePiece(foreignAnswer());
      const isStream = type.includes("text/event-stream") || (options.stream && !type.includes("json"));
      if (!isStream) return jsonPiece(options, await readReplyBytes(answer, maxReplyBytes, options.progress));
      this.source = options.stream ? frameLane(options, answer) : foldedStream(options, answer);
      return await this.source.next();
    } catch (thrown) {
      return failedPiece(options, thrown);
    }
  }
}

function failedPiece(options: RelayOptions, thrown: unknown): Piece {
  const { signal } = options.call;
  const failure = signal.aborted ? failureFrom(signal.reason) : networkFailure(thrown);
  return failurePiece(redactedFailure(options.redact, failure));
}

function jsonPiece(options: RelayOptions, bytes: Uint8Array): Piece {
  const body = parseReply(bytes);
  const { backend } = options.dialect;
  const { observer } = options;
  const glance = options.stream ? null : backend.relay.glanceReply(body);
  if (glance !== null) {
    observer.glance(glance);
    if (observer.countsWords && (observer.usage.output ?? 0) === 0) observer.said(backend.relay.said(body));
    return { bytes, opens: true, failure: null, isLast: true };
  }
  const events = backend.readReply(body);
  const last = events.at(-1);
  if (last?.type === "failure") return failurePiece(redactedFailure(options.redact, last.failure));
  // A vendor that answers a stream request with one JSON body: the client still gets its stream.
  if (options.stream) return pieceEncoder(options.dialect.client, options.facts, options.observer)(events);
  if (observer.countsWords) observer.said(backend.relay.said(body));
  for (const event of events) observer.event(event);
  return { bytes, opens: true, failure: null, isLast: true };
}

/** A vendor that streams although one body was asked for. */
function foldedStream(options: RelayOptions, answer: Response): Lane {
  return {
    async next() {
      const decoder = options.dialect.backend.streamDecoder();
      const frames = sseDecoder();
      const events = [];
      const intake = new Intake();
      let size = 0;
      if (answer.body !== null)
        for await (const chunk of answer.body) {
          size += chunk.byteLength;
          if (size > maxReplyBytes)
            throw new Failure("bad-output", "The upstream's answer is larger than the limit.");
          for (const portion of portionsOf(chunk)) {
            const turn = intake.take(portion.length);
            if (turn !== null) await turn;
            for (const frame of frames.push(portion))
              for (const event of decoder.step(frame)) {
                intake.isOpen ||= opensGate(event);
                events.push(event);
                options.observer.event(event);
                options.observer.heard(event);
              }
          }
          if (intake.isOpen) options.progress.words();
        }
      const rest = [...frames.end().flatMap((frame) => decoder.step(frame)), ...decoder.end()];
      for (const event of rest) {
        options.observer.event(event);
        options.observer.heard(event);
      }
      return wholePiece([...events, ...rest], { client: options.dialect.client, facts: options.facts });
    },
  };
}

function frameLane(options: RelayOptions, answer: Response): Lane {
  const { relay } = options.dialect.backend;
  const { observer } = options;
  const reader = answer.body?.getReader();
  /** The beginning of a frame, in the pieces in which it came. */
  let carry: Buffer[] = [];
  let carriedBytes = 0;
  /** What has been read and waits for its turn. */
  let waiting: Buffer | null = null;
  const intake = new Intake();
  let isOver = false;

  const count = (frame: SseFrame | null): void => {
    if (frame !== null) observer.said(relay.said(parseLoosely(frame.data)));
  };

  /** The frames of `ready` one by one: what may pass, and what they tell. */
  const inspect = (ready: Buffer): Piece => {
    let passed: Buffer[] | null = null;
    let failure: Failure | null = null;
    let opens = false;
    const frames = splitFrames(ready);
    for (const [at, slice] of frames.entries()) {
      const frame = readFrame(slice);
      if (observer.countsWords) count(frame);
      const glance = frame === null ? {} : relay.glance(frame);
      observer.glance(glance);
      const isHidden =
        isOver || glance.failure !== undefined || (glance.isUsageOnly === true && !options.facts.wantsUsage);
      if (isHidden) passed ??= frames.slice(0, at);
      else if (passed !== null) passed.push(slice);
      opens ||= glance.opens === true || glance.finish !== undefined;
      if (glance.isEnd === true) isOver = true;
      if (glance.failure !== undefined) {
        failure = redactedFailure(options.redact, glance.failure);
        break;
      }
    }
    intake.isOpen ||= opens;
    const bytes = passed === null ? ready : Buffer.concat(passed);
    return { bytes, opens, failure, isLast: isOver && failure === null };
  };

  const markers = relay.markers.map((marker) => Buffer.from(marker));
  const hasMarker = (ready: Buffer): boolean => {
    for (const marker of markers) if (ready.includes(marker)) return true;
    return false;
  };

  const atEnd = (): Piece => {
    const piece =
      carry.length === 0
        ? { ...quiet, isLast: isOver }
        : inspect(Buffer.concat([...carry, Buffer.from("\n\n")]));
    carry = [];
    if (piece.failure !== null || piece.isLast) return piece;
    // The vendor said why it stopped but not that it stopped: the dialect's end is ours to write.
    if (observer.finish === null) return { ...piece, failure: cutShort() };
    return {
      ...piece,
      bytes: Buffer.concat([asBytes(piece.bytes), Buffer.from(options.dialect.client.endFrame)]),
      isLast: true,
    };
  };

  return {
    async next() {
      let news = waiting;
      try {
        if (news === null) {
          // Everything that has arrived, in one step: a chunk at a time costs three promises each.
          const step = await reader?.readMany();
          if (step === undefined || step.done) return atEnd();
          const [only] = step.value;
          news = step.value.length === 1 && only !== undefined ? asBuffer(only) : Buffer.concat(step.value);
        }
        waiting = null;
        if (news.length > portionBytes) {
          waiting = news.subarray(portionBytes);
          news = news.subarray(0, portionBytes);
        }
        const turn = intake.take(news.length);
        if (turn !== null) {
          await turn;
          const { signal } = options.call;
          if (signal.aborted) throw failureFrom(signal.reason);
        }
      } catch (thrown) {
        return failedPiece(options, thrown);
      }
      // Joined only when a frame ends: what goes on without end would otherwise be copied again with every portion.
      const isFrameEnd = carry.length === 0 ? lastFrameEnd(news) > 0 : lastFrameEnd(seam(carry, news)) > 0;
      const chunk = !isFrameEnd ? null : carry.length === 0 ? news : Buffer.concat([...carry, news]);
      if (chunk === null) carry.push(news);
      const end = chunk === null ? 0 : lastFrameEnd(chunk);
      carriedBytes += news.length;
      if (chunk !== null) {
        carry = end === chunk.length ? [] : [chunk.subarray(end)];
        carriedBytes = chunk.length - end;
      }
      if (carriedBytes > maxFrameBytes)
        return failurePiece(new Failure("bad-output", "The upstream sent an event beyond the size limit."));
      // Half a frame is a sign of life.
      if (chunk === null || end === 0) return quiet;
      const ready = end === chunk.length ? chunk : chunk.subarray(0, end);
      let piece: Piece;
      try {
        if (intake.isOpen && !hasMarker(ready)) {
          if (observer.countsWords) for (const slice of splitFrames(ready)) count(readFrame(slice));
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

const quiet: Piece = { bytes: "", opens: false, failure: null, isLast: false };

/** Where a frame ends between what was carried and what is new: its blank line has three bytes at most before that. */
function seam(carry: readonly Buffer[], news: Buffer): Buffer {
  let tail = carry.at(-1) ?? news;
  if (tail.length < 3) tail = Buffer.concat(carry.slice(-3));
  return Buffer.concat([tail.subarray(-3), news]);
}
