import { expect, test } from "bun:test";
import { cheapestOf, leastOf } from "../../src/canon/model-offer.ts";
import { integrationText } from "../../src/openclaw/integration-text.ts";
import { readJson5 } from "../../src/openclaw/json5-text.ts";
import { keyReference, providerEntry } from "../../src/openclaw/provider-entry.ts";
import { offer, thinker } from "./offers.ts";

const input = {
  url: "http://127.0.0.1:8090/",
  apiKey: keyReference,
  api: "openai-completions",
  models: [],
  shape: "current",
} as const;

const priced = (id: string, price: number) =>
  offer(id, { price: { input: price, output: price, cacheRead: null, cacheWrite: null } });

test("each model is told as it is; what nobody knows is not said", () => {
  expect(
    providerEntry({
      ...input,
      models: [thinker, offer("plain"), offer("narrow", { tools: false, vision: false })],
    }),
  ).toEqual({
    baseUrl: "http://127.0.0.1:8090/v1",
    apiKey: { source: "env", provider: "default", id: "CLAWGATE_API_KEY" },
    api: "openai-completions",
    models: [
      {
        id: "thinker",
        name: "thinker",
        reasoning: true,
        input: ["text", "image"],
        cost: { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 },
        contextWindow: 1_000_000,
        maxTokens: 128_000,
        compat: {
          sendSessionAffinityHeaders: true,
          sendSessionIdHeader: true,
          supportsPromptCacheKey: true,
          supportsUsageInStreaming: true,
          supportsReasoningEffort: true,
          supportsTools: true,
          supportsJsonSchemaResponseFormat: true,
        },
      },
      {
        id: "plain",
        name: "plain",
        reasoning: false,
        input: ["text"],
        compat: {
          sendSessionAffinityHeaders: true,
          sendSessionIdHeader: true,
          supportsPromptCacheKey: true,
          supportsUsageInStreaming: true,
          supportsReasoningEffort: false,
          supportsTools: true,
          supportsJsonSchemaResponseFormat: false,
        },
      },
      expect.objectContaining({ id: "narrow", compat: expect.objectContaining({ supportsTools: false }) }),
    ],
  });
  const anthropic = providerEntry({ ...input, models: [thinker], api: "anthropic-messages" });
  expect(anthropic).toMatchObject({ baseUrl: "http://127.0.0.1:8090", api: "anthropic-messages" });
  expect(JSON.stringify(anthropic)).not.toContain("sendSession");
});

test("before 2026.9 a model has all numbers, and only the flags that 2026.6.11 takes", () => {
  const { models } = providerEntry({
    ...input,
    apiKey: "k",
    models: [thinker, offer("plain")],
    shape: "older",
  }) as { readonly models: readonly object[] };
  const compat = {
    supportsPromptCacheKey: true,
    supportsUsageInStreaming: true,
    supportsReasoningEffort: true,
    supportsTools: true,
  };
  expect(models).toEqual([
    expect.objectContaining({ id: "thinker", contextWindow: 1_000_000, maxTokens: 128_000, compat }),
    {
      id: "plain",
      name: "plain",
      reasoning: false,
      input: ["text"],
      contextWindow: 200_000,
      maxTokens: 8192,
      compat: { ...compat, supportsReasoningEffort: false },
    },
  ]);
});

test("a route can do what each of its targets can, and costs at least what the cheapest costs", () => {
  const small = offer("small", {
    contextWindow: 131_072,
    maxOutput: 16_384,
    tools: true,
    vision: false,
    price: { input: 1, output: 30, cacheRead: null, cacheWrite: 2 },
  });
  expect(leastOf([thinker, small])).toEqual({
    contextWindow: 131_072,
    maxOutput: 16_384,
    tools: true,
    vision: false,
    json: null,
    thinking: null,
    price: { input: 1, output: 25, cacheRead: 0.5, cacheWrite: 2 },
  });
  expect(leastOf([thinker, offer("unknown")])).toMatchObject({ contextWindow: 1_000_000, vision: null });
  expect(leastOf([])).toMatchObject({ contextWindow: null, price: null });
});

test("the cheapest is one whose price is known, and never auto", () => {
  expect(cheapestOf([priced("auto", 1), offer("secret"), priced("b", 3), priced("c", 2)])?.id).toBe("c");
  expect(cheapestOf([priced("auto", 1), offer("secret")])).toBeNull();
});

test("the integration file names what the gateway has, and nothing else", () => {
  const stock = [
    "auto",
    "deepseek-chat",
    "deepseek-reasoner",
    "gemini-flash-lite",
    "gemini-flash",
    "openrouter-fallback",
  ];
  const models = stock.map((id) => offer(id, { vision: id.startsWith("gemini") }));
  const text = integrationText({ ...input, models });
  const full = readJson5(text) as Record<string, Record<string, Record<string, unknown>>>;
  const defaults = full["agents"]?.["defaults"] ?? {};
  const aliases = Object.values(defaults["models"] as Record<string, { readonly alias: string }>);
  expect(aliases.map(({ alias }) => alias)).toEqual(["auto", "ds", "r1", "lite", "flash", "or"]);
  expect(defaults).toMatchObject({
    model: { primary: "clawgate/auto" },
    imageModel: { primary: "clawgate/gemini-flash-lite" },
    utilityModel: "clawgate/gemini-flash-lite",
  });
  // OpenClaw turns heartbeats into automations: none is written, and the command for one is said.
  expect(defaults).not.toHaveProperty("heartbeat");
  expect(text).toContain(
    "openclaw cron add --name check-in --every 12h --session isolated --light-context --model clawgate/gemini-flash-lite",
  );
  const bare = integrationText({ ...input, models: [offer("auto")] });
  expect(bare).not.toContain("gemini");
  expect(readJson5(bare)).toMatchObject({
    agents: {
      defaults: { models: { "clawgate/auto": { alias: "auto" } }, imageModel: { primary: "clawgate/auto" } },
    },
  });
});
