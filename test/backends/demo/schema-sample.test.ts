import { expect, test } from "bun:test";
import { sampleOf } from "../../../src/backends/demo/schema-sample.ts";

const object = (properties: object, required: readonly string[] = Object.keys(properties)) => ({
  type: "object",
  properties,
  required,
});

test.each([
  [
    "required properties only",
    object({ a: { type: "string" }, b: { type: "string" } }, ["b"]),
    { b: "example" },
  ],
  [
    "every type",
    object({
      s: { type: "string" },
      i: { type: "integer" },
      n: { type: "number" },
      b: { type: "boolean" },
      z: { type: "null" },
    }),
    { s: "example", i: 1, n: 1, b: true, z: null },
  ],
  ["an enum's first value", { enum: ["celsius", "kelvin"] }, "celsius"],
  ["a constant", { const: 7 }, 7],
  [
    "the schema's own default and example",
    object({ a: { type: "string", default: "d" }, b: { examples: ["e"] } }),
    { a: "d", b: "e" },
  ],
  ["a list with one element", { type: "array", items: { type: "integer" } }, [1]],
  ["a list's limits", { type: "array", items: { enum: [2] }, minItems: 3 }, [2, 2, 2]],
  ["an empty list", { type: "array", items: {}, maxItems: 0 }, []],
  ["a tuple", { type: "array", prefixItems: [{ const: 1 }, { const: "b" }] }, [1, "b"]],
  ["several types, not null", { type: ["null", "integer"] }, 1],
  ["the first alternative that is not null", { anyOf: [{ type: "null" }, { type: "boolean" }] }, true],
  ["joined schemas", { allOf: [object({ a: { const: 1 } }), object({ b: { const: 2 } })] }, { a: 1, b: 2 }],
  [
    "a reference",
    { $defs: { Unit: { enum: ["m"] } }, ...object({ u: { $ref: "#/$defs/Unit" } }) },
    { u: "m" },
  ],
  ["a format", { type: "string", format: "date" }, "2026-01-01"],
  ["a length", { type: "string", minLength: 10, maxLength: 12 }, "examplexxx"],
  ["a short length", { type: "string", maxLength: 3 }, "exa"],
  ["a minimum", { type: "integer", minimum: 5 }, 5],
  ["an exclusive minimum", { type: "integer", exclusiveMinimum: 5 }, 6],
  ["a maximum", { type: "number", maximum: -3 }, -3],
  ["a step", { type: "integer", minimum: 7, multipleOf: 5 }, 10],
  ["a narrow range", { type: "number", exclusiveMinimum: 0, maximum: 1 }, 1],
  ["a required property without schema", { type: "object", required: ["x"] }, { x: "example" }],
  ["no type but properties", { properties: { a: { const: 1 } }, required: ["a"] }, { a: 1 }],
])("%s", (_name, schema, expected) => {
  expect(sampleOf(schema)).toEqual(expected);
});

test("a schema that refers to itself ends", () => {
  const list = {
    $defs: { Node: object({ children: { type: "array", items: { $ref: "#/$defs/Node" } } }) },
    $ref: "#/$defs/Node",
  };
  expect(JSON.stringify(sampleOf(list)).length).toBeLessThan(200);
  const endless = { $defs: { Node: object({ next: { $ref: "#/$defs/Node" } }) }, $ref: "#/$defs/Node" };
  expect(JSON.stringify(sampleOf(endless)).length).toBeLessThan(500);
  expect(JSON.stringify(sampleOf({ $ref: "#" }))).toBeString();
});

test.each([
  [null],
  [undefined],
  [7],
  [false],
  [{ $ref: "https://elsewhere/x" }],
  [{ $ref: "#/a/%zz" }],
  [{ enum: [] }],
])("what is no schema of ours still gives a JSON value: %p", (schema) => {
  expect(JSON.stringify(sampleOf(schema))).toBeString();
});
