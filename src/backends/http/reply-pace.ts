// Paces the reading of an answer: in portions that do not block the event loop, and with a limit before the first word.
// It must never know what the bytes mean; the reader reports the first word.

import { Failure } from "../../canon/failure.ts";
import { LoopPacer } from "../../wire/loop-pacer.ts";

/**
 * Comments, pings, roles and the echo of a request come before the first word. The echo is the longest: with a hundred
 * tools and pages of instructions it comes twice and takes a few hundred kilobytes.
 */
export const maxBytesBeforeWord = 8 * 1024 * 1024;

export class ReplyPace {
  hasBegun = false;
  private beforeWord = 0;
  private readonly pace = new LoopPacer();

  /** Announces bytes to read next. If it returns a promise, await it to let other work run. Throws a Failure. */
  take(bytes: number): Promise<void> | null {
    if (!this.hasBegun) {
      this.beforeWord += bytes;
      if (this.beforeWord > maxBytesBeforeWord) throw wordless();
    }
    return this.pace.take(bytes);
  }
}

function wordless(): Failure {
  const message = "The upstream sent megabytes before the first token of an answer.";
  return new Failure("bad-output", message, { maybeBilled: true });
}
