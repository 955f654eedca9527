// The bytes of a request body: how they are gathered, and how their memory is freed. It must never hold on to a network chunk
// that is smaller than the block it came in. Freeing memory by hand is justified by the row agent-chat of `npm run bench`:
// without it a request takes 9 % more CPU.

// Smaller ones share a block with others, or are not worth the call.
const minReleasedBytes = 16_384;

/**
 * Frees the memory of a body that will not be read again, which the garbage collector would do much later: the next body then
 * reuses warm pages, and a thousand long streams do not hold a thousand prompts. `bytes` is empty afterwards. A body that fetch
 * is still sending may be freed too, because fetch has copied it (Bun 1.4.5; a test checks this).
 */
export function releaseMemory(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (bytes.byteLength < minReleasedBytes || !ownsItsMemory(bytes)) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

// A smaller rest is still read, so that its sender can read the refusal: closing with unread bytes resets the connection, and
// many clients then never read the answer. Bun aborts such a rest after its idle timeout.
const maxDrained = 8_388_608;

/** What the socket buffers of both machines hold before anything is read. */
const maxSentAtOnce = 65_536;

/** The client requests a close, and Bun closes after the answer. */
function asksToClose(headers: Headers): boolean {
  return headers.get("connection")?.toLowerCase() === "close";
}

/** Whether the unread rest of a body is too large to read: then the connection must be closed. */
export function leavesLargeBody(headers: Headers): boolean {
  const declared = headers.get("content-length");
  if (declared === null) return headers.has("transfer-encoding");
  const most = asksToClose(headers) ? maxSentAtOnce : maxDrained;
  return !(Number(declared) <= most);
}

const minBlockBytes = 4_096;
const maxBlockBytes = 262_144;

/**
 * Collects incoming chunks in blocks: a body sent byte by byte would otherwise be a million small arrays. A block is at most
 * as large as all blocks before it.
 */
export class BodyBlocks {
  length = 0;
  private readonly full: Uint8Array[] = [];
  private last: Buffer | null = null;
  private used = 0;

  /** Takes over the chunk. Returns how many bytes of memory it took. */
  add(chunk: Uint8Array): number {
    this.length += chunk.byteLength;
    // If the last block is not full, the chunk is copied into it: otherwise every other block would be nearly empty.
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

  /** They will not be joined: frees their memory at once, which the garbage collector would do much later. */
  drop(): void {
    this.close();
    for (const block of this.full) freeBlock(block);
    this.full.length = 0;
    this.length = 0;
  }

  /** The whole body in one piece; frees the blocks on the way. */
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
