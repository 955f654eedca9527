// Whole messages both ways, and the model list.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { isClosing, type StreamEvent } from "../../../src/canon/event.ts";
import { foldReply, type Reply } from "../../../src/canon/reply.ts";
import { unknownUsage, usageFromParts } from "../../../src/canon/usage.ts";
import { anthropicMessages } from "../../../src/dialects/anthropic-messages/dialect.ts";
import { encodeModelList } from "../../../src/dialects/anthropic-messages/models.ts";
import { encodeReply, decodeReply } from "../../../src/dialects/anthropic-messages/reply.ts";
import { streamDecoder } from "../../../src/dialects/anthropic-messages/stream-decoder.ts";
import { dialects } from "../../../src/dialects/dialect-table.ts";
import { readFrames } from "../../../src/wire/sse.ts";

const facts = { requestId: "01REQ", createdSeconds: 0, wantsUsage: true };
const reply: Reply = {
  id: "msg_1",
  model: "m",
  content: [],
  finish: "stop",
  stopSequence: null,
  usage: unknownUsage,
};

describe("encodeReply", () => {
  test("every kind of block", () => {
    const body = encodeReply(
      {
        ...reply,
        id: "",
        content: [
          { type: "thinking", text: "t", signature: null },
          { type: "text", text: "a", extras: { "anthropic-messages": { citations: [1] } } },
          { type: "tool-call", id: "c", name: "f", input: '{"x":1}' },
          { type: "tool-call", id: "d", name: "f", input: "" },
          { type: "tool-call", id: "e", name: "f", input: "{broken" },
          { type: "opaque", dialect: "anthropic-messages", value: { type: "redacted_thinking", data: "d" } },
          { type: "opaque", dialect: "openai-chat", value: { type: "x" } },
        ],
        finish: "tool-calls",
        usage: usageFromParts({
          inputUncached: 1,
          inputCached: 2,
          inputCacheWrite: 3,
          output: 4,
          outputReasoning: 1,
        }),
      },
      facts,
    );
    expect(body).toEqual({
      id: "msg_01REQ",
      type: "message",
      role: "assistant",
      model: "m",
      content: [
        { type: "thinking", thinking: "t", signature: "" },
        { type: "text", text: "a", citations: [1] },
        { type: "tool_use", id: "c", name: "f", input: { x: 1 } },
        { type: "tool_use", id: "d", name: "f", input: {} },
        { type: "tool_use", id: "e", name: "f", input: { arguments: "{broken" } },
        { type: "redacted_thinking", data: "d" },
      ],
      stop_reason: "tool_use",
      stop_sequence: null,
      usage: {
        input_tokens: 1,
        cache_creation_input_tokens: 3,
        cache_read_input_tokens: 2,
        output_tokens: 4,
        output_tokens_details: { thinking_tokens: 1 },
      },
    });
  });
  test("tool_use never without a tool block", () => {
    expect(encodeReply({ ...reply, finish: "tool-calls" }, facts)["stop_reason"]).toBe("end_turn");
  });
});

describe("readReply", () => {
  for (const name of ["text", "thinking-tools", "server-tool", "refused"])
    test(`${name}: the whole message reads like its stream`, () => {
      const decoder = streamDecoder();
      const wire = readFileSync(new URL(`./recordings/${name}.sse`, import.meta.url), "utf8");
      const streamed = foldReply([
        ...readFrames(wire).flatMap((frame) => decoder.step(frame)),
        ...decoder.end(),
      ]);
      const folded = foldReply(decodeReply(encodeReply(streamed, facts)));
      const compact = (each: Reply): unknown => ({
        ...each,
        content: each.content.map((block) =>
          block.type === "tool-call"
            ? { ...block, input: JSON.parse(block.input || "{}") as unknown }
            : block,
        ),
      });
      // A call without arguments is `{}` on the wire and no delta in events: both mean the same.
      expect(compact(folded)).toEqual(compact(streamed));
    });
  test("an error in a 200 answer", () => {
    const events = decodeReply({ type: "error", error: { type: "overloaded_error", message: "later" } });
    expect(events).toMatchObject([{ type: "failure", failure: { kind: "overloaded" } }]);
  });
  test("no message at all", () => {
    for (const body of [null, "x", [], {}, { choices: [] }])
      expect(decodeReply(body)).toMatchObject([{ type: "failure", failure: { kind: "bad-output" } }]);
  });
  test("no stop reason: it came whole all the same", () => {
    expect(decodeReply({ content: [{ type: "text", text: "a" }] }).at(-1)).toMatchObject({
      type: "finish",
      reason: "stop",
    });
  });
  test("whatever the JSON: no exception and one closing event at the end", () => {
    const block = fc.oneof(
      fc.jsonValue(),
      fc.record({
        type: fc.constantFrom("text", "tool_use", "thinking", "x"),
        text: fc.jsonValue(),
        name: fc.jsonValue(),
        input: fc.jsonValue(),
      }),
    );
    const body = fc.oneof(
      fc.jsonValue(),
      fc.record({
        id: fc.jsonValue(),
        model: fc.jsonValue(),
        content: fc.array(block),
        usage: fc.jsonValue(),
        stop_reason: fc.jsonValue(),
      }),
    );
    fc.assert(
      fc.property(body, (value) => {
        const events: StreamEvent[] = decodeReply(value);
        expect(events.filter(isClosing)).toHaveLength(1);
        expect(isClosing(events.at(-1) ?? { type: "heartbeat" })).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

test("the model list in Anthropic's shape", () => {
  const card = {
    id: "a/b",
    created: 1_700_000_000,
    ownedBy: "x",
    description: null,
    contextWindow: 1000,
    maxOutput: null,
  };
  expect(encodeModelList([card, { ...card, id: "c" }])).toEqual({
    data: ["a/b", "c"].map((id) => ({
      type: "model",
      id,
      display_name: id,
      description: "at x",
      created_at: "2023-11-14T22:13:20.000Z",
      max_input_tokens: 1000,
      max_tokens: null,
    })),
    has_more: false,
    first_id: "a/b",
    last_id: "c",
  });
  expect(encodeModelList([])).toEqual({ data: [], has_more: false, first_id: null, last_id: null });
});

test("the table knows the dialect by its name", () => {
  for (const [name, dialect] of Object.entries(dialects)) expect(dialect.name as string).toBe(name);
  expect(dialects["anthropic-messages"]).toBe(anthropicMessages);
});
