// The bytes of an answer as they are read: in portions that the loop can bear, and not without end before the first word.
// It must never know what the bytes mean; the reader says when the first word has come.

import { Failure } from "../../canon/failure.ts";
import { LoopPacer } from "../../wire/loop-pacer.ts";

/**
 * Comments, pings, roles and the echo of a request come before the first word. The echo is the longest: of a request with
 * a hundred tools and pages of instructions it is said twice, and has a few hundred kilobytes.
 */
export const maxBytesBeforeWord = 8 * 1024 * 1024;

export class ReplyPace {
  hasBegun = false;
  private beforeWord = 0;
  private readonly pace = new LoopPacer();

  /** So many bytes are taken next. A promise: wait for it, others have a turn meanwhile. Throws a Failure. */
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
