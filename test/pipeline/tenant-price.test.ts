// What a request says of its own size, at every endpoint, and in whatever way a client may try to look small.

import { expect, test } from "bun:test";
import { emptyRequest } from "../../src/canon/request.ts";
import { dialects } from "../../src/dialects/dialect-table.ts";
import { endpoints } from "../../src/pipeline/endpoints.ts";
import { readEnvelope } from "../../src/pipeline/body/envelope.ts";
import { requestSizeOf, longestAnswer } from "../../src/pipeline/tenants/tenant-price.ts";

type Name = "chat" | "messages" | "responses" | "gemini" | "embeddings";

function sizeOf(name: Name, body: object | string) {
  const door = endpoints.find((each) => each.name === name);
  if (door === undefined) throw new Error("no such door");
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const envelope = readEnvelope(new Headers(), Buffer.from(text), {
    model: "m",
    stream: false,
  });
  return requestSizeOf({
    endpoint: door,
    dialect: dialects[door.dialect],
    envelope,
    decode: () => ({
      ...emptyRequest,
      messages: [
        { role: "user", content: [{ type: "image", source: { kind: "url", url: "http://x/image.png" } }] },
      ],
    }),
  });
}

test.each([
  ["chat", { max_tokens: 7 }, 7],
  ["chat", { max_completion_tokens: 9 }, 9],
  // Which of them the vendor obeys, nobody knows.
  ["chat", { max_tokens: 7, max_completion_tokens: 900 }, 900],
  ["chat", '{"max_tokens":1,"max_tokens":800}', 800],
  ["chat", '{"max\\u005ftokens":5}', 5],
  // Members of other formats, which the vendor does not read.
  ["chat", { max_output_tokens: 1 }, null],
  ["chat", { generationConfig: { maxOutputTokens: 1 }, max_tokens: 40 }, 40],
  ["messages", { max_tokens: 3, max_completion_tokens: 1 }, 3],
  ["responses", { max_output_tokens: 12, max_tokens: 1 }, 12],
  ["responses", { max_tokens: 1 }, null],
  ["gemini", { generationConfig: { maxOutputTokens: 5 } }, 5],
  ["gemini", { generation_config: { max_output_tokens: "6" } }, 6],
  ["gemini", { generationConfig: { maxOutputTokens: 5 }, generation_config: {} }, null],
  ["gemini", { max_tokens: 1 }, null],
  // To some vendors these mean that there is no limit.
  ["chat", { max_tokens: 0 }, null],
  ["chat", { max_tokens: -1 }, null],
  ["chat", { max_tokens: null }, null],
  ["chat", { max_tokens: "1" }, null],
] as const)("%s %p: limit %p", (name, body, limit) => {
  expect(sizeOf(name, body).limit).toBe(limit);
});

test.each([
  ["chat", {}, 1],
  ["chat", { n: 5 }, 5],
  ["chat", { n: -3 }, 1],
  ["gemini", { generationConfig: { candidateCount: 3 } }, 3],
] as const)("%s %p: %p answers", (name, body, answers) => {
  expect(sizeOf(name, body).answers).toBe(answers);
});

test("the question is its bytes; an image counts flat; what only stands elsewhere counts as much", () => {
  const text = { messages: [{ role: "user", content: "x".repeat(4_000) }] };
  expect(sizeOf("chat", text).input).toBe(Math.ceil(JSON.stringify(text).length / 4));
  expect(sizeOf("chat", { image: 1 }).input).toBe(1_001);
  for (const body of [
    { previous_response_id: "resp_1" },
    { conversation: "conv_1" },
    { input: [{ type: "input_file", file_id: "file_1" }] },
    { tools: [{ type: "web_search_preview" }] },
  ])
    expect(sizeOf("responses", body).input).toBeGreaterThan(100_000);
  expect(sizeOf("responses", { previous_response_id: null }).input).toBeLessThan(100);
  expect(sizeOf("embeddings", { input: "abc" })).toMatchObject({ writes: false, input: 4 });
});

test.each([
  ["messages", "openai-chat", 32_000],
  ["messages", "google-genai", 32_000],
  ["messages", "anthropic-messages", 32_000],
  // A thought comes on top of it.
  ["responses", "anthropic-messages", 128_000],
  // A program asks its model as often as it likes.
  ["messages", null, 128_000],
] as const)(
  "32,000 tokens and thoughts at the endpoint %s, of a target that speaks %s: %d",
  (door, dialect, most) => {
    const facts = { maxOutput: null, contextWindow: null, defaultMaxTokens: 8_192 };
    const provider: Parameters<typeof longestAnswer>[1] = {
      backend: { dialect, targetFacts: () => facts },
      modelFacts: () => facts,
      price: { longestExceeding: () => null },
    };
    const size = sizeOf(door, {
      max_tokens: 32_000,
      max_output_tokens: 32_000,
      thinking: { type: "adaptive" },
      reasoning: { effort: "high" },
    });
    expect(longestAnswer(size, provider, "m")).toBe(most);
  },
);
