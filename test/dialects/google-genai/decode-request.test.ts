// A client's generateContent body, and what is made of it.

import { describe, expect, test } from "bun:test";
import type { ChatRequest } from "../../../src/canon/request.ts";
import { refuseUnsupportedContent } from "../../../src/dialects/unsupported-content.ts";
import { decodeCountRequest } from "../../../src/dialects/google-genai/count-tokens.ts";
import { googleGenai } from "../../../src/dialects/google-genai/dialect.ts";
import { failureOf } from "./recorded.ts";

const { decodeRequest, refuseTranslation } = googleGenai.client;
const hi = { contents: [{ role: "user", parts: [{ text: "hi" }] }] };
const decode = (more: object): ChatRequest => decodeRequest({ ...hi, ...more });
const partsOf = (...parts: object[]) => decode({ contents: [{ parts }] }).messages[0]?.content;

describe("contents", () => {
  test("texts, pictures, and what only Google understands", () => {
    expect(
      partsOf(
        { text: "a" },
        { inlineData: { mimeType: "image/png", data: "a-_A" } },
        { fileData: { fileUri: "https://a.example/b.png" } },
        {
          fileData: {
            fileUri: "https://generativelanguage.googleapis.com/v1beta/files/x",
            mimeType: "image/png",
          },
        },
        { inlineData: { mimeType: "application/pdf", data: "AA==" } },
      ),
    ).toEqual([
      { type: "text", text: "a" },
      { type: "image", source: { kind: "base64", mediaType: "image/png", data: "a+/A" } },
      { type: "image", source: { kind: "url", url: "https://a.example/b.png" } },
      {
        type: "opaque",
        dialect: "google-genai",
        value: {
          fileData: {
            fileUri: "https://generativelanguage.googleapis.com/v1beta/files/x",
            mimeType: "image/png",
          },
        },
      },
      {
        type: "opaque",
        dialect: "google-genai",
        value: { inlineData: { mimeType: "application/pdf", data: "AA==" } },
      },
    ]);
  });

  test("calls and results without ids belong together by name and order, the same in every turn", () => {
    const call = (name: string, args?: object): object => ({
      functionCall: { name, ...(args ? { args } : {}) },
    });
    const result = (name: string, response: object): object => ({ functionResponse: { name, response } });
    const { messages } = decode({
      contents: [
        { role: "user", parts: [{ text: "go" }] },
        { role: "model", parts: [call("a", { n: 1 }), call("b"), call("a", { n: 2 })] },
        {
          role: "user",
          parts: [
            result("a", { output: "1" }),
            result("a", { error: "2" }),
            result("b", { result: { x: 3 } }),
          ],
        },
      ],
    });
    expect(
      messages[1]?.content.map((block) => block.type === "tool-call" && [block.id, block.input]),
    ).toEqual([
      ["call_1_0", '{"n":1}'],
      ["call_1_1", "{}"],
      ["call_1_2", '{"n":2}'],
    ]);
    expect(messages[2]?.content).toMatchObject([
      { callId: "call_1_0", content: [{ text: "1" }], isError: false },
      { callId: "call_1_2", content: [{ text: "2" }], isError: true },
      { callId: "call_1_1", content: [{ text: '{"x":3}' }], isError: false },
    ]);
  });

  test("ids that are given go before names", () => {
    const { messages } = decode({
      contents: [
        {
          role: "model",
          parts: [{ functionCall: { id: "x", name: "a" } }, { functionCall: { id: "y", name: "a" } }],
        },
        { role: "user", parts: [{ functionResponse: { id: "y", name: "a", response: {} } }] },
      ],
    });
    expect(messages[1]?.content).toMatchObject([{ callId: "y", content: [] }]);
  });

  test("chunks of one answer that came back as contents of their own are one message again", () => {
    const model = (...parts: object[]): object => ({ role: "model", parts });
    const { messages } = decode({
      contents: [
        { role: "user", parts: [{ text: "go" }] },
        model({ text: "Hel" }),
        model({ text: "lo" }),
        model({ functionCall: { name: "f" } }),
        model({ text: "" }),
        { role: "user", parts: [{ functionResponse: { name: "f", response: {} } }] },
      ],
    });
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
    expect(messages[1]?.content).toMatchObject([
      { type: "text", text: "Hello" },
      { type: "tool-call", id: "call_3_0" },
    ]);
    expect(messages[2]?.content).toMatchObject([{ callId: "call_3_0" }]);
  });

  test("pictures inside a result", () => {
    const parts = [{ inlineData: { mimeType: "image/png", data: "AA==" } }];
    expect(partsOf({ functionResponse: { name: "a", response: { output: "seen" }, parts } })).toMatchObject([
      { content: [{ type: "text", text: "seen" }, { type: "image" }] },
    ]);
  });

  test("both spellings are read", () => {
    const request = decodeRequest({
      contents: [{ parts: [{ inline_data: { mime_type: "image/png", data: "AA==" } }] }],
      system_instruction: { parts: [{ text: "s" }] },
      tools: [{ function_declarations: [{ name: "f", parameters_json_schema: { type: "object" } }] }],
      tool_config: { function_calling_config: { mode: "ANY", allowed_function_names: ["f"] } },
      generation_config: { max_output_tokens: 5, thinking_config: { thinking_budget: 0 } },
    });
    expect(request).toMatchObject({
      messages: [{ content: [{ type: "image" }] }],
      system: [{ text: "s" }],
      tools: [{ name: "f", schema: { type: "object" } }],
      toolChoice: { type: "tool", name: "f" },
      maxTokens: 5,
      thinking: { mode: "off" },
    });
  });
});

describe("tools", () => {
  test("Google's own schema form becomes JSON Schema", () => {
    const parameters = {
      type: "OBJECT",
      properties: {
        type: { type: "STRING", nullable: true, enum: ["a"] },
        list: { type: "ARRAY", minItems: "1", items: { anyOf: [{ type: "INTEGER" }, { type: "NUMBER" }] } },
      },
      propertyOrdering: ["type", "list"],
      required: ["type"],
    };
    expect(
      decode({ tools: [{ functionDeclarations: [{ name: "f", parameters }] }] }).tools[0]?.schema,
    ).toEqual({
      type: "object",
      properties: {
        type: { type: ["string", "null"], enum: ["a", null] },
        list: { type: "array", minItems: 1, items: { anyOf: [{ type: "integer" }, { type: "number" }] } },
      },
      required: ["type"],
    });
  });

  test("Google's own tools are opaque, and refused by name where nobody knows them", () => {
    const request = decode({ tools: [{ googleSearch: {} }, { functionDeclarations: [{ name: "f" }] }] });
    expect(request.opaqueTools).toEqual([
      { dialect: "google-genai", type: "googleSearch", value: { googleSearch: {} } },
    ]);
    expect(refuseTranslation(request)?.message).toContain("googleSearch");
  });

  test.each([
    ["AUTO", undefined, { type: "auto" }],
    ["VALIDATED", undefined, { type: "auto" }],
    ["NONE", undefined, { type: "none" }],
    ["ANY", undefined, { type: "required" }],
    ["ANY", ["f", "g"], { type: "required" }],
    ["ANY", ["g"], { type: "tool", name: "g" }],
    ["MODE_UNSPECIFIED", undefined, null],
  ] as const)("mode %s with %j", (mode, allowedFunctionNames, choice) => {
    const tools = [{ functionDeclarations: [{ name: "f" }, { name: "g" }] }];
    const toolConfig = { functionCallingConfig: { mode, allowedFunctionNames } };
    expect(decode({ tools, toolConfig }).toolChoice).toEqual(choice);
  });
});

describe("generationConfig", () => {
  const config = (generationConfig: object): ChatRequest => decode({ generationConfig });

  test("limits and sampling", () => {
    const given = {
      maxOutputTokens: 9,
      temperature: 1.5,
      topP: 0.5,
      topK: 40,
      stopSequences: ["x"],
      seed: 7,
    };
    expect(config(given)).toMatchObject({ maxTokens: 9, temperature: 1.5, topP: 0.5, topK: 40, stop: ["x"] });
    expect(config(given).extras["google-genai"]).toEqual({ generationConfig: { seed: 7 } });
  });

  test.each([
    [{ thinkingBudget: -1 }, { mode: "adaptive" }, null],
    [{ thinkingBudget: 0 }, { mode: "off" }, null],
    [{ thinkingBudget: 512, includeThoughts: true }, { mode: "budget", budgetTokens: 512 }, null],
    [{ thinkingLevel: "high" }, null, "high"],
    [{ includeThoughts: true }, { mode: "adaptive" }, null],
    [{}, null, null],
  ] as const)("thinking %j", (thinkingConfig, thinking, effort) => {
    expect(config({ thinkingConfig })).toMatchObject({ thinking, effort });
  });

  test("answer formats", () => {
    const json = { responseMimeType: "application/json" };
    expect(config(json).format).toEqual({ type: "json-object" });
    expect(config({ ...json, responseSchema: { type: "STRING" } }).format).toMatchObject({
      type: "json-schema",
      schema: { type: "string" },
    });
    expect(config({ ...json, responseJsonSchema: { type: "number" } }).format).toMatchObject({
      schema: { type: "number" },
    });
    expect(config({ responseMimeType: "text/plain" }).format).toBeNull();
  });
});

describe("what no other format can say is refused by name", () => {
  test.each([
    [{ generationConfig: { candidateCount: 2 } }, "generationConfig.candidateCount"],
    [{ generationConfig: { responseModalities: ["TEXT", "IMAGE"] } }, "generationConfig.responseModalities"],
    [{ generationConfig: { responseMimeType: "text/x.enum" } }, "generationConfig.responseMimeType"],
    [{ cachedContent: "cachedContents/1" }, "cachedContent"],
    [{ tools: [{ codeExecution: {} }] }, "tools"],
    [
      { contents: [{ parts: [{ fileData: { fileUri: "gs://a/b", mimeType: "video/mp4" } }] }] },
      "contents[0].parts[0]",
    ],
    [
      {
        tools: [{ functionDeclarations: [{ name: "f" }, { name: "g" }, { name: "h" }] }],
        toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["f", "g"] } },
      },
      "toolConfig.functionCallingConfig.allowedFunctionNames",
    ],
  ])("%j", (more, param) => {
    const request = decode(more);
    const failure = refuseTranslation(request) ?? refuseUnsupportedContent(request, "openai-chat");
    expect(failure).toMatchObject({ kind: "unsupported", param });
  });

  test("what the answer does not depend on is not", () => {
    expect(
      refuseTranslation(
        decode({
          safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
          labels: { a: "b" },
          generationConfig: { seed: 1, candidateCount: 1, responseModalities: ["TEXT"] },
        }),
      ),
    ).toBeNull();
  });
});

describe("wrong bodies are refused with the field's name", () => {
  test.each([
    [{ contents: [] }, "contents"],
    [{ contents: "hi" }, "contents"],
    [{ contents: [{ role: "system", parts: [] }] }, "contents[0].role"],
    [{ contents: [{ parts: [{ text: 7 }] }] }, "contents[0].parts[0].text"],
    [{ contents: [{ parts: [{ functionCall: {} }] }] }, "contents[0].parts[0].functionCall.name"],
    [
      { contents: [{ parts: [{ inlineData: { mimeType: "image/png", data: "%" } }] }] },
      "contents[0].parts[0].inlineData.data",
    ],
    [{ ...hi, generationConfig: { maxOutputTokens: 0 } }, "generationConfig.maxOutputTokens"],
    [
      { ...hi, generationConfig: { thinkingConfig: { thinkingLevel: "ENORMOUS" } } },
      "generationConfig.thinkingConfig.thinkingLevel",
    ],
    [
      { ...hi, toolConfig: { functionCallingConfig: { mode: "SOMETIMES" } } },
      "toolConfig.functionCallingConfig.mode",
    ],
    [{ ...hi, base_url: "http://x" }, "base_url"],
  ])("%j", (body, param) => {
    expect(failureOf(() => decodeRequest(body))).toMatchObject({ kind: "invalid-request", param });
  });
});

test("a token count takes contents, or a whole request", () => {
  const whole = {
    generateContentRequest: { model: "models/m", ...hi, tools: [{ functionDeclarations: [{ name: "f" }] }] },
  };
  expect(decodeCountRequest(hi).messages).toHaveLength(1);
  expect(decodeCountRequest(whole).tools).toHaveLength(1);
});
