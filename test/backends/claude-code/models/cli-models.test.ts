// Names of models as the CLI takes them, against the list that 2.1.197 really gives.

import { describe, expect, test } from "bun:test";
import {
  type CliModel,
  cliName,
  cliNames,
  readModels,
  reportedModel,
} from "../../../../src/backends/claude-code/models/cli-models.ts";

const answer = {
  models: [
    {
      value: "default",
      resolvedModel: "claude-opus-4-8[1m]",
      displayName: "Default (recommended)",
      supportedEffortLevels: ["low", "medium", "high", "xhigh", "max"],
    },
    { value: "sonnet", resolvedModel: "claude-sonnet-5", supportedEffortLevels: ["low", "high"] },
    { value: "sonnet[1m]", resolvedModel: "claude-sonnet-5[1m]" },
    { value: "haiku", resolvedModel: "claude-haiku-4-5-20251001", displayName: "Haiku" },
    { value: 7 },
    "nonsense",
  ],
};
const reported: readonly CliModel[] = readModels(answer) ?? [];

test.each([
  ["opus", "opus", true],
  ["SONNET", "sonnet", true],
  ["haiku", "haiku", true],
  ["fable", "fable", true],
  ["claude-code-cli/opus", "opus", true],
  ["claude-max/sonnet", "sonnet", true],
  ["cc-gateway/claude-haiku-4", "haiku", true],
  ["openai/claude-opus-4", "opus", true],
  ["claude-opus-4", "opus", true],
  ["claude-sonnet-4", "sonnet", true],
  ["opus-4", "opus", true],
  ["haiku-4-6", "haiku", true],
  ["sonnet[1m]", "sonnet[1m]", true],
  ["claude-code-cli/default", "default", true],
  // Real ids are no aliases: they go as they are, and so does what only looks like one.
  ["claude-sonnet-4-6", "claude-sonnet-4-6", false],
  ["sonnet-4-5", "claude-sonnet-4-5", true],
  ["claude-opus-4-5", "claude-opus-4-5", false],
  ["claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001", true],
  ["claude-opus-4-8[1m]", "claude-opus-4-8[1m]", false],
  ["Claude-Next-9", "claude-next-9", false],
])("%s is %s", (written, model, isKnown) => {
  expect(cliName(written, reported)).toEqual({ model, isKnown });
});

test.each([
  "gpt-9",
  "openai/gpt-9",
  "cc-gateway/llama",
  "default",
  "claude",
  "opus-5",
  "anthropic/opus",
  "claude-x y",
  "",
])("%s is nobody's", (written) => expect(cliName(written, reported)).toBeNull());

describe("what the program reported", () => {
  test("is read as far as it can be, without the mark of the long window", () => {
    expect(reported.map(({ value, resolved, efforts }) => [value, resolved, efforts.length])).toEqual([
      ["default", "claude-opus-4-8", 5],
      ["sonnet", "claude-sonnet-5", 2],
      ["sonnet[1m]", "claude-sonnet-5", 0],
      ["haiku", "claude-haiku-4-5-20251001", 0],
    ]);
    expect([
      readModels({}),
      readModels(null),
      readModels({ models: [] }),
      readModels({ models: "x" }),
    ]).toEqual([null, null, null, null]);
  });

  test("is listed once each, after the aliases", () => {
    expect(cliNames(reported)).toEqual([
      "opus",
      "sonnet",
      "haiku",
      "fable",
      "claude-opus-4-8",
      "claude-sonnet-5",
      "sonnet[1m]",
      "claude-haiku-4-5-20251001",
    ]);
  });

  test.each([
    ["sonnet", "sonnet"],
    ["claude-sonnet-5", "sonnet"],
    // Its default has no alias in the list.
    ["opus", "default"],
    ["claude-opus-4-8[1m]", "default"],
    ["claude-next-9", undefined],
  ])("%s is found as %s", (model, value) => {
    expect(reportedModel(model, reported)?.value).toBe(value);
  });
});
