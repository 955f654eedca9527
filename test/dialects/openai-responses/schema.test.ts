// The described request and the accepted one are the same.

import { describe, expect, test } from "bun:test";
import { z } from "zod";
import { Failure } from "../../../src/canon/failure.ts";
import { decodeRequest } from "../../../src/dialects/openai-responses/decode-request.ts";
import { responsesRequestSchema } from "../../../src/dialects/openai-responses/schema.ts";
import codex from "./requests/codex-tool.json";
import openclaw from "./requests/openclaw-tool.json";

function isAccepted(body: unknown): boolean {
  try {
    decodeRequest(body);
    return true;
  } catch (thrown) {
    if (thrown instanceof Failure) return false;
    throw thrown;
  }
}

const isDescribed = (body: unknown): boolean => responsesRequestSchema.safeParse(body).success;
const text = { type: "input_text", text: "t" };
const full = {
  model: "m",
  input: [
    { role: "developer", content: "d" },
    { type: "message", role: "user", content: [text, { type: "input_image", file_id: "f" }] },
    { type: "reasoning", id: "rs", summary: [{ text: "t" }], encrypted_content: "g" },
    { type: "function_call", call_id: "a", name: "f", arguments: "{}" },
    { type: "function_call_output", call_id: "a", output: [text] },
    { type: "custom_tool_call", call_id: "b", name: "p", input: "i" },
    { type: "custom_tool_call_output", call_id: "b", output: "o" },
    { type: "item_reference", id: "x" },
  ],
  instructions: "i",
  tools: [
    { type: "function", name: "f", description: "d", parameters: {}, strict: true },
    { type: "custom", name: "p", description: "d", format: { type: "text" } },
    { type: "web_search" },
  ],
  // A choice by name must name one of the tools, which a schema cannot say.
  tool_choice: { type: "web_search" },
  text: { format: { type: "json_schema", name: "n", description: "d", schema: {}, strict: true } },
  reasoning: { effort: "low" },
  include: ["reasoning.encrypted_content"],
  max_output_tokens: 20,
  temperature: 1,
  top_p: 1,
  stream: true,
  store: false,
  background: false,
  metadata: {},
  user: "u",
  safety_identifier: "s",
  parallel_tool_calls: true,
  prompt_cache_key: "k",
  service_tier: "auto",
  truncation: "auto",
  previous_response_id: "r",
};

/** Every place in `value`, as a path. */
function placesOf(value: unknown, at: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, each]) => placesOf(each, [...at, key]))];
}

function withChange(path: readonly (string | number)[], change: unknown): unknown {
  const copy: unknown = structuredClone(full);
  let holder = copy as Record<string, unknown>;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string, unknown>;
  const last = path.at(-1);
  if (last === undefined) return change;
  if (change === undefined) delete holder[last];
  else holder[last] = change;
  return copy;
}

describe("schema and decoder agree", () => {
  test("about real clients and a full request", () => {
    for (const body of [codex, openclaw, full, { model: "m", input: "hi" }])
      expect([isAccepted(body), isDescribed(body)]).toEqual([true, true]);
  });

  test("about anything in any place of a full request", () => {
    const disagreements: unknown[] = [];
    for (const path of placesOf(full))
      for (const change of [undefined, null, "", "x", 1, -1, true, [], {}]) {
        // JSON has no holes in arrays.
        if (change === undefined && typeof path.at(-1) === "string" && /^\d+$/.test(String(path.at(-1))))
          continue;
        const body = withChange(path, change);
        if (isAccepted(body) !== isDescribed(body))
          disagreements.push([path.join("."), change, isAccepted(body) ? "accepted" : "described"]);
      }
    expect(disagreements).toEqual([]);
  });

  test("it can be shown as JSON Schema", () => {
    const shown = z.toJSONSchema(responsesRequestSchema, { unrepresentable: "any" });
    expect(shown).toMatchObject({ type: "object", required: ["model", "input"] });
  });
});
