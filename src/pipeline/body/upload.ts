// Reads a request's body: limits its size, its memory and its minimum speed, and stops at once when the request ends. It must
// never leave a released byte reserved, nor keep a finished request waiting.

import { Failure } from "../../canon/failure.ts";
import type { TimerListener, Ticker, TickerTimer } from "../../system/ticker.ts";
import { BodyBlocks } from "../../wire/body.ts";
import type { BodyShare, BodyTurn } from "./body-memory.ts";

export type UploadRules = {
  /** Limit of one body. */
  readonly limitBytes: number;
  /** Limit of all bodies together. */
  readonly memoryBytes: number;
  /** Minimum bytes a second once `graceMs` have passed; 0: no minimum. */
  readonly minRate: number;
  readonly graceMs: number;
  /** How long a large body waits for room before it takes what there is. */
  readonly memoryWaitMs: number;
  /** When a body is first checked. */
  readonly firstCheckMs: number;
};

/**
 * Up to this size the announced length is reserved and the runtime collects the body, at half the cost of a stream of
 * chunks. Larger bodies are reserved as they arrive: announcing is free and would lock other callers out.
 */
const maxAtOnce = 131_072;

/** How long a client should wait for memory: the usual time until an answer begins, because bodies are held that long. */
const memoryRetryMs = 5_000;

const never = Number.POSITIVE_INFINITY;

/** A class, because every request has one. */
export class Upload {
  /** The body has arrived. */
  isWhole = false;
  /** The body has arrived, or no request waits for it any more. */
  isOver = false;
  private endedBy: Error | null = null;
  private booked = 0;
  private received = 0;
  private isReleased = false;
  /** For a body that is collected at once: when it must have arrived. */
  private dueMs = never;
  private windowStartMs: number;
  private receivedBefore = 0;
  private readonly waitUntilMs: number;
  private turn: BodyTurn | null = null;
  /** There was no room when it arrived. */
  hasWaited = false;
  /** Promised bytes that have not arrived. */
  private promised = 0;
  /** Its speed counts from the next check on. */
  private isSpeedReset = false;
  private waiting: PromiseWithResolvers<ArrayBuffer> | null = null;
  private reader: { cancel(): Promise<void> } | null = null;

  constructor(
    private readonly request: Request,
    private readonly share: BodyShare,
    readonly rules: UploadRules,
    startMs: number,
  ) {
    this.windowStartMs = startMs;
    this.waitUntilMs = startMs + rules.memoryWaitMs;
    share.open();
  }

  /** Rejects with a Failure, or with the reason passed to `end`. Its result goes to `whole`. */
  read(): Promise<ArrayBuffer | Buffer> {
    if (this.endedBy !== null) return Promise.reject(this.endedBy);
    const { limitBytes, memoryBytes, minRate, graceMs } = this.rules;
    const declared = this.request.headers.get("content-length");
    const length = declared === null ? Number.NaN : Number(declared);
    if (length > limitBytes) return Promise.reject(tooLarge(limitBytes));
    if (!(length <= maxAtOnce)) return this.readChunks(length);
    if (!this.share.reserve(length, memoryBytes, true)) return Promise.reject(noMemory());
    this.booked = length;
    if (minRate > 0) this.dueMs = this.windowStartMs + graceMs + (length / minRate) * 1_000;
    const waiting = Promise.withResolvers<ArrayBuffer>();
    this.waiting = waiting;
    this.request.arrayBuffer().then(waiting.resolve, waiting.reject);
    return waiting.promise;
  }

  /** The body that `read` returned. Throws Failure where the announced length was wrong. */
  whole(raw: ArrayBuffer | Buffer): Buffer {
    if (raw.byteLength > this.rules.limitBytes) throw tooLarge(this.rules.limitBytes);
    this.isOver = true;
    this.isWhole = true;
    this.waiting = null;
    this.reader = null;
    return Buffer.isBuffer(raw) ? raw : Buffer.from(raw);
  }

  /** The gateway put this many bytes more into the body than the client sent. Throws Failure where there is no room for them. */
  grow(bytes: number): void {
    if (bytes <= 0 || this.isReleased) return;
    if (!this.share.reserve(bytes, this.rules.memoryBytes, false)) throw noMemory();
    this.booked += bytes;
  }

  /** Why it could not be read, as a Failure or the reason passed to `end`. */
  readFailure(thrown: unknown): Error {
    this.isOver = true;
    if (this.endedBy !== null) return this.endedBy;
    if (thrown instanceof Failure) return thrown;
    return new Failure("cancelled", "The request ended before its body did.", { cause: thrown });
  }

  /** The request ends: a pending `read` rejects with the reason. */
  end(reason: Error): void {
    if (this.isOver || this.endedBy !== null) return;
    this.endedBy = reason;
    this.waiting?.reject(reason);
    this.turn?.leave();
    // Ends a pending read.
    void this.reader?.cancel().catch(() => undefined);
  }

  /** Null: it arrives fast enough, or has arrived. Call after `nextCheckMs`. */
  checkSpeed(nowMs: number): Failure | null {
    if (this.isOver) return null;
    const { minRate, graceMs } = this.rules;
    if (this.dueMs !== never) return nowMs < this.dueMs ? null : tooSlow(minRate);
    if (this.turn !== null && nowMs >= this.waitUntilMs) this.turn.leave();
    if (this.turn !== null || this.isSpeedReset) {
      this.isSpeedReset = false;
      this.windowStartMs = nowMs;
      this.receivedBefore = this.received;
    }
    if (nowMs - this.windowStartMs < graceMs) return null;
    const least = ((nowMs - this.windowStartMs) / 1_000) * minRate;
    if (this.received - this.receivedBefore < least) return tooSlow(minRate);
    this.windowStartMs = nowMs;
    this.receivedBefore = this.received;
    return null;
  }

  /** Milliseconds until `checkSpeed` should be called again. */
  nextCheckMs(nowMs: number): number {
    if (this.isOver) return never;
    if (this.turn !== null && nowMs < this.waitUntilMs) return this.waitUntilMs - nowMs;
    if (this.rules.minRate === 0) return never;
    return Math.max(0, (this.dueMs === never ? this.windowStartMs + this.rules.graceMs : this.dueMs) - nowMs);
  }

  /** Releases its memory: it will not be read again. Idempotent. */
  release(): void {
    if (this.isReleased) return;
    this.isReleased = true;
    this.turn?.leave();
    this.share.release(this.booked);
    this.share.reducePromise(this.promised);
    this.share.close();
    this.booked = 0;
    this.promised = 0;
  }

  /** `length` NaN: unknown. */
  private async readChunks(length: number): Promise<Buffer> {
    const { limitBytes } = this.rules;
    if (this.request.body === null) return Buffer.alloc(0);
    if (length > 0) await this.waitForMemory(length);
    const reader = this.request.body.getReader();
    this.reader = reader;
    const blocks = new BodyBlocks();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (this.endedBy !== null) throw this.endedBy;
        if (done) break;
        this.received += value.byteLength;
        if (this.received > limitBytes) throw tooLarge(limitBytes);
        if (!this.book(blocks.add(value))) throw noMemory();
      }
    } catch (thrown) {
      blocks.drop();
      // The rest of a refused body is dropped while the answer is sent (unread-body.ts).
      if (thrown instanceof Failure && this.endedBy === null) reader.releaseLock();
      else await reader.cancel().catch(() => undefined);
      throw thrown;
    }
    const bytes = blocks.join();
    this.share.release(this.booked - bytes.byteLength);
    this.booked = bytes.byteLength;
    return bytes;
  }

  /** Unread bytes stay with the sender (Bun 1.4.5: all but about a megabyte). */
  private async waitForMemory(length: number): Promise<void> {
    const turn = this.share.waitTurn(length, this.rules.memoryBytes);
    if (turn !== null) {
      this.turn = turn;
      this.hasWaited = true;
      await turn.over;
      this.turn = null;
      this.isSpeedReset = true;
      if (this.endedBy !== null) throw this.endedBy;
    }
    if (turn === null || turn.isPromised) this.promised = length;
  }

  private book(bytes: number): boolean {
    // The answer may have been sent while a chunk was arriving.
    if (this.isReleased) return false;
    const { memoryBytes } = this.rules;
    if (!this.share.reserve(bytes, memoryBytes, this.received <= maxAtOnce)) return false;
    this.booked += bytes;
    const kept = Math.min(bytes, this.promised);
    this.promised -= kept;
    this.share.reducePromise(kept);
    return true;
  }
}

const tooLarge = (limitBytes: number): Failure =>
  new Failure(
    "too-large",
    `The body is larger than the limit of ${limitBytes} bytes (server.body_limit_mb).`,
  );

const noMemory = (): Failure =>
  new Failure(
    "at-capacity",
    "Too many request bodies are under way (server.body_memory_mb). Try again in a moment.",
    { retryAfterMs: memoryRetryMs },
  );

const tooSlow = (leastRate: number): Failure =>
  new Failure(
    "slow-body",
    `The body came more slowly than ${leastRate} bytes a second (server.min_upload_kb_s).`,
  );

/** The request's deadline passed before its body had arrived. */
export const tooLate = (): Failure =>
  new Failure("slow-body", "The body did not arrive within server.request_timeout_s.");

/** Reads the body of a request outside the pipeline within `timeoutMs`. Rejects with a Failure. */
export async function readBody(upload: Upload, ticker: Ticker, timeoutMs: number): Promise<Buffer> {
  const watch = new UploadWatch(upload, ticker, timeoutMs, upload.rules.firstCheckMs);
  try {
    return upload.whole(await upload.read());
  } catch (thrown) {
    throw upload.readFailure(thrown);
  } finally {
    watch.stop();
  }
}

/** Watches the upload of a body outside the pipeline, which no admitted request watches. */
class UploadWatch implements TimerListener {
  private readonly endMs: number;
  private timer: TickerTimer;

  constructor(
    private readonly upload: Upload,
    private readonly ticker: Ticker,
    timeoutMs: number,
    firstLookMs: number,
  ) {
    const nowMs = ticker.monotonicMs();
    this.endMs = nowMs + timeoutMs;
    this.timer = ticker.after(Math.min(timeoutMs, firstLookMs), this);
  }

  onDue(): void {
    const nowMs = this.ticker.monotonicMs();
    const failure = nowMs >= this.endMs ? tooLate() : this.upload.checkSpeed(nowMs);
    if (failure !== null) {
      this.upload.end(failure);
      return;
    }
    this.timer = this.ticker.after(Math.min(this.endMs - nowMs, this.upload.nextCheckMs(nowMs)), this);
  }

  stop(): void {
    this.timer.stop();
  }
}
