import { describe, expect, test } from "bun:test";
import {
  mergeUsage,
  tokenCount,
  unknownUsage,
  usageFromParts,
  usageFromTotal,
} from "../../src/canon/usage.ts";

test("a count is a whole number of at least 0, else unknown", () => {
  for (const good of [0, 1, 2 ** 40]) expect(tokenCount(good)).toBe(good);
  for (const bad of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, "5", null, undefined, [1], {}])
    expect(tokenCount(bad)).toBeNull();
});

describe("totals and parts", () => {
  test("OpenAI's total includes what is cached", () => {
    expect(usageFromTotal({ input: 100, inputCached: 30, output: 7, outputReasoning: 2 })).toEqual({
      input: 100,
      inputUncached: 70,
      inputCached: 30,
      inputCacheWrite: null,
      output: 7,
      outputReasoning: 2,
    });
  });

  test("more cached than read in all is never a negative rest", () => {
    expect(usageFromTotal({ input: 10, inputCached: 30, output: 1 }).inputUncached).toBe(0);
  });

  test("Anthropic's parts are added up", () => {
    expect(
      usageFromParts({ inputUncached: 5, inputCached: 20, inputCacheWrite: 3, output: 2 }),
    ).toMatchObject({
      input: 28,
      inputUncached: 5,
    });
  });

  test("unknown stays unknown", () => {
    expect(usageFromTotal({ input: null, inputCached: null, output: null })).toEqual(unknownUsage);
    expect(
      usageFromParts({ inputUncached: null, inputCached: 4, inputCacheWrite: null, output: null }).input,
    ).toBeNull();
  });
});

test("later news wins, and an unknown number erases none", () => {
  const first = usageFromTotal({ input: 10, inputCached: 2, output: 1 });
  const second = usageFromTotal({ input: null, inputCached: null, output: 9 });
  expect(mergeUsage(first, second)).toMatchObject({ input: 10, inputCached: 2, output: 9 });
  expect(mergeUsage(first, unknownUsage)).toEqual(first);
  expect(mergeUsage(first, { ...unknownUsage, output: 0 }).output).toBe(0);
});
