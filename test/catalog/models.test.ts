// Context windows from the bundled table, output limits from our own short list, held to the list they came from.

import { expect, test } from "bun:test";
import { getModels } from "@mariozechner/pi-ai";
import { maxOutputOf, modelCard } from "../../src/catalog/models.ts";
import { loadPriceTable } from "../../src/catalog/table.ts";

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

test("the output limits are those of pi-ai's model list", () => {
  const models = getModels("anthropic");
  expect(models.length).toBeGreaterThan(10);
  for (const { id, maxTokens } of models) expect([id, maxOutputOf(id)]).toEqual([id, maxTokens]);
});
