// The client's request, field by field: what it becomes, and the param that a wrong one names.

import { describe, expect, test } from "bun:test";
import { Failure } from "../../../src/canon/failure.ts";
import type { ChatRequest } from "../../../src/canon/request.ts";
import {
  decodeCountRequest,
  encodeTokenCount,
} from "../../../src/dialects/anthropic-messages/count-tokens.ts";
import { decodeRequest } from "../../../src/dialects/anthropic-messages/decode-request.ts";

const base = { model: "m", max_tokens: 100, messages: [{ role: "user", content: "hi" }] };
const decode = (members: object): ChatRequest => decodeRequest({ ...base, ...members });
const caught = (run: () => unknown): Failure => {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
};
const own = (members: object): object => ({ extras: { "anthropic-messages": members } });

describe("request members", () => {
  const table: [string, object, Partial<ChatRequest>][] = [
    ["system string", { system: "be brief" }, { system: [{ type: "text", text: "be brief" }] }],
    [
      "system blocks",
      { system: [{ type: "text", text: "a", cache_control: { type: "ephemeral", ttl: "1h" } }] },
      { system: [{ type: "text", text: "a", cache: { ttl: "1h" } }] },
    ],
    [
      "tool choice any",
      { tool_choice: { type: "any", disable_parallel_tool_use: true } },
      { toolChoice: { type: "required" }, parallelTools: false },
    ],
    [
      "tool choice tool",
      { tool_choice: { type: "tool", name: "f" } },
      { toolChoice: { type: "tool", name: "f" }, parallelTools: null },
    ],
    ["tool choice none", { tool_choice: { type: "none" } }, { toolChoice: { type: "none" } }],
    [
      "thinking budget",
      { thinking: { type: "enabled", budget_tokens: 2048, display: "omitted" } },
      { thinking: { mode: "budget", budgetTokens: 2048, ...own({ display: "omitted" }) } },
    ],
    [
      "thinking adaptive",
      { thinking: { type: "adaptive", display: "summarized" } },
      { thinking: { mode: "adaptive", ...own({ display: "summarized" }) } },
    ],
    ["thinking off", { thinking: { type: "disabled" } }, { thinking: { mode: "off" } }],
    [
      "thinking of tomorrow",
      { thinking: { type: "between_tools" } },
      { thinking: null, ...own({ thinking: { type: "between_tools" } }) },
    ],
    ["effort", { output_config: { effort: "high" } }, { effort: "high", ...own({}) }],
    [
      "effort of tomorrow",
      { output_config: { effort: "ultra" } },
      { effort: null, ...own({ output_config: { effort: "ultra" } }) },
    ],
    [
      "format",
      { output_config: { format: { type: "json_schema", schema: { type: "object" } } } },
      { format: { type: "json-schema", name: "answer", schema: { type: "object" }, strict: null } },
    ],
    [
      "format of the older beta",
      { output_format: { type: "json_schema", schema: {} } },
      { format: { type: "json-schema", name: "answer", schema: {}, strict: null } },
    ],
    [
      "sampling",
      { temperature: 0, top_p: 1, top_k: 5, stop_sequences: ["x"] },
      { temperature: 0, topP: 1, topK: 5, stop: ["x"] },
    ],
    [
      "nulls are absent",
      { temperature: null, tools: null, system: null, thinking: null, metadata: null, stream: null },
      { temperature: null, tools: [], system: [], thinking: null, user: null, stream: false },
    ],
    ["user", { metadata: { user_id: "u", extra: 1 } }, { user: "u", ...own({ metadata: { extra: 1 } }) }],
    ["stream", { stream: true }, { stream: true, wantsUsage: true }],
    [
      "unknown members",
      { context_management: { edits: [] }, speed: "fast" },
      own({ context_management: { edits: [] }, speed: "fast" }),
    ],
    [
      "ordinary tools",
      {
        tools: [
          {
            type: "custom",
            name: "f",
            description: "d",
            input_schema: { a: 1 },
            strict: true,
            cache_control: { type: "ephemeral" },
          },
        ],
      },
      {
        tools: [
          {
            name: "f",
            description: "d",
            schema: { a: 1 },
            cache: { ttl: null },
            ...own({ type: "custom", strict: true }),
          },
        ],
      },
    ],
    [
      "vendor tools",
      { tools: [{ type: "web_search_20250305", name: "web_search" }] },
      {
        tools: [],
        opaqueTools: [
          {
            dialect: "anthropic-messages",
            type: "web_search_20250305",
            value: { type: "web_search_20250305", name: "web_search" },
          },
        ],
      },
    ],
    [
      "a system message in the middle",
      {
        messages: [
          { role: "user", content: "a" },
          { role: "system", content: "b" },
        ],
      },
      {
        messages: [
          { role: "user", content: [{ type: "text", text: "a" }] },
          { role: "system", content: [{ type: "text", text: "b" }] },
        ],
      },
    ],
  ];
  for (const [name, members, expected] of table)
    test(name, () => {
      expect(decode(members)).toMatchObject(expected);
    });
  test("same roles in a row stay separate", () => {
    const messages = [base.messages[0], base.messages[0], { role: "assistant", content: "" }];
    expect(decode({ messages }).messages.map((each) => each.content.length)).toEqual([1, 1, 0]);
  });
});

describe("refusals name the field", () => {
  const message = (content: unknown): object => ({ messages: [base.messages[0], { role: "user", content }] });
  const tool = { name: "f", input_schema: {} };
  const table: [string, object][] = [
    ["model", { model: "" }],
    ["model", { model: 5 }],
    ["messages", { messages: [] }],
    ["messages", { messages: {} }],
    ["messages[0]", { messages: ["x"] }],
    ["messages[0].role", { messages: [{ role: "tool", content: "x" }] }],
    ["messages[0].content", { messages: [{ role: "user" }] }],
    ["messages[1].content[0]", message([null])],
    ["messages[1].content[0].type", message([{ text: "x" }])],
    ["messages[1].content[0].text", message([{ type: "text" }])],
    ["messages[1].content[0].source", message([{ type: "image" }])],
    ["messages[1].content[0].source.type", message([{ type: "image", source: {} }])],
    [
      "messages[1].content[0].source.data",
      message([{ type: "image", source: { type: "base64", media_type: "a", data: 1 } }]),
    ],
    ["messages[1].content[0].source.url", message([{ type: "image", source: { type: "url" } }])],
    ["messages[1].content[0].tool_use_id", message([{ type: "tool_result" }])],
    ["messages[1].content[0].is_error", message([{ type: "tool_result", tool_use_id: "a", is_error: "no" }])],
    [
      "messages[1].content[0].content[0].text",
      message([{ type: "tool_result", tool_use_id: "a", content: [{ type: "text" }] }]),
    ],
    ["messages[1].content[0].input", message([{ type: "tool_use", id: "a", name: "b", input: "{}" }])],
    ["messages[1].content[0].id", message([{ type: "tool_use", name: "b" }])],
    ["messages[1].content[0].signature", message([{ type: "thinking", thinking: "", signature: 1 }])],
    ["messages[1].content[0].cache_control.type", message([{ type: "text", text: "", cache_control: {} }])],
    [
      "messages[1].content[0].cache_control.ttl",
      message([{ type: "text", text: "", cache_control: { type: "ephemeral", ttl: 5 } }]),
    ],
    ["max_tokens", { max_tokens: undefined }],
    ["max_tokens", { max_tokens: null }],
    ["max_tokens", { max_tokens: 0 }],
    ["max_tokens", { max_tokens: -1 }],
    ["max_tokens", { max_tokens: 1.5 }],
    ["max_tokens", { max_tokens: "5" }],
    ["max_tokens", { max_tokens: 1e300 }],
    ["stream", { stream: "true" }],
    ["system", { system: 5 }],
    ["system[0].type", { system: [{ type: "image", source: { type: "url", url: "u" } }] }],
    ["tools", { tools: {} }],
    ["tools[1]", { tools: [tool, 5] }],
    ["tools[0].name", { tools: [{ input_schema: {} }] }],
    ["tools[0].input_schema", { tools: [{ name: "f" }] }],
    ["tools[0].description", { tools: [{ ...tool, description: 5 }] }],
    ["tools[0].type", { tools: [{ ...tool, type: 5 }] }],
    ["tool_choice", { tool_choice: "auto" }],
    ["tool_choice.type", { tool_choice: { type: "required" } }],
    ["tool_choice.name", { tool_choice: { type: "tool" } }],
    [
      "tool_choice.disable_parallel_tool_use",
      { tool_choice: { type: "auto", disable_parallel_tool_use: 1 } },
    ],
    ["thinking", { thinking: true }],
    ["thinking.type", { thinking: {} }],
    ["thinking.budget_tokens", { thinking: { type: "enabled" } }],
    ["output_config", { output_config: [] }],
    ["output_config.effort", { output_config: { effort: 3 } }],
    ["output_config.format.schema", { output_config: { format: { type: "json_schema" } } }],
    ["temperature", { temperature: 1.1 }],
    ["temperature", { temperature: "0" }],
    ["top_p", { top_p: -0.1 }],
    ["top_k", { top_k: 1.5 }],
    ["stop_sequences", { stop_sequences: "x" }],
    ["stop_sequences[1]", { stop_sequences: ["x", 5] }],
    ["metadata", { metadata: "u" }],
    ["metadata.user_id", { metadata: { user_id: 5 } }],
    ...["api_base", "base_url", "api_key", "headers", "extra_headers", "endpoint", "proxy", "extra_body"].map(
      (key): [string, object] => [key, { [key]: null }],
    ),
  ];
  for (const [param, members] of table)
    test(`${param} in ${JSON.stringify(members).slice(0, 90)}`, () => {
      const failure = caught(() => decode(members));
      expect(failure.kind).toBe("invalid-request");
      expect(failure.param).toBe(param);
      expect(failure.message).toStartWith(`${param}: `);
    });
  test("a body that is no object", () => {
    for (const body of [null, 5, "x", [], undefined])
      expect(caught(() => decodeRequest(body)).param).toBe("body");
  });
});

test("prototype names are data or ignored", () => {
  const body: unknown = JSON.parse(
    '{"model":"m","max_tokens":1,"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"messages":[{"role":"user","content":"x","__proto__":{"polluted":1}}]}',
  );
  const request = decodeRequest(body);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  expect(Object.keys(request.extras["anthropic-messages"] ?? {})).toEqual(["constructor"]);
  expect((request.messages[0]?.extras as Record<string, unknown> | undefined)?.["polluted"]).toBeUndefined();
});

test("what no request can do without is missed first", () => {
  expect(caught(() => decodeRequest({ tools: 5 })).param).toBe("model");
  expect(caught(() => decodeRequest({ tools: 5, model: "m" })).param).toBe("messages");
  expect(caught(() => decodeRequest({ tools: 5, ...base, max_tokens: null })).param).toBe("max_tokens");
  expect(caught(() => decodeCountRequest({ max_tokens: -1, model: "m" })).param).toBe("messages");
  expect(caught(() => decodeRequest({ api_key: "x" })).param).toBe("api_key");
});

describe("count_tokens", () => {
  test("needs no max_tokens", () => {
    const { max_tokens: _, ...body } = base;
    expect(decodeCountRequest(body)).toMatchObject({ model: "m", maxTokens: null });
    expect(caught(() => decodeCountRequest({ ...body, messages: [] })).param).toBe("messages");
    expect(encodeTokenCount(7)).toEqual({ input_tokens: 7 });
  });
});
