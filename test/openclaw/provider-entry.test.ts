import { expect, test } from "bun:test";
import { readJson5 } from "../../src/openclaw/json5-text.ts";
import { integrationText, providerEntry } from "../../src/openclaw/provider-entry.ts";

const input = { url: "http://127.0.0.1:8090/", apiKey: "k", api: "openai-completions", models: [] } as const;

test("an address and flags as each API wants them", () => {
  expect(providerEntry({ ...input, models: ["auto", "ds", "auto"] })).toMatchObject({
    baseUrl: "http://127.0.0.1:8090/v1",
    models: [
      {
        id: "auto",
        compat: { sendSessionAffinityHeaders: true, sendSessionIdHeader: true, supportsPromptCacheKey: true },
      },
      { id: "ds" },
    ],
  });
  const anthropic = providerEntry({ ...input, api: "anthropic-messages" });
  expect(anthropic).toMatchObject({ baseUrl: "http://127.0.0.1:8090", api: "anthropic-messages" });
  expect(JSON.stringify(anthropic)).not.toContain("compat");
});

test("the integration file names what the gateway has, and nothing else", () => {
  const stock = [
    "deepseek-chat",
    "deepseek-reasoner",
    "gemini-flash-lite",
    "gemini-flash",
    "openrouter-fallback",
  ];
  const full = readJson5(integrationText(input, stock)) as Record<
    string,
    Record<string, Record<string, unknown>>
  >;
  const defaults = full["agents"]?.["defaults"] ?? {};
  const aliases = Object.values(defaults["models"] as Record<string, { readonly alias: string }>);
  expect(aliases.map(({ alias }) => alias)).toEqual(["auto", "ds", "r1", "lite", "flash", "or"]);
  expect(defaults).toMatchObject({
    model: { primary: "clawgate/auto" },
    imageModel: { primary: "clawgate/gemini-flash-lite" },
    heartbeat: { every: "12h", model: "clawgate/gemini-flash-lite" },
  });
  const bare = integrationText(input, []);
  expect(bare).not.toContain("gemini");
  expect(readJson5(bare)).toMatchObject({
    agents: {
      defaults: { models: { "clawgate/auto": { alias: "auto" } }, imageModel: { primary: "clawgate/auto" } },
    },
  });
});
