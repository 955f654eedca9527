// What vendors of this format are sent.

import { describe, expect, test } from "bun:test";
import { Failure } from "../../../src/canon/failure.ts";
import { type Block, type ChatRequest, emptyRequest, type Message } from "../../../src/canon/request.ts";
import type { TargetFacts } from "../../../src/dialects/dialect.ts";
import { openaiChat } from "../../../src/dialects/openai-chat/dialect.ts";
import bodies from "./client-bodies.json";

const target: TargetFacts = { model: "up", defaultMaxTokens: 4096, maxOutput: null };
const { decodeRequest } = openaiChat.client;
const user: Message = { role: "user", content: [{ type: "text", text: "hi" }] };
const encode = (change: Partial<ChatRequest>, facts: Partial<TargetFacts> = {}): Record<string, unknown> =>
  openaiChat.backend.encodeRequest(
    { ...emptyRequest, model: "m", messages: [user], ...change },
    { ...target, ...facts },
  );
const messagesOf = (...messages: Message[]): unknown[] => encode({ messages }).messages as unknown[];
const assistant = (...content: Block[]): Message => ({ role: "assistant", content });
const users = (...content: Block[]): Message => ({ role: "user", content });
const result = (
  callId: string,
  content: readonly ({ type: "text"; text: string } | Image)[],
  isError = false,
): Block => ({ type: "tool-result", callId, content, isError });
type Image = { type: "image"; source: { kind: "base64"; mediaType: string; data: string } };
const image: Image = { type: "image", source: { kind: "base64", mediaType: "image/png", data: "AA==" } };
const call = (id: string, input = "{}"): Block => ({ type: "tool-call", id, name: "f", input });
const wireImage = { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } };
const opaque = (type: string): Block => ({ type: "opaque", dialect: "anthropic-messages", value: { type } });

function refusal(run: () => unknown): Failure {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  throw new Error("the request was encoded");
}

describe("the body", () => {
  test("always streams with usage, and adds nothing else", () => {
    expect(encode({})).toEqual({
      model: "up",
      messages: [{ role: "user", content: "hi" }],
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test("settings", () => {
    expect(
      encode({
        maxTokens: 100,
        temperature: 0.5,
        topP: 0.9,
        topK: 40,
        stop: ["x"],
        effort: "high",
        parallelTools: false,
        toolChoice: { type: "tool", name: "f" },
        tools: [
          {
            name: "f",
            description: null,
            schema: { type: "object" },
            extras: { "openai-chat": { strict: true } },
          },
        ],
        format: { type: "json-schema", name: "n", schema: {}, strict: null },
        user: "u",
      }),
    ).toMatchObject({
      max_tokens: 100,
      temperature: 0.5,
      top_p: 0.9,
      stop: ["x"],
      reasoning_effort: "high",
      parallel_tool_calls: false,
      tool_choice: { type: "function", function: { name: "f" } },
      tools: [{ type: "function", function: { name: "f", parameters: { type: "object" }, strict: true } }],
      response_format: { type: "json_schema", json_schema: { name: "n", schema: {} } },
      user: "u",
    });
    expect(encode({ topK: 40 })).not.toHaveProperty("top_k");
  });

  test("a choice without tools is not sent: OpenAI refuses it", () => {
    expect(Object.keys(encode({ toolChoice: { type: "auto" }, parallelTools: true }))).toEqual([
      "model",
      "messages",
      "stream",
      "stream_options",
    ]);
  });

  test("the limit keeps the client's name for it and is cut to the model's ceiling", () => {
    expect(
      encode(
        { maxTokens: 100, extras: { "openai-chat": { max_completion_tokens: 100 } } },
        { maxOutput: 50 },
      ),
    ).toMatchObject({ max_completion_tokens: 50 });
    expect(encode({ maxTokens: 40 }, { maxOutput: 50 })).toMatchObject({ max_tokens: 40 });
    expect(encode({}, { maxOutput: 50 })).not.toHaveProperty("max_tokens");
  });

  test.each<[Partial<ChatRequest>, string | undefined]>([
    [{ thinking: { mode: "budget", budgetTokens: 12_000 } }, "medium"],
    [{ thinking: { mode: "budget", budgetTokens: 12_000 }, effort: "low" }, "low"],
    [{ thinking: { mode: "adaptive" } }, undefined],
    [{ thinking: { mode: "off" }, effort: "high" }, undefined],
  ])("%j thinks with effort %s", (change, effort) => {
    expect(encode(change).reasoning_effort).toBe(effort);
  });

  test("the dialect's own extras are written back, another's are not, and stream options keep their other members", () => {
    const body = encode({
      extras: {
        "openai-chat": { seed: 1, stream_options: { include_obfuscation: false } },
        "anthropic-messages": { speed: "fast" },
      },
    });
    expect(body).toMatchObject({
      seed: 1,
      stream_options: { include_obfuscation: false, include_usage: true },
    });
    expect(body).not.toHaveProperty("speed");
  });

  test("extras cannot overrule the model or the stream", () => {
    expect(encode({ extras: { "openai-chat": { model: "evil", stream: false } } })).toMatchObject({
      model: "up",
      stream: true,
    });
  });

  test("a user id that OpenAI would refuse as too long becomes a short one, always the same", () => {
    const long = encode({ user: "x".repeat(150) }).user;
    expect(long).toMatch(/^user_[0-9a-f]{32}$/);
    expect(encode({ user: "x".repeat(150) }).user).toBe(long);
  });

  test("several answers do not fit the canonical form", () => {
    expect(refusal(() => encode({ extras: { "openai-chat": { n: 2 } } }))).toMatchObject({
      kind: "unsupported",
      param: "n",
    });
  });

  test("a vendor's own tool is refused by name", () => {
    const failure = refusal(() =>
      encode({ opaqueTools: [{ dialect: "anthropic-messages", type: "web_search_20250305", value: {} }] }),
    );
    expect(failure.kind).toBe("unsupported");
    expect(failure.message).toContain("web_search_20250305");
  });
});

describe("messages", () => {
  test("system blocks are one leading message, and a later system message joins them", () => {
    const body = encode({
      system: [
        { type: "text", text: "a" },
        { type: "text", text: "b" },
      ],
      messages: [user, { role: "system", content: [{ type: "text", text: "c" }] }, user],
    });
    expect(body.messages).toEqual([
      { role: "system", content: "a\n\nb\n\nc" },
      { role: "user", content: "hi" },
      { role: "user", content: "hi" },
    ]);
  });

  test("results come straight after their calls, then their images, then what the user said", () => {
    expect(
      messagesOf(
        user,
        assistant({ type: "text", text: "ok" }, call("a"), call("b", "")),
        users(
          { type: "text", text: "look" },
          result("a", [{ type: "text", text: "1" }, image]),
          result("b", [image], true),
        ),
      ),
    ).toEqual([
      { role: "user", content: "hi" },
      {
        role: "assistant",
        content: "ok",
        tool_calls: [
          { id: "a", type: "function", function: { name: "f", arguments: "{}" } },
          { id: "b", type: "function", function: { name: "f", arguments: "{}" } },
        ],
      },
      { role: "tool", tool_call_id: "a", content: "1" },
      { role: "tool", tool_call_id: "b", content: "Error: (see image)" },
      { role: "user", content: [{ type: "text", text: "Image(s) from tool result a:" }, wireImage] },
      { role: "user", content: [{ type: "text", text: "Image(s) from tool result b:" }, wireImage] },
      { role: "user", content: "look" },
    ]);
  });

  test("an image does not come between results of separate user messages", () => {
    const roles = messagesOf(
      user,
      assistant(call("a"), call("b")),
      users(result("a", [image])),
      users(result("b", []), { type: "text", text: "x" }),
    ) as { role: string }[];
    expect(roles.map((each) => each.role)).toEqual(["user", "assistant", "tool", "tool", "user", "user"]);
  });

  test("an error says so once", () => {
    expect(
      messagesOf(
        user,
        assistant(call("a"), call("b")),
        users(
          result("a", [{ type: "text", text: "gone" }], true),
          result("b", [{ type: "text", text: "Error: gone" }], true),
        ),
      ).slice(2),
    ).toEqual([
      { role: "tool", tool_call_id: "a", content: "Error: gone" },
      { role: "tool", tool_call_id: "b", content: "Error: gone" },
    ]);
  });

  test("only this format's own thinking is sent back", () => {
    const own: Block = {
      type: "thinking",
      text: "mine",
      signature: null,
      extras: { "openai-chat": { field: "reasoning_content" } },
    };
    const foreign: Block = { type: "thinking", text: "theirs", signature: "s" };
    expect(messagesOf(user, assistant(own, foreign, { type: "text", text: "a" })).slice(1)).toEqual([
      { role: "assistant", content: "a", reasoning_content: "mine" },
    ]);
  });

  test("long and odd tool ids are rewritten, alike for call and result, and stay apart when stripped", () => {
    const odd = `toolu_${"x".repeat(60)}`;
    const [, first, second] = messagesOf(
      user,
      assistant(call(odd), call("a.b"), call("ok_-1")),
      users(result(odd, []), result("a.b", [])),
    ) as [unknown, { tool_calls: { id: string }[] }, { tool_call_id: string }];
    const ids = first.tool_calls.map((each) => each.id);
    expect(ids[0]).toMatch(/^[A-Za-z0-9_-]{1,40}$/);
    expect(ids[1]).toMatch(/^[A-Za-z0-9_-]{1,40}$/);
    expect(ids[2]).toBe("ok_-1");
    expect(second.tool_call_id).toBe(ids[0] ?? "");
    expect(new Set(ids.map((id) => id.replace(/[^A-Za-z0-9]/g, ""))).size).toBe(3);
  });

  test("a lone surrogate becomes an escape, not a crash", () => {
    expect(JSON.stringify(encode({ messages: [users({ type: "text", text: "\ud83d" })] }))).toContain(
      "\\ud83d",
    );
  });

  test("encrypted reasoning is left out; a picture of the model's is described", () => {
    expect(
      messagesOf(user, assistant(opaque("redacted_thinking"), image, { type: "text", text: "a" })).slice(1),
    ).toEqual([{ role: "assistant", content: expect.stringMatching(/^\[A picture.*\]a$/) }]);
  });

  test("empty messages are left out, and a user turn is added", () => {
    expect(messagesOf(users(), assistant())).toEqual([{ role: "user", content: "(continued)" }]);
  });
});

describe("requests of real clients", () => {
  test.each(Object.entries(bodies))("%s keeps everything on a trip through the canonical form", (_, body) => {
    const request = decodeRequest(body);
    const sent: unknown = JSON.parse(JSON.stringify(openaiChat.backend.encodeRequest(request, target)));
    const again = decodeRequest(sent);
    expect(again).toEqual({ ...request, model: "up", stream: true, wantsUsage: true });
    const told = (value: { messages?: unknown; tools?: unknown }): string => JSON.stringify(value.tools);
    expect(told(sent as typeof body)).toBe(told(body));
    expect((sent as typeof body).messages.map((each) => each.role)).toEqual(
      body.messages.map((each) => each.role),
    );
  });
});
