// The bytes of an answer as they are read: in portions that the loop can bear, and not without end before the first word.
// It must never know what the bytes mean; whoever reads says when the first word has come.

import { Failure } from "../../canon/failure.ts";

/** Worked through in one go. Of the smallest frames there are 11,000 in it, which take some 20 ms. */
export const portionBytes = 32 * 1024;

/**
 * Comments, pings, roles and the echo of a request come before the first word. The echo is the longest: of a request with
 * a hundred tools and pages of instructions it is said twice, and has a few hundred kilobytes.
 */
export const maxBytesBeforeWord = 8 * 1024 * 1024;

const wordless = (): Failure =>
  new Failure("bad-output", "The upstream sent megabytes without a word of an answer.", {
    maybeBilled: true,
  });

export class Intake {
  isOpen = false;
  private beforeWord = 0;
  private sinceTurn = 0;

  /** So many bytes are taken next. A promise: wait for it, others have a turn meanwhile. Throws a Failure. */
  take(bytes: number): Promise<void> | null {
    if (!this.isOpen) {
      this.beforeWord += bytes;
      if (this.beforeWord > maxBytesBeforeWord) throw wordless();
    }
    this.sinceTurn += bytes;
    // Bytes that lie ready are handed over without a turn of the loop: no timer fires and nobody else is served.
    if (this.sinceTurn < portionBytes) return null;
    this.sinceTurn = 0;
    return new Promise((resolve) => setImmediate(resolve));
  }
}

/** `bytes` in portions; itself where it is no more than one. */
export function portionsOf(bytes: Uint8Array): readonly Uint8Array[] {
  if (bytes.length <= portionBytes) return [bytes];
  const portions: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += portionBytes)
    portions.push(bytes.subarray(at, at + portionBytes));
  return portions;
}
