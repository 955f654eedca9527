// Keeps whoever reads a flood from holding the loop. Bytes that lie ready are handed over without a turn of the loop: no timer
// fires meanwhile and nobody else is served. It must never drop or count anything for others.

/** Worked through in one go. Of the smallest frames there are 11,000 in it, which take some 20 ms. */
export const portionBytes = 32 * 1024;

export class LoopPacer {
  private bytesSinceYield = 0;

  /** So many bytes are worked through next. A promise: wait for it, others have their turn meanwhile. */
  take(bytes: number): Promise<void> | null {
    this.bytesSinceYield += bytes;
    if (this.bytesSinceYield < portionBytes) return null;
    this.bytesSinceYield = 0;
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
