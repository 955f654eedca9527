import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  compilePattern,
  maxPatternLength,
  maxTextLength,
  problemOfPattern,
} from "../../src/routing/text-pattern.ts";
import { load, problems } from "../config/loading.ts";

describe("what cannot be used says why", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["(a)\\1", /backreferences are not supported/],
    ["foo(?=bar)", /looking ahead or behind is not supported/],
    ["foo(?!bar)", /looking ahead or behind is not supported/],
    ["(?<=x)y", /looking ahead or behind is not supported/],
    ["(?<!x)y", /looking ahead or behind is not supported/],
    ["[a", /missing closing \]/],
    ["(a", /missing closing \)/],
    ["*a", /missing argument to repetition operator/],
    ["a{1001}", /invalid repeat count/],
    ["((a{0,100}){0,100}){0,100}", /invalid repeat count/],
    ["(?:ab|cd){900}", /too large/],
    ["x".repeat(maxPatternLength + 1), /longer than 500 characters/],
  ];
  test.each([...cases])("%p", (pattern, why) => {
    expect(problemOfPattern(pattern)).toMatch(why);
  });
});

test("patterns occur anywhere, with RE2's flags and classes", () => {
  expect(compilePattern("(?i)deploy\\s+v?\\d+").occursIn("please DEPLOY v12")).toBe(true);
  expect(compilePattern("deploy").occursIn("DEPLOY")).toBe(false);
  expect(compilePattern("\\p{Han}{2}").occursIn("请你好吗")).toBe(true);
  expect(compilePattern("^/run\\b").occursIn("do /run")).toBe(false);
});

test("only the first characters of a text are looked at", () => {
  const pattern = compilePattern("needle");
  expect(pattern.occursIn(`${" ".repeat(maxTextLength - 6)}needle`)).toBe(true);
  expect(pattern.occursIn(`${" ".repeat(maxTextLength - 5)}needle`)).toBe(false);
});

describe("patterns that others never come back from", () => {
  const evil = [
    "(x+x+)+y",
    "(x|x)*y",
    "(.*)(.*)(.*)(.*)(.*)[yz]",
    "((((x*)*)*)*)*y",
    "(?:x?){400}x{400}y",
    "^(([x-z])+.)+[A-Z]([x-z])+$",
  ];
  test.each(evil)("%p", (pattern) => {
    expect(problemOfPattern(pattern)).toBeNull();
    expect(compilePattern(pattern).occursIn("x".repeat(1_000_000))).toBe(false);
  });
});

test("any text is judged without an exception", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (pattern, text) => {
      const problem = problemOfPattern(pattern);
      if (problem === null) expect(typeof compilePattern(pattern).occursIn(text)).toBe("boolean");
      else expect(problem).not.toBe("");
    }),
  );
});

describe("in the config file", () => {
  const file = (match: string): string => `
providers: { a: { base_url: "http://127.0.0.1:1/v1", model: m } }
heuristic_rules: { rules: [{ name: r, match: { message_matches: ${match} }, route_to: a }] }
static_rules: { rules: [{ name: s, match: { not: { system_prompt_matches: 'x(?=y)' } }, route_to: a }] }`;

  test("a bad pattern is named with its place, one or in a list", () => {
    for (const match of ["'(a)\\1'", "['fine', '(a)\\1']"]) {
      const said = problems(file(match)).map((each) => each.message);
      expect(said).toHaveLength(2);
      expect(said.join("\n")).toContain("`(a)\\1` cannot be used: backreferences are not supported");
      expect(said.join("\n")).toContain("`x(?=y)` cannot be used: looking ahead or behind is not supported");
    }
  });

  test("good ones are kept as they are written", () => {
    const { config } = load(file("'(?i)a+'").replace("x(?=y)", "x"));
    expect(config.heuristic_rules.rules[0]?.match.message_matches).toEqual(["(?i)a+"]);
  });
});
