// What routing is told of a model: the config's word, then the catalogue; remembered until a price may have changed.

import { expect, test } from "bun:test";
import { createModelFacts, type ListedModel } from "../../src/catalog/facts.ts";
import { createPriceBook } from "../../src/catalog/prices.ts";

const anthropic = { baseUrl: "https://api.anthropic.com/v1" };

function factsAt(options: {
  readonly baseUrl: string | null;
  readonly listed?: readonly ListedModel[];
  readonly pricing?: { readonly input: number; readonly output: number };
}) {
  let nowMs = Date.UTC(2026, 10, 21);
  const prices = createPriceBook({
    onTableLost(error) {
      throw error;
    },
  });
  const facts = createModelFacts({
    seller: { baseUrl: options.baseUrl },
    listed: options.listed ?? [],
    pricing: options.pricing ?? null,
    prices,
    nowMs: () => nowMs,
  });
  return { facts, prices, pass: (ms: number) => (nowMs += ms) };
}

test("the catalogue's facts for a model that the config only names or does not list", () => {
  const { facts } = factsAt({ ...anthropic, listed: [{ id: "claude-opus-5-5" }] });
  const expected = {
    contextWindow: 1_000_000,
    maxOutput: 128_000,
    tools: true,
    vision: true,
    thinking: true,
  };
  expect(facts("claude-opus-5-5")).toMatchObject({ ...expected, priceInput: 4, priceOutput: 20 });
  expect(facts("claude-sonnet-5-5")).toMatchObject(expected);
});

test("the config wins, part by part", () => {
  const { facts } = factsAt({
    ...anthropic,
    listed: [
      {
        id: "claude-opus-5-5",
        context_window: 200_000,
        max_output: 1_000,
        capabilities: { vision: false, json: true },
        pricing: { input: 1, output: 2 },
      },
    ],
    pricing: { input: 7, output: 8 },
  });
  expect(facts("claude-opus-5-5")).toEqual({
    contextWindow: 200_000,
    maxOutput: 1_000,
    tools: true,
    vision: false,
    json: true,
    thinking: true,
    priceInput: 1,
    priceOutput: 2,
  });
  expect(facts("claude-haiku-5-5")).toMatchObject({
    priceInput: 7,
    priceOutput: 8,
    contextWindow: 1_000_000,
  });
});

test("nothing is known of a model on a server that the catalogue does not know", () => {
  const { facts } = factsAt({ baseUrl: "http://127.0.0.1:11434/v1" });
  expect(new Set(Object.values(facts("gpt-4o")))).toEqual(new Set([null]));
});

test("a warm answer is the same object", () => {
  const { facts } = factsAt(anthropic);
  const first = facts("claude-sonnet-5-5");
  facts("claude-opus-5-5");
  expect(facts("claude-sonnet-5-5")).toBe(first);
});

test("the price table's prices are seen once it is loaded, and prices are asked for again after a while", async () => {
  const { facts, prices, pass } = factsAt({ baseUrl: "https://api.openai.com/v1" });
  const before = facts("gpt-6-luna");
  expect([before.priceInput, before.contextWindow]).toEqual([null, 1_050_000]);
  await prices.prepare({ model: "gpt-6-luna", seller: { baseUrl: "https://api.openai.com/v1" } });
  const after = facts("gpt-6-luna");
  expect([after.priceInput, after.priceOutput]).toEqual([0.1, 0.5]);
  pass(60_000);
  expect(facts("gpt-6-luna")).toBe(after);
  pass(3_600_000);
  expect(facts("gpt-6-luna")).not.toBe(after);
  expect(facts("gpt-6-luna")).toEqual(after);
});

test("a client that makes up names does not make it grow for ever", () => {
  const { facts } = factsAt(anthropic);
  const kept = facts("claude-sonnet-5-5");
  for (let i = 0; i < 1_200; i++) facts(`made-up-${i}`);
  expect(facts("claude-sonnet-5-5")).not.toBe(kept);
  expect(facts("claude-sonnet-5-5")).toEqual(kept);
});
