// The generated list: well formed, dated, and read as it is meant; what it does not say stays unknown.

import { describe, expect, test } from "bun:test";
import { capabilitiesOf, listedPrice, tableDate, tableSource } from "../../src/catalog/model-capabilities.ts";
import { modelsByHost } from "../../src/catalog/models.generated.ts";

const unknown = {
  tools: null,
  vision: null,
  json: null,
  thinking: null,
  contextWindow: null,
  maxOutput: null,
};

test("the list has a date and a source", () => {
  expect(tableDate()).toMatch(/^20\d\d-\d\d-\d\d$/);
  expect(tableSource()).toMatch(/^@earendil-works\/pi-ai \d+\.\d+\.\d+$/);
});

test("every line is of the form that is read", () => {
  const form = /^\S+ tv?r? (?:\d+|-) (?:\d+|-)(?: \d\S* \d\S* (?:\d\S*|-) (?:\d\S*|-))?$/;
  for (const [host, list] of Object.entries(modelsByHost)) {
    expect([host, list.startsWith("\n"), list.endsWith("\n")]).toEqual([host, true, true]);
    const lines = list.trim().split("\n");
    expect(lines.filter((line) => !form.test(line))).toEqual([]);
    const ids = lines.map((line) => line.split(" ")[0]);
    expect(new Set(ids).size).toBe(ids.length);
  }
});

describe("capabilities", () => {
  test("of a model that sees and thinks, and of one that does neither", () => {
    expect(capabilitiesOf({ baseUrl: "https://api.anthropic.com/v1" }, "claude-sonnet-5-5")).toEqual({
      tools: true,
      vision: true,
      json: null,
      thinking: true,
      contextWindow: 1_000_000,
      maxOutput: 128_000,
    });
    const groq = { baseUrl: "https://api.groq.com/openai/v1" };
    expect(capabilitiesOf(groq, "llama-3.3-70b-versatile")).toMatchObject({ vision: false, thinking: false });
  });

  test("OpenAI's windows are whole, not cut where the dearer price begins", () => {
    const openai = { baseUrl: "https://api.openai.com/v1" };
    expect(capabilitiesOf(openai, "gpt-6-luna").contextWindow).toBe(1_050_000);
    expect(capabilitiesOf(openai, "gpt-4o")).toMatchObject({ contextWindow: 128_000, json: true });
  });

  test("a vendor without JSON schemas says so for all its models", () => {
    expect(capabilitiesOf({ baseUrl: "https://api.deepseek.com/v1" }, "deepseek-flash").json).toBe(false);
  });

  test("DeepSeek's retired names are its flash model", () => {
    const deepseek = { baseUrl: "https://api.deepseek.com/v1" };
    for (const name of ["deepseek-chat", "deepseek-reasoner"])
      expect(capabilitiesOf(deepseek, name)).toEqual(capabilitiesOf(deepseek, "deepseek-flash"));
    expect(capabilitiesOf(deepseek, "deepseek-flash").contextWindow).toBe(1_000_000);
  });

  test("a version's date and a gateway's variant do not matter", () => {
    const openai = { baseUrl: "https://api.openai.com/v1" };
    expect(capabilitiesOf(openai, "gpt-5.4-mini-2026-03-17")).toEqual(capabilitiesOf(openai, "gpt-5.4-mini"));
    const router = { baseUrl: "https://openrouter.ai/api/v1" };
    expect(capabilitiesOf(router, "anthropic/claude-sonnet-5.5:nitro")).toEqual(
      capabilitiesOf(router, "anthropic/claude-sonnet-5.5"),
    );
    const copilot = { baseUrl: "https://api.enterprise.githubcopilot.com" };
    expect(capabilitiesOf(copilot, "kimi-k3").tools).toBe(true);
  });

  test("Kilo sells under OpenRouter's names", () => {
    const kilo = { baseUrl: "https://api.kilo.ai/api/gateway" };
    expect(capabilitiesOf(kilo, "anthropic/claude-sonnet-5.5").vision).toBe(true);
  });

  test("unknown: another model, another seller, a local copy, and names that would read on", () => {
    for (const [baseUrl, model] of [
      ["https://api.openai.com/v1", "gpt-99"],
      ["https://llm.example.com/v1", "gpt-4o"],
      ["http://127.0.0.1:11434/v1", "gpt-4o"],
      [null, "gpt-4o"],
      ["not a url", "gpt-4o"],
      ["https://api.openai.com/v1", ""],
      ["https://api.openai.com/v1", "gpt-4o tv"],
      ["https://api.openai.com/v1", "x\ngpt-4o"],
      ["https://api.openai.com/v1", "constructor"],
    ] as const)
      expect(capabilitiesOf({ baseUrl }, model)).toEqual(unknown);
  });
});

test("a listed price, where the list has one and nobody pays by subscription", () => {
  expect(listedPrice({ baseUrl: "https://api.deepseek.com/v1" }, "deepseek-flash")).toEqual({
    input: 0.3,
    output: 1.2,
    cacheRead: 0.006,
    cacheWrite: null,
  });
  expect(listedPrice({ baseUrl: "https://api.githubcopilot.com" }, "kimi-k3")).toBeNull();
  // Prices with tiers are the price table's business.
  expect(listedPrice({ baseUrl: "https://api.openai.com/v1" }, "gpt-6-luna")).toBeNull();
  expect(listedPrice({ baseUrl: "http://127.0.0.1:1/v1" }, "gpt-4o")).toBeNull();
});
