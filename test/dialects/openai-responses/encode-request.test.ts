// What a vendor of this format is asked, by clients of every dialect.

import { describe, expect, test } from "bun:test";
import { type ChatRequest, emptyRequest, type Message } from "../../../src/canon/request.ts";
import type { TargetFacts } from "../../../src/dialects/dialect.ts";
import { anthropicMessages } from "../../../src/dialects/anthropic-messages/dialect.ts";
import { openaiChat } from "../../../src/dialects/openai-chat/dialect.ts";
import { decodeRequest } from "../../../src/dialects/openai-responses/decode-request.ts";
import { encodeRequest } from "../../../src/dialects/openai-responses/encode-request.ts";
import { breachOfResponses } from "../../support/upstream/strict-responses.ts";
import codex from "./requests/codex-tool.json";
import openclaw from "./requests/openclaw-tool.json";

const target: TargetFacts = { model: "up-1", defaultMaxTokens: 100, maxOutput: 10_000 };
const encode = (more: Partial<ChatRequest>): Record<string, unknown> => {
  const body = encodeRequest({ ...emptyRequest, model: "m", ...more }, target);
  expect(breachOfResponses(JSON.parse(JSON.stringify(body)) as Record<string, unknown>)).toBeNull();
  return body;
};
const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] });

describe("a request of this dialect comes out as it went in", () => {
  const wire = (body: object): Record<string, unknown> =>
    JSON.parse(JSON.stringify(encodeRequest(decodeRequest(body), target))) as Record<string, unknown>;

  test("Codex, except for ids of items", () => {
    const out = wire(codex);
    expect(breachOfResponses(out)).toBeNull();
    const { model: _model, input: _input, tools, ...rest } = codex;
    const { model, input, tools: sent, ...others } = out;
    expect(model).toBe("up-1");
    expect(others).toEqual(JSON.parse(JSON.stringify(rest)) as typeof others);
    expect(sent).toBeArrayOfSize(tools.length);
    expect(sent).toEqual(expect.arrayContaining(JSON.parse(JSON.stringify(tools)) as unknown[]));
    expect(input).toMatchObject([
      { role: "developer", content: [{}, {}, {}, {}] },
      { role: "user" },
      { role: "user" },
      { type: "function_call", call_id: "call_fake7776_0", name: "exec_command" },
      { type: "function_call_output", call_id: "call_fake7776_0" },
    ]);
  });

  test("OpenClaw", () => {
    const out = wire(openclaw);
    const { model: _model, ...rest } = out;
    const { model: _theirs, ...sent } = openclaw;
    expect(rest).toEqual(JSON.parse(JSON.stringify(sent)) as typeof rest);
  });

  test("free text, namespaces, encrypted reasoning and items of its own", () => {
    const body = {
      model: "m",
      input: [
        {
          type: "reasoning",
          id: "rs_1",
          summary: [{ type: "summary_text", text: "hm" }],
          encrypted_content: "g",
        },
        { type: "web_search_call", id: "ws_1", status: "completed" },
        {
          type: "message",
          role: "assistant",
          content: [{ type: "output_text", text: "t", annotations: [] }],
          phase: "commentary",
        },
        { type: "custom_tool_call", call_id: "a", name: "apply_patch", input: "*** x" },
        { type: "function_call", call_id: "b", name: "find", namespace: "crm", arguments: "{}" },
        { type: "local_shell_call", call_id: "c", action: {} },
        { type: "custom_tool_call_output", call_id: "a", output: "ok" },
        { type: "function_call_output", call_id: "b", output: [{ type: "input_file", file_id: "f" }] },
        { type: "local_shell_call_output", id: "c", output: "o" },
        { type: "message", role: "user", content: [{ type: "input_file", file_id: "f" }] },
      ],
      tools: [
        {
          type: "namespace",
          name: "crm",
          description: "c",
          tools: [{ type: "function", name: "find", parameters: {}, strict: true }],
        },
        { type: "custom", name: "apply_patch", description: "d", format: { type: "text" } },
        { type: "mcp", server_label: "x" },
        { type: "web_search" },
      ],
      tool_choice: { type: "custom", name: "apply_patch" },
      text: { format: { type: "json_schema", name: "n", description: "d", schema: {} }, verbosity: "low" },
      reasoning: { effort: "low", summary: "detailed" },
      previous_response_id: "resp_0",
      store: true,
      stream: true,
    };
    expect(wire(body)).toEqual({ ...body, model: "up-1" });
  });

  test("marked encrypted reasoning loses its mark, another vendor's signature is left out", () => {
    const item = { type: "reasoning", id: "rs_ours", summary: [] };
    const input = [
      { role: "user", content: "hi" },
      { ...item, encrypted_content: "clawgate.sealed.rs_1:gA=" },
      { ...item, encrypted_content: "clawgate.signature.EqQ=" },
    ];
    expect(wire({ model: "m", input })["input"]).toEqual([
      { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] },
      { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gA=" },
    ]);
  });
});

describe("requests of other dialects", () => {
  test("are never stored, and system texts are instructions", () => {
    expect(
      encode({
        system: [
          { type: "text", text: "a", cache: { ttl: null } },
          { type: "text", text: "b" },
        ],
        messages: [user("hi")],
      }),
    ).toEqual({
      model: "up-1",
      instructions: "a\n\nb",
      input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] }],
      stream: true,
      store: false,
    });
  });

  test("limits are held, stop and top_k are left out", () => {
    const limit = (maxTokens: number) => encode({ messages: [user("x")], maxTokens })["max_output_tokens"];
    expect([limit(1), limit(500), limit(50_000)]).toEqual([16, 500, 10_000]);
    const body = encode({ messages: [user("x")], stop: ["a"], topK: 3, temperature: 0, topP: 1 });
    expect(body).toMatchObject({ temperature: 0, top_p: 1 });
    expect(Object.keys(body)).not.toContain("stop");
  });

  test("thinking is asked for in this API's form", () => {
    const reasoning = (more: Partial<ChatRequest>) => encode({ messages: [user("x")], ...more })["reasoning"];
    expect(reasoning({ effort: "low" })).toEqual({ effort: "low" });
    expect(reasoning({ thinking: { mode: "budget", budgetTokens: 24_576 } })).toEqual({
      effort: "high",
      summary: "auto",
    });
    expect(reasoning({ thinking: { mode: "adaptive" } })).toEqual({ summary: "auto" });
    expect(reasoning({ thinking: { mode: "off" }, effort: "low" })).toBeUndefined();
  });

  test("calls, results, errors, images; another vendor's thinking is left out", () => {
    const long = "x".repeat(80);
    const body = encode({
      messages: [
        user("go"),
        {
          role: "assistant",
          content: [
            { type: "thinking", text: "t", signature: "s" },
            { type: "opaque", dialect: "anthropic-messages", value: { type: "redacted_thinking" } },
            { type: "text", text: "look" },
            { type: "tool-call", id: long, name: "f", input: "" },
            { type: "tool-call", id: "b", name: "f", input: "{}" },
          ],
        },
        {
          role: "user",
          content: [
            { type: "text", text: "both:" },
            { type: "tool-result", callId: long, content: [{ type: "text", text: "no" }], isError: true },
            {
              type: "tool-result",
              callId: "b",
              content: [{ type: "image", source: { kind: "url", url: "https://a.example/b" } }],
              isError: true,
            },
          ],
        },
        { role: "system", content: [{ type: "text", text: "now" }] },
      ],
      tools: [{ name: "f", description: null, schema: {}, extras: { "openai-chat": { strict: true } } }],
      toolChoice: { type: "tool", name: "f" },
      parallelTools: false,
    });
    const calls = (body["input"] as Record<string, unknown>[]).slice(2, 4);
    expect(calls[0]?.["call_id"]).toMatch(/^call_[0-9a-f]{32}$/);
    expect(body).toMatchObject({
      input: [
        {},
        { role: "assistant", content: [{ type: "output_text", text: "look" }] },
        { type: "function_call", arguments: "{}" },
        { type: "function_call", call_id: "b" },
        { type: "function_call_output", call_id: calls[0]?.["call_id"], output: "Error: no" },
        {
          type: "function_call_output",
          call_id: "b",
          output: [
            { type: "input_text", text: "Error:" },
            { type: "input_image", image_url: "https://a.example/b" },
          ],
        },
        { role: "user", content: [{ text: "both:" }] },
        { role: "developer", content: [{ text: "now" }] },
      ],
      tools: [{ type: "function", name: "f", parameters: {}, strict: false }],
      tool_choice: { type: "function", name: "f" },
      parallel_tool_calls: false,
    });
  });

  test("what this API has no place for is refused by name", () => {
    const opaqueTools = [{ dialect: "anthropic-messages", type: "bash_20250124", value: {} }] as const;
    expect(() => encode({ messages: [user("x")], opaqueTools })).toThrow("bash_20250124");
  });
});

describe("Codex before another API", () => {
  const target1: TargetFacts = { model: "m", defaultMaxTokens: 4096, maxOutput: null };
  const patched = {
    ...codex,
    input: [
      ...codex.input,
      { type: "custom_tool_call", call_id: "p", name: "apply_patch", input: "*** x" },
      { type: "custom_tool_call_output", call_id: "p", output: "done" },
    ],
  };
  test("chat: a free-text tool is a function of one string, the client's own search is one too, the vendor's is gone", () => {
    const body = openaiChat.backend.encodeRequest(decodeRequest(patched), target1);
    const tools = body["tools"] as { type: string; function: { name: string; parameters: unknown } }[];
    expect(tools.map((tool) => tool.type)).toEqual(tools.map(() => "function"));
    expect(tools.map((tool) => tool.function.name)).toEqual(
      codex.tools.flatMap((tool) => tool.name ?? (tool.type === "tool_search" ? ["tool_search"] : [])),
    );
    expect(body["messages"]).toMatchObject([
      { role: "system" },
      { role: "user" },
      { role: "user" },
      { role: "assistant", tool_calls: [{ function: { name: "exec_command" } }] },
      { role: "tool" },
      {
        role: "assistant",
        tool_calls: [{ id: "p", function: { name: "apply_patch", arguments: '{"input":"*** x"}' } }],
      },
      { role: "tool", tool_call_id: "p", content: "done" },
    ]);
    expect(Object.keys(body)).not.toContain("client_metadata");
  });
  test("messages: the same, and a signature goes back to its maker", () => {
    const thought = {
      type: "reasoning",
      summary: [{ type: "summary_text", text: "hm" }],
      encrypted_content: "clawgate.signature.EqQ=",
    };
    const input = [...codex.input.slice(0, 4), thought, ...codex.input.slice(4)];
    const body = anthropicMessages.backend.encodeRequest(decodeRequest({ ...codex, input }), target1);
    expect(JSON.stringify(body["messages"])).toContain('"signature":"EqQ="');
    expect(body["messages"]).toMatchObject([
      { role: "user" },
      { role: "assistant", content: [{ type: "thinking", thinking: "hm" }, { type: "tool_use" }] },
      { role: "user", content: [{ type: "tool_result" }] },
    ]);
  });
});
