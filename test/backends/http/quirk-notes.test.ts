// A quirk that removes something from the answer is noted; one that only renames is not.

import { expect, test } from "bun:test";
import { takesOf } from "../../../src/catalog/model-takes.ts";
import { applyQuirks, type QuirkName } from "../../../src/backends/http/quirks.ts";

const cases: readonly (readonly [QuirkName, Record<string, unknown>, readonly string[]])[] = [
  [
    "xai-reasoning-members",
    { model: "grok-4", stop: ["x"], presence_penalty: 1 },
    ["presence-penalty-dropped", "stop-dropped"],
  ],
  [
    "kimi-fixed-sampling",
    { model: "kimi-k2", temperature: 0.5, top_p: 0.9 },
    ["temperature-dropped", "top-p-dropped"],
  ],
  [
    "openai-tools-without-effort",
    { model: "gpt-5.4", tools: [{}], reasoning_effort: "high" },
    ["thinking-off"],
  ],
  ["openai-tools-without-effort", { model: "gpt-5.4", tools: [{}] }, []],
  ["mistral-members", { model: "m", seed: 7, stream_options: {}, user: "u" }, []],
  ["max-completion-tokens", { model: "o1", max_tokens: 5 }, []],
  ["no-stream-options", { model: "m", stream_options: {} }, []],
];

test("no effort beside tools where the model cannot do without thinking", () => {
  for (const [model, effort] of [
    ["gpt-6.1-sol", undefined],
    ["gpt-6-astra", undefined],
    ["gpt-7", undefined],
    ["gpt-12-mini", undefined],
    ["gpt-6-sol", "none"],
    ["gpt-6.1-terra", "none"],
    ["gpt-5.4", "none"],
    ["gpt-5.2", "high"],
  ] as const) {
    const notes: string[] = [];
    const body = { model, tools: [{}], reasoning_effort: "high" };
    const sent = applyQuirks(
      ["openai-tools-without-effort"],
      body,
      (each) => notes.push(each),
      takesOf(model),
    );
    expect([model, sent["reasoning_effort"]]).toEqual([model, effort]);
    const said = { none: ["thinking-off"], high: [] };
    expect(notes).toEqual(effort === undefined ? ["effort-dropped"] : [...said[effort]]);
  }
});

test.each(cases)("%s %j", (name, body, expected) => {
  const notes: string[] = [];
  applyQuirks([name], body, (adaptation) => notes.push(adaptation));
  expect(notes.toSorted()).toEqual([...expected]);
});
