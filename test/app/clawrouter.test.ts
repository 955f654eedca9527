// What OpenClaw's plugin `clawrouter` is told: the catalog of one key, its budget, the native paths, and what its headers leave in
// the record. `parsed` repeats what the plugin of 2026.9.6 demands of a catalog.

import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { chatNames } from "../../src/app/offline/chat-names.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { gatewayKey, vendorKey } from "../support/gateway-config.ts";
import { startUpstream } from "../support/upstream.ts";

const vendor = startUpstream({ keys: [vendorKey] });
const opened: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of opened.splice(0)) await gateway.stop();
  vendor.reset();
});
afterAll(() => vendor.stop());

const aliceKey = "alice-key-0123456789";
const bobKey = "bob-key-0123456789";

async function open(more: object = {}): Promise<TestGateway> {
  const at = { base_url: vendor.url, api_key: vendorKey };
  const gateway = await startTestGateway({
    config: {
      health: { check_interval_seconds: 0 },
      auth: { keys: [gatewayKey] },
      providers: {
        oai: {
          ...at,
          backend: "openai-compat",
          models: [
            {
              id: "fake-large",
              name: "Large one",
              context_window: 131_072,
              max_output: 16_384,
              capabilities: { tools: true, vision: false, json: true, thinking: false },
              pricing: { input: 2, output: 10, cache_read: 0.5, cache_write: 2.5 },
            },
          ],
        },
        ant: {
          ...at,
          backend: "anthropic",
          models: [
            {
              id: "claude-large",
              context_window: 1_000_000,
              max_output: 64_000,
              capabilities: { tools: true, vision: true, json: true, thinking: true },
              pricing: { input: 3, output: 15 },
            },
          ],
        },
        goo: { ...at, backend: "google-genai", models: ["fake-small"] },
      },
      aliases: { fast: "oai" },
      fallback_chain: ["oai", "ant"],
      tenants: [
        {
          name: "alice",
          api_key: aliceKey,
          models: ["auto", "oai", "oai/fake-large"],
          limits: { budget: { usd_per_month: 50 } },
        },
        { name: "bob", api_key: bobKey, provider: "ant" },
      ],
      ...more,
    },
  });
  opened.push(gateway);
  return gateway;
}

const ask = (gateway: TestGateway, path: string, key: string | null) =>
  fetch(`${gateway.url}${path}`, {
    headers: { accept: "application/json", ...(key === null ? {} : { authorization: `Bearer ${key}` }) },
  });

type CatalogModel = {
  readonly id: string;
  readonly upstream: string;
  readonly capabilities: readonly string[];
  readonly supportedReasoningEfforts?: readonly string[];
  readonly input_modalities: readonly string[];
  readonly pricing?: Readonly<Record<string, number>>;
};
type CatalogProvider = {
  readonly id: string;
  readonly openaiCompatible: boolean;
  readonly nativeBaseUrl: string;
  readonly routes: readonly { readonly path: string; readonly requestFormat: string }[];
  readonly models: readonly CatalogModel[];
};

/** Each model and the transport that the plugin gives it. */
async function parsed(gateway: TestGateway, key: string) {
  const answer = await ask(gateway, "/v1/catalog", key);
  expect(answer.status).toBe(200);
  const { providers } = (await answer.json()) as { readonly providers: readonly CatalogProvider[] };
  const models = new Map<string, CatalogModel & { readonly api: string }>();
  for (const provider of providers) {
    expect(provider.nativeBaseUrl).toStartWith("/v1/native/");
    for (const model of provider.models) {
      expect(model.upstream).not.toBe("");
      const has = (format: string) => provider.routes.some((route) => route.requestFormat === format);
      const api =
        provider.openaiCompatible && model.capabilities.includes("llm.chat")
          ? "openai-completions"
          : model.capabilities.includes("llm.messages") && has("anthropic.messages")
            ? "anthropic-messages"
            : model.capabilities.includes("llm.stream") && has("google.generate_content")
              ? "google-generative-ai"
              : "none";
      const label = `${provider.id}/${model.id}`;
      const input = /claude-|gemini-|gpt-4o|gpt-5/.test(label) ? ["text", "image"] : ["text"];
      // By these the plugin guesses what the catalog cannot say.
      if (!/claude-|gemini-/.test(model.id)) expect(input).toEqual([...model.input_modalities]);
      expect(/gpt-5|gpt-oss|deepseek-v|reasoner|glm-5|grok-4|minimax-m/.test(label)).toBe(false);
      models.set(model.id, { ...model, api });
    }
  }
  return models;
}

describe("GET /v1/catalog", () => {
  test("says of each model what the config and the catalogue know, and of auto what all its targets can do", async () => {
    const models = await parsed(await open(), gatewayKey);
    expect([...models.keys()].toSorted()).toEqual([
      "ant",
      "ant/claude-large",
      "auto",
      "fast",
      "goo",
      "goo/fake-small",
      "oai",
      "oai/fake-large",
    ]);
    expect(models.get("oai/fake-large")).toMatchObject({
      displayName: "Large one",
      api: "openai-completions",
      input_modalities: ["text"],
      pricing: {
        inputMicrosPerMillion: 2_000_000,
        outputMicrosPerMillion: 10_000_000,
        cachedInputMicrosPerMillion: 500_000,
        cacheWrite5mInputMicrosPerMillion: 2_500_000,
        maxInputTokens: 131_072,
        defaultMaxOutputTokens: 16_384,
      },
    });
    expect(models.get("oai/fake-large")?.supportedReasoningEfforts).toBeUndefined();
    expect(models.get("ant")).toMatchObject({
      api: "anthropic-messages",
      input_modalities: ["text", "image"],
      supportedReasoningEfforts: ["none", "low", "medium", "high"],
      pricing: { inputMicrosPerMillion: 3_000_000, cachedInputMicrosPerMillion: 3_000_000 },
    });
    expect(models.get("goo")).toMatchObject({ api: "google-generative-ai" });
    // Nobody knows what this model costs or holds: nothing is claimed.
    expect(models.get("goo")?.pricing).toBeUndefined();
    expect(models.get("auto")).toMatchObject({
      api: "openai-completions",
      input_modalities: ["text"],
      pricing: { inputMicrosPerMillion: 2_000_000, maxInputTokens: 131_072, defaultMaxOutputTokens: 16_384 },
    });
    expect(models.get("auto")?.supportedReasoningEfforts).toBeUndefined();
    expect(models.get("fast")?.pricing).toEqual(models.get("oai")?.pricing);
  });

  test("holds only what the key's tenant may use; a tenant's own provider is what its auto can do", async () => {
    const gateway = await open();
    // `fast` names a model that alice may use, as /v1/models lists it to her.
    expect([...(await parsed(gateway, aliceKey)).keys()].toSorted()).toEqual([
      "auto",
      "fast",
      "oai",
      "oai/fake-large",
    ]);
    expect((await parsed(gateway, bobKey)).get("auto")).toMatchObject({
      input_modalities: ["text", "image"],
      pricing: { maxInputTokens: 1_000_000 },
    });
  });

  test("offers no model that makes embeddings or pictures, unless the operator says that it chats", async () => {
    const gateway = await open({
      providers: {
        oai: {
          base_url: vendor.url,
          api_key: vendorKey,
          backend: "openai-compat",
          models: [
            "fake-large",
            "text-embedding-3-small",
            "gpt-image-1",
            "whisper-1",
            "omni-moderation-latest",
            { id: "my-guard", capabilities: { tools: true } },
          ],
        },
        vectors: { base_url: vendor.url, api_key: vendorKey, models: ["bge-m3"] },
      },
      aliases: { embed: "vectors", fast: "oai" },
      fallback_chain: ["oai"],
      tenants: [],
    });
    expect([...(await parsed(gateway, gatewayKey)).keys()].toSorted()).toEqual([
      "auto",
      "fast",
      "oai",
      "oai/fake-large",
      "oai/my-guard",
    ]);
    // Programs that ask for embeddings find them in the usual list, with what they are.
    const { data } = (await (await ask(gateway, "/v1/models", gatewayKey)).json()) as {
      readonly data: readonly { readonly id: string; readonly type?: string }[];
    };
    const types = Object.fromEntries(data.map(({ id, type }) => [id, type]));
    expect(types).toMatchObject({
      "oai/text-embedding-3-small": "embedding",
      "oai/gpt-image-1": "image",
      vectors: "embedding",
      embed: "embedding",
    });
    expect(types["oai/fake-large"]).toBeUndefined();
    const offline = chatNames(gateway.app.current().loaded.config);
    expect(offline.toSorted()).toEqual(["auto", "fake-large", "fast", "my-guard", "oai"]);
  });

  test("is refused without a key, and so is the usage; health is public", async () => {
    const gateway = await open();
    expect((await ask(gateway, "/v1/catalog", null)).status).toBe(401);
    expect((await ask(gateway, "/v1/usage", "wrong")).status).toBe(401);
    const health = await ask(gateway, "/v1/health", null);
    expect(await health.json()).toMatchObject({ status: "ok", service: "clawgate" });
  });
});

const turn = (
  gateway: TestGateway,
  path: string,
  key: string,
  headers: Record<string, string>,
  model: string,
) =>
  fetch(`${gateway.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model, max_tokens: 50, messages: [{ role: "user", content: "Hello." }] }),
  }).then(async (answer) => {
    const body = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status} ${key} ${body}`);
    return { body: JSON.parse(body) as Record<string, unknown>, record: await gateway.recordOf(answer) };
  });

describe("GET /v1/usage", () => {
  test("has the tenant's budget and spending of this month in micro-USD, and nobody else's", async () => {
    const gateway = await open();
    const { record } = await turn(
      gateway,
      "/v1/chat/completions",
      aliceKey,
      { authorization: `Bearer ${aliceKey}` },
      "oai",
    );
    const { input, output } = record.usage;
    const micros = Math.round(((input ?? 0) * 2 + (output ?? 0) * 10) * 1e6) / 1e6;
    expect(micros).toBeGreaterThan(0);
    await gateway.app.services.store.flush();
    const usage = (await (await ask(gateway, "/v1/usage", aliceKey)).json()) as {
      readonly budget: { readonly windowKey: string; readonly spentMicros: number };
    };
    expect(usage).toMatchObject({
      budget: { configured: true, limitMicros: 50_000_000 },
      usage: { summary: { requestCount: 1, totalTokens: (input ?? 0) + (output ?? 0) } },
    });
    expect(usage.budget.spentMicros).toBe(Math.round(micros));
    expect(usage.budget.windowKey).toBe(`clawgate/${new Date().toISOString().slice(0, 7)}`);
    expect(await (await ask(gateway, "/v1/usage", bobKey)).json()).toEqual({
      budget: { configured: false },
      usage: { summary: { requestCount: 0, totalTokens: 0, actualCostMicros: 0 } },
    });
    // A key without a tenant sees the requests that have none.
    expect(await (await ask(gateway, "/v1/usage", gatewayKey)).json()).toMatchObject({
      budget: { configured: false },
      usage: { summary: { requestCount: 0 } },
    });
  });

  const withBudget = (budget: object): Promise<TestGateway> =>
    open({ tenants: [{ name: "alice", api_key: aliceKey, limits: { budget } }] });
  const budgetAt = async (gateway: TestGateway) => {
    const { budget } = (await (await ask(gateway, "/v1/usage", aliceKey)).json()) as { budget: object };
    return budget;
  };
  const [today, thisMonth] = [10, 7].map(
    (letters) => `clawgate/${new Date().toISOString().slice(0, letters)}`,
  );

  test("tells the window with the least left, under a key that the plugin takes for a month only if it is one", async () => {
    const ofDay = await withBudget({ usd_per_day: 5 });
    expect(await budgetAt(ofDay)).toEqual({
      configured: true,
      limitMicros: 5_000_000,
      spentMicros: 0,
      windowKey: today,
    });
    expect(today).not.toMatch(/\/\d{4}-\d{2}$/);
    const both = await withBudget({ usd_per_day: 5, usd_per_month: 50 });
    expect(await budgetAt(both)).toMatchObject({ limitMicros: 5_000_000, windowKey: today });
    const month = await withBudget({ usd_per_day: 50, usd_per_month: 5 });
    await turn(month, "/v1/chat/completions", aliceKey, { authorization: `Bearer ${aliceKey}` }, "oai");
    const budget = await budgetAt(month);
    expect(budget).toMatchObject({ limitMicros: 5_000_000, windowKey: thisMonth });
    expect((budget as { spentMicros: number }).spentMicros).toBeGreaterThan(0);
  });

  test("calls no tenant unmetered that has a cap per session or a budget of tokens", async () => {
    const session = await withBudget({ usd_per_session: 2 });
    // What is spent of it nobody knows for a key: a 0 would be shown as all of it left.
    expect(await budgetAt(session)).toEqual({
      configured: true,
      limitMicros: 2_000_000,
      windowKey: "clawgate/session",
    });
    const tokens = await withBudget({ tokens_per_day: 1_000, tokens_per_month: 20_000 });
    expect(await budgetAt(tokens)).toEqual({
      configured: true,
      tokens: { limit: 1_000, spent: 0, windowKey: today },
    });
    const mixed = await withBudget({ usd_per_month: 3, usd_per_session: 1, tokens_per_month: 20_000 });
    expect(await budgetAt(mixed)).toMatchObject({
      limitMicros: 3_000_000,
      spentMicros: 0,
      windowKey: thisMonth,
      tokens: { limit: 20_000, windowKey: thisMonth },
    });
    expect(await budgetAt(await withBudget({}))).toEqual({ configured: false });
  });

  test("knows the budget where no records are kept", async () => {
    const gateway = await open({ metrics: { enabled: false } });
    expect(await (await ask(gateway, "/v1/usage", aliceKey)).json()).toEqual({
      budget: { configured: true, limitMicros: 50_000_000, spentMicros: 0, windowKey: expect.any(String) },
      usage: {},
    });
  });
});

describe("the plugin's requests", () => {
  const attribution = {
    "x-clawrouter-client": "openclaw",
    "x-clawrouter-agent-id": "main",
    "x-clawrouter-session-id": "0b7c8f9e-1",
    "x-request-id": "run-7:model:2",
    "user-agent": "OpenAI/JS 6.1.0",
  };

  test("name client, agent, session and request in the record", async () => {
    const gateway = await open();
    const { record } = await turn(
      gateway,
      "/v1/chat/completions",
      aliceKey,
      { ...attribution, authorization: `Bearer ${aliceKey}` },
      "oai",
    );
    expect(record).toMatchObject({
      client: "openclaw",
      agent: "main",
      session: "0b7c8f9e-1",
      clientRequestId: "run-7:model:2",
      tenant: "alice",
    });
    // Ours stays ours: two requests may carry the same id of a client.
    expect(record.id).not.toBe("run-7:model:2");
    await gateway.app.services.store.flush();
    const shown = await (
      await fetch(`${gateway.url}/api/requests/${record.id}`, {
        headers: { authorization: `Bearer ${gateway.token()}` },
      })
    ).json();
    expect(shown).toMatchObject({ request: { client_request_id: "run-7:model:2", agent: "main" } });
  });

  test("reach Anthropic's format below its native path, with the key in x-api-key, and errors in that format", async () => {
    const gateway = await open();
    const path = "/v1/native/clawgate/v1/messages";
    const { body, record } = await turn(
      gateway,
      path,
      bobKey,
      { ...attribution, "x-api-key": bobKey },
      "ant",
    );
    expect(body).toMatchObject({ type: "message", role: "assistant" });
    expect(record).toMatchObject({ door: "messages", tenant: "bob", agent: "main" });
    const refused = await fetch(`${gateway.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": "wrong" },
      body: "{}",
    });
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ type: "error", error: { type: "authentication_error" } });
  });

  test("reach Google's format below its native path, and errors in that format", async () => {
    const gateway = await open();
    const at = `${gateway.url}/v1/native/clawgate/v1beta/models/goo:streamGenerateContent?alt=sse`;
    const init = (key: string) => ({
      method: "POST",
      headers: { "content-type": "application/json", "x-goog-api-key": key },
      body: JSON.stringify({ contents: [{ role: "user", parts: [{ text: "Hello." }] }] }),
    });
    const answer = await fetch(at, init(bobKey));
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('"candidates"');
    const refused = await fetch(at, init("wrong"));
    expect(await refused.json()).toMatchObject({ error: { status: "UNAUTHENTICATED" } });
  });
});
