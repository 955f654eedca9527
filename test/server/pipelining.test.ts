// Several requests on one connection before the first is answered. Bun 1.4.5 closes such a connection and both answers are
// lost; what must hold is that nobody gets a mixed or a foreign answer, that nothing hangs, and that nothing is left behind.

import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";

const cleanups = cleanupsAfterEach();

async function openVendorAndGateway() {
  const vendor = cleanups.stopAtEnd(startUpstream({}));
  const gateway = cleanups.stopAtEnd(
    await startTestGateway({
      config: {
        providers: {
          one: { backend: "openai-compat", base_url: vendor.url, api_key: "k", models: ["fake-large"] },
        },
      },
    }),
  );
  return { vendor, gateway };
}

const post = (words: string, framing = ""): string => {
  const body = JSON.stringify({
    model: "one",
    messages: [{ role: "user", content: `[[delay:100]] [[say:${words}]]` }],
  });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${framing}`;
  return framing.includes("chunked")
    ? `${head}\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n`
    : `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
};
const get = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** Everything that comes until the connection is closed, by the gateway or, when it is quiet for long, by us. */
function talk(gateway: TestGateway, parts: readonly string[]): Promise<{ text: string; isClosed: boolean }> {
  const { port } = new URL(gateway.url);
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(Number(port), "127.0.0.1", () => {
      for (const part of parts) socket.write(part);
    });
    const end = (isClosed: boolean): void => {
      clearTimeout(timer);
      resolve({ text, isClosed });
      socket.destroy();
    };
    const timer = setTimeout(() => end(false), 10_000);
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    socket.on("error", () => undefined);
    socket.on("close", () => end(true));
  });
}

const close = "Connection: close\r\n";

describe("a second request before the first is answered", () => {
  test.each([
    ["two POSTs in one packet", [post("first") + post("second", close)]],
    ["two POSTs in two packets", [post("first"), post("second", close)]],
    ["a POST and half of one", [post("first") + post("second", close).slice(0, -9), post("x").slice(-9)]],
    ["a POST and a GET", [post("first") + get]],
    ["twenty POSTs", [Array.from({ length: 20 }, () => post("first")).join("")]],
    [
      "a chunked one and another",
      [`${post("first", "Transfer-Encoding: chunked\r\n")}\r\n${post("second", close)}`],
    ],
  ])(
    "%s: whole answers in their order or none, the connection ends, nothing is left",
    async (_, parts) => {
      const { gateway, vendor } = await openVendorAndGateway();
      const { text, isClosed } = await talk(gateway, parts);
      expect(isClosed).toBe(true);
      const answers = text.split("HTTP/1.1 ").slice(1);
      for (const [index, answer] of answers.entries()) {
        const [head = "", content = ""] = answer.split("\r\n\r\n");
        expect(content.length).toBe(Number(/content-length: (\d+)/i.exec(head)?.[1]));
        if (head.startsWith("200")) expect(content).toContain(index === 0 ? "first" : "second");
      }
      await gateway.assertClean(vendor.requests);
      const next = await talk(gateway, [post("alone", close)]);
      expect(next.text).toMatch(/^HTTP\/1.1 200 [^]*alone/);
    },
    30_000,
  );

  test("one that was said to be the last is answered, whatever follows it", async () => {
    const { gateway } = await openVendorAndGateway();
    const { text, isClosed } = await talk(gateway, [post("first", close) + post("second")]);
    expect(isClosed).toBe(true);
    expect(text.split("HTTP/1.1 ")).toHaveLength(2);
    expect(text).toContain("first");
    expect(text).not.toContain("second");
  }, 30_000);
});

describe("trailers", () => {
  const chunked = "Transfer-Encoding: chunked\r\n";

  test("that are announced are refused in the caller's own format, before anybody is asked", async () => {
    const { gateway, vendor } = await openVendorAndGateway();
    const { text, isClosed } = await talk(gateway, [
      `${post("x", `${chunked}Trailer: X-Check\r\n`)}X-Check: 1\r\n\r\n`,
    ]);
    expect(isClosed).toBe(true);
    expect(text).toMatch(/^HTTP\/1.1 400 [^]*"param":"trailer","code":"unsupported_trailer"/);
    expect(vendor.requests).toEqual([]);
  }, 30_000);

  test("that are not announced end the connection with Bun's own 400; none becomes a request", async () => {
    const { gateway, vendor } = await openVendorAndGateway();
    const smuggled = `${post("x", chunked)}${post("smuggled")}`;
    for (const said of [`${post("x", chunked)}X-Check: 1\r\n\r\n`, smuggled]) {
      const { text, isClosed } = await talk(gateway, [said]);
      expect(isClosed).toBe(true);
      expect(text).toMatch(/^(?:HTTP\/1.1 400 [^]*)?$/);
    }
    await gateway.assertClean(vendor.requests);
    expect(JSON.stringify(vendor.requests)).not.toContain("smuggled");
  }, 30_000);
});
