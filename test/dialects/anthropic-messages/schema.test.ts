// The API description and the hand-written decoder must tell the same story.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { z } from "zod";
import { Failure } from "../../../src/canon/failure.ts";
import { decodeCountRequest } from "../../../src/dialects/anthropic-messages/count-tokens.ts";
import { decodeRequest } from "../../../src/dialects/anthropic-messages/decode-request.ts";
import {
  countTokensRequestSchema,
  messagesRequestSchema,
} from "../../../src/dialects/anthropic-messages/schema.ts";

const folder = new URL("./requests/", import.meta.url);
const bodies = readdirSync(folder).map(
  (file) => JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Record<string, unknown>,
);
const accepts = (decode: (body: unknown) => unknown, body: unknown): boolean => {
  try {
    decode(body);
    return true;
  } catch (thrown) {
    if (thrown instanceof Failure) return false;
    throw thrown;
  }
};

test("both accept what real clients send", () => {
  expect(bodies.length).toBeGreaterThan(3);
  for (const body of bodies) {
    expect(messagesRequestSchema.safeParse(body).success).toBe(true);
    expect(accepts(decodeRequest, body)).toBe(true);
    expect(countTokensRequestSchema.safeParse(body).success).toBe(true);
    expect(accepts(decodeCountRequest, body)).toBe(true);
  }
});

test("both agree when any top-level member is something else", () => {
  const others: unknown[] = [
    null,
    true,
    "x",
    "",
    0,
    1,
    -1,
    0.5,
    7.5,
    [],
    [5],
    ["x"],
    {},
    { type: "x" },
    { type: 5 },
  ];
  const keys = [
    "model",
    "messages",
    "max_tokens",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "stream",
    "metadata",
    "context_management",
  ];
  for (const body of bodies)
    for (const key of keys)
      for (const other of others) {
        const changed = { ...body, [key]: other };
        const verdict = { key, other, accepted: accepts(decodeRequest, changed) };
        expect(verdict).toEqual({ key, other, accepted: messagesRequestSchema.safeParse(changed).success });
      }
});

test("both agree when a member of a block or tool is something else", () => {
  const others: unknown[] = [null, true, "x", 5, [], {}, { type: "ephemeral" }, { type: "x" }];
  const blocks: Record<string, unknown>[] = [
    { type: "text", text: "a", cache_control: { type: "ephemeral" } },
    { type: "image", source: { type: "url", url: "u" } },
    { type: "tool_use", id: "a", name: "b", input: {} },
    { type: "tool_result", tool_use_id: "a", content: "x", is_error: false },
    { type: "thinking", thinking: "t", signature: "s" },
    { type: "document", source: {} },
  ];
  const tool = { type: "custom", name: "f", description: "d", input_schema: {}, cache_control: null };
  const base = { model: "m", max_tokens: 5, messages: [{ role: "user", content: "a" }] };
  const check = (body: unknown): void => {
    const accepted = accepts(decodeRequest, body);
    expect({ body, accepted }).toEqual({ body, accepted: messagesRequestSchema.safeParse(body).success });
  };
  for (const block of blocks)
    for (const key of Object.keys(block))
      for (const other of others)
        check({ ...base, messages: [{ role: "user", content: [{ ...block, [key]: other }] }] });
  for (const key of Object.keys(tool))
    for (const other of others) check({ ...base, tools: [{ ...tool, [key]: other }] });
});

test("the description can be written as JSON Schema", () => {
  const schema = z.toJSONSchema(messagesRequestSchema, { io: "input" });
  expect(schema.required).toEqual(["model", "messages", "max_tokens"]);
});
