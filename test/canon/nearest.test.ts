// "did you mean": close names are found, far ones are not guessed.

import { expect, test } from "bun:test";
import { nearest, nearestNames } from "../../src/canon/nearest.ts";

const names = ["base_url", "api_key", "deepseek-chat", "deepseek-reasoner", "claude-sonnet-5"];

test.each([
  ["base_urll", "base_url"],
  ["baseurl", "base_url"],
  ["apikey", "api_key"],
  ["api_kye", "api_key"],
  ["DeepSeek-Chat", "deepseek-chat"],
  ["sonnet", "claude-sonnet-5"],
  ["zzz", null],
  ["", null],
])("nearest to %p is %p", (name, expected) => {
  expect(nearest(name, names)).toBe(expected);
});

test("several names come nearest first and once", () => {
  expect(nearestNames("deepseek-chatt", [...names, "deepseek-chat"], 3)).toEqual(["deepseek-chat"]);
  expect(nearestNames("gpt-5", ["gpt-4", "gpt-5.5", "gpt-5", "o3"], 2)).toEqual(["gpt-5", "gpt-4"]);
});

test("a name of 10,000 letters is not close to anything", () => {
  expect(nearest("x".repeat(10_000), names)).toBeNull();
});
