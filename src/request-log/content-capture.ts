// What passes of one request, copied as it passes and bounded; it becomes text later, off the request's way. It must never throw,
// never change a byte, nor keep more than it may.

import type { UnpricedRecord } from "../canon/record.ts";

export type CaptureLimits = {
  readonly requestBytes: number;
  readonly answerBytes: number;
};

/** What a capture asks of the log. `take` false: there is no memory for it. */
export type CaptureOwner = {
  take(bytes: number): boolean;
  release(bytes: number): void;
  ended(capture: ContentCapture, record: UnpricedRecord): void;
};

export class ContentCapture {
  body: Buffer | null = null;
  contentType: string | null = null;
  isRequestCut = false;
  isAnswerCut = false;
  private answerParts: Buffer[] = [];
  private answered = 0;
  private held = 0;
  private isEnded = false;
  private isDropped = false;

  constructor(
    readonly tenant: string | null,
    /** How often the tenant's texts had been deleted when it began. */
    readonly deletions: number,
    private readonly limits: CaptureLimits,
    private readonly owner: CaptureOwner,
  ) {}

  request(bytes: Uint8Array, contentType: string | null): void {
    const most = Math.min(bytes.length, this.limits.requestBytes);
    if (!this.hold(most)) return;
    this.body = Buffer.from(bytes.subarray(0, most));
    this.isRequestCut = most < bytes.length;
    this.contentType = contentType;
  }

  /** A piece of what the client gets. `contentType`: of an answer that is neither JSON nor a stream of it. */
  answer(bytes: Uint8Array | string, contentType?: string): void {
    if (this.isEnded || this.isAnswerCut || bytes.length === 0) return;
    const isText = contentType === undefined || contentType.startsWith("text/");
    const piece = isText ? Buffer.from(bytes) : Buffer.from(`[${contentType}, ${bytes.length} bytes]`);
    const room = this.limits.answerBytes - this.answered;
    const kept = piece.length > room ? piece.subarray(0, room) : piece;
    this.isAnswerCut = kept.length < piece.length;
    if (!this.hold(kept.length)) return;
    this.answerParts.push(kept);
    this.answered += kept.length;
  }

  /** The request is over, however it ended. */
  end(record: UnpricedRecord): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.owner.ended(this, record);
  }

  get isWhole(): boolean {
    return !this.isDropped;
  }

  answerText(): string {
    return Buffer.concat(this.answerParts).toString("utf8");
  }

  /** Releases its memory. Idempotent. */
  free(): void {
    this.body = null;
    this.answerParts = [];
    this.owner.release(this.held);
    this.held = 0;
  }

  private hold(bytes: number): boolean {
    if (this.isDropped) return false;
    if (this.owner.take(bytes)) {
      this.held += bytes;
      return true;
    }
    this.isDropped = true;
    this.free();
    return false;
  }
}
