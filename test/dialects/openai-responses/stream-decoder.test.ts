// Streams as vendors of this format send them, well-behaved and not.

import { describe, expect, test } from "bun:test";
import { isClosing } from "../../../src/canon/event.ts";
import { foldReply } from "../../../src/canon/reply.ts";
import { openaiResponses } from "../../../src/dialects/openai-responses/dialect.ts";
import {
  added,
  completed,
  created,
  decodeText,
  done,
  inputDelta,
  plain,
  sse,
  textDelta,
} from "./recorded.ts";

const call = (id: string, name: string, input: string): object => ({
  type: "function_call",
  id: `fc_${id}`,
  call_id: id,
  name,
  arguments: input,
});
const kinds = (text: string): string[] => decodeText(text).map((event) => event.type);

describe("order", () => {
  test("interleaved items are held back until their turn", () => {
    const events = decodeText(
      sse(
        created,
        added(0, call("a", "f", "")),
        added(1, call("b", "g", "")),
        inputDelta(1, '{"y":'),
        inputDelta(0, '{"x":'),
        inputDelta(1, "2}"),
        inputDelta(0, "1}"),
        done(1, call("b", "g", '{"y":2}')),
        done(0, call("a", "f", '{"x":1}')),
        completed(),
      ),
    );
    expect(events.map((event) => [event.type, "index" in event ? event.index : null])).toEqual([
      ["start", null],
      ["tool-start", 0],
      ["tool-delta", 0],
      ["tool-delta", 0],
      ["tool-end", 0],
      ["tool-start", 1],
      ["tool-delta", 1],
      ["tool-delta", 1],
      ["tool-end", 1],
      ["finish", null],
    ]);
    expect(foldReply(events).content).toMatchObject([{ input: '{"x":1}' }, { input: '{"y":2}' }]);
  });

  test("an item that was never closed ends with the answer", () => {
    expect(kinds(sse(created, textDelta(0, "a"), inputDelta(9, "x"), completed()))).toEqual([
      "start",
      "text-start",
      "text-delta",
      "text-end",
      "finish",
    ]);
  });

  test("parts of one message are blocks of their own", () => {
    const content = [
      { type: "output_text", text: "a" },
      { type: "output_text", text: "b" },
    ];
    const events = decodeText(
      sse(
        created,
        textDelta(0, "a", 0),
        textDelta(0, "b", 1),
        done(0, { type: "message", content }),
        completed(),
      ),
    );
    expect(foldReply(events).content).toEqual([
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ]);
  });
});

describe("vendors that leave things out", () => {
  test("items without deltas", () => {
    const events = decodeText(
      sse(
        created,
        done(0, { type: "reasoning", content: [{ type: "reasoning_text", text: "raw" }] }),
        done(1, { type: "message", content: [{ type: "output_text", text: "hi" }] }),
        done(2, call("a", "f", "{}")),
        completed(),
      ),
    );
    expect(foldReply(events)).toMatchObject({
      finish: "tool-calls",
      content: [
        { type: "thinking", text: "raw", signature: null },
        { type: "text", text: "hi" },
        { type: "tool-call", id: "a", name: "f", input: "{}" },
      ],
    });
  });

  test("nothing but the end", () => {
    const output = [{ type: "message", content: [{ type: "output_text", text: "all" }] }];
    expect(foldReply(decodeText(sse(completed({ output }))))).toMatchObject({
      id: "resp_1",
      model: "m-1",
      content: [{ type: "text", text: "all" }],
    });
  });

  test("no event names, arguments as an object, a call without an id, [DONE] at the end", () => {
    const item = { type: "function_call", name: "f", arguments: { x: 1 } };
    const text = [created, added(0, item), done(0, item), completed()]
      .map((event) => `data: ${JSON.stringify(event)}\n\n`)
      .join("");
    expect(foldReply(decodeText(`${text}data: [DONE]\n\n`)).content).toEqual([
      { type: "tool-call", id: "call_1_resp1", name: "f", input: '{"x":1}' },
    ]);
  });

  test("raw reasoning next to a summary is not sent twice", () => {
    const at = { output_index: 0, summary_index: 0, content_index: 0 };
    const events = decodeText(
      sse(
        created,
        { type: "response.reasoning_text.delta", ...at, delta: "raw" },
        { type: "response.reasoning_summary_text.delta", ...at, delta: "short" },
        completed(),
      ),
    );
    expect(foldReply(events).content).toEqual([{ type: "thinking", text: "raw", signature: null }]);
  });

  test("a call without a name is bad output", () => {
    const events = decodeText(sse(created, done(0, { type: "function_call", call_id: "a" }), completed()));
    expect(events.at(-1)).toMatchObject({ type: "failure", failure: { kind: "bad-output" } });
  });
});

describe("endings", () => {
  const ended = (type: string, response: object) =>
    decodeText(sse(created, textDelta(0, "x"), { type, response })).at(-1);

  test("incomplete answers", () => {
    const cut = (reason: string): object => ({ status: "incomplete", incomplete_details: { reason } });
    expect(ended("response.incomplete", cut("max_output_tokens"))).toMatchObject({ reason: "length" });
    expect(ended("response.incomplete", cut("content_filter"))).toMatchObject({ reason: "refused" });
  });

  test("a refusal is the model's own", () => {
    const text = sse(
      created,
      { type: "response.refusal.delta", output_index: 0, content_index: 0, delta: "No." },
      done(0, { type: "message", content: [{ type: "refusal", refusal: "No." }] }),
      completed(),
    );
    expect(foldReply(decodeText(text))).toMatchObject({
      finish: "refused",
      content: [{ type: "text", text: "No." }],
    });
  });

  const failures: readonly (readonly [string, object, string])[] = [
    ["server_error", { code: "server_error", message: "m" }, "upstream-error"],
    ["slow_down", { code: "slow_down", message: "m" }, "overloaded"],
    ["rate_limit_exceeded", { code: "rate_limit_exceeded", message: "m" }, "rate-limited"],
    ["insufficient_quota", { code: "insufficient_quota", message: "m" }, "quota-exhausted"],
    ["context_length_exceeded", { code: "context_length_exceeded", message: "m" }, "context-exceeded"],
  ];
  test.each([...failures])("response.failed with %s", (_code, error, kind) => {
    expect(ended("response.failed", { status: "failed", error })).toMatchObject({ failure: { kind } });
  });
  test.each([...failures])("an error event with %s, flat and nested", (_code, error, kind) => {
    for (const members of [error, { error }]) {
      const events = decodeText(sse(created, { type: "error", ...members }));
      expect(events.at(-1)).toMatchObject({ failure: { kind } });
    }
  });
  test("a frame that is no JSON, and nothing after the end", () => {
    expect(decodeText("data: {oops\n\n").at(-1)).toMatchObject({ failure: { kind: "bad-output" } });
    const events = decodeText(sse(created, completed(), textDelta(0, "late")));
    expect(events.filter(isClosing)).toHaveLength(1);
    expect(events.at(-1)?.type).toBe("finish");
  });
});

describe("what only this API knows passes as it is", () => {
  test.each(["custom_tool_call", "web_search_call", "local_shell_call", "tool_search_call"])("%s", (type) => {
    const item = { type, id: "x_1", call_id: "call_1", name: "n", input: "i" };
    const events = decodeText(
      sse(created, added(0, { ...item, status: "in_progress" }), done(0, item), completed()),
    );
    expect(plain(events)[1]).toEqual({ type: "opaque", index: 0, dialect: "openai-responses", value: item });
  });
  test("a call in a namespace", () => {
    const item = { ...call("a", "f", "{}"), namespace: "crm" };
    expect(kinds(sse(created, added(0, item), inputDelta(0, "{}"), done(0, item), completed()))).toEqual([
      "start",
      "opaque",
      "finish",
    ]);
  });
});

describe("whole bodies", () => {
  const read = (body: unknown) => openaiResponses.backend.decodeReply(body);
  test("failures", () => {
    expect(read({ error: { message: "m", code: "server_error" } })).toMatchObject([
      { failure: { kind: "upstream-error" } },
    ]);
    expect(read({ status: "failed", output: [] })).toMatchObject([{ failure: { kind: "upstream-error" } }]);
    expect(read({ choices: [] })).toMatchObject([{ failure: { kind: "bad-output" } }]);
    expect(read("hi")).toMatchObject([{ failure: { kind: "bad-output" } }]);
  });
  test("an incomplete one", () => {
    const body = {
      id: "r",
      model: "m",
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
    };
    expect(foldReply(read({ ...body, output: [] })).finish).toBe("length");
  });
});
