// The same conversation as clients of the four formats write it, for tests in which it leaves its own format.
// It must never judge an answer.

import type { DialectName } from "../../src/canon/request.ts";
import { signatureOf } from "../support/upstream/plan.ts";

export type Json = Record<string, unknown>;

export const backends: Readonly<Record<DialectName, string>> = {
  "openai-chat": "openai-compat",
  "anthropic-messages": "anthropic",
  "openai-responses": "openai-responses",
  "google-genai": "google-genai",
};
export const names = Object.keys(backends) as DialectName[];

export const thought = "The weather tool knows.";
export const seal = signatureOf(thought);
/** Some vendors of the chat format make such ids; the other formats' APIs refuse the dot. */
export const oddId = "call.1";
const png =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const question = "Weather in Rome? [[then:Sunny.### Bye]]";
const description = "The weather of a city";

/** The same conversation as clients of the four formats write it: a thought, a call, a result with a picture. */
export const bodies: Readonly<Record<DialectName, Json>> = {
  "anthropic-messages": {
    max_tokens: 8_000,
    system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
    thinking: { type: "enabled", budget_tokens: 2_048 },
    stop_sequences: ["###"],
    tools: [{ name: "weather", description, input_schema: parameters }],
    messages: [
      { role: "user", content: question },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: thought, signature: seal },
          { type: "tool_use", id: "toolu_01", name: "weather", input: { city: "Rome" } },
        ],
      },
      {
        role: "user",
        content: [
          {
            type: "tool_result",
            tool_use_id: "toolu_01",
            content: [
              { type: "text", text: "see" },
              { type: "image", source: { type: "base64", media_type: "image/png", data: png } },
            ],
          },
        ],
      },
    ],
  },
  "openai-chat": {
    max_tokens: 8_000,
    reasoning_effort: "low",
    stop: ["###"],
    seed: 7,
    tools: [{ type: "function", function: { name: "weather", description, parameters } }],
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: question },
      {
        role: "assistant",
        content: null,
        reasoning_content: thought,
        tool_calls: [
          { id: oddId, type: "function", function: { name: "weather", arguments: '{"city":"Rome"}' } },
        ],
      },
      { role: "tool", tool_call_id: oddId, content: "see" },
    ],
  },
  "openai-responses": {
    store: false,
    max_output_tokens: 8_000,
    instructions: "Be brief.",
    reasoning: { effort: "low", summary: "auto" },
    include: ["reasoning.encrypted_content"],
    tools: [
      { type: "function", name: "weather", description, parameters, strict: false },
      { type: "web_search" },
    ],
    input: [
      { type: "message", role: "user", content: [{ type: "input_text", text: question }] },
      {
        type: "reasoning",
        id: "rs_1",
        summary: [{ type: "summary_text", text: thought }],
        encrypted_content: seal,
      },
      { type: "function_call", call_id: "call_1", name: "weather", arguments: '{"city":"Rome"}' },
      {
        type: "function_call_output",
        call_id: "call_1",
        output: [
          { type: "input_text", text: "see" },
          { type: "input_image", image_url: `data:image/png;base64,${png}`, detail: "auto" },
        ],
      },
    ],
  },
  "google-genai": {
    systemInstruction: { parts: [{ text: "Be brief." }] },
    generationConfig: {
      maxOutputTokens: 8_000,
      topK: 5,
      stopSequences: ["###"],
      thinkingConfig: { includeThoughts: true, thinkingBudget: 2_048 },
    },
    tools: [{ functionDeclarations: [{ name: "weather", description, parametersJsonSchema: parameters }] }],
    contents: [
      { role: "user", parts: [{ text: question }] },
      {
        role: "model",
        parts: [
          { text: thought, thought: true },
          {
            functionCall: { id: "fc1", name: "weather", args: { city: "Rome" } },
            thoughtSignature: signatureOf("weather"),
          },
        ],
      },
      {
        role: "user",
        parts: [
          {
            functionResponse: {
              id: "fc1",
              name: "weather",
              response: { output: "see" },
              parts: [{ inlineData: { mimeType: "image/png", data: png } }],
            },
          },
        ],
      },
    ],
  },
};

export const pathOf = (door: DialectName, model: string, stream: boolean): string => {
  switch (door) {
    case "anthropic-messages":
      return "/v1/messages";
    case "openai-chat":
      return "/v1/chat/completions";
    case "openai-responses":
      return "/v1/responses";
    case "google-genai":
      return `/v1beta/models/${model}:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`;
  }
};
