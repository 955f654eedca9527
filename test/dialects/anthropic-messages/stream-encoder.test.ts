// The event stream written: one start, contiguous blocks, full usage, one ending.

import { describe, expect, test } from "bun:test";
import type { StreamEvent } from "../../../src/canon/event.ts";
import { Failure } from "../../../src/canon/failure.ts";
import { unknownUsage, usageFromParts } from "../../../src/canon/usage.ts";
import { readFrames } from "../../../src/wire/sse.ts";
import { streamEncoder } from "../../../src/dialects/anthropic-messages/stream-encoder.ts";
import { encode, facts, type Wire, wireEvents } from "./wire.ts";

describe("encoder", () => {
  const finish: StreamEvent = { type: "finish", reason: "stop", usage: unknownUsage };
  test("one message_start, full usage in message_delta, nothing after message_stop", () => {
    const usage = usageFromParts({ inputUncached: 4, inputCached: 6, inputCacheWrite: null, output: 2 });
    const wire = encode([
      { type: "start", id: "chatcmpl-1", model: "gpt" },
      { type: "start", id: "other", model: "other" },
      { type: "text-start", index: 0 },
      { type: "text-delta", index: 0, text: "hi" },
      { type: "text-end", index: 0 },
      { type: "usage", usage },
      finish,
      finish,
      { type: "text-start", index: 1 },
    ]);
    const events = wireEvents(wire);
    expect(events.map((event) => event["type"])).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(events[0]).toMatchObject({
      message: { id: "msg_01REQ", model: "gpt", usage: { input_tokens: 0, output_tokens: 0 } },
    });
    expect(events[4]).toEqual({
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: {
        input_tokens: 4,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 6,
        output_tokens: 2,
      },
    });
    expect(readFrames(wire).every((frame) => frame.event === (JSON.parse(frame.data) as Wire)["type"])).toBe(
      true,
    );
  });
  test("other vendors' ids recur, and Claude Code takes two answers with one id for the same: only Anthropic's stay", () => {
    const idOf = (id: string, requestId: string): unknown =>
      wireEvents(streamEncoder({ ...facts, requestId }).step({ type: "start", id, model: "m" }))[0];
    expect(idOf("chatcmpl-7", "A")).toMatchObject({ message: { id: "msg_A" } });
    expect(idOf("chatcmpl-7", "B")).toMatchObject({ message: { id: "msg_B" } });
    expect(idOf("msg_01X", "C")).toMatchObject({ message: { id: "msg_01X" } });
  });
  test("foreign opaque blocks vanish and the numbers close up", () => {
    const events = wireEvents(
      encode([
        { type: "start", id: "a", model: "m" },
        { type: "opaque", index: 0, dialect: "openai-chat", value: { a: 1 } },
        { type: "tool-start", index: 1, id: "t", name: "f" },
        { type: "tool-end", index: 1 },
        { type: "text-start", index: 2 },
        { type: "finish", reason: "tool-calls", usage: unknownUsage },
      ]),
    );
    expect(events.map((event) => event["index"]).filter((index) => index !== undefined)).toEqual([
      0, 0, 1, 1,
    ]);
    expect(events.at(-2)).toMatchObject({ delta: { stop_reason: "tool_use" } });
  });
  test("tool_use never without a tool block", () => {
    const events = wireEvents(encode([{ type: "finish", reason: "tool-calls", usage: unknownUsage }]));
    expect(events[0]).toMatchObject({ message: { id: "msg_01REQ" } });
    expect(events[1]).toMatchObject({ delta: { stop_reason: "end_turn" } });
  });
  test("a failure is the last word", () => {
    const wire = encode([
      { type: "start", id: "a", model: "m" },
      { type: "text-start", index: 0 },
      { type: "failure", failure: new Failure("timed-out", "too slow") },
      finish,
    ]);
    const frames = readFrames(wire);
    expect(frames.map((frame) => frame.event)).toEqual(["message_start", "content_block_start", "error"]);
    expect(JSON.parse(frames[2]?.data ?? "")).toEqual({
      type: "error",
      error: { type: "timeout_error", message: "too slow" },
      request_id: "01REQ",
    });
  });
  test("a heartbeat is a typed ping", () => {
    expect(encode([{ type: "heartbeat" }])).toBe('event: ping\ndata: {"type":"ping"}\n\n');
  });
});
