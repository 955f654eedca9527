// The client's request, field by field: what it becomes, and the param that a wrong one names.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Failure } from "../../../src/canon/failure.ts";
import type { Block, ChatRequest } from "../../../src/canon/request.ts";
import {
  decodeCountRequest,
  encodeTokenCount,
} from "../../../src/dialects/anthropic-messages/count-tokens.ts";
import { decodeRequest } from "../../../src/dialects/anthropic-messages/decode-request.ts";
import { refuseTranslation } from "../../../src/dialects/anthropic-messages/refuse-translation.ts";

const base = { model: "m", max_tokens: 100, messages: [{ role: "user", content: "hi" }] };
const decode = (members: object): ChatRequest => decodeRequest({ ...base, ...members });
const userBlock = (block: unknown): Block | undefined =>
  decode({ messages: [{ role: "user", content: [block] }] }).messages[0]?.content[0];
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

describe("content blocks", () => {
  const opaque = (value: object): object => ({ type: "opaque", dialect: "anthropic-messages", value });
  const file = { type: "image", source: { type: "file", file_id: "f" } };
  const document = {
    type: "document",
    source: { type: "url", url: "u" },
    cache_control: { type: "ephemeral" },
  };
  const table: [string, unknown, object][] = [
    ["text", { type: "text", text: "a", cache_control: null }, { type: "text", text: "a" }],
    ["input_text", { type: "input_text", text: "a" }, { type: "text", text: "a" }],
    [
      "text with citations",
      { type: "text", text: "a", citations: [1] },
      { type: "text", text: "a", ...own({ citations: [1] }) },
    ],
    [
      "a mark with a scope",
      { type: "text", text: "a", cache_control: { type: "ephemeral", scope: "global" } },
      {
        type: "text",
        text: "a",
        cache: { ttl: null },
        ...own({ cache_control: { type: "ephemeral", scope: "global" } }),
      },
    ],
    [
      "inline image",
      { type: "image", source: { type: "base64", media_type: "image/png", data: "iV\nBO" } },
      { type: "image", source: { kind: "base64", mediaType: "image/png", data: "iVBO" } },
    ],
    [
      "image by URL",
      { type: "image", source: { type: "url", url: "http://169.254.169.254/" } },
      { type: "image", source: { kind: "url", url: "http://169.254.169.254/" } },
    ],
    ["image by file", file, opaque(file)],
    ["document", document, opaque(document)],
    [
      "redacted thinking",
      { type: "redacted_thinking", data: "x" },
      opaque({ type: "redacted_thinking", data: "x" }),
    ],
    ["server tool", { type: "server_tool_use", id: "s" }, opaque({ type: "server_tool_use", id: "s" })],
    [
      "thinking",
      { type: "thinking", thinking: "t", signature: "s" },
      { type: "thinking", text: "t", signature: "s" },
    ],
    [
      "unsigned thinking",
      { type: "thinking", thinking: "t", signature: "" },
      { type: "thinking", text: "t", signature: null },
    ],
    [
      "tool use",
      { type: "tool_use", id: "i", name: "n", input: { a: [1] } },
      { type: "tool-call", id: "i", name: "n", input: '{"a":[1]}' },
    ],
    [
      "result as a string",
      { type: "tool_result", tool_use_id: "i", content: "ok", is_error: true },
      { type: "tool-result", callId: "i", isError: true, content: [{ type: "text", text: "ok" }] },
    ],
    [
      "result said to be good",
      { type: "tool_result", tool_use_id: "i", is_error: false },
      { type: "tool-result", callId: "i", isError: false, content: [], ...own({ is_error: false }) },
    ],
    [
      "result with an image",
      {
        type: "tool_result",
        tool_use_id: "i",
        content: [
          { type: "image", source: { type: "base64", media_type: "image/png", data: "AA" } },
          { type: "search_result" },
        ],
      },
      {
        type: "tool-result",
        callId: "i",
        isError: false,
        content: [
          { type: "image", source: { kind: "base64", mediaType: "image/png", data: "AA" } },
          opaque({ type: "search_result" }),
        ],
      },
    ],
  ];
  for (const [name, block, expected] of table)
    test(name, () => {
      expect(userBlock(block)).toEqual(expected as Block);
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

describe("count_tokens", () => {
  test("needs no max_tokens", () => {
    const { max_tokens: _, ...body } = base;
    expect(decodeCountRequest(body)).toMatchObject({ model: "m", maxTokens: null });
    expect(caught(() => decodeCountRequest({ ...body, messages: [] })).param).toBe("messages");
    expect(encodeTokenCount(7)).toEqual({ input_tokens: 7 });
  });
});

describe("fuzz", () => {
  const rules = (run: () => unknown): void => {
    try {
      run();
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(Failure);
      expect((thrown as Failure).kind).toBe("invalid-request");
      expect((thrown as Failure).param).not.toBeNull();
    }
  };
  test("any JSON: a request or an invalid-request that names its field", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => rules(() => decodeRequest(body))),
      { numRuns: 500 },
    );
  });
  test("a good request with anything anywhere", () => {
    const rich = {
      ...base,
      system: [{ type: "text", text: "s", cache_control: { type: "ephemeral", ttl: "5m" } }],
      tools: [
        { name: "f", description: "d", input_schema: { type: "object" } },
        { type: "bash_20250124", name: "bash" },
      ],
      tool_choice: { type: "tool", name: "f", disable_parallel_tool_use: true },
      thinking: { type: "enabled", budget_tokens: 1024 },
      output_config: { effort: "low", format: { type: "json_schema", schema: {} } },
      metadata: { user_id: "u" },
      stop_sequences: ["a"],
      temperature: 1,
      messages: [
        {
          role: "user",
          content: [{ type: "image", source: { type: "base64", media_type: "m", data: "d" } }],
        },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "t", signature: "s" },
            { type: "tool_use", id: "i", name: "f", input: {} },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "i", content: [{ type: "text", text: "x" }], is_error: true },
          ],
        },
      ],
    };
    const paths: (string | number)[][] = [];
    const walk = (value: unknown, path: (string | number)[]): void => {
      paths.push(path);
      if (typeof value === "object" && value !== null)
        for (const [key, child] of Object.entries(value))
          walk(child, [...path, Array.isArray(value) ? Number(key) : key]);
    };
    walk(rich, []);
    const put = (value: unknown, path: readonly (string | number)[], wild: unknown): unknown => {
      const [key, ...rest] = path;
      if (key === undefined) return wild;
      if (Array.isArray(value))
        return value.map((each: unknown, at) => (at === key ? put(each, rest, wild) : each));
      const record = value as Record<string, unknown>;
      return { ...record, [key]: put(record[key], rest, wild) };
    };
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, wild) =>
        rules(() => decodeRequest(put(rich, path, wild))),
      ),
      { numRuns: 2000 },
    );
  });
});

describe("what no other format can say", () => {
  const inMessage = (content: unknown): object => ({
    messages: [
      { role: "user", content: "a" },
      { role: "user", content },
    ],
  });
  const table: [string, object, string][] = [
    [
      "messages[1].content[1]",
      inMessage([
        { type: "text", text: "a" },
        { type: "document", source: {} },
      ]),
      "document",
    ],
    [
      "messages[1].content[0].content[0]",
      inMessage([{ type: "tool_result", tool_use_id: "a", content: [{ type: "search_result" }] }]),
      "search_result",
    ],
    [
      "messages[1].content[0]",
      inMessage([{ type: "image", source: { type: "file", file_id: "f" } }]),
      "image",
    ],
    ["tools", { tools: [{ type: "web_search_20250305", name: "web_search" }] }, "web_search_20250305"],
    ["container", { container: "c" }, "container"],
    ["mcp_servers", { mcp_servers: [{ url: "u" }] }, "mcp_servers"],
  ];
  for (const [param, members, word] of table)
    test(param, () => {
      const failure = refuseTranslation(decode(members));
      expect(failure).toMatchObject({ kind: "unsupported", param });
      expect(failure?.message).toContain(word);
    });
  test("droppable things pass", () => {
    const request = decode({
      context_management: { edits: [] },
      metadata: { user_id: "u" },
      mcp_servers: [],
      container: null,
      service_tier: "auto",
      ...inMessage([
        { type: "redacted_thinking", data: "x" },
        { type: "text", text: "a", cache_control: { type: "ephemeral" } },
      ]),
    });
    expect(refuseTranslation(request)).toBeNull();
  });
});
