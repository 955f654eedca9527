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

/** Throws TooLarge; rejects with the runtime's own error when the client leaves half-way. */
export async function readBody(request: Request, limitBytes: number): Promise<Buffer> {
  const declared = request.headers.get("content-length");
  if (declared !== null) {
    if (Number(declared) > limitBytes) throw new TooLarge(limitBytes);
    // The parser has already held the sender to its word, so that the whole can be taken at once.
    const bytes = Buffer.from(await request.arrayBuffer());
    if (bytes.length > limitBytes) throw new TooLarge(limitBytes);
    return bytes;
  }
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
