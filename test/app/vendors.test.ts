// What a vendor of the catalogue gets on the wire: its headers, its quirks passed through and translated, and bytes where nothing must change.

import { afterAll, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

type Sent = { readonly url: string; readonly headers: Headers; readonly body: string };

const sent: Sent[] = [];

const answer = {
  id: "c1",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "ok" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};

const vendor = Object.assign(
  async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const { body } = init ?? {};
    const text = body instanceof Uint8Array ? new TextDecoder().decode(body) : "";
    sent.push({ url: String(url), headers: new Headers(init?.headers), body: text });
    return Response.json(answer);
  },
  { preconnect: () => undefined },
);

const gateway: TestGateway = await startTestGateway({
  fetch: vendor,
  config: {
    providers: {
      deepseek: { base_url: "https://api.deepseek.com", api_key: "k", model: "deepseek-chat" },
      openrouter: { base_url: "https://openrouter.ai/api/v1", api_key: "k", model: "openrouter/auto" },
      renamed: {
        base_url: "https://openrouter.ai/api/v1",
        api_key: "k",
        model: "openrouter/auto",
        headers: { "X-Title": "Mine" },
      },
      openai: {
        base_url: "https://api.openai.com/v1",
        api_key: "k",
        model: "gpt-6-luna",
        models: ["gpt-4o"],
      },
      kilocode: { base_url: "https://api.kilo.ai/api/gateway/", api_key: "k", model: "kilo/auto" },
      minimax: {
        backend: "anthropic",
        base_url: "https://api.minimax.io/anthropic",
        api_key: "k",
        model: "MiniMax-M3",
      },
    },
  },
});
afterAll(() => gateway.stop());

async function ask(body: Record<string, unknown>): Promise<Sent> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-clawgate-fallback": "off" },
    body: JSON.stringify({ messages: [{ role: "user", content: "hi" }], ...body }),
  });
  await response.text();
  const last = sent.at(-1);
  if (last === undefined) throw new Error(`nothing was sent; the gateway answered ${response.status}`);
  return last;
}

const tools = [{ type: "function", function: { name: "look", parameters: { type: "object" } } }];

test("DeepSeek's retired name goes out as the flash model without thinking", async () => {
  const { url, body } = await ask({ model: "deepseek" });
  expect(url).toBe("https://api.deepseek.com/v1/chat/completions");
  expect(JSON.parse(body)).toMatchObject({ model: "deepseek-flash", thinking: { type: "disabled" } });
});

test("a name that needs no rewrite passes as bytes", async () => {
  const { body } = await ask({ model: "deepseek/deepseek-flash", strange_member: 1 });
  expect(JSON.parse(body)).toMatchObject({ model: "deepseek-flash", strange_member: 1 });
  expect(JSON.parse(body)).not.toHaveProperty("thinking");
});

describe("OpenAI", () => {
  test("gets tools for a new model with effort none", async () => {
    const { body } = await ask({ model: "openai", tools, reasoning_effort: "high" });
    expect(JSON.parse(body)).toMatchObject({ model: "gpt-6-luna", reasoning_effort: "none", tools });
  });

  test("gets tools for an older model as they came", async () => {
    const { body } = await ask({ model: "openai/gpt-4o", tools, stream: false });
    expect(JSON.parse(body)).toMatchObject({ model: "gpt-4o", stream: false, tools });
    expect(JSON.parse(body)).not.toHaveProperty("reasoning_effort");
  });
});

describe("OpenRouter", () => {
  test("is told who asks", async () => {
    const { headers } = await ask({ model: "openrouter" });
    expect([headers.get("http-referer"), headers.get("x-title")]).toEqual([
      "https://clawgate.local",
      "ClawGate",
    ]);
  });

  test("the operator's own header takes the place of ours, in whatever case", async () => {
    const { headers } = await ask({ model: "renamed" });
    expect([headers.get("http-referer"), headers.get("x-title")]).toEqual(["https://clawgate.local", "Mine"]);
  });
});

test("Kilo's address has no version, and none is added", async () => {
  expect((await ask({ model: "kilocode" })).url).toBe("https://api.kilo.ai/api/gateway/chat/completions");
});

test("MiniMax speaks Anthropic's format under its own path", async () => {
  const { url, headers, body } = await ask({ model: "minimax" });
  expect(url).toBe("https://api.minimax.io/anthropic/v1/messages");
  expect([headers.get("x-api-key"), headers.get("anthropic-version")]).toEqual(["k", "2023-06-01"]);
  expect(JSON.parse(body)).toMatchObject({ model: "MiniMax-M3" });
});
