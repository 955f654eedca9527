import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BodyBlocks, releaseMemory, leavesLargeBody } from "../../src/wire/body.ts";

describe("Blocks", () => {
  const gathered = (chunks: readonly Uint8Array[]): { bytes: Buffer; taken: number } => {
    const blocks = new BodyBlocks();
    let taken = 0;
    for (const chunk of chunks) taken += blocks.add(chunk);
    return { bytes: blocks.join(), taken };
  };

  test("gives back what was added, however it was cut, in one piece that can be freed", () => {
    const sizes = fc.array(fc.oneof(fc.nat(40), fc.nat(30_000), fc.nat(400_000)), { maxLength: 12 });
    fc.assert(
      fc.property(sizes, (lengths) => {
        let next = 0;
        const chunks = lengths.map((length) => Buffer.from(new ArrayBuffer(length)).map(() => next++ & 255));
        const wanted = Buffer.concat(chunks).toString("base64");
        const { bytes, taken } = gathered(chunks);
        expect(bytes.toString("base64")).toBe(wanted);
        expect(bytes.byteLength).toBe(bytes.buffer.byteLength);
        expect(taken).toBeGreaterThanOrEqual(bytes.byteLength);
        expect(taken).toBeLessThanOrEqual(2 * bytes.byteLength + 4_096 * (lengths.length + 1));
      }),
      { numRuns: 60 },
    );
  });

  test("a body that comes byte by byte is no heap of little arrays: it takes twice its size at most", () => {
    const { bytes, taken } = gathered(Array.from({ length: 300_000 }, () => Buffer.from("x")));
    expect(bytes.toString()).toBe("x".repeat(300_000));
    expect(taken).toBeLessThanOrEqual(600_000);
  });

  test("nothing is an empty body", () => {
    expect(gathered([]).bytes.length).toBe(0);
    expect(gathered([new Uint8Array(0)]).bytes.length).toBe(0);
  });
});

test("much is what is announced as more than eight megabytes, or not announced at all", () => {
  const much = (name: string, value: string): boolean => leavesLargeBody(new Headers([[name, value]]));
  expect(leavesLargeBody(new Headers())).toBe(false);
  for (const length of ["0", "8388608"]) expect(much("content-length", length)).toBe(false);
  for (const length of ["8388609", "4, 4"]) expect(much("content-length", length)).toBe(true);
  expect(much("transfer-encoding", "chunked")).toBe(true);
});

test("a body that nobody reads again is freed; what is small or shares its memory with others is left alone", () => {
  const body = Buffer.from(new ArrayBuffer(100_000));
  releaseMemory(body);
  expect(body.length).toBe(0);
  const small = Buffer.alloc(100, "x");
  const shared = Buffer.alloc(100_000, "x").subarray(0, 50_000);
  releaseMemory(small);
  releaseMemory(shared);
  expect([small.length, shared.length]).toEqual([100, 50_000]);
});

test("fetch has taken a copy: what is freed while it is being sent still arrives whole", async () => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => new Response(Bun.SHA256.hash(await request.arrayBuffer(), "hex")),
  });
  try {
    const body = Buffer.from(new ArrayBuffer(8_000_000)).fill("x");
    const wanted = Bun.SHA256.hash(body, "hex");
    const sent = fetch(server.url, { method: "POST", body });
    releaseMemory(body);
    expect(body.length).toBe(0);
    expect(await (await sent).text()).toBe(wanted);
  } finally {
    await server.stop(true);
  }
});
