// What the program's validator takes was tried on 2.1.197 and 2.1.332: test/heavy/claude-backend.heavy.ts asks them again.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { answerSchema } from "../../../src/dialects/claude-code/answer-schema.ts";
import { isRecord } from "../../../src/dialects/decoding.ts";

/** Written out, they would pass for promises. */
const branching = (members: object, yes: unknown, no: unknown = {}) => ({
  ...members,
  ...Object.fromEntries(["then", "else"].map((word) => [word, word === "else" ? no : yes])),
});
const city = (member: unknown, more: object = {}) => ({
  type: "object",
  properties: { city: member },
  ...more,
});

describe("a schema stays the very same", () => {
  test.each([
    [city({ type: "string", title: "t", description: "d", default: 1, examples: ["a"], deprecated: true })],
    [
      city(
        { $ref: "#/$defs/c" },
        { $defs: { c: { type: "string" } }, required: ["city"], additionalProperties: false },
      ),
    ],
    [city({ $ref: "#/definitions/a~1b%20c" }, { definitions: { "a/b c": {} } })],
    [city({ $ref: "#" })],
    [city({ type: "string", pattern: "^[a-z]+$", minLength: 0, nullable: true })],
    [city({ type: "number", exclusiveMinimum: 0, multipleOf: 0.5 })],
    [
      city({
        type: "array",
        items: [{ type: "string" }],
        additionalItems: false,
        uniqueItems: true,
        contains: {},
      }),
    ],
    [city({ type: ["string", "null"], enum: ["a", null] })],
    [city(true, { patternProperties: { "^x-": false }, propertyNames: { maxLength: 4 }, minProperties: 1 })],
    [{ type: "object", anyOf: [{ required: ["a"] }], oneOf: [{}], allOf: [{}], not: { required: ["b"] } }],
    [branching({ type: "object", if: {}, dependencies: { a: ["b"], c: { required: ["d"] } } }, {})],
    [
      city({
        type: "object",
        properties: { $ref: { type: "string" }, constructor: {}, const: { const: { $ref: "#/x" } } },
      }),
    ],
    [city({ $ref: "#/$defs/a" }, { $defs: { a: { $ref: "#/$defs/b" }, b: { type: "string" } } })],
  ])("%j", (schema) => {
    expect(answerSchema(schema)).toBe(schema);
  });
});

describe("what the validator does not know", () => {
  test.each<[string, unknown, unknown]>([
    [
      "references that lead back to each other",
      city(
        { $ref: "#/definitions/a" },
        { definitions: { a: { $ref: "#/definitions/b" }, b: { $ref: "#/definitions/a" } } },
      ),
      city({}, { definitions: { a: {}, b: {} } }),
    ],
    ["a reference to itself", city({ $ref: "#/properties/city" }), city({})],
    [
      "a name that the API does not take",
      {
        type: "object",
        properties: { $top: { type: "integer" } },
        required: ["$top"],
        additionalProperties: false,
      },
      {
        type: "object",
        properties: {},
        description:
          'It has further members at the top, by these very names, each with its JSON Schema: "$top" (required): {"type":"integer"}',
      },
    ],
    [
      "a newer dialect",
      city({}, { $schema: "https://json-schema.org/draft/2020-12/schema", $id: "x" }),
      city({}),
    ],
    ["words of others", city({ type: "string", "x-order": 1, discriminator: {} }), city({ type: "string" })],
    [
      "a format",
      city({ type: "string", format: "date" }),
      city({ type: "string", description: "(format: date)" }),
    ],
    ["a described format", { format: "uri", description: "Where" }, { description: "Where (format: uri)" }],
    ["one example", city({ example: "a" }), city({ examples: ["a"] })],
    [
      "a newer tuple",
      city({ prefixItems: [{ a: 1 }], items: false }),
      city({ items: [{}], additionalItems: false }),
    ],
    [
      "newer dependencies",
      { dependentRequired: { a: ["b", "b"] }, dependentSchemas: { c: true } },
      { dependencies: { a: ["b"], c: true } },
    ],
    ["counted items", { contains: {}, minContains: 0 }, {}],
    [
      "flags of draft 4",
      { minimum: 3, exclusiveMinimum: true, maximum: 5, exclusiveMaximum: false },
      { minimum: 3, exclusiveMinimum: 3, maximum: 5 },
    ],
    ["required of draft 3", city({ required: true }), city({})],
    ["a type that is none", { type: "any" }, {}],
    ["a list with a type that is none", { type: ["string", "file"] }, {}],
    ["a type said twice", { type: ["string", "string"] }, { type: ["string"] }],
    ["null without a type", { nullable: true, enum: ["a"] }, { anyOf: [{ enum: ["a"] }, { type: "null" }] }],
    ["a pattern by looser rules", { pattern: "[\\w.-]+\\-x" }, {}],
    [
      "a pattern of names",
      { patternProperties: { "(?i)a": {}, b: {} }, additionalProperties: false },
      { patternProperties: { b: {} } },
    ],
    ["empty lists", { enum: [], oneOf: [], anyOf: [] }, {}],
    ["the same twice", { enum: [1, 1, "1"], required: ["a", "a", 4] }, { enum: [1, "1"], required: ["a"] }],
    ["numbers that are none", { minLength: -1, maxItems: "3", minimum: "1", multipleOf: 0 }, {}],
    [
      "references to nowhere",
      { allOf: [{ $ref: "#/x" }, { $ref: "https://a.example/b" }, { $ref: "#anchor" }] },
      { allOf: [{}, {}, {}] },
    ],
    [
      "a reference to what is left out",
      { components: { a: {} }, items: { $ref: "#/components/a" } },
      { items: {} },
    ],
    ["a branch without its condition", branching({}, {}), {}],
    [
      "no schema",
      { items: null, additionalProperties: [], properties: 4 },
      { items: {}, additionalProperties: {} },
    ],
  ])("%s", (_what, schema, expected) => {
    expect(answerSchema(schema)).toEqual(expected);
  });

  test("never makes a schema stricter: what is looser inside would exclude more outside", () => {
    const loose = { "x-a": 1, const: 4 };
    expect(answerSchema({ not: loose })).toEqual({});
    expect(answerSchema(branching({ if: loose }, false, false))).toEqual({});
    expect(answerSchema({ oneOf: [loose, { const: 5 }] })).toEqual({ anyOf: [{ const: 4 }, { const: 5 }] });
    expect(answerSchema({ not: { $ref: "#/nowhere" }, oneOf: [{ $ref: "#/nowhere" }] })).toEqual({
      anyOf: [{}],
    });
  });
});

test("however deep and twisted, it comes to an end", () => {
  let nested: unknown = { "x-a": 1 };
  for (let depth = 0; depth < 300; depth++)
    nested = branching(
      { oneOf: [nested], not: nested, if: nested, items: { $ref: `#/not/if/${depth}` } },
      nested,
    );
  expect(isRecord(answerSchema(nested))).toBe(true);
});

test("anything at all gives a schema, and the same one the second time", () => {
  const words = fc.constantFrom(
    "type",
    "items",
    "not",
    "oneOf",
    "$ref",
    "properties",
    "enum",
    "required",
    "nullable",
    "if",
    "then",
    "prefixItems",
    "x",
  );
  const depth = { maxDepth: 6, depthIdentifier: fc.createDepthIdentifier() };
  const { schema } = fc.letrec((tie) => ({
    schema: fc.oneof(depth, fc.boolean(), fc.dictionary(words, tie("value"), { maxKeys: 4 })),
    value: fc.oneof(
      depth,
      fc.constantFrom("string", "any", "#", "#/items", "#/not", true, 3),
      tie("schema"),
      fc.array(tie("schema"), { maxLength: 3 }),
    ),
  }));
  fc.assert(
    fc.property(schema, (wanted) => {
      const once = answerSchema(wanted);
      expect(typeof once === "boolean" || isRecord(once)).toBe(true);
      expect(answerSchema(once)).toBe(once);
    }),
    { numRuns: 500 },
  );
});
