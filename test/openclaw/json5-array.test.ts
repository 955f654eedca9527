import { expect, test } from "bun:test";
import { addToJson5Array, removeFromJson5Array } from "../../src/openclaw/json5-text.ts";

const path = ["a", "b"] as const;

test.each([
  ['["y"]', '["y", "x/*"]'],
  ["['y', ]", `['y', "x/*", ]`],
  ["[ 'y' /* of mine */ ]", `[ 'y', "x/*" /* of mine */ ]`],
  ['[\n    "y", // of mine\n    "z" // too\n  ]', '[\n    "y", // of mine\n    "z", // too\n    "x/*"\n  ]'],
  ['[\n    "y",\n  ]', '[\n    "y",\n    "x/*",\n  ]'],
])("an element is added and every other byte stays: %s", (before, after) => {
  const around = (array: string): string =>
    `// top, of the user\n{ other: [1, 2,], a: { b: ${array} } } // end\n`;
  const added = addToJson5Array(around(before), path, "x/*");
  expect(added).toBe(around(after));
  expect(addToJson5Array(added, path, "x/*")).toBe(added);
  const removed = removeFromJson5Array(added, path, "x/*");
  expect(removed.replaceAll(/\s/g, "")).toBe(around(before).replaceAll(/\s/g, ""));
});

test("where there is no array nothing is written", () => {
  for (const text of ["{}", "{ a: {} }", "{ a: { b: 'x' } }", "{ a: { b: { c: 1 } } }", "{ a: [] }"]) {
    expect(addToJson5Array(text, path, "x")).toBe(text);
    expect(removeFromJson5Array(text, path, "x")).toBe(text);
  }
});

test("an element that is there twice is taken out twice", () => {
  expect(removeFromJson5Array('{ a: { b: ["x", "y", "x"] } }', path, "x")).toBe('{ a: { b: [ "y" ] } }');
});
