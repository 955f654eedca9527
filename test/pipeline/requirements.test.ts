// What the bytes say a request may need at most: never less than a close look finds.

import { describe, expect, test } from "bun:test";
import type { Envelope } from "../../src/pipeline/body/envelope.ts";
import { upperBoundRequirements } from "../../src/pipeline/requirements.ts";
import { scanObject } from "../../src/wire/json.ts";

const envelopeOf = (body: unknown): Envelope => {
  const bytes = Buffer.from(JSON.stringify(body));
  return { bytes, scan: scanObject(bytes, 128), model: "m", stream: false, session: null };
};
const needsFor = (body: unknown) => upperBoundRequirements(envelopeOf(body));

describe("needs told from bytes", () => {
  test("a plain request needs room only", () => {
    const needs = needsFor({ model: "m", messages: [{ role: "user", content: "hello" }], tools: null });
    expect(needs).toMatchObject({
      tools: false,
      images: false,
      jsonSchema: false,
      thinking: false,
      outputTokens: null,
    });
    expect(needs.tokens).toBe(19);
  });

  test.each([
    ["tools", { tools: [] }],
    ["images", { messages: [{ role: "user", content: [{ type: "image_url" }] }] }],
    ["images", { contents: [{ parts: [{ inlineData: {} }] }] }],
    ["images", { contents: [{ parts: [{ file_data: {} }] }] }],
    ["jsonSchema", { response_format: { type: "json_schema" } }],
    ["jsonSchema", { text: { format: {} } }],
    ["jsonSchema", { output_config: {} }],
    ["thinking", { thinking: {} }],
    ["thinking", { reasoning: {} }],
    ["thinking", { generationConfig: {} }],
    ["jsonSchema", { generation_config: {} }],
  ] as const)("%s by %j", (need, body) => {
    expect(needsFor(body)[need]).toBe(true);
  });

  test("with images the room is not told: an image by URL counts more than its bytes", () => {
    expect(needsFor({ messages: [{ content: [{ type: "image_url" }] }] }).tokens).toBe(Infinity);
  });

  test.each([
    ["max_tokens", 7],
    ["max_completion_tokens", 8],
    ["max_output_tokens", 9],
  ])("%s is the answer's length", (key, value) => {
    expect(needsFor({ [key]: value }).outputTokens).toBe(value);
  });
});
