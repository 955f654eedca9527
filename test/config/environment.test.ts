// `.env` files: the forms that people write, known names only, and who wins.

import { describe, expect, test } from "bun:test";
import { type Layer, mergeEnvironment, readDotEnv } from "../../src/config/environment.ts";

describe("readDotEnv", () => {
  test.each([
    ["A=1", { A: "1" }],
    ["A=1\r\nB=2\r\n", { A: "1", B: "2" }],
    ["\uFEFFA=1", { A: "1" }],
    ["export A=1", { A: "1" }],
    ["  A = one two  ", { A: "one two" }],
    ["A=a=b==", { A: "a=b==" }],
    ["A=x#y # comment", { A: "x#y" }],
    ["A=# comment", { A: "" }],
    ["A=", { A: "" }],
    ["# A=1\n\nB=2", { B: "2" }],
    ["A='x # \"y\" $Z'", { A: 'x # "y" $Z' }],
    ['A="x\\ny \\"q\\" \\\\ \\$ \\d" # c', { A: 'x\ny "q" \\ $ \\d' }],
    ['A="two\nlines"\nB=2', { A: "two\nlines", B: "2" }],
    ['A="unclosed\nB=2', { A: '"unclosed', B: "2" }],
    ["A=1\nA=2", { A: "2" }],
    ["not an assignment\n1A=2\nA-B=3\nC=4", { C: "4" }],
    ["A=${B}", { A: "${B}" }],
    ["", {}],
  ])("%p", (text, expected) => {
    expect(readDotEnv(text)).toEqual(expected);
  });
});

describe("mergeEnvironment", () => {
  const layers: readonly Layer[] = [
    { path: "/a/.env", values: { A: "1", B: "1" } },
    { path: "/b/.env", values: { B: "2", C: "2" } },
  ];

  test("the process first, then the first file; and every name knows its file", () => {
    const { environment, origins } = mergeEnvironment({ A: "process" }, layers);
    expect(environment).toEqual({ A: "process", B: "1", C: "2" });
    expect([...origins]).toEqual([
      ["B", "/a/.env"],
      ["C", "/b/.env"],
    ]);
  });

  test("an empty variable of the process still wins", () => {
    expect(mergeEnvironment({ A: "" }, layers).environment["A"]).toBe("");
  });

  test("leaves process.env as it was", () => {
    const before = JSON.stringify(process.env);
    mergeEnvironment(process.env, layers);
    expect(JSON.stringify(process.env)).toBe(before);
  });
});
