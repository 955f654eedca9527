// The bytes of a request body, counted while they come in. It must never hold more than its limit and one network chunk.

/** The body is larger than the limit. Whoever reads the body turns it into a Failure. */
export class TooLarge extends Error {
  override readonly name = "TooLarge";
  readonly limitBytes: number;

  constructor(limitBytes: number) {
    super(`the body is larger than ${limitBytes} bytes`);
    this.limitBytes = limitBytes;
  }
}

// Smaller ones share a block with others, or are not worth the call.
const leastToGiveBack = 16_384;

/**
 * Frees the memory of a body that nobody will read again, which the collector would do only much later: then the next one
 * is read into pages that are still warm, and a thousand long streams do not hold a thousand prompts. `bytes` is empty afterwards.
 * One that fetch is still sending may go as well: it has taken a copy (Bun 1.4.5; a test holds it to that).
 */
export function giveBack(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (bytes.byteLength < leastToGiveBack || bytes.byteLength !== buffer.byteLength) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

// Less than this is still taken off the line, so that its sender gets to read why it was refused: a connection that is closed
// with bytes unread is reset, and many clients then look no further. Bun cuts such a rest off after its idle timeout.
const mostDrained = 1_048_576;

/** Whether a body that nobody reads is too much to let it come: then the connection is to be closed. */
export function leavesMuch(headers: Headers): boolean {
  const declared = headers.get("content-length");
  return declared === null ? headers.has("transfer-encoding") : !(Number(declared) <= mostDrained);
}

/** What `readBody` gives: the runtime's own buffer, or chunks that were joined. */
export type RawBody = ArrayBuffer | Buffer;

/**
 * Rejects with TooLarge, or with the runtime's own error when the client leaves half-way. The caller hands the body to
 * `bodyBytes`: a promise between the two would be one more with every request.
 */
export function readBody(request: Request, limitBytes: number): Promise<RawBody> {
  const declared = request.headers.get("content-length");
  if (declared === null) return readChunks(request, limitBytes);
  // The parser holds the sender to its word, so that the whole can be taken at once.
  return Number(declared) > limitBytes ? Promise.reject(new TooLarge(limitBytes)) : request.arrayBuffer();
}

/** Throws TooLarge. */
export function bodyBytes(raw: RawBody, limitBytes: number): Buffer {
  if (raw.byteLength > limitBytes) throw new TooLarge(limitBytes);
  return Buffer.isBuffer(raw) ? raw : Buffer.from(raw);
}

async function readChunks(request: Request, limitBytes: number): Promise<Buffer> {
  if (request.body === null) return Buffer.alloc(0);
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks, total);
    total += value.length;
    if (total > limitBytes) {
      await reader.cancel();
      throw new TooLarge(limitBytes);
    }
    chunks.push(value);
  }
}
