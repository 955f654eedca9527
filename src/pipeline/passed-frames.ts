// How much text has passed in frames that nobody read: their bytes, and what share of a sample of them is text. A stream pays an
// addition for each chunk; the sample is read only when somebody looks.

import { lastFrameEnd } from "../wire/sse.ts";

/** Reads the text in frames. */
export type FrameReader = { textBytesIn(frames: Buffer): number };

/** Enough to estimate by; whoever looks at a hundred streams must not hold up the loop. */
const maxSample = 4_096;

export class PassedFrames {
  private bytes = 0;
  private latest: Buffer | null = null;
  private sampledBytes = 0;
  private sampledText = 0;

  constructor(private readonly reader: FrameReader) {}

  add(frames: Buffer): void {
    this.bytes += frames.length;
    this.latest = frames;
  }

  /** An estimate of the UTF-8 bytes of text in all of them. */
  get textBytes(): number {
    const { latest } = this;
    if (latest !== null) {
      const sample = latest.length <= maxSample ? latest : wholeFrames(latest);
      this.sampledText += this.reader.textBytesIn(sample);
      this.sampledBytes += sample.length;
      this.latest = null;
    }
    return this.sampledBytes === 0 ? 0 : (this.bytes * this.sampledText) / this.sampledBytes;
  }
}

/** The first frames, or the only one if it is longer. */
function wholeFrames(frames: Buffer): Buffer {
  const end = lastFrameEnd(frames.subarray(0, maxSample));
  return end === 0 ? frames : frames.subarray(0, end);
}
