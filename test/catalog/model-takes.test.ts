// What each model takes: the generated table is fresh, its rows say what the vendors say, and every spelling finds its row.

import { describe, expect, test } from "bun:test";
import { takesText } from "../../scripts/takes-table.ts";
import { samplings, thinkings } from "../../src/canon/takes.ts";
import { isVariantOf, vendorModelName } from "../../src/catalog/model-name.ts";
import { modelsByHost } from "../../src/catalog/models.generated.ts";
import { createTakes, takesOf } from "../../src/catalog/model-takes.ts";
import { familyRows, modelRows } from "../../src/catalog/takes.generated.ts";

test("the table is what the installed packages say", async () => {
  const file = await Bun.file(
    new URL("../../src/catalog/takes.generated.ts", import.meta.url).pathname,
  ).text();
  expect(file).toBe(await takesText(modelsByHost));
});

test("every row can be read, and nothing in it is unknown", () => {
  const rows = `${modelRows}${familyRows}`.split("\n").filter((line) => line !== "");
  expect(rows.length).toBeGreaterThan(100);
  for (const row of rows) {
    const [name = "", sampling, thinking, ...rest] = row.split(" ");
    expect([name, samplings.some((each) => each === sampling)]).toEqual([name, true]);
    expect([name, thinkings.some((each) => each === thinking)]).toEqual([name, true]);
    for (const word of rest)
      expect(word).toMatch(
        /^(?:efforts=[a-z,]*|budgets=\d+-\d+|[-+](?:samplesUnthinking|forcedTools|prefill|thinkingOff|thinkingOffAboveHigh|penalties|stops|schemas|parallelChoice|verbosity|newerLimit|signedCalls))$/,
      );
  }
});

const adaptive = { sampling: "none", thinking: "adaptive", prefill: false };
const always = { ...adaptive, forcedTools: false, thinkingOff: false };

test.each([
  ["claude-3-haiku-20240307", { sampling: "all", thinking: "none", prefill: true }],
  ["claude-3-5-sonnet-20241022", { sampling: "all", thinking: "none", schemas: false }],
  ["claude-3-7-sonnet-20250219", { sampling: "all", thinking: "budget" }],
  ["claude-sonnet-4-20250514", { sampling: "all", thinking: "budget", prefill: true }],
  ["claude-opus-4-1", { sampling: "one", thinking: "budget", prefill: true, forcedTools: true }],
  ["claude-sonnet-4-5", { sampling: "one", thinking: "budget", prefill: true, efforts: [] }],
  ["claude-haiku-4-5-20251001", { sampling: "one", thinking: "budget" }],
  ["claude-opus-4-5", { sampling: "one", thinking: "budget", efforts: ["low", "medium", "high"] }],
  ["claude-opus-4-6", { sampling: "one", thinking: "adaptive", prefill: false, forcedTools: true }],
  ["claude-sonnet-4-6", { sampling: "one", thinking: "adaptive", prefill: false }],
  ["claude-opus-4-7", { ...adaptive, forcedTools: true, thinkingOff: true }],
  ["claude-opus-4-8", { ...adaptive, forcedTools: true, thinkingOff: true }],
  ["claude-opus-5", { ...adaptive, forcedTools: true, thinkingOffAboveHigh: false }],
  ["claude-sonnet-5", { ...adaptive, forcedTools: true }],
  ["claude-haiku-5-5", { ...adaptive, forcedTools: true, thinkingOff: true }],
  ["claude-fable-5", { ...adaptive, forcedTools: true, thinkingOff: false }],
  ["claude-fable-5-1", always],
  ["claude-fable-5-2", always],
  ["claude-sonnet-5-5", always],
  ["claude-opus-5-5", always],
  // Unknown ones are the newest of their family.
  ["claude-sonnet-6", always],
  ["claude-sonnet-5-7", always],
  ["claude-opus-7-20270101", always],
  ["claude-haiku-6", { ...adaptive, forcedTools: true, thinkingOff: true }],
  ["claude-saga-1", always],
  ["gpt-4o", { sampling: "all", thinking: "none", newerLimit: false, verbosity: false }],
  ["gpt-4o-2024-11-20", { sampling: "all", thinking: "none" }],
  ["gpt-4-1106-preview", { sampling: "all", thinking: "none" }],
  ["gpt-35-turbo", { sampling: "all", thinking: "none" }],
  ["gpt-5-chat-latest", { sampling: "all", thinking: "none" }],
  ["gpt-5", { sampling: "none", efforts: ["minimal", "low", "medium", "high"], thinkingOff: false }],
  ["gpt-5-mini-2025-08-07", { sampling: "none", newerLimit: true, penalties: false, verbosity: true }],
  ["gpt-5.1", { sampling: "none", samplesUnthinking: true, thinkingOff: true }],
  ["gpt-5-pro", { efforts: ["high"] }],
  ["gpt-6-luna", { sampling: "none", thinkingOff: true, newerLimit: true }],
  ["gpt-6.1-sol", { sampling: "none", thinkingOff: false, samplesUnthinking: false }],
  ["gpt-7-nova", { sampling: "none", thinkingOff: false, newerLimit: true }],
  ["o1", { sampling: "none", verbosity: false, stops: false }],
  ["o3-mini-2025-01-31", { sampling: "none", efforts: ["low", "medium", "high"] }],
  ["o5", { sampling: "none", newerLimit: true }],
  ["gemini-1.5-pro", { thinking: "none", signedCalls: false }],
  ["gemini-2.0-flash-001", { thinking: "none" }],
  ["gemini-2.5-pro", { thinking: "budget", budgets: { least: 128, most: 32_768 }, thinkingOff: false }],
  ["gemini-2.5-flash-preview-09-2025", { thinking: "budget", thinkingOff: true, signedCalls: false }],
  ["gemini-2.5-flash-lite", { budgets: { least: 512, most: 24_576 } }],
  ["gemini-3-pro-preview", { thinking: "adaptive", efforts: ["low", "high"], signedCalls: true }],
  ["gemini-3-flash-preview", { thinking: "adaptive", efforts: ["minimal", "low", "medium", "high"] }],
  ["gemini-3.8-flash", { thinking: "adaptive", efforts: ["low", "medium", "high"] }],
  ["gemini-4-hydrogen", { efforts: ["low", "medium", "high", "xhigh"] }],
  ["gemini-flash-latest", { thinking: "adaptive", signedCalls: true }],
  ["gemini-9-flash", { thinking: "adaptive", signedCalls: true, efforts: ["low", "medium", "high"] }],
  ["gemma-3-27b-it", { thinking: "none", signedCalls: false }],
])("%s", (model, facts) => {
  expect(takesOf(model)).toMatchObject(facts);
});

describe("every spelling is the same model", () => {
  test.each([
    "claude-sonnet-4-5",
    "Claude-Sonnet-4-5",
    "anthropic/claude-sonnet-4.5",
    "openrouter/anthropic/claude-sonnet-4.5:beta",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "global.anthropic.claude-sonnet-4-5-20250929-v1:0:200k",
    "claude-sonnet-4-5@20250929",
    "publishers/anthropic/models/claude-sonnet-4-5@20250929",
    "claude-sonnet-4-5-20250929[1m]",
    "claude-sonnet-4-5-latest",
    "databricks-claude-sonnet-4-5",
    "claude-4.5-sonnet",
  ])("%s", (spelling) => {
    expect(vendorModelName(spelling)).toBe("claude-sonnet-4-5");
    expect(takesOf(spelling)).toEqual(takesOf("claude-sonnet-4-5"));
  });

  test.each([
    ["openai/gpt-5.4", "gpt-5.4"],
    ["azure/gpt-5.4-2026-03-05", "gpt-5.4"],
    ["google/gemini-3-pro-preview", "gemini-3-pro"],
    ["models/gemini-2.5-flash", "gemini-2.5-flash"],
    ["anthropic.claude-v2:1", "claude-v2"],
    ["anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3-5-sonnet"],
    ["openai/o3-mini", "o3-mini"],
  ])("%s is %s", (spelling, name) => {
    expect(takesOf(spelling)).not.toBeNull();
    expect(takesOf(spelling)).toEqual(takesOf(name));
  });

  test.each([
    "llama3.3",
    "gpt-oss-120b",
    "qwen3",
    "deepseek-chat",
    "gpt-image-1",
    "mistral-large",
    "m",
    "o",
    "",
  ])("%p belongs to no family, so nothing is left out", (name) => {
    expect(takesOf(name)).toBeNull();
  });

  test("a variant is the model, a later version is not", () => {
    expect(isVariantOf("claude-opus-5-fast", "claude-opus-5")).toBe(true);
    expect(isVariantOf("claude-opus-5-5", "claude-opus-5")).toBe(false);
    expect(isVariantOf("gpt-5.4-pro", "gpt-5")).toBe(false);
    expect(isVariantOf("gpt-4-1106", "gpt-4")).toBe(true);
  });
});

describe("the operator's word", () => {
  const takes = createTakes([
    { id: "claude-sonnet-5-5", takes: { sampling: "all", forced_tools: true } },
    { id: "house-model", takes: { thinking: "adaptive", prefill: false, thinking_off: false } },
  ]);

  test("wins over the table, and what it does not say stays", () => {
    expect(takes("claude-sonnet-5-5")).toMatchObject({
      sampling: "all",
      forcedTools: true,
      prefill: false,
      thinking: "adaptive",
      thinkingOff: false,
    });
  });

  test("makes a model known that no table holds", () => {
    expect(takes("house-model")).toMatchObject({
      sampling: "all",
      thinking: "adaptive",
      efforts: null,
      prefill: false,
      thinkingOff: false,
      forcedTools: true,
    });
    expect(takes("other-model")).toBeNull();
  });

  test("is remembered with the rest, however many names clients invent", () => {
    for (let i = 0; i < 1_200; i++) takes(`invented-${i}`);
    expect(takes("claude-sonnet-5-5")).toBe(takes("claude-sonnet-5-5"));
  });
});
