// `${VAR}` in strings: one pass, nothing recursive, nothing silent.

import { describe, expect, test } from "bun:test";
import { expand, variablesIn } from "../../src/config/expand.ts";

const variables: Record<string, string> = { A: "${B}", B: "b", EMPTY: "", URL: "http://x/v1" };
const lookup = (name: string): string | undefined => variables[name];

describe("expand", () => {
  test.each([
    ["${B}", "b"],
    ["x${B}y${B}", "xbyb"],
    ["${A}", "${B}"],
    ["${MISSING:-fallback}", "fallback"],
    ["${MISSING:-}", ""],
    ['${MISSING:-"quoted"}', '"quoted"'],
    ["${MISSING:-https://x.example/v1?a=b:-c}", "https://x.example/v1?a=b:-c"],
    ["${EMPTY:-fallback}", "fallback"],
    ["${EMPTY}", ""],
    ["$${B}", "${B}"],
    ["$B and $ and {B}", "$B and $ and {B}"],
  ])("%p is %p", (text, expected) => {
    const expanded = expand({ key: text }, lookup);
    expect(expanded.value).toEqual({ key: expected });
    expect([expanded.unset, expanded.malformed]).toEqual([[], []]);
  });

  test("walks maps and lists, and leaves keys, numbers and booleans alone", () => {
    const expanded = expand({ "${B}": ["${B}", 1, true, null, { deep: "${B}" }] }, lookup);
    expect(expanded.value).toEqual({ "${B}": ["b", 1, true, null, { deep: "b" }] });
    expect([...expanded.origins.keys()]).toEqual(["${B}[0]", "${B}[4].deep"]);
  });

  test("names what is unset and where", () => {
    expect(expand({ a: [{ b: "${NOPE} ${B}" }] }, lookup).unset).toEqual([
      { path: ["a", 0, "b"], variable: "NOPE" },
    ]);
  });

  test.each(["${", "${B", "${}", "${1B}", "${B-x}", "${B:=x}", "${B C}"])("%p is malformed", (text) => {
    expect(expand({ a: text }, lookup).malformed).toEqual([
      { path: ["a"], text: text.slice(0, text.indexOf("}") + 1) || text },
    ]);
  });
});

test("variablesIn lists every name", () => {
  expect([...variablesIn({ a: "${X} ${Y:-1}", b: ["${Z}"], c: "$${W}" })]).toEqual(["X", "Y", "Z"]);
});
