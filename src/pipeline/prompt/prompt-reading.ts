// Reads the outlines of prompts for their records: in the turn after the answer has begun, a small one at the latest when its request is
// over. Until then each holds its body's bytes, and a record waits for a large one. It must never hold up the loop for long, nor fail a
// request.

import type { PendingOutline, PromptOutline } from "../../canon/prompt-outline.ts";
import { promptLayout } from "../../dialects/prompt-layout.ts";
import { BrokenJson } from "../../wire/json.ts";
import type { IncomingRequest } from "../incoming-request.ts";
import { KnownHashes, readOutline } from "./read-outline.ts";

/** A larger body would hold up the loop for longer than a few milliseconds. */
const maxReadBytes = 4_194_304;
/** A prompt of this size is read in a fraction of a millisecond: its record is written when the request ends, in the order of the ends. */
const maxImmediateBytes = 65_536;
/** Other work gets its turn after this. */
const turnMs = 1;

export class PromptReading implements PendingOutline {
  outline: PromptOutline | null = null;
  private state: "waiting" | "soon" | "read" = "waiting";
  private release: (() => void) | null = null;
  private listener: (() => void) | null = null;

  constructor(
    private incoming: IncomingRequest | null,
    private readonly readings: PromptReadings,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** It will call back. */
  get isUnderWay(): boolean {
    return this.state === "soon";
  }

  /** `release` is called when the bytes are no longer needed. */
  readSoon(release: () => void): void {
    this.state = "soon";
    this.release = release;
    this.readings.add(this);
  }

  /** At once where it was not begun: no answer came. */
  whenRead(listener: () => void): void {
    if (!this.isUnderWay) {
      listener();
      return;
    }
    this.listener = listener;
    if ((this.incoming?.envelope.bytes.length ?? 0) <= maxImmediateBytes) this.readNow();
  }

  /** Once; later calls do nothing. */
  readNow(): void {
    if (this.state === "read") return;
    const { release, listener } = this;
    this.read();
    this.state = "read";
    this.release = null;
    this.listener = null;
    release?.();
    listener?.();
  }

  private read(): void {
    const { incoming } = this;
    this.incoming = null;
    if (incoming === null) return;
    const { envelope, bodyDialect } = incoming;
    try {
      this.outline = readOutline(
        envelope.bytes,
        envelope.scan,
        promptLayout(bodyDialect),
        envelope.model,
        this.readings.known,
      );
    } catch (thrown) {
      // A body whose parts are not what its format says has been answered all the same.
      if (!(thrown instanceof BrokenJson)) this.onError(thrown);
    }
  }
}

export class PromptReadings {
  readonly known = new KnownHashes();
  private waiting: PromptReading[] = [];
  private turn: NodeJS.Immediate | null = null;

  /** Null: the request belongs to no session, or is no chat, or too large. */
  of(incoming: IncomingRequest, onError: (error: unknown) => void): PromptReading | null {
    const { endpoint, envelope, sessionKey } = incoming;
    if (sessionKey === null || endpoint.kind !== "chat" || envelope.bytes.length > maxReadBytes) return null;
    return new PromptReading(incoming, this, onError);
  }

  add(reading: PromptReading): void {
    this.waiting.push(reading);
    this.schedule();
  }

  /** Reads what waits, so that its records are written before the store closes. */
  finish(): void {
    this.readUntil(Number.POSITIVE_INFINITY);
  }

  private schedule(): void {
    if (this.waiting.length > 0) this.turn ??= setImmediate(() => this.readSome());
  }

  private readSome(): void {
    this.turn = null;
    try {
      this.readUntil(performance.now() + turnMs);
    } finally {
      this.schedule();
    }
  }

  private readUntil(endMs: number): void {
    const batch = this.waiting;
    this.waiting = [];
    let done = 0;
    try {
      while (done < batch.length && (done === 0 || performance.now() < endMs)) batch[done++]?.readNow();
    } finally {
      if (done < batch.length) this.waiting = [...batch.slice(done), ...this.waiting];
    }
  }
}

/**
 * Tells the same request again where no prompt is read: without a session only that is asked of it, and a hash of the
 * bytes costs a thousandth of reading them. Null: it is no chat, or too large.
 */
export function bodyHashOf({ endpoint, envelope }: IncomingRequest): string | null {
  if (endpoint.kind !== "chat" || envelope.bytes.length > maxReadBytes) return null;
  // Gemini names the model in the path.
  return Bun.hash(envelope.bytes, Bun.hash(envelope.model)).toString(16);
}
