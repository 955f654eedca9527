// Money and quotas that vendors describe in words, through the gateway: the next target answers, and the key rests until the
// moment that the vendor named.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { allWell, goodAnswer, formatPairs, openTestPipeline, type TestPipeline } from "./test-pipeline.ts";

const dayMs = 86_400_000;

/** Midnight UTC of the day after tomorrow, and how Anthropic writes it. */
function namedDay(): { readonly atMs: number; readonly words: string } {
  const atMs = (Math.floor(Date.now() / dayMs) + 2) * dayMs;
  const day = new Date(atMs).toISOString().slice(0, 10);
  return {
    atMs,
    words: `You have reached your specified API usage limits. You will regain access on ${day} at 00:00 UTC.`,
  };
}

const errorOf = (message: string, more: object = {}): object => ({
  type: "error",
  error: { type: "invalid_request_error", message, ...more },
});

describe.each([...formatPairs])("$endpoint endpoint, $wire vendor", ({ endpoint, wire }) => {
  let pipeline: TestPipeline;
  beforeAll(async () => {
    pipeline = await openTestPipeline({ endpoint, wire });
  });
  afterEach(() => pipeline.clear());
  afterAll(() => pipeline.stop());

  test.each([
    [400, errorOf("You're out of extra usage. Add more at claude.ai/settings/usage and keep going.")],
    [400, errorOf("Third-party apps now draw from your extra usage, not your plan limits.")],
    [
      400,
      errorOf("Access denied, please make sure your account is in good standing.", { code: "Arrearage" }),
    ],
    [400, errorOf("Insufficient Balance")],
    [401, errorOf("Insufficient balance. Manage your billing here")],
    [403, errorOf("Key limit exceeded (total limit).")],
    [429, errorOf("You have reached your monthly spend limit.")],
  ] as const)("%d %j: the next one answers, and the key is used up", async (status, body) => {
    pipeline.bad.script(() => ({ status, body }));
    const heard = await pipeline.receive("hello", { stream: false });
    expect(heard).toMatchObject({ status: 200, text: allWell });
    expect(heard.headers.get("x-clawgate-attempts")).toBe("2");
    expect(pipeline.gateway.app.services.health.view("bad").credential).toBe("exhausted");
  });

  test("a day that the vendor names: the key rests until then, and a client comes back sooner", async () => {
    const { atMs, words } = namedDay();
    const { health } = pipeline.gateway.app.services;
    pipeline.bad.script(() => ({ status: 400, body: errorOf(words) }));
    expect(await pipeline.receive("hello", { stream: false })).toMatchObject({ status: 200, text: allWell });
    expect(health.view("bad").retryAtMs).toBe(atMs);
    const asked = pipeline.bad.count();
    expect(await pipeline.receive("hello", { stream: false })).toMatchObject({ status: 200, text: allWell });
    expect(pipeline.bad.count()).toBe(asked);
    const alone = await pipeline.receive("hello", { stream: false, model: "alone" });
    expect(alone.status).toBe(429);
    expect(alone.headers.get("retry-after")).toBe("300");
    expect(alone.error?.message).toContain("You will regain access on");
    // What an earlier process had learned is taken back as it was.
    const kept = health.persistedStates("bad");
    health.reset("bad");
    for (const each of kept) health.restore("bad", each);
    expect(health.view("bad").retryAtMs).toBe(atMs);
  });

  test("text that the client wrote and the vendor repeats rests nobody", async () => {
    pipeline.bad.script(() => ({
      status: 400,
      body: errorOf("Invalid value: 'Insufficient balance'. Supported values are: 'user'."),
    }));
    expect((await pipeline.receive("hello", { stream: false })).status).toBe(400);
    expect(pipeline.gateway.app.services.health.view("bad").credential).toBe("ok");
  });

  test("a full window is told so that the client compacts", async () => {
    pipeline.bad.script(() => ({
      status: 400,
      body: errorOf("request (24071 tokens) exceeds the available context size (8192 tokens)", {
        type: "exceed_context_size_error",
      }),
    }));
    const heard = await pipeline.receive("hello", { stream: true, model: "alone" });
    expect(heard.status).toBe(400);
    if (endpoint === "anthropic") expect(heard.error?.message).toContain("prompt is too long");
    else expect(heard.error?.code).toBe("context_length_exceeded");
  });
});

test("what is left of each key's quota is shown in /api/providers", async () => {
  const pipeline = await openTestPipeline({
    endpoint: "openai",
    wire: "openai",
    badProvider: { api_key: undefined, api_keys: ["key-number-one", "key-number-two"] },
  });
  pipeline.bad.script((request) => {
    const isFirst = request.headers["authorization"] === "Bearer key-number-one";
    const answer = goodAnswer(request);
    const left = {
      "x-ratelimit-limit-requests": "100",
      "x-ratelimit-remaining-requests": isFirst ? "60" : "9",
    };
    return { ...answer, headers: { ...answer.headers, ...left } };
  });
  for (let i = 0; i < 2; i++) await pipeline.receive("hello", { stream: false });
  const report = (await (await fetch(`${pipeline.gateway.url}/api/providers`)).json()) as {
    providers: { id: string; credentials: { allowances: object[] }[] }[];
  };
  const shown = report.providers.find((each) => each.id === "bad")?.credentials;
  expect(shown).toMatchObject([
    { allowances: [{ name: "requests", limit: 100, remaining: 60, used_percent: 40 }] },
    { allowances: [{ name: "requests", limit: 100, remaining: 9, used_percent: 91 }] },
  ]);
  await pipeline.stop();
});
