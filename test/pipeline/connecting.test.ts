// Vendors that never let a connection stand, and vendors that stand and say nothing: which limit ends it, and what is said of it.

import { afterAll, describe, expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { startTestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";
import { testPipelinesOver, allWell, fastClock, goodAnswer, formatPairs } from "./test-pipeline.ts";

/** Accepts, reads, says nothing: to a ClientHello, a CONNECT or a request. */
async function startSilent() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

describe("connect_s", () => {
  test("covers the proxy's CONNECT and the TLS handshake, for streams and whole answers", async () => {
    const silent = await startSilent();
    const place = `127.0.0.1:${silent.port}`;
    const timeout = { connect_s: 0.4, first_token_s: 60, idle_s: 60 };
    const provider = (base_url: string, more: object = {}): object => ({
      base_url,
      models: ["m"],
      fallback: false,
      timeout,
      ...more,
    });
    const gateway = await startTestGateway({
      config: {
        health: { check_interval_seconds: 0 },
        providers: {
          handshake: provider(`https://${place}`),
          named: provider(`https://localhost:${silent.port}`),
          tunnel: provider("https://vendor.example", { proxy: `http://${place}` }),
          "tls-proxy": provider("https://vendor.example", { proxy: `https://${place}` }),
          plain: provider("http://vendor.example", { proxy: `https://${place}` }),
          anthropic: provider(`https://${place}`, { backend: "anthropic" }),
        },
      },
    });
    const { providers } = gateway.app.services.currentConfig().config;
    await Promise.all(
      Object.keys(providers).flatMap((id) =>
        [true, false].map(async (stream) => {
          const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ model: `${id}/m`, stream, messages: [{ role: "user", content: "hi" }] }),
          });
          const said = await answer.text();
          expect({ id, stream, status: answer.status }).toEqual({ id, stream, status: 502 });
          expect(said).toContain("Timed out connecting to the upstream.");
          const { attempts } = await gateway.recordOf(answer);
          expect(attempts).toMatchObject([{ provider: id, failure: "unreachable", maybeBilled: false }]);
          expect(attempts[0]?.message).toContain(
            id === "tunnel" || id === "tls-proxy"
              ? "the proxy was reached and opened no tunnel"
              : "the TLS handshake was not over within 0.4 s (timeout.connect_s)",
          );
        }),
      ),
    );
    await gateway.stop();
    silent.stop();
  }, 20_000);

  test("a handshake that the other end hangs up on is told as one, and was never billed", async () => {
    const hanging = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.resetAndDestroy());
    });
    await new Promise<void>((resolve) => hanging.listen(0, "127.0.0.1", resolve));
    const address = hanging.address();
    const place = `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
    const provider = (base_url: string): object => ({ base_url, models: ["m"], fallback: false });
    const gateway = await startTestGateway({
      config: {
        health: { check_interval_seconds: 0 },
        providers: { secure: provider(`https://${place}`), plain: provider(`http://${place}`) },
      },
    });
    for (const [id, maybeBilled, words] of [
      ["secure", false, "closed or reset in the TLS handshake"],
      ["plain", true, "closed or reset (ECONNRESET)"],
    ] as const) {
      const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: `${id}/m`, messages: [{ role: "user", content: "hi" }] }),
      });
      expect(await answer.text()).not.toContain(place);
      const { attempts } = await gateway.recordOf(answer);
      expect(attempts).toMatchObject([{ provider: id, failure: "unreachable", maybeBilled }]);
      expect(attempts[0]?.message).toContain(words);
    }
    await gateway.stop();
    hanging.close();
  }, 20_000);
});

const upstreams = { bad: startUpstream(), good: startUpstream() };
afterAll(() => {
  upstreams.bad.stop();
  upstreams.good.stop();
});

const withPipeline = testPipelinesOver(upstreams);

describe.each([...formatPairs])("a whole answer: $endpoint endpoint, $wire vendor", (formats) => {
  const passes = formats.endpoint === formats.wire;
  const path = formats.wire === "openai" ? "/v1/chat/completions" : "/v1/messages";
  const whole = (): string => JSON.stringify(goodAnswer({ path, body: {} }).body);
  const json = { "content-type": "application/json" };

  test("is waited for as long as first_token_s says where it is written, whatever idle_s is", () =>
    withPipeline(
      { ...formats, provider: { timeout: { first_token_s: 0.2, idle_s: 600 } } },
      async (pipeline) => {
        for (const silence of [
          { isSilent: true },
          // Headers are no word, and blanks are none.
          { headers: json, chunks: [" "], ending: "hang" },
          {
            headers: json,
            chunks: Array.from({ length: 60 }, () => " \n"),
            betweenChunksMs: 20,
            ending: "hang",
          },
        ] as const) {
          pipeline.bad.script(() => silence);
          const answer = await pipeline.ask("hello", { stream: false, model: "alone" });
          expect(answer.status).toBe(504);
          await answer.text();
          expect((await pipeline.gateway.recordOf(answer)).attempts).toMatchObject([
            { failure: "timed-out", lane: passes ? "relay" : "hub", maybeBilled: true },
          ]);
        }
      },
    ));

  if (!passes) return;

  test("that has begun in time may go on, part after part", () =>
    withPipeline(
      { ...formats, provider: { timeout: { first_token_s: 0.6, idle_s: 0.6 } } },
      async (pipeline) => {
        const text = whole();
        const third = Math.ceil(text.length / 8);
        const chunks = Array.from({ length: 8 }, (_, at) => text.slice(at * third, (at + 1) * third));
        pipeline.bad.script(() => ({ headers: json, chunks, betweenChunksMs: 120 }));
        const heard = await pipeline.receive("hello", { stream: false, model: "alone" });
        expect(heard).toMatchObject({ status: 200, text: allWell });
      },
    ));

  test("may be thought about for idle_s where first_token_s is not written", () =>
    // 180 s of an answer that is allowed 120 s for its first word and 300 between two parts.
    withPipeline({ ...formats, clock: fastClock(200) }, async (pipeline) => {
      pipeline.bad.script((request) => ({ ...goodAnswer({ ...request, body: {} }), beforeHeadersMs: 900 }));
      const heard = await pipeline.receive("hello", { stream: false });
      expect(heard.headers.get("x-clawgate-provider")).toBe("bad");
      pipeline.bad.script(() => ({ isSilent: true }));
      expect((await pipeline.receive("hello", { stream: false })).headers.get("x-clawgate-provider")).toBe(
        "good",
      );
    }));
});
