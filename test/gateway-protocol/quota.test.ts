// What vendors told of their quotas: used by routing where `routing.avoid_above` is set, and told to clients in their own format. A spent
// budget of our own: told so that Claude Code stops at once.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Clock } from "../../src/system/clock.ts";
import { systemClock } from "../../src/system/clock.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";
import { goodAnswer } from "../pipeline/test-pipeline.ts";

const first = startUpstream();
const second = startUpstream();
/** Added to the time. */
let laterMs = 0;
const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + laterMs };
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startTestGateway({
    clock,
    config: {
      providers: {
        plan: { backend: "anthropic", base_url: first.url, api_key: "k-1", models: ["claude-opus-5"] },
        two: {
          backend: "openai-compat",
          base_url: second.url,
          api_keys: ["k-a", "k-b"],
          models: ["fake-large"],
        },
      },
      fallback_chain: ["plan", "two"],
      routing: { avoid_above: 0.9 },
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  first.stop();
  second.stop();
});
beforeEach(() => {
  laterMs = 0;
  first.script(goodAnswer);
  second.script(goodAnswer);
  for (const id of ["plan", "two"]) gateway.app.services.health.reset(id);
});

function ask(model: string, path = "/v1/messages", headers: Record<string, string> = {}): Promise<Response> {
  return fetch(gateway.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", "anthropic-version": "2023-06-01", ...headers },
    body: JSON.stringify({ model, max_tokens: 10, messages: [{ role: "user", content: "hi" }] }),
  });
}

const provider = async (model = "auto"): Promise<string | null> =>
  (await ask(model)).headers.get("x-clawgate-provider");

/** From now on the vendor tells this with each answer. */
function tell(vendor: typeof first, headers: Readonly<Record<string, string>>): void {
  vendor.script((request) => ({
    ...goodAnswer(request),
    headers: { ...typeOf(request.body), ...headers },
  }));
}

const typeOf = (body: Readonly<Record<string, unknown>>): Record<string, string> => ({
  "content-type": body["stream"] === true ? "text/event-stream" : "application/json",
});

const inSeconds = (seconds: number): string => String(Math.round(systemClock.nowMs() / 1_000) + seconds);

const used = (share: string): Record<string, string> => ({
  "anthropic-ratelimit-unified-5h-utilization": share,
  "anthropic-ratelimit-unified-5h-reset": inSeconds(3_600),
});

test("a provider above the share is tried after the others, explained, until its window is full again", async () => {
  tell(first, used("0.9"));
  expect([await provider(), await provider()]).toEqual(["plan", "plan"]);
  tell(first, used("0.93"));
  // The request that learns of it was already there.
  expect([await provider(), await provider(), await provider()]).toEqual(["plan", "two", "two"]);
  const why = (await (await ask("auto", "/api/route?door=messages")).json()) as {
    candidates: { provider: string; note: string }[];
    provider: string;
  };
  expect(why.provider).toBe("two");
  const note = why.candidates.find((each) => each.provider === "plan")?.note ?? "";
  expect(note).toContain("93 % of its unified-5h quota is used until 20");
  expect(note).toContain("routing.avoid_above");
  laterMs = 3_601_000;
  expect(await provider()).toBe("plan");
});

test("it never makes a request fail: alone, as the last one, and where the client named its model", async () => {
  tell(first, used("0.99"));
  await provider();
  expect(await provider("plan/claude-opus-5")).toBe("plan");
  second.script(() => ({ status: 500, body: {} }));
  expect(await provider()).toBe("plan");
  gateway.app.services.health.reset("two");
  // When all are above it, the order of the config counts.
  tell(second, { "x-ratelimit-limit-requests": "100", "x-ratelimit-remaining-requests": "1" });
  await provider("two/fake-large");
  await provider("two/fake-large");
  expect(await provider()).toBe("plan");
});

test("of several keys the one with more left is taken", async () => {
  const keys: string[] = [];
  second.script((request) => {
    const key = String(request.headers["authorization"]).slice(-1);
    keys.push(key);
    return {
      ...goodAnswer(request),
      headers: {
        ...typeOf(request.body),
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": key === "a" ? "20" : "800",
        "x-ratelimit-reset-tokens": "6m0s",
      },
    };
  });
  for (let i = 0; i < 6; i++) expect(await provider("two/fake-large")).toBe("two");
  expect(keys.filter((key) => key === "a")).toHaveLength(1);
  // And a provider with one such key is not above the share.
  tell(first, used("0.99"));
  await provider("plan");
  expect(await provider()).toBe("two");
});

test("without the setting the quota does not matter", async () => {
  const plain = await startTestGateway({
    config: {
      providers: {
        plan: { backend: "anthropic", base_url: first.url, api_key: "k-1", models: ["claude-opus-5"] },
        two: { backend: "openai-compat", base_url: second.url, api_key: "k-a", models: ["fake-large"] },
      },
    },
  });
  try {
    tell(first, used("0.99"));
    for (let i = 0; i < 3; i++) {
      const answer = await fetch(`${plain.url}/v1/messages`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "auto", max_tokens: 10, messages: [{ role: "user", content: "hi" }] }),
      });
      expect(answer.headers.get("x-clawgate-provider")).toBe("plan");
    }
  } finally {
    await plain.stop();
  }
});

test("each format's clients are told in its own headers, whoever the vendor is", async () => {
  tell(first, {
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "20",
    "anthropic-ratelimit-requests-reset": new Date(systemClock.nowMs() + 30_000).toISOString(),
  });
  const openai = await ask("plan/claude-opus-5", "/v1/chat/completions");
  expect(openai.headers.get("x-ratelimit-limit-requests")).toBe("50");
  expect(openai.headers.get("x-ratelimit-remaining-requests")).toBe("20");
  expect(openai.headers.get("x-ratelimit-reset-requests")).toMatch(/^(?:29|30)s$|^\d+ms$/);
  tell(second, {
    "x-ratelimit-limit-tokens": "1000",
    "x-ratelimit-remaining-tokens": "400",
    "x-ratelimit-reset-tokens": "1m0s",
  });
  const anthropic = await ask("two/fake-large");
  expect(anthropic.headers.get("anthropic-ratelimit-tokens-limit")).toBe("1000");
  expect(anthropic.headers.get("anthropic-ratelimit-tokens-remaining")).toBe("400");
  expect(Date.parse(anthropic.headers.get("anthropic-ratelimit-tokens-reset") ?? "")).toBeGreaterThan(
    systemClock.nowMs() + 50_000,
  );
});

test("a tenant learns nothing of the operator's quota, and a spent budget is told as billing_error that no one retries", async () => {
  const key = "sk-alice-0123456789abcdef";
  const keyed = await startTestGateway({
    config: {
      providers: {
        plan: {
          backend: "anthropic",
          base_url: first.url,
          api_key: "k-1",
          models: ["claude-opus-5"],
          pricing: { input: 100, output: 100 },
        },
      },
      tenants: [{ name: "alice", api_key: key, limits: { budget: { usd_per_day: 0.003 } } }],
    },
  });
  try {
    tell(first, { ...used("0.42"), "x-should-retry": "true" });
    const asked = (path: string): Promise<Response> =>
      fetch(keyed.url + path, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": key },
        body: JSON.stringify({
          model: "plan/claude-opus-5",
          max_tokens: 10,
          messages: [{ role: "user", content: "hi" }],
        }),
      });
    const good = await asked("/v1/messages");
    expect(good.status).toBe(200);
    expect([...good.headers.keys()].filter((name) => name.includes("unified"))).toEqual([]);
    let spent = good;
    for (let i = 0; i < 5 && spent.status === 200; i++) spent = await asked("/v1/messages");
    expect(spent.status).toBe(429);
    expect(await spent.json()).toMatchObject({
      type: "error",
      error: { type: "billing_error", message: expect.stringContaining("budget") as unknown },
    });
    expect(spent.headers.get("x-should-retry")).toBe("false");
    expect(spent.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    const other = await asked("/v1/chat/completions");
    expect([other.status, other.headers.get("x-should-retry")]).toEqual([429, "false"]);
  } finally {
    await keyed.stop();
  }
});
