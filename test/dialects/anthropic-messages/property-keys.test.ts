// Names of arguments: what the API takes stays, what it refuses is told. Sources of the rule: property-keys.ts.

import { expect, test } from "bun:test";
import fc from "fast-check";
import type { ChatRequest } from "../../../src/canon/request.ts";
import { openaiChat } from "../../../src/dialects/openai-chat/dialect.ts";
import { encodeRequest } from "../../../src/dialects/anthropic-messages/encode-request.ts";
import { withFittingKeys } from "../../../src/dialects/anthropic-messages/property-keys.ts";

const target = {
  model: "claude-sonnet-4-6",
  maxOutput: null,
  defaultMaxTokens: 1_000,
} as const;

function asked(properties: object): ChatRequest {
  const parameters = { type: "object", properties, additionalProperties: false };
  const body = {
    model: "m",
    messages: [{ role: "user", content: "hello" }],
    tools: [{ type: "function", function: { name: "list", parameters } }],
  };
  return openaiChat.client.decodeRequest(body);
}

test("a tool of another format with such names is offered, and named in the header", () => {
  const notes: string[] = [];
  const body = encodeRequest(
    asked({ "filter[id]": { type: "string" }, limit: {} }),
    target,
    (each) => void notes.push(each),
  );
  expect(body["tools"]).toEqual([
    {
      name: "list",
      input_schema: {
        type: "object",
        properties: { limit: {} },
        description:
          'It has further members at the top, by these very names, each with its JSON Schema: "filter[id]": {"type":"string"}',
      },
    },
  ]);
  expect(notes).toContain("tool-schema-mended");
});

test("a tool whose names fit goes up as it is", () => {
  const notes: string[] = [];
  const body = encodeRequest(asked({ "a.b-c_D": {} }), target, (each) => void notes.push(each));
  expect(JSON.stringify(body["tools"])).toContain('"additionalProperties":false');
  expect(notes).not.toContain("tool-schema-mended");
});

test("whatever the names: each is kept or told, and none is lost", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 0, maxLength: 70 }), { maxLength: 8 }), (names) => {
      const properties = Object.fromEntries(names.map((name) => [name, { title: name }]));
      const schema = { type: "object", properties, required: names };
      const { properties: kept, description } = withFittingKeys(schema) as Record<string, unknown>;
      for (const name of Object.keys(properties))
        if (!Object.hasOwn(kept as object, name))
          expect(String(description)).toContain(
            `${JSON.stringify(name)} (required): {"title":${JSON.stringify(name)}}`,
          );
      for (const name of Object.keys(kept as object)) expect(name).toMatch(/^[a-zA-Z0-9_.-]{1,64}$/);
    }),
  );
});
