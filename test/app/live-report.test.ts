// GET /api/live while an answer streams: who asked, which rule decided, and an estimate of what has come, passed through or translated.

import { afterEach, beforeEach, expect, test } from "bun:test";
import type { LiveReport } from "../../src/operator/reports/live-report.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

const words = 200;
let release: () => void;
let sentAll: Promise<void>;
let vendor: Bun.Server<undefined>;
let gateway: TestGateway;

/** Sends 200 words of five bytes, then waits. */
function startVendor(): Bun.Server<undefined> {
  const held = Promise.withResolvers<void>();
  const sent = Promise.withResolvers<void>();
  release = held.resolve;
  sentAll = sent.promise;
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch() {
      const frame = (delta: object, more: object = {}): string =>
        `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, ...more }] })}\n\n`;
      async function* body() {
        yield frame({ role: "assistant", content: "" });
        for (let i = 0; i < words; i++) yield frame({ content: "word " });
        sent.resolve();
        await held.promise;
        yield frame({}, { finish_reason: "stop" });
        yield "data: [DONE]\n\n";
      }
      // Bun sends a generator as a stream; the types of Response do not know it.
      const stream: Bun.BodyInit = body();
      return new Response(stream as BodyInit, {
        headers: { "content-type": "text/event-stream" },
      });
    },
  });
}

beforeEach(async () => {
  vendor = startVendor();
  gateway = await startTestGateway({
    config: {
      providers: { held: { backend: "openai-compat", base_url: `${vendor.url}v1`, model: "m" } },
    },
  });
});
afterEach(async () => {
  release();
  await gateway.stop();
  void vendor.stop(true);
});

const live = async (): Promise<LiveReport> =>
  (await (
    await fetch(`${gateway.url}/api/live`, { headers: { authorization: `Bearer ${gateway.token()}` } })
  ).json()) as LiveReport;

test.each([
  ["passed through", "/v1/chat/completions"],
  ["translated", "/v1/messages"],
])("an answer that is %s shows what has come of it", async (_how, path) => {
  const answer = await fetch(gateway.url + path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": "tester/1 (linux)",
      "x-claude-code-agent-id": "agent-7",
      "x-session-id": "conversation-1",
    },
    body: JSON.stringify({
      model: "held",
      max_tokens: 500,
      stream: true,
      messages: [{ role: "user", content: "hello" }],
    }),
  });
  const reader = answer.body?.getReader();
  const decoder = new TextDecoder();
  let got = "";
  while (got.split("word ").length <= words) got += decoder.decode((await reader?.read())?.value);
  await sentAll;
  const { requests } = await live();
  expect(requests).toHaveLength(1);
  const [row] = requests;
  expect(row).toMatchObject({
    stage: "streaming",
    client: "tester/1",
    session: "conversation-1",
    agent: "agent-7",
    provider: "held",
    rule: "explicit-model",
  });
  // 1,000 bytes of text are 250 tokens by the gateway's own estimate.
  expect(row?.output_tokens).toBeGreaterThan(200);
  expect(row?.output_tokens).toBeLessThan(300);
  release();
  while ((await reader?.read())?.done === false);
  expect((await live()).requests).toEqual([]);
});
