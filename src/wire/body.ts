// The bytes of a request body: how they are gathered, and how their memory is freed. It must never hold on to a network chunk
// that is smaller than the block it came in.

// Smaller ones share a block with others, or are not worth the call.
const minReleasedBytes = 16_384;

/**
 * Frees the memory of a body that nobody will read again, which the collector would do only much later: then the next one
 * is read into pages that are still warm, and a thousand long streams do not hold a thousand prompts. `bytes` is empty afterwards.
 * One that fetch is still sending may go as well: it has taken a copy (Bun 1.4.5; a test holds it to that).
 */
export function releaseMemory(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (bytes.byteLength < minReleasedBytes || !ownsItsMemory(bytes)) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

// Less than this is still taken off the line, so that its sender gets to read why it was refused: a connection that is closed
// with bytes unread is reset, and many clients then look no further. Bun cuts such a rest off after its idle timeout.
const maxDrained = 8_388_608;

/** What lies in the buffers of two machines before anybody reads. */
const maxSentAtOnce = 65_536;

/** The client asks for a close, and Bun does it with the answer. */
function asksToClose(headers: Headers): boolean {
  return headers.get("connection")?.toLowerCase() === "close";
}

/** Whether a body that nobody reads is too much to let it come: then the connection is to be closed. */
export function leavesLargeBody(headers: Headers): boolean {
  const declared = headers.get("content-length");
  if (declared === null) return headers.has("transfer-encoding");
  const most = asksToClose(headers) ? maxSentAtOnce : maxDrained;
  return !(Number(declared) <= most);
}

const minBlockBytes = 4_096;
const maxBlockBytes = 262_144;

/**
 * Chunks that come in, in blocks: a body that is sent byte by byte would otherwise be a million little arrays. A block is at
 * most as large as all that was there before it.
 */
export class BodyBlocks {
  length = 0;
  private readonly full: Uint8Array[] = [];
  private last: Buffer | null = null;
  private used = 0;

  /** Takes the chunk over. Gives the bytes of memory that it took. */
  add(chunk: Uint8Array): number {
    this.length += chunk.byteLength;
    // Beside a block that is not full it is copied: else every other block would be nearly empty.
    if (this.last === null && chunk.byteLength >= minReleasedBytes && ownsItsMemory(chunk)) {
      this.full.push(chunk);
      return chunk.byteLength;
    }
    let taken = 0;
    for (let at = 0; at < chunk.byteLength;) {
      if (this.last === null || this.used === this.last.byteLength) {
        this.close();
        const size = Math.max(minBlockBytes, Math.min(maxBlockBytes, this.length));
        this.last = Buffer.allocUnsafeSlow(size);
        taken += size;
      }
      const part = chunk.subarray(at, at + this.last.byteLength - this.used);
      this.last.set(part, this.used);
      this.used += part.byteLength;
      at += part.byteLength;
    }
    releaseMemory(chunk);
    return taken;
  }

  /** Nobody will join them: their memory is freed at once, which the collector would do much later. */
  drop(): void {
    this.close();
    for (const block of this.full) freeBlock(block);
    this.full.length = 0;
    this.length = 0;
  }

  /** All of it in one piece; the blocks are freed on the way. */
  join(): Buffer {
    this.close();
    const [only] = this.full;
    if (only !== undefined && this.full.length === 1 && ownsItsMemory(only))
      return Buffer.from(only.buffer, 0, only.byteLength);
    const whole = Buffer.allocUnsafeSlow(this.length);
    let at = 0;
    for (const block of this.full) {
      whole.set(block, at);
      at += block.byteLength;
      freeBlock(block);
    }
    this.full.length = 0;
    return whole;
  }

  private close(): void {
    if (this.last !== null) this.full.push(this.last.subarray(0, this.used));
    this.last = null;
    this.used = 0;
  }
}

function freeBlock({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

const ownsItsMemory = ({ byteLength, buffer }: Uint8Array): boolean => byteLength === buffer.byteLength;
