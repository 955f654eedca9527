// Context windows from the bundled table, output limits from our own short list, held to the list they came from.

import { expect, test } from "bun:test";
import { getModels } from "@mariozechner/pi-ai";
import { capabilitiesOf } from "../../src/catalog/model-capabilities.ts";
import { maxOutputOf, modelCard } from "../../src/catalog/model-cards.ts";
import { loadPriceTable } from "../../src/catalog/price-table.ts";

test("the context window comes from the table, the output limit from the list", async () => {
  const table = await loadPriceTable();
  const anthropic = { baseUrl: "https://api.anthropic.com/v1" };
  expect(modelCard(table, anthropic, "claude-haiku-4-5")).toEqual({
    contextWindow: 200_000,
    maxOutput: 64_000,
  });
  expect(modelCard(table, { baseUrl: "https://api.openai.com" }, "gpt-4o")).toEqual({
    contextWindow: 128_000,
    maxOutput: null,
  });
  expect(modelCard(table, anthropic, "gpt-4o")).toBeNull();
  expect(modelCard(null, anthropic, "claude-haiku-4-5")).toEqual({ contextWindow: null, maxOutput: 64_000 });
  expect(modelCard(null, anthropic, "llama3")).toBeNull();
});

test("vendors' spellings of a Claude model are the same model", () => {
  for (const name of [
    "claude-sonnet-4-5",
    "anthropic/claude-sonnet-4.5",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
  ])
    expect(maxOutputOf(name)).toBe(64_000);
});

test("a Claude model that nobody lists may write as much as the newest of its family", () => {
  const seller = { baseUrl: "https://api.anthropic.com/v1" };
  for (const [unknown, newest] of [
    ["claude-opus-9", "claude-opus-5-5"],
    ["anthropic/claude-sonnet-6.5", "claude-sonnet-5-5"],
    ["claude-haiku-7-20271201", "claude-haiku-5-5"],
    ["claude-fable-8", "claude-fable-5-2"],
    ["us.anthropic.claude-verse-1-v1:0", "claude-opus-5-5"],
  ] as const) {
    const limit = capabilitiesOf(seller, newest).maxOutput;
    expect([unknown, maxOutputOf(unknown)]).toEqual([unknown, limit]);
    expect([newest, maxOutputOf(newest)]).toEqual([newest, limit]);
  }
  for (const [older, limit] of [
    ["claude-4.5-sonnet", 64_000],
    ["claude-2.1", 4_096],
    ["claude-instant-1.2", 4_096],
  ] as const)
    expect([older, maxOutputOf(older)]).toEqual([older, limit]);
});

test("the output limits are those of pi-ai's model list", () => {
  const models = getModels("anthropic");
  expect(models.length).toBeGreaterThan(10);
  for (const { id, maxTokens } of models) expect([id, maxOutputOf(id)]).toEqual([id, maxTokens]);
});
