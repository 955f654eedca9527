// The fake vendor's Responses and Gemini: the official packages read their streams, and their strict rules refuse what the vendors refuse.

import { GoogleGenAI } from "@google/genai";
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { startUpstream } from "./upstream.ts";

const upstream = startUpstream({ strict: true });
afterAll(() => upstream.stop());
beforeEach(() => upstream.reset());

const openai = new OpenAI({ baseURL: `${upstream.url}/v1`, apiKey: "key", maxRetries: 0 });
const google = new GoogleGenAI({ apiKey: "key", httpOptions: { baseUrl: upstream.url } });
const prompt = "[[think:let me see]][[say:one two three]][[usage:1000,600,0,50]]";

describe("Responses", () => {
  test("a stream and a whole answer say the same", async () => {
    const stream = openai.responses.stream({ model: "fake-large", input: prompt });
    const streamed = await stream.finalResponse();
    const whole = await openai.responses.create({ model: "fake-large", input: prompt });
    for (const response of [streamed, whole]) {
      expect(response.output.map((item) => item.type)).toEqual(["reasoning", "message"]);
      expect(response.output_text).toBe("one two three");
      expect(response.usage).toMatchObject({ input_tokens: 1000, output_tokens: 50 });
    }
  });

  test("events are numbered without a gap", async () => {
    const numbers: number[] = [];
    const stream = await openai.responses.create({ model: "fake-large", input: prompt, stream: true });
    for await (const event of stream) numbers.push(event.sequence_number);
    expect(numbers).toEqual(Array.from(numbers, (_, index) => index));
  });

  const call = { type: "function_call", call_id: "c", name: "n", arguments: "{}" };
  const refused: readonly (readonly [string, object])[] = [
    ["an orphan result", { input: [{ type: "function_call_output", call_id: "c", output: "" }] }],
    ["an unanswered call", { input: [{ role: "user", content: "a" }, call] }],
    ["a foreign member", { input: "a", max_tokens: 5 }],
    [
      "a part of the chat format",
      { input: [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:" } }] }] },
    ],
    ["a limit below the least", { input: "a", max_output_tokens: 5 }],
    ["an id of another kind", { input: [{ ...call, id: "call_1" }] }],
    ["a forged seal", { input: [{ type: "reasoning", id: "rs_1", summary: [], encrypted_content: "x" }] }],
    ["a tool of the chat format", { input: "a", tools: [{ type: "function", function: { name: "n" } }] }],
  ];
  test.each([...refused])("%s is refused", async (_name, more) => {
    const response = await fetch(`${upstream.url}/v1/responses`, {
      method: "POST",
      body: JSON.stringify({ model: "fake-large", ...more }),
    });
    expect(response.status).toBe(400);
    expect(upstream.requests[0]?.breach).toBeString();
  });
});

describe("Gemini", () => {
  test("a stream and a whole answer say the same", async () => {
    const request = { model: "fake-large", contents: prompt };
    const chunks = await Array.fromAsync(await google.models.generateContentStream(request));
    const whole = await google.models.generateContent(request);
    expect(chunks.map((chunk) => chunk.text ?? "").join("")).toBe("one two three");
    expect(whole.text).toBe("one two three");
    for (const last of [chunks.at(-1), whole]) {
      expect(String(last?.candidates?.[0]?.finishReason)).toBe("STOP");
      expect(last?.usageMetadata?.promptTokenCount).toBe(1000);
      expect(last?.usageMetadata?.cachedContentTokenCount).toBe(600);
    }
  });

  const user = { role: "user", parts: [{ text: "a" }] };
  const call = { role: "model", parts: [{ functionCall: { name: "n", args: {} } }] };
  const refused: readonly (readonly [string, object])[] = [
    ["an orphan result", { contents: [{ role: "user", parts: [{ functionResponse: { name: "n" } }] }] }],
    ["an unanswered call", { contents: [user, call, user] }],
    ["a foreign member", { contents: [user], stream: true }],
    ["a foreign role", { contents: [{ role: "assistant", parts: [{ text: "a" }] }] }],
    ["no parts", { contents: [{ role: "user", parts: [] }] }],
    [
      "JSON Schema where only a Schema fits",
      {
        contents: [user],
        tools: [{ functionDeclarations: [{ name: "n", parameters: { $schema: "x", type: "object" } }] }],
      },
    ],
    [
      "a forged seal",
      {
        contents: [
          user,
          { role: "model", parts: [{ functionCall: { name: "n" }, thoughtSignature: "x" }] },
          { role: "user", parts: [{ functionResponse: { name: "n", response: {} } }] },
        ],
      },
    ],
  ];
  test.each([...refused])("%s is refused", async (_name, body) => {
    const response = await fetch(`${upstream.url}/v1beta/models/fake-large:generateContent`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(400);
    expect(upstream.requests[0]?.breach).toBeString();
  });
});
