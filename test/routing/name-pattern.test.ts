import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { compileNamePattern } from "../../src/routing/name-pattern.ts";
import { foldText } from "../../src/routing/word-matcher.ts";

const fits = (pattern: string, name: string): boolean => compileNamePattern(pattern).fits(foldText(name));

describe("a whole name", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["r1", "r1", true],
    ["r1", "R1", true],
    ["r1", "deepseek-r1", false],
    ["chat", "chatgpt-4o-latest", false],
    ["*r1*", "deepseek-r1-lite", true],
    ["claude-*", "claude-", true],
    ["claude-*", "claude", false],
    ["*-mini", "gpt-5-mini", true],
    ["*-mini", "gpt-5-mini-high", false],
    ["a*a", "a", false],
    ["a*a", "aa", true],
    ["a*b*c", "abc", true],
    ["a*b*c", "acb", false],
    ["a*bc*c", "abc", false],
    ["**", "", true],
    ["*", "anything at all", true],
    ["a.c", "abc", false],
    ["ÄRGER*", "ärger-1", true],
  ];
  test.each([...cases])("%p, %p: %p", (pattern, name, isFit) => {
    expect(fits(pattern, name)).toBe(isFit);
  });
});

test("equals a regular expression", () => {
  const letters = fc.array(fc.constantFrom("a", "b", "*"), { maxLength: 8 }).map((parts) => parts.join(""));
  const name = fc.array(fc.constantFrom("a", "b"), { maxLength: 10 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(letters, name, (pattern, asked) => {
      expect(fits(pattern, asked)).toBe(new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(asked));
    }),
    { numRuns: 2000 },
  );
});

test("many stars over a long name are read to their end", () => {
  expect(fits(`${"a*".repeat(50)}b`, "a".repeat(200_000))).toBe(false);
});
