// Passes a stream in the client's own format: whole frames go on unchanged, and after the first word only frames with news for
// the record are read. It must never hold back more than the start of a frame.

import { redactedFailure } from "../../backends/http/redacted-failure.ts";
import { ReplyPace } from "../../backends/http/reply-pace.ts";
import { Failure, failureFrom } from "../../canon/failure.ts";
import { brokenOff, parseLoosely } from "../../dialects/decoding.ts";
import type { FrameFacts } from "../../dialects/dialect.ts";
import { portionBytes } from "../../wire/loop-pacer.ts";
import { lastFrameEnd, maxFrameBytes, readFrame, splitFrames, type SseFrame } from "../../wire/sse.ts";
import { type AnswerSource, endQuietly, failurePiece, type Piece } from "../answer/answer-source.ts";
import { failedPiece, type PassthroughOptions } from "./passthrough-options.ts";

const emptyPiece: Piece = { bytes: "", opens: false, failure: null, isLast: false };
const noFacts: FrameFacts = {};

export class FramedSource implements AnswerSource {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** The start of a frame, in the chunks in which it arrived. */
  private carry: Buffer[] = [];
  private carriedBytes = 0;
  /** What has been read and is not processed yet. */
  private waiting: Buffer | null = null;
  private readonly replyPace = new ReplyPace();
  private isOver = false;
  private readonly markers: readonly Buffer[];

  constructor(
    private readonly options: PassthroughOptions,
    answer: Response,
  ) {
    this.reader = answer.body?.getReader();
    this.markers = options.dialect.backend.passthrough.frameMarkers.map((marker) => Buffer.from(marker));
  }

  async next(): Promise<Piece> {
    const { replyPace, options } = this;
    let received = this.waiting;
    try {
      if (received === null) {
        // Takes everything that has arrived in one step: one chunk at a time costs three promises each.
        const step = await this.reader?.readMany();
        if (step === undefined || step.done) return this.end();
        const [only] = step.value;
        received = step.value.length === 1 && only !== undefined ? asBuffer(only) : Buffer.concat(step.value);
      }
      this.waiting = null;
      if (received.length > portionBytes) {
        this.waiting = received.subarray(portionBytes);
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
    const ready = this.wholeFrames(received);
    if (this.carriedBytes > maxFrameBytes)
      return failurePiece(new Failure("bad-output", "The upstream sent an event beyond the size limit."));
    // Half a frame shows that the upstream is alive.
    if (ready === null) return emptyPiece;
    try {
      return replyPace.hasBegun && !this.hasMarker(ready) ? this.unread(ready) : this.inspected(ready);
    } catch (thrown) {
      return failedPiece(options, thrown);
    }
  }

  /** The carried bytes and the new ones, up to the end of the last complete frame; null: no frame ends. */
  private wholeFrames(received: Buffer): Buffer | null {
    const { carry } = this;
    // Joined only when a frame ends: an endless frame would otherwise be copied again with every chunk.
    const isFrameEnd = lastFrameEnd(carry.length === 0 ? received : seam(carry, received)) > 0;
    if (!isFrameEnd) {
      carry.push(received);
      this.carriedBytes += received.length;
      return null;
    }
    const chunk = carry.length === 0 ? received : Buffer.concat([...carry, received]);
    const end = lastFrameEnd(chunk);
    this.carry = end === chunk.length ? [] : [chunk.subarray(end)];
    this.carriedBytes = chunk.length - end;
    if (end === 0) return null;
    return end === chunk.length ? chunk : chunk.subarray(0, end);
  }

  private hasMarker(ready: Buffer): boolean {
    for (const marker of this.markers) if (ready.includes(marker)) return true;
    return false;
  }

  private unread(ready: Buffer): Piece {
    const { observer } = this.options;
    if (observer.countsBytes) for (const slice of splitFrames(ready)) this.count(readFrame(slice));
    else observer.passed(ready, this);
    return { bytes: ready, opens: true, failure: null, isLast: false };
  }

  private inspected(ready: Buffer): Piece {
    const piece = this.inspect(ready);
    const { reader } = this;
    if (piece.isLast && reader !== undefined)
      endQuietly(
        () => reader.read(),
        () => void reader.cancel().catch(() => undefined),
        this.options.setTimer,
      );
    return piece;
  }

  /** Reads the frames of `ready` one by one: what may pass, and what the record learns. */
  private inspect(ready: Buffer): Piece {
    const { options } = this;
    const { observer, dialect } = options;
    let passed: Buffer[] | null = null;
    let failure: Failure | null = null;
    let opens = false;
    const frames = splitFrames(ready);
    for (const [at, slice] of frames.entries()) {
      const frame = readFrame(slice);
      if (observer.countsBytes) this.count(frame);
      const facts = frame === null ? noFacts : dialect.backend.passthrough.frameFacts(frame);
      observer.frame(facts);
      const isHidden =
        this.isOver ||
        facts.failure !== undefined ||
        (facts.isUsageOnly === true && !options.facts.wantsUsage);
      if (isHidden) passed ??= frames.slice(0, at);
      else if (passed !== null) passed.push(slice);
      opens ||= facts.startsAnswer === true || facts.finish !== undefined;
      if (facts.isEnd === true) this.isOver = true;
      if (facts.failure !== undefined) {
        failure = redactedFailure(options.redact, facts.failure);
        break;
      }
    }
    this.replyPace.hasBegun ||= opens;
    const bytes = passed === null ? ready : Buffer.concat(passed);
    if (!observer.countsBytes) observer.passed(bytes, this);
    return { bytes, opens, failure, isLast: this.isOver && failure === null };
  }

  private count(frame: SseFrame | null): void {
    if (frame !== null) this.options.observer.addBytes(this.textBytesOf(frame));
  }

  private textBytesOf(frame: SseFrame): number {
    return this.options.dialect.backend.passthrough.textBytes(parseLoosely(frame.data));
  }

  textBytesIn(frames: Buffer): number {
    let bytes = 0;
    try {
      for (const slice of splitFrames(frames)) {
        const frame = readFrame(slice);
        if (frame !== null) bytes += this.textBytesOf(frame);
      }
    } catch {
      // An odd frame says nothing about the text; it passes, and the client decides what it is worth.
      return 0;
    }
    return bytes;
  }

  /** The upstream's bytes have ended. */
  private end(): Piece {
    const { carry, options } = this;
    const piece =
      carry.length === 0
        ? { ...emptyPiece, isLast: this.isOver }
        : this.inspect(Buffer.concat([...carry, Buffer.from("\n\n")]));
    this.carry = [];
    if (piece.failure !== null || piece.isLast) return piece;
    // The vendor sent a finish reason but no end marker: the dialect's end is added here.
    if (options.observer.finish === null) return { ...piece, failure: brokenOff() };
    const endFrame = Buffer.from(options.dialect.client.framing.end);
    return { ...piece, bytes: Buffer.concat([asBytes(piece.bytes), endFrame]), isLast: true };
  }
}

const asBytes = (bytes: Uint8Array | string): Uint8Array =>
  typeof bytes === "string" ? Buffer.from(bytes) : bytes;
const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * Where a frame ends across the carried and the new bytes: at most three bytes of its blank line are in the carried
 * part.
 */
function seam(carry: readonly Buffer[], news: Buffer): Buffer {
  let tail = carry.at(-1) ?? news;
  if (tail.length < 3) tail = Buffer.concat(carry.slice(-3));
  return Buffer.concat([tail.subarray(-3), news]);
}
