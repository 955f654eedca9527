// What clients send and what becomes of it.

import { describe, expect, test } from "bun:test";
import { emptyRequest, type ChatRequest } from "../../../src/canon/request.ts";
import { openaiChat } from "../../../src/dialects/openai-chat/dialect.ts";

const { decodeRequest, refuseTranslation } = openaiChat.client;
const hi = { role: "user", content: "hi" };
const tool = { type: "function", function: { name: "f", parameters: { type: "object" } } };
const decode = (change: object): ChatRequest => decodeRequest({ model: "m", messages: [hi], ...change });
const said = (...messages: object[]): ChatRequest => decode({ messages });

describe("messages", () => {
  test("leading system and developer messages are the system, a later one stays in its place", () => {
    const request = said(
      { role: "system", content: "a" },
      { role: "developer", content: [{ type: "text", text: "b" }] },
      hi,
      { role: "system", content: "c" },
      hi,
    );
    expect(request.system).toEqual([
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ]);
    expect(request.messages.map((each) => each.role)).toEqual(["user", "system", "user"]);
  });

  test("users in a row stay separate messages", () => {
    expect(said(hi, { role: "user", content: [{ type: "input_text", text: "context" }] }).messages).toEqual([
      { role: "user", content: [{ type: "text", text: "hi" }] },
      { role: "user", content: [{ type: "text", text: "context" }] },
    ]);
  });

  test("tool messages in a row share one user message", () => {
    const calls = ["a", "b"].map((id) => ({
      id,
      type: "function",
      function: { name: "f", arguments: "{}" },
    }));
    const request = said(
      hi,
      { role: "assistant", content: null, tool_calls: calls },
      { role: "tool", tool_call_id: "a", content: "1" },
      {
        role: "tool",
        tool_call_id: "b",
        content: [
          { type: "text", text: "2" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
        ],
      },
      hi,
    );
    expect(request.messages.slice(1)).toEqual([
      {
        role: "assistant",
        content: [
          { type: "tool-call", id: "a", name: "f", input: "{}" },
          { type: "tool-call", id: "b", name: "f", input: "{}" },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool-result", callId: "a", content: [{ type: "text", text: "1" }], isError: false },
          {
            type: "tool-result",
            callId: "b",
            content: [
              { type: "text", text: "2" },
              { type: "image", source: { kind: "base64", mediaType: "image/png", data: "AA==" } },
            ],
            isError: false,
          },
        ],
      },
      { role: "user", content: [{ type: "text", text: "hi" }] },
    ]);
  });

  test("an assistant's thinking, refusals and calls are read; the SDK's null members are ignored", () => {
    const request = said(hi, {
      role: "assistant",
      content: [
        { type: "text", text: "a" },
        { type: "refusal", refusal: "no" },
      ],
      reasoning_content: "hm",
      refusal: null,
      annotations: [],
      parsed: null,
      audio: null,
      function_call: null,
      tool_calls: null,
      name: "bob",
    });
    expect(request.messages[1]).toEqual({
      role: "assistant",
      content: [
        {
          type: "thinking",
          text: "hm",
          signature: null,
          extras: { "openai-chat": { field: "reasoning_content" } },
        },
        { type: "text", text: "a" },
        { type: "text", text: "no" },
      ],
      extras: { "openai-chat": { name: "bob" } },
    });
  });

  test("an answer that was only a refusal keeps its text", () => {
    expect(said(hi, { role: "assistant", content: null, refusal: "I cannot." }).messages[1]?.content).toEqual(
      [{ type: "text", text: "I cannot." }],
    );
  });

  test("images: data and http(s), with detail", () => {
    const image = (image_url: unknown): unknown =>
      said({ role: "user", content: [{ type: "image_url", image_url }] }).messages[0]?.content[0];
    expect(image({ url: "data:image/PNG;base64,iVBO Rw0=\n", detail: "low" })).toEqual({
      type: "image",
      source: { kind: "base64", mediaType: "image/png", data: "iVBORw0=" },
      extras: { "openai-chat": { detail: "low" } },
    });
    expect(image("https://a.example/b.png")).toEqual({
      type: "image",
      source: { kind: "url", url: "https://a.example/b.png" },
    });
  });
});

describe("settings", () => {
  test("everything absent or null is the empty request", () => {
    const empty = {
      ...emptyRequest,
      model: "m",
      wantsUsage: false,
      messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
    };
    const nulls = [
      "tools",
      "tool_choice",
      "parallel_tool_calls",
      "max_tokens",
      "max_completion_tokens",
      "temperature",
      "top_p",
      "stop",
      "stream",
      "stream_options",
      "reasoning_effort",
      "response_format",
      "user",
      "n",
      "functions",
      "function_call",
      "seed",
      "logprobs",
      "audio",
    ];
    expect(decode({}) as unknown).toEqual(empty);
    expect(decode(Object.fromEntries(nulls.map((key) => [key, null]))) as unknown).toEqual(empty);
  });

  test("max_completion_tokens beats max_tokens", () => {
    expect(decode({ max_tokens: 5 }).maxTokens).toBe(5);
    expect(decode({ max_tokens: 5, max_completion_tokens: 7 }).maxTokens).toBe(7);
  });

  test("tools, choice and parallel calls", () => {
    const request = decode({
      tools: [{ type: "function", function: { name: "f", description: "d", strict: false } }, tool],
      tool_choice: { type: "function", function: { name: "f" } },
      parallel_tool_calls: false,
    });
    expect(request.tools[0]).toEqual({
      name: "f",
      description: "d",
      schema: { type: "object", properties: {} },
      extras: { "openai-chat": { strict: false } },
    });
    expect([request.toolChoice, request.parallelTools]).toEqual([{ type: "tool", name: "f" }, false]);
    for (const choice of ["none", "auto", "required"] as const)
      expect(decode({ tools: [tool], tool_choice: choice }).toolChoice).toEqual({ type: choice });
  });

  test("stop: one or many, empty ones dropped", () => {
    expect(decode({ stop: "x" }).stop).toEqual(["x"]);
    expect(decode({ stop: "" }).stop).toEqual([]);
    expect(decode({ stop: ["a", "", "b", "c", "d", "e"] }).stop).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("response formats", () => {
    expect(decode({ response_format: { type: "text" } }).format).toBeNull();
    expect(decode({ response_format: { type: "json_object" } }).format).toEqual({ type: "json-object" });
    expect(
      decode({
        response_format: { type: "json_schema", json_schema: { name: "n", schema: { a: 1 }, strict: true } },
      }).format,
    ).toEqual({ type: "json-schema", name: "n", schema: { a: 1 }, strict: true });
  });

  test("stream, usage, effort, user", () => {
    expect(
      decode({ stream: true, stream_options: { include_usage: true }, reasoning_effort: "xhigh", user: "u" }),
    ).toMatchObject({ stream: true, wantsUsage: true, effort: "xhigh", user: "u" });
    expect(decode({ safety_identifier: "s" }).user).toBe("s");
  });

  test("what has no canonical home travels in this dialect's extras only", () => {
    const rest = {
      prompt_cache_key: "k",
      seed: 1,
      store: false,
      metadata: { a: "b" },
      logit_bias: {},
      n: 1,
      "🦞": [1],
    };
    expect(decode(rest).extras).toEqual({ "openai-chat": rest });
  });

  test("keys that attack prototypes stay harmless", () => {
    const body: unknown = JSON.parse(
      '{"model":"m","messages":[{"role":"user","content":"hi","__proto__":{"polluted":1}}],"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    );
    const request = decodeRequest(body);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect((request.extras["openai-chat"] ?? {}).polluted).toBeUndefined();
  });
});

describe("what only this format can say", () => {
  test.each([
    ["n", { n: 2 }],
    ["logprobs", { logprobs: true }],
    ["modalities", { modalities: ["text", "audio"] }],
    ["audio", { audio: { voice: "alloy" } }],
  ])("%s is refused for other formats", (param, change) => {
    expect(refuseTranslation(decode(change))).toMatchObject({ kind: "unsupported", param });
  });

  test("harmless values are not refused", () => {
    expect(refuseTranslation(decode({ n: 1, logprobs: false, modalities: ["text"], seed: 5 }))).toBeNull();
    expect(refuseTranslation(emptyRequest)).toBeNull();
  });
});
