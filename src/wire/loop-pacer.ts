// Keeps a reader of a fast stream from blocking the event loop. Bytes that are ready are delivered without a turn of the loop:
// no timer fires meanwhile and no other request is served. It must never drop bytes.

/** How many bytes are processed in one turn. It holds 11,000 of the smallest frames, which take about 20 ms. */
export const portionBytes = 32 * 1024;

export class LoopPacer {
  private bytesSinceYield = 0;

  /** Announces bytes to process next. If it returns a promise, await it to let other work run. */
  take(bytes: number): Promise<void> | null {
    this.bytesSinceYield += bytes;
    if (this.bytesSinceYield < portionBytes) return null;
    this.bytesSinceYield = 0;
    return new Promise((resolve) => setImmediate(resolve));
  }
}

/** `bytes` in portions; `bytes` itself if it is not larger than one. */
export function portionsOf(bytes: Uint8Array): readonly Uint8Array[] {
  if (bytes.length <= portionBytes) return [bytes];
  const portions: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += portionBytes)
    portions.push(bytes.subarray(at, at + portionBytes));
  return portions;
}
