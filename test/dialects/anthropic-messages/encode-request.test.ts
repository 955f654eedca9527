// Canonical requests as Anthropic bodies: real requests come back whole, foreign ones are bent to the API's rules.

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { type Block, type ChatRequest, emptyRequest, type Message } from "../../../src/canon/request.ts";
import { decodeRequest } from "../../../src/dialects/anthropic-messages/decode-request.ts";
import { encodeRequest } from "../../../src/dialects/anthropic-messages/encode-request.ts";
import { messagesRequestSchema } from "../../../src/dialects/anthropic-messages/schema.ts";

type Members = Record<string, unknown>;
type Wire = { role: string; content: Members[] };

const target = { model: "claude-x", defaultMaxTokens: 4096, maxOutput: 64_000 };
const foreign = (members: Partial<ChatRequest>, facts = target): Members =>
  encodeRequest({ ...emptyRequest, messages: [user("hi")], ...members }, facts);
const text = (value: string): Block => ({ type: "text", text: value });
const user = (...content: (string | Block)[]): Message => message("user", content);
const assistant = (...content: (string | Block)[]): Message => message("assistant", content);
const message = (role: Message["role"], content: readonly (string | Block)[]): Message => ({
  role,
  content: content.map((each) => (typeof each === "string" ? text(each) : each)),
});
const call = (id: string, input = "{}"): Block => ({ type: "tool-call", id, name: "f", input });
const result = (callId: string, says = "ok"): Block => ({
  type: "tool-result",
  callId,
  content: says === "" ? [] : [{ type: "text", text: says }],
  isError: false,
});
const messagesOf = (body: Members): Wire[] => body["messages"] as Wire[];
describe("real requests come back whole", () => {
  const folder = new URL("./requests/", import.meta.url);
  const blocks = (content: unknown): unknown =>
    typeof content === "string" ? [{ type: "text", text: content }] : content;
  /** String contents as blocks and neighbours of one role joined: the API reads both forms alike. */
  const normal = (body: Members): Members => {
    const messages: Wire[] = [];
    for (const each of body["messages"] as Wire[]) {
      const content = (blocks(each.content) as Members[]).map((block) =>
        block["type"] === "tool_result" ? { ...block, content: blocks(block["content"]) } : block,
      );
      const last = messages.at(-1);
      if (last?.role === each.role) last.content.push(...content);
      else messages.push({ ...each, content });
    }
    return { ...body, model: target.model, system: blocks(body["system"]), messages };
  };
  for (const file of readdirSync(folder))
    test(file, () => {
      const body = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Members;
      expect(messagesRequestSchema.safeParse(body).success).toBe(true);
      expect(encodeRequest(decodeRequest(body), target)).toEqual(normal(body));
    });
  test("every member that this dialect knows", () => {
    const body: Members = {
      model: "claude-x",
      max_tokens: 2000,
      stream: true,
      messages: [
        {
          role: "user",
          content: [
            { type: "document", source: { type: "url", url: "u" } },
            { type: "text", text: "a", citations: [] },
          ],
          note: 1,
        },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "t", signature: "s" },
            { type: "redacted_thinking", data: "d" },
            {
              type: "tool_use",
              id: "toolu_1",
              name: "f",
              input: { a: 1 },
              cache_control: { type: "ephemeral", ttl: "1h" },
            },
          ],
        },
        {
          role: "user",
          content: [
            {
              type: "tool_result",
              tool_use_id: "toolu_1",
              content: [{ type: "image", source: { type: "base64", media_type: "image/png", data: "AA" } }],
              is_error: true,
            },
          ],
        },
        { role: "system", content: [{ type: "text", text: "now" }] },
        { role: "user", content: [{ type: "text", text: "b" }] },
      ],
      system: [{ type: "text", text: "s", cache_control: { type: "ephemeral", scope: "global" } }],
      tools: [
        {
          name: "f",
          description: "d",
          input_schema: { type: "object" },
          eager_input_streaming: true,
          strict: true,
        },
        { type: "web_search_20250305", name: "web_search", max_uses: 2 },
      ],
      tool_choice: { type: "auto", disable_parallel_tool_use: false },
      thinking: { type: "enabled", budget_tokens: 1024, display: "omitted" },
      output_config: { effort: "max", format: { type: "json_schema", schema: { type: "object" } }, later: 1 },
      stop_sequences: ["x"],
      metadata: { user_id: "u", more: true },
      context_management: { edits: [] },
      container: { id: "c" },
      mcp_servers: [{ type: "url", url: "u" }],
      service_tier: "auto",
      speed: "fast",
      cache_control: { type: "ephemeral" },
    };
    expect(encodeRequest(decodeRequest(body), target)).toEqual(body);
  });
  test("the older beta's output_format goes back as it came", () => {
    const body = {
      model: "claude-x",
      max_tokens: 5,
      stream: true,
      messages: [{ role: "user", content: [{ type: "text", text: "a" }] }],
      output_format: { type: "json_schema", schema: {} },
    };
    expect(encodeRequest(decodeRequest(body), target)).toEqual(body);
  });
});

describe("members of foreign requests", () => {
  const tool = { name: "f", description: null, schema: { type: "object" } };
  const wireTool = { name: "f", input_schema: { type: "object" } };
  const table: [string, Partial<ChatRequest>, Members][] = [
    ["no limit: the default", {}, { max_tokens: 4096 }],
    ["a limit", { maxTokens: 10 }, { max_tokens: 10 }],
    ["a limit above the model's ceiling", { maxTokens: 1_000_000 }, { max_tokens: 64_000 }],
    ["always a stream", { stream: false }, { stream: true, model: "claude-x" }],
    ["tools", { tools: [tool] }, { tools: [wireTool], tool_choice: undefined }],
    [
      "a tool without parameters",
      { tools: [{ ...tool, schema: null }] },
      { tools: [{ name: "f", input_schema: { type: "object", properties: {} } }] },
    ],
    [
      "a schema without type",
      { tools: [{ ...tool, schema: { properties: {} } }] },
      { tools: [{ name: "f", input_schema: { type: "object", properties: {} } }] },
    ],
    [
      "choice none",
      { tools: [tool], toolChoice: { type: "none" }, parallelTools: false },
      { tool_choice: { type: "none" } },
    ],
    [
      "choice required",
      { tools: [tool], toolChoice: { type: "required" } },
      { tool_choice: { type: "any" } },
    ],
    [
      "choice of one tool",
      { tools: [tool], toolChoice: { type: "tool", name: "f" } },
      { tool_choice: { type: "tool", name: "f" } },
    ],
    [
      "one call at a time needs a choice",
      { tools: [tool], parallelTools: false },
      { tool_choice: { type: "auto", disable_parallel_tool_use: true } },
    ],
    [
      "a choice without tools",
      { toolChoice: { type: "required" } },
      { tools: undefined, tool_choice: undefined },
    ],
    [
      "tools of the history",
      { messages: [user("a"), assistant(call("x")), user(result("x"))] },
      {
        tools: [{ name: "f", input_schema: { type: "object", properties: {} } }],
        tool_choice: { type: "none" },
      },
    ],
    ["temperature above 1", { temperature: 1.7 }, { temperature: 1 }],
    [
      "temperature and top_p",
      { temperature: 0.2, topP: 0.5, topK: 3 },
      { temperature: 0.2, top_p: 0.5, top_k: 3 },
    ],
    ["stop", { stop: ["a", " ", "\n", ""] }, { stop_sequences: ["a"] }],
    ["blank stops only", { stop: ["\n"] }, { stop_sequences: undefined }],
    ["user", { user: "u" }, { metadata: { user_id: "u" } }],
    ["a user that is too long", { user: "u".repeat(257) }, { metadata: undefined }],
    [
      "json schema",
      { format: { type: "json-schema", name: "n", schema: { type: "object" }, strict: true } },
      { output_config: { format: { type: "json_schema", schema: { type: "object" } } } },
    ],
    [
      "json object",
      { format: { type: "json-object" } },
      {
        system: [{ type: "text", text: expect.stringContaining("single JSON object") as unknown }],
        output_config: undefined,
      },
    ],
    [
      "another dialect's extras are not read",
      { extras: { "openai-chat": { seed: 1 } } },
      { seed: undefined },
    ],
    [
      "effort",
      { effort: "low" },
      { thinking: { type: "enabled", budget_tokens: 4096 }, max_tokens: 8192, output_config: undefined },
    ],
    ["effort none", { effort: "none" }, { thinking: undefined, max_tokens: 4096 }],
    [
      "minimal effort",
      { effort: "minimal", maxTokens: 2000 },
      { thinking: { type: "enabled", budget_tokens: 1024 }, max_tokens: 2000 },
    ],
    [
      "effort beside a small limit",
      { effort: "high", maxTokens: 500 },
      { thinking: { type: "enabled", budget_tokens: 24_576 }, max_tokens: 25_076 },
    ],
    [
      "a small budget",
      { thinking: { mode: "budget", budgetTokens: 5 }, maxTokens: 9000 },
      { thinking: { type: "enabled", budget_tokens: 1024 }, max_tokens: 9000 },
    ],
    [
      "adaptive elsewhere",
      { thinking: { mode: "adaptive" }, maxTokens: 20_000 },
      { thinking: { type: "enabled", budget_tokens: 10_240 } },
    ],
    ["thinking off", { thinking: { mode: "off" }, effort: "high" }, { thinking: undefined }],
    [
      "a forced tool excludes thinking",
      { effort: "high", tools: [tool], toolChoice: { type: "required" } },
      { thinking: undefined, tool_choice: { type: "any" } },
    ],
    [
      "thinking excludes sampling",
      { effort: "low", temperature: 0.5, topP: 0.5, topK: 4 },
      { temperature: undefined, top_p: undefined, top_k: undefined },
    ],
    [
      "but for what it allows",
      { effort: "low", temperature: 1, topP: 0.95 },
      { temperature: 1, top_p: 0.95 },
    ],
    [
      "a prefill excludes a budget",
      { effort: "low", messages: [user("a"), assistant("b")] },
      { thinking: undefined },
    ],
    [
      "a running tool turn without its thinking excludes a budget",
      { effort: "low", messages: [user("a"), assistant(call("x")), user(result("x"))] },
      { thinking: undefined, max_tokens: 4096 },
    ],
  ];
  for (const [name, members, expected] of table)
    test(name, () => {
      const body = foreign(members);
      for (const [key, value] of Object.entries(expected)) expect(body[key]).toEqual(value);
    });
  test("a budget stays below a low ceiling, or thinking goes", () => {
    expect(foreign({ effort: "high", maxTokens: 500 }, { ...target, maxOutput: 8192 })).toMatchObject({
      max_tokens: 8192,
      thinking: { type: "enabled", budget_tokens: 7692 },
    });
    expect(foreign({ effort: "high" }, { ...target, maxOutput: 1024 })["thinking"]).toBeUndefined();
  });
  test("unsigned thinking is dropped, signed thinking stays while thinking is on", () => {
    const messages = [
      user("a"),
      assistant(
        { type: "thinking", text: "t", signature: null },
        { type: "thinking", text: "t", signature: "s" },
        "b",
      ),
      user("c"),
    ];
    const kept = (effort: ChatRequest["effort"]): unknown[] =>
      messagesOf(foreign({ messages, effort }))[1]?.content.map((block) => block["type"]) ?? [];
    expect(kept(null)).toEqual(["text"]);
    expect(kept("low")).toEqual(["thinking", "text"]);
  });
  test("of six cache marks the last four stay, and the client's blocks are not touched", () => {
    const cache = { ttl: null };
    const document = { type: "document", cache_control: { type: "ephemeral" } };
    const body = foreign({
      tools: [{ ...tool, cache }],
      system: [
        { type: "text", text: "s", cache },
        { type: "opaque", dialect: "anthropic-messages", value: document },
      ],
      messages: [
        user({ type: "text", text: "a", cache }),
        assistant(call("x")),
        user({
          type: "tool-result",
          callId: "x",
          isError: false,
          content: [{ type: "text", text: "r", cache }],
          cache: { ttl: "1h" },
        }),
      ],
    });
    expect(body["tools"]).toEqual([wireTool]);
    expect(body["system"]).toEqual([{ type: "text", text: "s" }, document]);
    expect(JSON.stringify(body).split("cache_control").length - 1).toBe(4);
    expect(document.cache_control).toEqual({ type: "ephemeral" });
  });
});

describe("own requests are corrected only where the API would refuse them", () => {
  const own = (members: Members, facts = target): Members =>
    encodeRequest(
      decodeRequest({ model: "m", max_tokens: 8000, messages: [{ role: "user", content: "a" }], ...members }),
      facts,
    );
  test("a budget is cut with its limit, or goes", () => {
    const thinking = { type: "enabled", budget_tokens: 6000 };
    expect(own({ thinking })).toMatchObject({ thinking, max_tokens: 8000 });
    expect(own({ thinking }, { ...target, maxOutput: 4000 })).toMatchObject({
      thinking: { budget_tokens: 3999 },
      max_tokens: 4000,
    });
    expect(own({ thinking }, { ...target, maxOutput: 1000 })["thinking"]).toBeUndefined();
  });
  test("effort words that only others know", () => {
    expect(own({ output_config: { effort: "minimal" } })["output_config"]).toEqual({ effort: "low" });
    expect(own({ output_config: { effort: "none" } })["thinking"]).toEqual({ type: "disabled" });
  });
  test("a forced tool drops thinking", () => {
    const body = own({
      thinking: { type: "adaptive" },
      tools: [{ name: "f", input_schema: {} }],
      tool_choice: { type: "any" },
    });
    expect(body["thinking"]).toBeUndefined();
    expect(body["tool_choice"]).toEqual({ type: "any" });
  });
});
