// YAML that must be refused, each with its line; and what is read.

import { describe, expect, test } from "bun:test";
import { readDocument } from "../../src/config/document.ts";

function refused(text: string) {
  const read = readDocument(text);
  return "problem" in read ? read.problem : null;
}

const bomb = [
  "a: &a [x, x, x, x, x, x, x, x, x]",
  ...[..."bcdefghij"].map((name, index) => {
    const before = "abcdefghij"[index];
    return `${name}: &${name} [${Array<string>(9).fill(`*${before}`).join(", ")}]`;
  }),
].join("\n");

describe("refused", () => {
  test.each([
    ["a duplicate key", "a:\n  b: 1\n  c: 2\n  b: 3", 4, "duplicate key, first defined on line 2"],
    ["an alias bomb", bomb, 1, "too large"],
    ["an alias to itself", "a: &a\n  b: *a", 2, "contains itself"],
    ["a merge loop", "a: &a\n  <<: *a", 2, "contains itself"],
    ["an unknown anchor", "a: *nowhere", 1, "does not exist"],
    ["100,000 open brackets", `a: 1\nb: ${"[".repeat(100_000)}`, 2, "too deeply"],
    ["70 levels", `a: 1\nb: ${"[".repeat(70)}${"]".repeat(70)}`, 2, "too deeply"],
    ["a tab as indentation", "a:\n\tb: 1", 2, "Tabs"],
    ["two documents", "a: 1\n---\nb: 2", 2, "multiple documents"],
    ["an unclosed quote", 'a: 1\nb: "x\n', 3, "not YAML"],
    ["a map as a key", "? [a, b]\n: 1", 1, "must be a scalar"],
    ["an unknown tag", "a: !!js/function 'x'", 1, "not YAML"],
    ["__proto__", "a: 1\n__proto__: { x: 1 }", 2, "__proto__"],
  ])("%s", (_name, text, line, message) => {
    const problem = refused(text);
    expect(problem?.message).toContain(message);
    expect(problem?.line).toBe(line);
  });

  test("a file above 5 MB, before it is parsed", () => {
    expect(refused("a: 1\n".repeat(10_000_000))?.message).toContain("5 MB");
  });
});

describe("read", () => {
  test.each([
    ["", {}],
    ["# only a comment\n", {}],
    ["\uFEFFa: 1\r\nb: two\r\n", { a: 1, b: "two" }],
    ["base: &b { x: 1, y: 2 }\nd:\n  <<: *b\n  x: 5", { base: { x: 1, y: 2 }, d: { x: 5, y: 2 } }],
    ["a: &a [1]\nb: *a", { a: [1], b: [1] }],
    ["1: x\ntrue: y", { "1": "x", true: "y" }],
    ["a: yes\nb: 012\nc: null\nd: ~", { a: "yes", b: 12, c: null, d: null }],
  ])("%p", (text, value) => {
    const read = readDocument(text);
    expect("document" in read ? read.document.value : read.problem).toEqual(value);
  });

  test("knows the line of keys and entries, and of the nearest parent of what is not there", () => {
    const read = readDocument("a:\n  b:\n    - x\n    - y\n  c: 1\n");
    if ("problem" in read) throw new Error(read.problem.message);
    const { lineOf } = read.document;
    expect([lineOf(["a"]), lineOf(["a", "b", 1]), lineOf(["a", "c"]), lineOf(["a", "nothing"])]).toEqual([
      1, 4, 5, 1,
    ]);
  });
});

describe("aliases", () => {
  test("mean the last anchor of the name before them, wherever they are followed from", () => {
    const text = `outer: &outer { x: &n 1, y: *n }
b: &n 2
c: *outer
d: *n
&key e: 3
f: *key
g: [*n, &n 4, *n]
`;
    const read = readDocument(text);
    expect("document" in read ? read.document.value : read).toEqual({
      outer: { x: 1, y: 1 },
      b: 2,
      c: { x: 1, y: 1 },
      d: 2,
      e: 3,
      f: "e",
      g: [2, 4, 4],
    });
  });

  test("thousands of them, and thousands of broken sections, take no longer than other text of that size", () => {
    const started = process.cpuUsage().user;
    readDocument(`a: &a one\nb: [${Array.from({ length: 8_000 }, () => "*a").join(", ")}]\n`);
    readDocument("a: [1\nb: }\n".repeat(2_500));
    // Both searched all of the text for each of them, three and fifteen seconds.
    expect(process.cpuUsage().user - started).toBeLessThan(5_000_000);
  }, 60_000);
});
