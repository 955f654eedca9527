// Requests of every kind against one gateway: formats, streams, cached prompts, tenants, clients that leave, failures, fallbacks, hedges.

import type { Upstream } from "../../test/support/upstream.ts";

const tenantKeys = { alice: "alice-key-0123456789", bob: "bobs-key-01234567890" } as const;
const keys = Object.values(tenantKeys);

export function mixedConfig(vendor: Pick<Upstream, "url">): object {
  const provider = (models: readonly string[], more: object = {}): object => ({
    base_url: vendor.url,
    api_key: "vendor-secret-key",
    models,
    ...more,
  });
  const pricing = { input: 3, output: 15, cache_read: 0.3, cache_write: 3.75 };
  return {
    health: { check_interval_seconds: 0, consecutive_failures_before_skip: 1_000 },
    providers: {
      good: provider(["fake-large", "fake-small"], { pricing }),
      ant: { ...provider(["fake-large"], { pricing }), backend: "anthropic" },
      broken: provider(["fake-broken"], { pricing }),
      slow: provider(["fake-slow"], { pricing }),
      limited: provider(["fake-limited"], { pricing }),
      unpriced: provider(["fake-unpriced"]),
    },
    fallback_chain: ["good", "ant"],
    routing: { hedge_after_s: 0.2 },
    tenants: [
      { name: "alice", api_key: tenantKeys.alice },
      { name: "bob", api_key: tenantKeys.bob, limits: { budget: { usd_per_day: 1_000_000 } } },
    ],
  };
}

/** What the vendor does by the name of a model; everything else is as the prompt says. */
export function scriptVendor(vendor: Pick<Upstream, "script">): void {
  vendor.script(({ body }) => {
    const { model } = body;
    if (model === "fake-broken") return { status: 500, body: { error: { message: "broken" } } };
    if (model === "fake-limited") return { status: 429, body: { error: { message: "later" } } };
    return model === "fake-slow" ? { beforeHeadersMs: 600, status: 200, body: { choices: [] } } : undefined;
  });
}

type Asked = {
  readonly path: string;
  readonly body: object;
  /** The client leaves after this time. */
  readonly leavesAfterMs?: number;
};

const chat = (model: string, text: string, more: object = {}): Asked => ({
  path: "/v1/chat/completions",
  body: { model, max_tokens: 1_000, messages: [{ role: "user", content: text }], ...more },
});
const messages = (model: string, text: string, more: object = {}): Asked => ({
  ...chat(model, text, more),
  path: "/v1/messages",
});
const stream = { stream: true };

const kinds: readonly Asked[] = [
  chat("good/fake-small", "[[say:hello]]"),
  chat("good", "[[long:30]]", stream),
  chat("good", "[[usage:5000,4000,500,70]][[say:cached]]"),
  chat("ant", "[[usage:9000,8000,0,33]][[say:cached]]", stream),
  messages("good", "[[say:translated]]"),
  messages("ant", "[[usage:7000,100,6500,12]][[say:written]]", stream),
  { path: "/v1/responses", body: { model: "good", input: "[[think:a b c]][[say:b]]" } },
  { path: "/v1/embeddings", body: { model: "good", input: "text" } },
  chat("unpriced", "[[say:hello]]"),
  chat("good/made-up-by-a-client-<script>", "[[say:hello]]"),
  chat("nobody-knows-this", "hello"),
  { path: "/v1/chat/completions", body: { model: "good" } },
  chat("broken", "[[say:falls back]]"),
  chat("limited", "[[say:falls back]]", stream),
  chat("good", "[[mode:cut]]", stream),
  chat("slow", "[[say:hedged]]", stream),
  { ...chat("good", "[[long:500]][[pace:20]]", stream), leavesAfterMs: 120 },
  { ...chat("slow", "[[say:left early]]"), leavesAfterMs: 60 },
];

const clients = ["OpenAI/JS 7.15.0", "claude-cli/2.1.197 (external)", "=cmd|' /C calc'!A0", "\u00e9vil <b>"];

/** The request with this number. Settles when it is over, whatever became of it. True: the gateway has surely seen it. */
async function ask(url: string, number: number): Promise<boolean> {
  const { path, body, leavesAfterMs } = kinds[number % kinds.length] ?? chat("good", "hello");
  const key = keys[number % keys.length] ?? "";
  try {
    const answer = await fetch(url + path, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${key}`,
        "user-agent": encodeURI(clients[number % clients.length] ?? ""),
        "x-clawgate-tags": `round-${number % 3}`,
        "x-session-id": `talk-${number % 40}`,
      },
      body: JSON.stringify(body),
      ...(leavesAfterMs === undefined ? {} : { signal: AbortSignal.timeout(leavesAfterMs) }),
    });
    await answer.arrayBuffer();
  } catch {
    // The client left, perhaps before it had a connection, or the answer was cut: both are among the kinds.
    return leavesAfterMs === undefined;
  }
  return true;
}

/** Returns how many the gateway has surely seen. */
export async function sendMixedRequests(url: string, count: number, atATime: number): Promise<number> {
  let next = 0;
  let seen = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      if (await ask(url, next - 1)) seen += 1;
    }
  };
  await Promise.all(Array.from({ length: atATime }, work));
  return seen;
}
