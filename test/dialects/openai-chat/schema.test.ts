// The described request and the accepted one are the same.

import { describe, expect, test } from "bun:test";
import { z } from "zod";
import { Failure } from "../../../src/canon/failure.ts";
import { openaiChat } from "../../../src/dialects/openai-chat/dialect.ts";
import { chatRequestSchema } from "../../../src/dialects/openai-chat/schema.ts";
import bodies from "./client-bodies.json";

function isAccepted(body: unknown): boolean {
  try {
    openaiChat.client.decodeRequest(body);
    return true;
  } catch (thrown) {
    if (thrown instanceof Failure) return false;
    throw thrown;
  }
}

const hi = { role: "user", content: "hi" };
const full = {
  model: "m",
  messages: [
    { role: "system", content: "s", name: "n" },
    {
      role: "user",
      content: [
        { type: "text", text: "t" },
        { type: "image_url", image_url: { url: "https://a.example/b", detail: "low" } },
      ],
    },
    {
      role: "assistant",
      content: [{ type: "refusal", refusal: "x" }],
      reasoning: "r",
      tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
    },
    { role: "tool", tool_call_id: "a", content: [{ type: "text", text: "t" }] },
    { role: "developer", content: "d" },
  ],
  tools: [{ type: "function", function: { name: "f", description: "d", parameters: {}, strict: true } }],
  tool_choice: { type: "function", function: { name: "f" } },
  response_format: {
    type: "json_schema",
    json_schema: { name: "n", description: "d", schema: {}, strict: true },
  },
  stream_options: { include_usage: true },
  max_tokens: 1,
  max_completion_tokens: 1,
  temperature: 1,
  top_p: 1,
  stop: ["a"],
  n: 1,
  stream: true,
  user: "u",
  safety_identifier: "s",
  reasoning_effort: "low",
  parallel_tool_calls: true,
  logprobs: false,
  modalities: ["text"],
  audio: {},
  seed: 7,
  store: true,
  metadata: { a: "b" },
};

/** Every way to put `odd` in the place of one value of `value`. */
function* variants(value: unknown, odd: unknown): Generator<unknown> {
  yield odd;
  if (Array.isArray(value)) {
    for (const [i, each] of value.entries())
      for (const other of variants(each, odd)) yield value.with(i, other);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, each] of Object.entries(value))
      for (const other of variants(each, odd)) yield { ...value, [key]: other };
  }
}

describe("schema and decoder agree", () => {
  test.each(Object.entries(bodies))("on the request of %s", (_, body) => {
    expect([chatRequestSchema.safeParse(body).success, isAccepted(body)]).toEqual([true, true]);
  });

  test.each([[null], [5], [""], [[]], [{}], ["odd"], [true], [-1], [1.5], [undefined]])(
    "when any one value is %j",
    (odd) => {
      expect([chatRequestSchema.safeParse(full).success, isAccepted(full)]).toEqual([true, true]);
      for (const body of variants(full, odd)) {
        const isDescribed = chatRequestSchema.safeParse(body).success;
        // The schema cannot know which tools there are, nor what a URL is.
        if (isDescribed && JSON.stringify(body)?.includes('"tool_choice":{') && !isAccepted(body)) {
          expect(isAccepted({ ...(body as object), tool_choice: "auto" })).toBe(true);
          continue;
        }
        expect([isAccepted(body), JSON.stringify(body)]).toEqual([isDescribed, JSON.stringify(body)]);
      }
    },
  );

  test("the description can be made from it", () => {
    const description = z.toJSONSchema(chatRequestSchema, { io: "input" });
    expect(description).toMatchObject({ type: "object", required: ["model", "messages"] });
  });

  test("the smallest request", () => {
    expect(chatRequestSchema.safeParse({ model: "m", messages: [hi] }).success).toBe(true);
  });
});
