import { expect, test } from "bun:test";
import { codeOnly, importsOf } from "./source-text.ts";

test.each([
  ['const a = "let b"; // let c', "const a =        ;         "],
  ["a /* any\nany */ b", "a       \n       b"],
  ["const r = /[/\"']any/.test(x);", "const r =            .test(x);"],
  ["const half = a / b / c;", "const half = a / b / c;"],
  ["`any ${one({ a: `any` })} any`", "       one({ a:        })     "],
  ["'it\\'s any' + any", "             + any"],
])("codeOnly blanks what is not code: %s", (source, expected) => {
  expect(codeOnly(source)).toHaveLength(source.length);
  expect(codeOnly(source).replace(/\s+/g, " ").trim()).toBe(expected.replace(/\s+/g, " ").trim());
});

test("importsOf finds every way to name another file, and nothing in comments", () => {
  const source = [
    'import a, { type B } from "a.ts";',
    'import type { C } from "c.ts";',
    "import {",
    "  d,",
    '} from "d.ts";',
    'export { e } from "e.ts";',
    'import "f.ts";',
    'const g = await import("g.ts");',
    'import page from "h.html" with { type: "text" };',
    'let i: import("i.ts").I;',
    '// import { j } from "j.ts";',
    'export const from = "k.ts";',
  ].join("\n");
  expect(importsOf(source).toSorted()).toEqual(
    ["a.ts", "c.ts", "d.ts", "e.ts", "f.ts", "g.ts", "h.html", "i.ts"].toSorted(),
  );
});
