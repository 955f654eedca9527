// Conversations of every disorder as the alternating turns that the API accepts.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Block, type ChatRequest, emptyRequest, type Message } from "../../../src/canon/request.ts";
import { encodeRequest } from "../../../src/dialects/anthropic-messages/encode-request.ts";

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
/** One line a message: `user: result(a) "text"`. */
const outline = (messages: readonly Message[]): string[] =>
  messagesOf(foreign({ messages })).map(
    ({ role, content }) =>
      `${role}: ${content
        .map((block) => {
          if (block["type"] === "text") return JSON.stringify(block["text"]);
          if (block["type"] === "tool_use") return `call(${String(block["id"])})`;
          if (block["type"] === "tool_result")
            return `${block["is_error"] === true ? "missing" : "result"}(${String(block["tool_use_id"])})`;
          return String(block["type"]);
        })
        .join(" ")}`,
  );

describe("turns", () => {
  const table: [string, Message[], string[]][] = [
    [
      "same roles are joined",
      [user("a"), user("b"), assistant("c"), assistant("d"), user("e")],
      ['user: "a" "b"', 'assistant: "c" "d"', 'user: "e"'],
    ],
    [
      "an assistant at the head",
      [assistant("a"), user("b")],
      ['user: "(continued)"', 'assistant: "a"', 'user: "b"'],
    ],
    ["nothing but a system prompt", [], ['user: "(continued)"']],
    ["blank texts vanish", [user("", " \n"), assistant(""), user("a")], ['user: "a"']],
    ["a prefill loses its trailing space", [user("a"), assistant("{ \n")], ['user: "a"', 'assistant: "{"']],
    [
      "results come first, in the order of the calls",
      [user("a"), assistant("b", call("x"), call("y")), user("c", result("y"), result("x"))],
      ['user: "a"', 'assistant: "b" call(x) call(y)', 'user: result(x) result(y) "c"'],
    ],
    [
      "results in messages of their own",
      [user("a"), assistant(call("x"), call("y")), user(result("x")), user(result("y")), user("b")],
      ['user: "a"', "assistant: call(x) call(y)", 'user: result(x) result(y) "b"'],
    ],
    [
      "a dropped result",
      [user("a"), assistant(call("x")), user("b")],
      ['user: "a"', "assistant: call(x)", 'user: missing(x) "b"'],
    ],
    [
      "calls at the end are answered",
      [user("a"), assistant(call("x"))],
      ['user: "a"', "assistant: call(x)", "user: missing(x)"],
    ],
    [
      "an orphan becomes text",
      [user("a"), assistant("b"), user(result("x", "42"))],
      ['user: "a"', 'assistant: "b"', 'user: "[Result of an earlier tool call]" "42"'],
    ],
    [
      "a late result moves behind its call",
      [user("a"), assistant(call("x")), user("b"), assistant("c"), user(result("x"))],
      ['user: "a"', "assistant: call(x)", 'user: result(x) "b"', 'assistant: "c"'],
    ],
    [
      "a result before its call is an orphan",
      [user("a", result("x")), assistant(call("x")), user("b")],
      ['user: "a" "[Result of an earlier tool call]" "ok"', "assistant: call(x)", 'user: missing(x) "b"'],
    ],
    [
      "ids without punctuation match (OpenClaw)",
      [user("a"), assistant(call("call_a_0")), user(result("calla0"))],
      ['user: "a"', "assistant: call(call_a_0)", "user: result(call_a_0)"],
    ],
    [
      "an exact id outdoes a stripped one",
      [user("a"), assistant(call("c_1_1"), call("c_11")), user(result("c_11"), result("c_1_1"))],
      ['user: "a"', "assistant: call(c_1_1) call(c_11)", "user: result(c_1_1) result(c_11)"],
    ],
    [
      "ids that the API refuses",
      [user("a"), assistant(call("call.é/1")), user(result("call.é/1"))],
      ['user: "a"', "assistant: call(call___1)", "user: result(call___1)"],
    ],
    [
      "ids used again",
      [user("a"), assistant(call("0")), user(result("0")), assistant(call("0")), user(result("0"))],
      ['user: "a"', "assistant: call(0)", "user: result(0)", "assistant: call(0_2)", "user: result(0_2)"],
    ],
    [
      "ids used again, the first without result",
      [user("a"), assistant(call("0")), user("b"), assistant(call("0")), user(result("0"))],
      [
        'user: "a"',
        "assistant: call(0)",
        'user: missing(0) "b"',
        "assistant: call(0_2)",
        "user: result(0_2)",
      ],
    ],
    [
      "no id at all",
      [user("a"), assistant(call("")), user(result(""))],
      ['user: "a"', "assistant: call(toolu)", "user: result(toolu)"],
    ],
    [
      "result turns keep assistant turns apart",
      [user("a"), assistant(call("x")), user(result("x", "")), assistant(call("y")), user(result("y"))],
      ['user: "a"', "assistant: call(x)", "user: result(x)", "assistant: call(y)", "user: result(y)"],
    ],
  ];
  for (const [name, messages, expected] of table)
    test(name, () => {
      expect(outline(messages)).toEqual(expected);
    });
  test("system messages from the middle go to the end of system", () => {
    const body = foreign({
      system: [{ type: "text", text: "a" }],
      messages: [user("b"), message("system", ["c"]), user("d")],
    });
    expect(body["system"]).toEqual([
      { type: "text", text: "a" },
      { type: "text", text: "c" },
    ]);
    expect(messagesOf(body)).toHaveLength(1);
  });
  test("inputs that are no JSON object are kept", () => {
    const inputs = ['{"a":1}', "", "{broken", "[1]"];
    const body = foreign({
      messages: [user("a"), assistant(...inputs.map((input, at) => call(`c${at}`, input)))],
    });
    expect(messagesOf(body)[1]?.content.map((block) => block["input"])).toEqual([
      { a: 1 },
      {},
      { arguments: "{broken" },
      { arguments: "[1]" },
    ]);
  });
  test("images, and opaque blocks of other dialects", () => {
    const body = foreign({
      messages: [
        user(
          { type: "image", source: { kind: "base64", mediaType: "image/png", data: "AA" } },
          { type: "image", source: { kind: "url", url: "https://x/y.png" } },
          { type: "opaque", dialect: "openai-chat", value: { type: "input_audio" } },
        ),
      ],
    });
    expect(messagesOf(body)[0]?.content).toEqual([
      { type: "image", source: { type: "base64", media_type: "image/png", data: "AA" } },
      { type: "image", source: { type: "url", url: "https://x/y.png" } },
    ]);
  });
  test("100,000 messages with one id stay linear", () => {
    const messages = Array.from({ length: 50_000 }, () => [assistant(call("x")), user(result("x"))]).flat();
    expect(messagesOf(foreign({ messages }))).toHaveLength(100_001);
  });
  test("whatever the conversation: alternating, user first, every call answered at once, ids legal and unique", () => {
    const id = fc.constantFrom("a", "b", "a_", "ü", "");
    const block = fc.oneof(
      fc.constantFrom("x", "", " ").map(text),
      id.map((each) => call(each)),
      id.map((each) => result(each)),
      fc.constantFrom<Block>(
        { type: "thinking", text: "t", signature: "s" },
        { type: "thinking", text: "t", signature: null },
      ),
    );
    const any = fc.record({
      role: fc.constantFrom<Message["role"]>("user", "assistant", "system"),
      content: fc.array(block, { maxLength: 4 }),
    });
    const clean = any.map((each) => ({
      ...each,
      content: each.content.filter((one) => one.type !== "tool-call" || each.role === "assistant"),
    }));
    fc.assert(
      fc.property(fc.array(clean, { maxLength: 8 }), (messages) => {
        const wire = messagesOf(foreign({ messages }));
        const seen = new Set<unknown>();
        wire.forEach(({ role, content }, index) => {
          expect(role).toBe(index % 2 === 0 ? "user" : "assistant");
          expect(content.length).toBeGreaterThan(0);
          const calls = content.filter((one) => one["type"] === "tool_use").map((one) => one["id"]);
          for (const each of calls) {
            expect(each).toMatch(/^[a-zA-Z0-9_-]+$/);
            expect(seen.has(each)).toBe(false);
            seen.add(each);
          }
          const next = wire[index + 1]?.content ?? [];
          if (next.length > 0)
            expect(next.slice(0, calls.length).map((one) => one["tool_use_id"])).toEqual(calls);
          const rest =
            index === 0
              ? content
              : content.slice(wire[index - 1]?.content.filter((one) => one["type"] === "tool_use").length);
          expect(rest.some((one) => one["type"] === "tool_result")).toBe(false);
        });
      }),
      { numRuns: 500 },
    );
  });
});
