// What makes the real program leave tools out was tried on 2.1.197 and 2.1.332: test/heavy/claude-environment.heavy.ts asks again.

import { describe, expect, test } from "bun:test";
import { toolSchema } from "../../../src/dialects/claude-code/tool-schema.ts";

const city = (member: unknown, more: object = {}) => ({
  type: "object",
  properties: { city: member },
  ...more,
});

describe("a schema stays the very same", () => {
  test.each([
    [city({ type: "string", "x-order": 1, format: "date", pattern: "(?i)a", nullable: true, example: "a" })],
    [
      city(
        { $ref: "#/$defs/none" },
        { $schema: "https://json-schema.org/draft/2020-12/schema", $id: "urn:x" },
      ),
    ],
    [city({ prefixItems: [{}], items: false, unevaluatedItems: true, contains: {}, minContains: 0 })],
    [city({ anyOf: [{ type: "string" }, { const: null }], default: { a: [] }, enum: ["a", "a"] })],
    [{ type: "object" }],
  ])("%j", (schema) => {
    expect(toolSchema(schema)).toBe(schema);
  });
});

test.each([
  [
    "names that are told in words",
    city(
      {},
      {
        properties: { city: {}, "filter[id]": { type: "string" }, constructor: true },
        required: ["city", "filter[id]"],
      },
    ),
    city(
      {},
      {
        required: ["city"],
        description:
          'It has further members at the top, by these very names, each with its JSON Schema: "filter[id]" (required): {"type":"string"}, "constructor": {}',
      },
    ),
  ],
  ["no schema", city(null, { additionalProperties: null }), city({})],
  ["a list for a schema", city([]), city({})],
  ["a mere yes, a mere no", { properties: { a: true, b: false } }, { properties: { a: {}, b: { not: {} } } }],
  [
    "a tuple of old",
    city({ items: [{}, null], additionalItems: false }),
    city({ prefixItems: [{}, {}], items: false }),
  ],
  ["types that are none", city({ type: "any", items: { type: ["string", "file"] } }), city({ items: {} })],
  [
    "draft 3 and 4",
    city({ required: true, minimum: 1, exclusiveMinimum: true }),
    city({ minimum: 1, exclusiveMinimum: 1 }),
  ],
  [
    "values that cannot be",
    city({ minLength: -1, maximum: "3", description: 5, oneOf: [], $id: 4, format: 1 }),
    city({}),
  ],
  ["the same twice", city({}, { required: ["city", "city", 1] }), city({}, { required: ["city"] })],
  [
    "choices at the top",
    {
      type: "object",
      required: ["a"],
      allOf: [{ properties: { b: {} }, required: ["b", "a"] }],
      oneOf: [city({ const: 1 })],
    },
    { type: "object", properties: { city: { const: 1 }, b: {} }, required: ["a", "b"] },
  ],
  [
    "a member said twice at the top: the schema's own is meant",
    city(
      { type: "string" },
      { anyOf: [city({ type: "number" }, { required: ["city"] }), true, { $ref: "#/x" }] },
    ),
    city({ type: "string" }),
  ],
])("%s", (_what, schema, expected) => {
  expect(toolSchema(schema)).toEqual(expected);
});

test("however deep, it comes to an end", () => {
  let nested: object = { minLength: -1 };
  for (let depth = 0; depth < 3_000; depth++) nested = { not: nested };
  expect(toolSchema({ type: "object", properties: { nested } })["type"]).toBe("object");
});
