// What Google is sent.

import { describe, expect, test } from "bun:test";
import type { Block, ChatRequest, Message, Thinking } from "../../../src/canon/request.ts";
import { googleGenai } from "../../../src/dialects/google-genai/dialect.ts";
import { unsignedCallMark } from "../../../src/dialects/google-genai/encode-messages.ts";
import { bodyFor, failureOf } from "./recorded.ts";

const { decodeRequest } = googleGenai.client;
const user = (...content: Block[]): Message => ({ role: "user", content });
const model = (...content: Block[]): Message => ({ role: "assistant", content });
const text = (words: string): Block => ({ type: "text", text: words });
const call = (id: string, name: string, input = "{}"): Block => ({ type: "tool-call", id, name, input });
const result = (callId: string, words: string, isError = false): Block => ({
  type: "tool-result",
  callId,
  content: [{ type: "text", text: words }],
  isError,
});
const contentsOf = (messages: Message[], target: { model?: string } = {}): unknown =>
  bodyFor({ messages }, target)["contents"];

describe("foreign history", () => {
  test("the first call of each step carries the documented word that skips the check", () => {
    expect(
      contentsOf([
        user(text("go")),
        model(call("a", "f"), call("b", "g")),
        user(result("b", "2"), result("a", "1")),
      ]),
    ).toEqual([
      { role: "user", parts: [{ text: "go" }] },
      {
        role: "model",
        parts: [
          { functionCall: { id: "a", name: "f", args: {} }, thoughtSignature: unsignedCallMark },
          { functionCall: { id: "b", name: "g", args: {} } },
        ],
      },
      {
        role: "user",
        parts: [
          { functionResponse: { id: "a", name: "f", response: { output: "1" } } },
          { functionResponse: { id: "b", name: "g", response: { output: "2" } } },
        ],
      },
    ]);
  });

  test("models before Gemini 3 get no such word", () => {
    const messages = [user(text("go")), model(call("a", "f")), user(result("a", "1"))];
    expect(JSON.stringify(contentsOf(messages, { model: "gemini-2.5-pro" }))).not.toContain(
      "thoughtSignature",
    );
  });

  test("another maker's thoughts stay out", () => {
    const thought: Block = { type: "thinking", text: "secret", signature: "s" };
    expect(contentsOf([user(text("a")), model(thought, text("b")), user(text("c"))])).toEqual([
      { role: "user", parts: [{ text: "a" }] },
      { role: "model", parts: [{ text: "b" }] },
      { role: "user", parts: [{ text: "c" }] },
    ]);
  });

  test("every call is answered in the next content: missing results get a word, orphans become text", () => {
    expect(
      contentsOf([user(text("go")), model(call("a", "f")), user(result("gone", "old"), text("next"))]),
    ).toMatchObject([
      {},
      {},
      { parts: [{ functionResponse: { id: "a", response: { error: expect.any(String) } } }] },
      { parts: [{ text: expect.stringContaining("earlier tool call") }, { text: "old" }, { text: "next" }] },
    ]);
  });

  test("errors, broken arguments and pictures", () => {
    const image = {
      type: "image",
      source: { kind: "base64", mediaType: "image/png", data: "AA==" },
    } as const;
    const shot: Block = { type: "tool-result", callId: "a", content: [image], isError: true };
    const messages = [user(text("go")), model(call("a", "f", '{"x":')), user(shot)];
    const inline = { inlineData: { mimeType: "image/png", data: "AA==" } };
    expect(contentsOf(messages)).toMatchObject([
      {},
      { parts: [{ functionCall: { args: { arguments: '{"x":' } } }] },
      { parts: [{ functionResponse: { response: { error: "" }, parts: [inline] } }] },
    ]);
    expect(contentsOf(messages, { model: "gemini-2.5-flash" })).toMatchObject([
      {},
      {},
      { parts: [{ functionResponse: { response: { error: "" } } }, inline] },
    ]);
  });

  test("a conversation begins with the user, and results split over messages come together", () => {
    expect(
      contentsOf([
        model(call("a", "f"), call("b", "f")),
        user(result("a", "1")),
        user(result("b", "2")),
        user(text("c")),
      ]),
    ).toMatchObject([
      { role: "user", parts: [{ text: "(continued)" }] },
      { role: "model" },
      { role: "user", parts: [{ functionResponse: { id: "a" } }, { functionResponse: { id: "b" } }] },
      { role: "user", parts: [{ text: "c" }] },
    ]);
  });
});

describe("Google's own history comes back as it was", () => {
  const body = {
    contents: [
      { role: "user", parts: [{ text: "go" }] },
      {
        role: "model",
        parts: [
          { text: "hm", thought: true },
          { text: "Look:" },
          { text: "", thoughtSignature: "dGV4dA==" },
          { functionCall: { name: "f", args: { n: 1 } }, thoughtSignature: "Y2FsbA==" },
          { functionCall: { id: "x", name: "g", args: {} } },
        ],
      },
      {
        role: "user",
        parts: [
          { functionResponse: { name: "f", response: { rows: [1, 2] } } },
          { functionResponse: { id: "x", name: "g", response: { output: "ok" } } },
        ],
      },
      {
        role: "model",
        parts: [
          { executableCode: { language: "PYTHON", code: "1" } },
          { text: "a", thoughtSignature: "cw==" },
        ],
      },
      {
        role: "user",
        parts: [{ text: "more" }, { fileData: { fileUri: "gs://a/b", mimeType: "video/mp4" } }],
      },
    ],
    systemInstruction: { parts: [{ text: "s" }] },
    tools: [
      {
        functionDeclarations: [
          {
            name: "f",
            description: "d",
            parameters: { type: "OBJECT", properties: { n: { type: "INTEGER" } } },
          },
          { name: "g" },
        ],
      },
      { googleSearch: {} },
    ],
    toolConfig: { functionCallingConfig: { mode: "VALIDATED" }, retrievalConfig: { languageCode: "de" } },
    safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
    generationConfig: {
      maxOutputTokens: 100,
      temperature: 1,
      topK: 64,
      seed: 5,
      stopSequences: ["x"],
      responseMimeType: "application/json",
      responseSchema: { type: "OBJECT", properties: { a: { type: "STRING" } } },
      thinkingConfig: { includeThoughts: true, thinkingLevel: "HIGH" },
    },
  };

  test("member for member", () => {
    expect(bodyFor(decodeRequest(body))).toEqual(body);
  });
});

describe("tools and choice", () => {
  const tools: ChatRequest["tools"] = [
    { name: "f", description: null, schema: { type: "object", additionalProperties: false, $schema: "x" } },
  ];

  test("whole JSON Schema goes where it is understood", () => {
    expect(bodyFor({ tools })["tools"]).toEqual([
      {
        functionDeclarations: [
          { name: "f", parametersJsonSchema: { type: "object", additionalProperties: false, $schema: "x" } },
        ],
      },
    ]);
  });

  test.each([
    [{ type: "auto" }, { mode: "AUTO" }],
    [{ type: "none" }, { mode: "NONE" }],
    [{ type: "required" }, { mode: "ANY" }],
    [
      { type: "tool", name: "f" },
      { mode: "ANY", allowedFunctionNames: ["f"] },
    ],
  ] as const)("%j", (toolChoice, functionCallingConfig) => {
    expect(bodyFor({ tools, toolChoice })["toolConfig"]).toEqual({ functionCallingConfig });
  });

  test("names that the API refuses, and tools of others, are refused by name", () => {
    const named = [{ name: "1st tool", description: null, schema: {} }];
    expect(failureOf(() => bodyFor({ tools: named }))).toMatchObject({
      kind: "unsupported",
      message: expect.stringContaining("1st tool"),
    });
    const opaqueTools = [{ dialect: "anthropic-messages", type: "computer_20250124", value: {} }] as const;
    expect(failureOf(() => bodyFor({ opaqueTools })).message).toContain("computer_20250124");
  });
});

describe("thinking", () => {
  const thinkingFor = (name: string, request: Partial<ChatRequest>): unknown => {
    const config = bodyFor(request, { model: name })["generationConfig"];
    return typeof config === "object" && config !== null && "thinkingConfig" in config
      ? config.thinkingConfig
      : null;
  };
  const off: Thinking = { mode: "off" };
  const budget = (budgetTokens: number): Thinking => ({ mode: "budget", budgetTokens });

  test.each([
    ["gemini-2.5-flash", { thinking: budget(50_000) }, { includeThoughts: true, thinkingBudget: 24_576 }],
    ["gemini-2.5-pro", { thinking: budget(1) }, { includeThoughts: true, thinkingBudget: 128 }],
    ["gemini-2.5-flash", { effort: "low" }, { includeThoughts: true, thinkingBudget: 4_096 }],
    ["gemini-2.5-flash", { thinking: { mode: "adaptive" } }, { includeThoughts: true, thinkingBudget: -1 }],
    ["gemini-2.5-flash", { thinking: off }, { thinkingBudget: 0 }],
    ["gemini-2.5-pro", { effort: "none" }, { thinkingBudget: 128 }],
    ["gemini-3-pro-preview", { effort: "minimal" }, { includeThoughts: true, thinkingLevel: "LOW" }],
    ["gemini-3-flash-preview", { thinking: off }, { thinkingLevel: "MINIMAL" }],
    [
      "gemini-3.1-pro-preview",
      { thinking: budget(30_000) },
      { includeThoughts: true, thinkingLevel: "HIGH" },
    ],
    ["gemini-2.0-flash", { effort: "high" }, null],
    ["gemini-2.5-flash", {}, null],
  ] as const)("%s with %j", (name, request, wanted) => {
    expect(thinkingFor(name, request)).toEqual(wanted);
  });
});

test("limits, format and stops", () => {
  const format = { type: "json-schema", name: "n", schema: { type: "object" }, strict: true } as const;
  expect(
    bodyFor({ maxTokens: 9_000, stop: ["a"], format }, { maxOutput: 8_192 })["generationConfig"],
  ).toEqual({
    maxOutputTokens: 8_192,
    stopSequences: ["a"],
    responseMimeType: "application/json",
    responseJsonSchema: { type: "object" },
  });
  // The translation looks for the rest (unsupportedStops).
  expect(bodyFor({ stop: ["1", "2", "3", "4", "5", "6"] })["generationConfig"]).toEqual({
    stopSequences: ["1", "2", "3", "4", "5"],
  });
});
