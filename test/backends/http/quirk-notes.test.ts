// A vendor's oddity that takes something away from the answer is told; one that only renames is not.

import { expect, test } from "bun:test";
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

test.each(cases)("%s %j", (name, body, expected) => {
  const notes: string[] = [];
  applyQuirks([name], body, (adaptation) => notes.push(adaptation));
  expect(notes.toSorted()).toEqual([...expected]);
});
