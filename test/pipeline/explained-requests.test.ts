// What POST /api/route says of a request is what becomes of it: the same target, passed on or translated, with the same changes,
// or the same refusal. Bodies of every format over providers of every format, with what keeps bytes from passing.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { DialectName } from "../../src/canon/request.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { backends, bodies, type Json, names, pathOf } from "./conversations.ts";
import { keys } from "./tenant-gateways.ts";

const endpointOf: Readonly<Record<DialectName, string>> = {
  "openai-chat": "chat",
  "anthropic-messages": "messages",
  "openai-responses": "responses",
  "google-genai": "gemini",
};

let vendor: Upstream;
let gateway: TestGateway;

beforeAll(async () => {
  vendor = startUpstream({ models: ["m", "plain", "gpt-4o", "kimi-k3"] });
  // Vendors' quirks go by the address.
  const reach = ((input, init) =>
    fetch(
      String(input).replace(/https:\/\/(?:api\.openai\.com|api\.moonshot\.ai)/, vendor.url),
      init,
    )) as typeof fetch;
  const own = (dialect: DialectName): Json => ({
    backend: backends[dialect],
    base_url: vendor.url,
    models: [
      { id: "m", max_output: 4_000 },
      { id: "plain", capabilities: { thinking: false, tools: true } },
    ],
  });
  gateway = await startTestGateway({
    fetch: Object.assign(reach, { preconnect: fetch.preconnect }),
    config: {
      health: { check_interval_seconds: 0 },
      auth: { admin_key: keys.admin },
      providers: {
        ...Object.fromEntries(names.map((name) => [name, own(name)])),
        openai: { base_url: "https://api.openai.com/v1", api_key: "sk-test", model: "gpt-4o" },
        moonshot: { base_url: "https://api.moonshot.ai/v1", api_key: "sk-test", model: "kimi-k3" },
        demo: { backend: "demo" },
      },
      fallback_chain: ["anthropic-messages", "openai-chat"],
      tenants: [
        { name: "alice", api_key: keys.alice, models: ["openai-chat", "google-genai"] },
        { name: "bob", api_key: keys.bob },
      ],
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  vendor.stop();
});

type Way = {
  readonly status: number;
  readonly target?: unknown;
  readonly passes?: unknown;
  readonly adapted?: unknown;
};

async function explained(
  dialect: DialectName,
  model: string,
  tenant: string,
  body: Json,
): Promise<Way & { because?: unknown }> {
  const answer = await fetch(`${gateway.url}/api/route?door=${endpointOf[dialect]}&tenant=${tenant}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${keys.admin}` },
    body: JSON.stringify({ ...body, model }),
  });
  const { status } = answer;
  const { provider, passes, adapted, because } = (await answer.json()) as Json;
  if (status !== 200) return { status };
  return { status, target: [provider], passes, adapted: (adapted as string[]).toSorted(), because };
}

async function answered(
  dialect: DialectName,
  model: string,
  tenant: "alice" | "bob",
  body: Json,
): Promise<Way> {
  const named = dialect === "google-genai" ? {} : { model };
  const answer = await fetch(gateway.url + pathOf(dialect, encodeURIComponent(model), false), {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${keys[tenant]}` },
    body: JSON.stringify({ ...body, ...named }),
  });
  await answer.text();
  const { attempts, provider } = await gateway.recordOf(answer);
  const won = attempts.at(-1);
  if (answer.status !== 200) return { status: answer.status };
  return {
    status: answer.status,
    target: [provider],
    passes: won?.lane === "relay",
    adapted: (won?.adapted ?? []).toSorted(),
  };
}

const say = [{ role: "user", content: "say:done" }];
const look = { name: "look.up!", parameters: { type: "object", properties: {} } };

/** By format: what is plain, what calls for a translation, and what only this format can say. */
const special: Readonly<Record<DialectName, Readonly<Record<string, Json>>>> = {
  "openai-chat": {
    plain: { messages: say },
    "a long answer": { messages: say, max_tokens: 90_000 },
    "a developer's word": { messages: [{ role: "developer", content: "Be brief." }, ...say] },
    "several answers": { n: 2, messages: say },
    "several answers and a developer's word": {
      n: 2,
      messages: [{ role: "developer", content: "Be brief." }, ...say],
    },
    "an effort": { messages: say, reasoning_effort: "high", max_tokens: 50 },
    "a name that does not fit": { messages: say, tools: [{ type: "function", function: look }] },
    "a tool of free text": { messages: say, tools: [{ type: "custom", custom: { name: "patch" } }] },
    "members that vendors refuse": { messages: say, temperature: 0.2, presence_penalty: 1, logit_bias: {} },
    "a body of Responses": { input: "say:done" },
    "other models": { messages: say, models: ["dear"], fallbacks: ["dear"] },
  },
  "anthropic-messages": {
    plain: { messages: say, max_tokens: 50 },
    thinking: { messages: say, max_tokens: 8_000, thinking: { type: "enabled", budget_tokens: 5_000 } },
    "a part of Responses": {
      messages: [{ role: "user", content: [{ type: "input_text", text: "say:done" }] }],
      max_tokens: 50,
    },
    "no limit": { messages: say },
    "a limit of words": { messages: say, max_tokens: "many" },
  },
  "openai-responses": {
    plain: { input: "say:done" },
    "an effort": { input: "say:done", reasoning: { effort: "high" } },
    "our mark": {
      input: [
        { type: "message", role: "user", content: "hi" },
        { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "clawgate.signature.EqQ=" },
        { type: "message", role: "user", content: "say:done" },
      ],
    },
    "a hosted tool": { input: "say:done", tools: [{ type: "web_search" }] },
  },
  "google-genai": {
    plain: { contents: [{ role: "user", parts: [{ text: "say:done" }] }] },
    thinking: {
      contents: [{ role: "user", parts: [{ text: "say:done" }] }],
      generationConfig: { thinkingConfig: { thinkingBudget: 2_000 }, topK: 3 },
    },
    "another format's role": {
      contents: [
        { role: "user", parts: [{ text: "hi" }] },
        { role: "assistant", parts: [{ text: "hello" }] },
        { role: "user", parts: [{ text: "say:done" }] },
      ],
    },
  },
};

const providers = [...names, ...names.map((name) => `${name}/plain`), "openai", "moonshot", "demo", "auto"];
const seen = new Set<unknown>();

describe.each(names)("requests in the format %s", (dialect) => {
  const all: Readonly<Record<string, Json>> = {
    ...special[dialect],
    "a conversation with tools": bodies[dialect],
  };
  test.each(Object.keys(all))("%s", async (what) => {
    const body = all[what] ?? {};
    for (const model of providers)
      for (const tenant of ["alice", "bob"] as const) {
        const { because, ...said } = await explained(dialect, model, tenant, body);
        const done = await answered(dialect, model, tenant, body);
        seen.add(because);
        expect({ model, tenant, ...said }).toEqual({ model, tenant, ...done });
        if (said.status === 200) expect(because === null || typeof because === "string").toBe(true);
        if (said.passes === false) expect(because).not.toBeNull();
      }
  });
});

test("the bodies above meet the reasons that there are", () => {
  for (const reason of [
    null,
    "other-format",
    "no-wire",
    "responses-body",
    "foreign-part",
    "clawgate-mark",
    "free-text-tools",
    "no-thinking",
    "tool-names",
    "quirk:max-completion-tokens",
  ])
    expect([...seen]).toContain(reason);
});
