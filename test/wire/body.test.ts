import { describe, expect, test } from "bun:test";
import { bodyBytes, giveBack, readBody, TooLarge } from "../../src/wire/body.ts";

const read = async (request: Request, limitBytes: number): Promise<Buffer> =>
  bodyBytes(await readBody(request, limitBytes), limitBytes);

function chunked(chunks: readonly string[], seen?: { isCancelled: boolean }): Request {
  const rest = [...chunks];
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = rest.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(Buffer.from(chunk));
    },
    cancel() {
      if (seen) seen.isCancelled = true;
    },
  });
  return new Request("http://localhost/", { method: "POST", body });
}

function whole(body: string, declared = String(body.length)): Request {
  return new Request("http://localhost/", { method: "POST", body, headers: { "content-length": declared } });
}

describe("readBody", () => {
  test("gives the bytes, sent whole or in chunks", async () => {
    expect((await read(whole("hällo"), 10)).toString()).toBe("hällo");
    expect((await read(chunked(["he", "llo"]), 5)).toString()).toBe("hello");
    expect((await read(chunked([]), 5)).length).toBe(0);
    expect((await read(new Request("http://localhost/", { method: "POST" }), 5)).length).toBe(0);
  });

  test("a declared length above the limit is refused unread", async () => {
    const request = whole("x", "11");
    await expect(read(request, 10)).rejects.toBeInstanceOf(TooLarge);
    expect(request.bodyUsed).toBe(false);
  });

  test("a length that lies is counted", async () => {
    await expect(read(whole("x".repeat(11), "3"), 10)).rejects.toBeInstanceOf(TooLarge);
    await expect(read(whole("x".repeat(11), "4, 4"), 10)).rejects.toBeInstanceOf(TooLarge);
  });

  test("chunks above the limit end the reading", async () => {
    const seen = { isCancelled: false };
    await expect(read(chunked(["12345", "67890", "1", "never"], seen), 10)).rejects.toBeInstanceOf(TooLarge);
    expect(seen.isCancelled).toBe(true);
  });
});

test("a body that nobody reads again is freed; what is small or shares its memory with others is left alone", async () => {
  const body = await read(whole("x".repeat(100_000)), 200_000);
  giveBack(body);
  expect(body.length).toBe(0);
  const small = Buffer.alloc(100, "x");
  const shared = Buffer.alloc(100_000, "x").subarray(0, 50_000);
  giveBack(small);
  giveBack(shared);
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
    giveBack(body);
    expect(body.length).toBe(0);
    expect(await (await sent).text()).toBe(wanted);
  } finally {
    await server.stop(true);
  }
});
