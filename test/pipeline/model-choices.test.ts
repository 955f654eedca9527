// A tenant whose models, provider or budget are limited chooses no other model at the upstream, by no member of a body and on no
// lane; what it tried is named. Everybody else's bodies pass as they are.

import { describe, expect, test } from "bun:test";
import { adaptedOf, type Json, keys, openTenantGateways } from "./tenant-gateways.ts";

const { vendor, open } = openTenantGateways();
const message = [{ role: "user", content: "hi" }];

type Post = { readonly key?: string; readonly path?: string; readonly headers?: Record<string, string> };

function post(url: string, body: object | string, post: Post = {}): Promise<Response> {
  const { key = keys.alice, path = "/v1/chat/completions", headers = {} } = post;
  return fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}`, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

const sent = (): Json => {
  const last = vendor.requests.at(-1);
  if (last === undefined) throw new Error("nothing was sent");
  return last.body;
};

const choosing: Json = {
  models: ["evil-model", "fake-large"],
  route: "fallback",
  provider: { order: ["evil"], allow_fallbacks: true },
  fallbacks: [{ model: "evil-model" }],
  fallback_models: ["evil-model"],
  preset: "evil",
  plugins: [{ id: "auto-router", allowed_models: ["evil-model"] }],
  transforms: ["middle-out"],
  context_window_fallbacks: [{ x: ["evil-model"] }],
  content_policy_fallbacks: [],
  model_list: [{ model_name: "evil-model" }],
  mock_response: "evil",
  mock_testing_fallbacks: true,
  api_base: "http://127.0.0.1:1/evil",
  deployment_id: "evil",
  model_group: "evil",
  custom_llm_provider: "evil",
  litellm_params: { model: "evil-model" },
  router_settings_override: { fallbacks: [] },
  tags: ["evil"],
  config: "pc-evil",
  extra_body: { models: ["evil-model"] },
  compound_custom: { models: { answering_model: "evil-model" } },
  lora_request: { name: "evil" },
  draft_model: "evil",
  Models: ["evil-model"],
  MODEL: "evil-model",
  "model\u017F": ["evil-model"],
};

describe("a tenant with models", () => {
  test("sends no member up that chooses a model, names them, and keeps all others byte for byte", async () => {
    const gateway = await open({ tenant: { models: ["cheap"] } });
    const ordinary = { temperature: 0.5, seed: 7, metadata: { topic: "provider" }, stop: ["model"] };
    const answer = await post(gateway.url, { model: "cheap", messages: message, ...choosing, ...ordinary });
    expect(answer.status).toBe(200);
    expect(sent()).toEqual({ model: "fake-small", messages: message, ...ordinary });
    const adapted = adaptedOf(answer);
    for (const name of ["models", "route", "provider", "fallbacks", "preset", "plugins"])
      expect(adapted).toContain(`member-dropped:${name}`);
    const record = await gateway.recordOf(answer);
    expect(record.attempts[0]?.adapted).toContain("member-dropped:plugins");
  });

  test.each(["cheap", "fake-small", "cheap/fake-small", "fast"])(
    "by escaped names and on a stream as well, asked for %s",
    async (model) => {
      const gateway = await open({ tenant: { models: ["fast"] } });
      const body = `{"mo\\u0064els":["evil-model"],"model":${JSON.stringify(model)},"pro\\u0076ider":{"only":["evil"]},"stream":true,"messages":${JSON.stringify(message)}}`;
      const answer = await post(gateway.url, body);
      await answer.text();
      expect(answer.status).toBe(200);
      expect(Object.keys(sent()).toSorted()).toEqual(["messages", "model", "stream", "stream_options"]);
      expect(sent()["model"]).toBe("fake-small");
    },
  );

  test("two models in one body are refused, whatever their spelling", async () => {
    const gateway = await open({ tenant: { models: ["cheap"] } });
    const body = `{"model":"cheap","mod\\u0065l":"fake-large","messages":${JSON.stringify(message)}}`;
    expect((await post(gateway.url, body)).status).toBe(400);
    expect(vendor.count()).toBe(0);
  });

  test("tools that are other models go, those of the client stay, and a choice of one that went goes with it", async () => {
    const gateway = await open({ tenant: { models: ["cheap"] } });
    const own = {
      type: "function",
      function: { name: "pick", parameters: { type: "object", properties: { model: { type: "string" } } } },
    };
    const answer = await post(gateway.url, {
      model: "cheap",
      messages: message,
      tools: [
        own,
        { type: "openrouter:advisor", parameters: { model: "evil-model" } },
        { type: "openrouter:fusion", parameters: { analysis_models: ["evil-model"] } },
        { type: "openrouter:web_search", parameters: { max_results: 2, model: "evil-model" } },
      ],
      tool_choice: { type: "openrouter:advisor" },
    });
    expect(answer.status).toBe(200);
    expect(sent()["tools"]).toEqual([own, { type: "openrouter:web_search", parameters: { max_results: 2 } }]);
    expect(Object.keys(sent())).not.toContain("tool_choice");
    expect(adaptedOf(answer)).toContain("member-dropped:tools.openrouter_advisor");
  });

  test("what a client's schema or the conversation calls so is not touched", async () => {
    const gateway = await open({ tenant: { models: ["cheap"] } });
    const schema = { type: "object", properties: { models: { type: "array" }, provider: {}, fallbacks: {} } };
    const format = { type: "json_schema", json_schema: { name: "x", schema } };
    const messages = [{ role: "user", content: '{"models":["a"],"provider":"b"}' }];
    const answer = await post(gateway.url, { model: "cheap", messages, response_format: format });
    expect(answer.status).toBe(200);
    expect(sent()).toEqual({ model: "fake-small", messages, response_format: format });
    expect(answer.headers.get("x-clawgate-adapted")).toBeNull();
  });

  test("nested wishes: the gateway's among provider options, LiteLLM's tags in metadata; the rest of them stays", async () => {
    const gateway = await open({ tenant: { models: ["cheap"] } });
    await post(gateway.url, {
      model: "cheap",
      messages: message,
      providerOptions: { gateway: { models: ["evil-model"], order: ["evil"] }, openai: { store: true } },
      metadata: { tags: "evil", mine: "yes" },
      web_search_options: { search_context_size: "low", model: "evil-model" },
    });
    expect(sent()).toMatchObject({
      providerOptions: { openai: { store: true } },
      metadata: { mine: "yes" },
      web_search_options: { search_context_size: "low" },
    });
    expect(JSON.stringify(sent())).not.toContain("evil");
  });

  test("embeddings", async () => {
    const gateway = await open({ tenant: { models: ["cheap"] } });
    const body = { model: "cheap", input: "hi", dimensions: 3, ...choosing };
    const answer = await post(gateway.url, body, { path: "/v1/embeddings" });
    expect([answer.status, sent()]).toEqual([200, { model: "fake-small", input: "hi", dimensions: 3 }]);
    expect(adaptedOf(answer)).toContain("member-dropped:models");
  });
});

describe("other formats", () => {
  const more = () => ({
    providers: {
      claude: {
        backend: "anthropic",
        base_url: vendor.url,
        api_key: "vendor-secret-key",
        models: ["fake-large"],
      },
      resp: {
        backend: "openai-responses",
        base_url: vendor.url,
        api_key: "vendor-secret-key",
        models: ["fake-large"],
      },
      goo: {
        backend: "google-genai",
        base_url: vendor.url,
        api_key: "vendor-secret-key",
        models: ["fake-large"],
      },
    },
    fallback_chain: [],
    aliases: {},
  });

  test("messages: fallbacks, an advisor and their betas; token counts the same", async () => {
    const gateway = await open({ tenant: { models: ["claude"] }, more: more() });
    const body = {
      model: "claude",
      max_tokens: 9,
      messages: message,
      fallbacks: [{ model: "evil-model" }],
      tools: [
        { type: "advisor_20260301", name: "advisor", model: "evil-model" },
        { name: "own", input_schema: { type: "object", properties: { model: {} } } },
      ],
      context_management: { edits: [{ type: "compact_20260112", model: "evil-model" }] },
    };
    const headers = { "anthropic-beta": "server-side-fallback-2026-06-01,interleaved-thinking-2025-05-14" };
    const answer = await post(gateway.url, body, { path: "/v1/messages", headers });
    expect(answer.status).toBe(200);
    expect(JSON.stringify(sent())).not.toContain("evil");
    expect(sent()["tools"]).toEqual([body.tools[1]]);
    expect(sent()["context_management"]).toEqual({ edits: [{ type: "compact_20260112" }] });
    expect(vendor.requests.at(-1)?.headers["anthropic-beta"]).toBe("interleaved-thinking-2025-05-14");
    const { max_tokens: _limit, ...counted } = body;
    await post(gateway.url, counted, { path: "/v1/messages/count_tokens" });
    expect(vendor.requests.at(-1)?.path).toEndWith("/count_tokens");
    expect(vendor.requests.at(-1)?.rawBody).not.toContain("evil");
  });

  test("responses: the model of an image tool, and routers' members", async () => {
    const gateway = await open({ tenant: { models: ["resp"] }, more: more() });
    vendor.script([]);
    const body = {
      model: "resp",
      input: "hi",
      tools: [{ type: "image_generation", model: "evil-model", size: "auto" }],
      models: ["evil-model"],
      provider: { only: ["evil"] },
    };
    const answer = await post(gateway.url, body, { path: "/v1/responses" });
    expect(answer.status).toBe(200);
    expect(sent()["tools"]).toEqual([{ type: "image_generation", size: "auto" }]);
    expect(vendor.requests.at(-1)?.rawBody).not.toContain("evil");
  });

  test("gemini: a model in the body, a cached prompt, Vertex's routing; token counts the same", async () => {
    const gateway = await open({ tenant: { models: ["goo"] }, more: more() });
    vendor.script([]);
    const schema = {
      type: "OBJECT",
      properties: { model: { type: "STRING" }, provider: { type: "STRING" } },
    };
    const body = {
      contents: [{ role: "user", parts: [{ text: "hi" }] }],
      model: "models/evil-model",
      cachedContent: "cachedContents/evil",
      generationConfig: {
        temperature: 1,
        responseSchema: schema,
        routingConfig: { manualMode: { modelName: "evil-model" } },
      },
    };
    const path = "/v1beta/models/goo:generateContent";
    const answer = await post(gateway.url, body, { path });
    expect(answer.status).toBe(200);
    expect(sent()).toEqual({
      contents: body.contents,
      generationConfig: { temperature: 1, responseSchema: schema },
    });
    expect(adaptedOf(answer)).toContain("member-dropped:cachedContent");
    const counted = { generateContentRequest: { ...body, model: "models/evil-model" } };
    await post(gateway.url, counted, { path: "/v1beta/models/goo:countTokens" });
    expect(vendor.requests.at(-1)?.path).toContain("countTokens");
    expect(vendor.requests.at(-1)?.rawBody).not.toContain("evil");
  });
});

test("a tenant with a provider of its own, and one with a budget, are held to the same; a dollar budget to the price as well", async () => {
  const body = { messages: message, ...choosing, service_tier: "priority", speed: "fast" };
  for (const tenant of [{ provider: "cheap" }, { limits: { budget: { tokens_per_day: 1e6 } } }]) {
    const gateway = await open({ tenant });
    expect((await post(gateway.url, { model: "cheap", ...body })).status).toBe(200);
    expect(sent()).toEqual({
      model: "fake-small",
      messages: message,
      service_tier: "priority",
      speed: "fast",
    });
  }
  const gateway = await open({ tenant: { limits: { budget: { usd_per_day: 1 } } } });
  await post(gateway.url, { model: "cheap", ...body });
  expect(sent()).toEqual({ model: "fake-small", messages: message });
  const answer = await post(gateway.url, { model: "cheap", messages: message, service_tier: "priority" });
  expect(adaptedOf(answer)).toEqual(["member-dropped:service_tier"]);
  await post(gateway.url, { model: "cheap", messages: message, service_tier: "flex" });
  expect(sent()["service_tier"]).toBe("flex");
});

test("whoever is not limited keeps every member", async () => {
  const gateway = await open({ tenant: { models: ["cheap"] } });
  const { api_base: _base, extra_body: _extra, ...passing } = choosing;
  const body = { model: "cheap", messages: message, ...passing };
  const answer = await post(gateway.url, body, { key: keys.bob });
  expect(answer.status).toBe(200);
  expect(sent()).toEqual({ ...body, model: "fake-small" });
  expect(answer.headers.get("x-clawgate-adapted")).toBeNull();
});
