// Rare things at the edge of the pipeline: answers without end, hosts that swallow connections, and bugs of our own.

import { afterAll, describe, expect, test } from "bun:test";
import { startTestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";
import { allWell, goodAnswer, receivedFrom, formatPairs, openTestPipeline, until } from "./test-pipeline.ts";

const upstreams = { bad: startUpstream(), good: startUpstream() };

describe.each([...formatPairs])("answers beyond every limit: $endpoint endpoint, $wire vendor", (formats) => {
  const path = formats.wire === "openai" ? "/v1/chat/completions" : "/v1/messages";

  test("a gzip of 300 KB that holds 70 MB is not taken in whole", async () => {
    const pipeline = await openTestPipeline({ ...formats, upstreams });
    const bomb = Bun.gzipSync(Buffer.alloc(70 * 1024 * 1024, 0x20));
    pipeline.bad.script(() => ({
      headers: { "content-type": "application/json", "content-encoding": "gzip" },
      body: bomb,
    }));
    expect(await pipeline.receive("hello", { stream: false })).toMatchObject({ status: 200, text: allWell });
    const [record] = pipeline.gateway.records();
    expect(record?.attempts[0]).toMatchObject({ provider: "bad", failure: "bad-output" });
    await pipeline.gateway.assertClean();
    await pipeline.stop();
  });

  test("a line of 17 MB without an end is cut off, in-band", async () => {
    const pipeline = await openTestPipeline({ ...formats, upstreams });
    const frames = (goodAnswer({ path, body: { stream: true } }).chunks ?? []).map(String);
    const at = frames.findIndex((frame) => frame.includes('"all "'));
    const megabyte = "x".repeat(1_048_576);
    const endless = ["data: ", ...Array.from({ length: 17 }, () => megabyte)];
    pipeline.bad.script(() => ({ chunks: [...frames.slice(0, at + 1), ...endless] }));
    const answer = await pipeline.ask("hello");
    const heard = await receivedFrom(answer, formats.endpoint);
    expect(heard).toMatchObject({ status: 200, text: "all ", isEnded: false });
    expect(heard.error?.message).toContain("limit");
    expect(heard.raw.length).toBeLessThan(100_000);
    expect(await pipeline.gateway.recordOf(answer)).toMatchObject({ failure: "bad-output", provider: "bad" });
    await pipeline.gateway.assertClean(pipeline.bad.requests);
    await pipeline.stop();
  });

  test("a whole answer that is written without end is given up", async () => {
    const pipeline = await openTestPipeline({ ...formats, upstreams });
    const frames = (goodAnswer({ path, body: { stream: true } }).chunks ?? []).map(String);
    const at = frames.findIndex((frame) => frame.includes('"all "'));
    const long = (frames[at] ?? "").replace("all ", "x".repeat(4_000_000));
    pipeline.bad.script(() => ({
      chunks: [...frames.slice(0, at), ...Array.from({ length: 20 }, () => long)],
    }));
    expect(await pipeline.receive("hello", { stream: false })).toMatchObject({ status: 200, text: allWell });
    expect(pipeline.gateway.records()[0]?.attempts[0]).toMatchObject({
      provider: "bad",
      failure: "bad-output",
    });
    await pipeline.gateway.assertClean(pipeline.bad.requests);
    await pipeline.stop();
  });
});

describe.each([...formatPairs])("connections: $endpoint endpoint, $wire vendor", ({ endpoint, wire }) => {
  test("a stream that is heard to its end leaves its connection for the next one", async () => {
    const ports = new Set<number | undefined>();
    const path = wire === "openai" ? "/v1/chat/completions" : "/v1/messages";
    const frames = (goodAnswer({ path, body: { stream: true } }).chunks ?? []).map(String);
    let finished = 0;
    const vendor = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch(request, server) {
        ports.add(server.requestIP(request)?.port);
        const left = [...frames, ": bye\n\n"];
        const body = new ReadableStream<Uint8Array>({
          async pull(controller) {
            // Every frame is a network chunk of its own, the ones after the last word too.
            await Bun.sleep(2);
            const next = left.shift();
            if (next !== undefined) return controller.enqueue(Buffer.from(next));
            controller.close();
            finished += 1;
          },
        });
        return new Response(body, { headers: { "content-type": "text/event-stream" } });
      },
    });
    const pipeline = await openTestPipeline({
      endpoint,
      wire,
      upstreams,
      badProvider: { base_url: vendor.url.origin },
    });
    for (let i = 1; i <= 5; i++) {
      expect(await pipeline.receive("hello")).toMatchObject({ text: allWell, isEnded: true });
      await until("the vendor has finished", () => finished === i);
    }
    expect(ports.size).toBe(1);
    await pipeline.stop();
    await vendor.stop(true);
  });
});

/** A fetch that does not reach the network for the provider at port 1. */
function fetchInstead(answer: (signal: AbortSignal | null | undefined) => Promise<Response>): typeof fetch {
  const instead = (input: string | URL | Request, init?: RequestInit): Promise<Response> =>
    String(input).startsWith("http://127.0.0.1:1/") ? answer(init?.signal) : fetch(input, init);
  return Object.assign(instead, { preconnect: fetch.preconnect });
}

const config = {
  providers: {
    bad: { base_url: "http://127.0.0.1:1", models: ["m"], timeout: { connect_s: 0.1, first_token_s: 600 } },
    good: { base_url: upstreams.good.url, models: ["fake-large"] },
  },
  fallback_chain: ["bad", "good"],
};

const ask = (url: string, model: string, stream: boolean): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, stream, messages: [{ role: "user", content: "hello" }] }),
  });

describe.each([{ stream: true }, { stream: false }])("stream: $stream", ({ stream }) => {
  test("a host that swallows connections is given up after connect_s", async () => {
    upstreams.good.script(goodAnswer);
    const gateway = await startTestGateway({
      config,
      fetch: fetchInstead(
        (signal) =>
          new Promise((_, reject) => {
            signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
          }),
      ),
    });
    const heard = await receivedFrom(await ask(gateway.url, "bad", stream), "openai");
    expect(heard).toMatchObject({ status: 200, text: allWell });
    expect(gateway.records()[0]?.attempts[0]).toMatchObject({
      provider: "bad",
      failure: "unreachable",
      maybeBilled: false,
    });
    await gateway.assertClean();
    await gateway.stop();
  });

  test("a bug of ours is 500, is logged with its cause, and no provider is blamed", async () => {
    const gateway = await startTestGateway({
      config,
      fetch: fetchInstead(() => Promise.reject(new TypeError("the bug itself"))),
    });
    for (let i = 0; i < 6; i++) {
      const heard = await receivedFrom(await ask(gateway.url, "bad", stream), "openai");
      expect(heard.status).toBe(500);
      expect(heard.raw).not.toContain("the bug itself");
    }
    expect(gateway.log.filter((line) => line.includes("the bug itself"))).toHaveLength(6);
    expect(gateway.app.services.health.view("bad")).toMatchObject({ healthy: true, consecutiveFailures: 0 });
    await gateway.assertClean();
    await gateway.stop();
  });
});

afterAll(() => {
  upstreams.bad.stop();
  upstreams.good.stop();
});
