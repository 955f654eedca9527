// The event stream read: recordings whole and cut, and the disorders of compatible vendors.

import { describe, expect, test } from "bun:test";
import { isClosing } from "../../../src/canon/event.ts";
import type { StreamEvent } from "../../../src/canon/event.ts";
import type { FailureKind } from "../../../src/canon/failure.ts";
import { foldReply } from "../../../src/canon/reply.ts";
import { lose } from "./loss.ts";
import { streamDecoder } from "../../../src/dialects/anthropic-messages/stream-decoder.ts";
import { readFrames, sseDecoder } from "../../../src/wire/sse.ts";
import {
  blockStop,
  decode,
  encode,
  ended,
  jsonDelta,
  recording,
  recordings,
  say,
  started,
  stopped,
  textDelta,
  textStart,
  toolStart,
  wireEvents,
  type Wire,
} from "./wire.ts";

const types = (events: readonly StreamEvent[]): string =>
  events.map((event) => ("index" in event ? `${event.type}#${event.index}` : event.type)).join(" ");

describe("recordings", () => {
  test("thinking, text and two tools", () => {
    const reply = foldReply(decode(recording("thinking-tools")));
    expect(reply.content).toEqual([
      { type: "thinking", text: "Let me look.", signature: "EqQBCgIYAhIM1gbcDa9GJwZA2b3h" },
      { type: "text", text: "Checking." },
      {
        type: "tool-call",
        id: "toolu_01T1x1fJ34qAmk2tNTrN7Up6",
        name: "get_weather",
        input: '{"location": "San Francisco"}',
      },
      { type: "tool-call", id: "toolu_02", name: "get_time", input: "{}" },
    ]);
    expect(reply.finish).toBe("tool-calls");
    expect(reply.usage).toEqual({
      input: 2648,
      inputUncached: 472,
      inputCached: 2048,
      inputCacheWrite: 128,
      output: 89,
      outputReasoning: 12,
    });
  });
  test("server tools stay whole, with citations and the finer stop reason", () => {
    const events = decode(recording("server-tool"));
    expect(events.filter((event) => event.type === "opaque").map((event) => event.value)).toEqual([
      { type: "redacted_thinking", data: "EmwKAhgBEgy3va3pzix" },
      {
        type: "server_tool_use",
        id: "srvtoolu_014hJH82Qum7Td6UV8gDXThB",
        name: "web_search",
        input: { query: "weather NYC" },
      },
      expect.objectContaining({ type: "web_search_tool_result" }),
    ]);
    const end = events.find((event) => event.type === "text-end");
    expect(end?.extras?.["anthropic-messages"]?.["citations"]).toHaveLength(1);
    const last = wireEvents(encode(events)).at(-2);
    expect(last).toMatchObject({
      delta: { stop_reason: "model_context_window_exceeded" },
      usage: { server_tool_use: { web_search_requests: 1 } },
      context_management: { applied_edits: [] },
    });
  });
  test("a refusal is an answer", () => {
    expect(decode(recording("refused")).at(-1)).toMatchObject({ type: "finish", reason: "refused" });
  });
  for (const name of recordings) {
    test(`${name}: encoded and decoded again, the same events`, () => {
      const events = decode(recording(name));
      expect(decode(encode(events))).toEqual(events);
      expect(lose(events)).toEqual(events);
    });
    test(`${name}: cut at every byte, the same events`, () => {
      const bytes = Buffer.from(recording(name));
      const whole = JSON.stringify(decode(recording(name)));
      for (let cut = 0; cut <= bytes.length; cut++) {
        const sse = sseDecoder();
        const decoder = streamDecoder();
        const frames = [...sse.push(bytes.subarray(0, cut)), ...sse.push(bytes.subarray(cut)), ...sse.end()];
        const events = [...frames.flatMap((frame) => decoder.step(frame)), ...decoder.end()];
        if (JSON.stringify(events) !== whole) throw new Error(`differs when cut at byte ${cut}`);
      }
      expect(whole).toContain('"finish"');
    });
    test(`${name}: broken off at every frame, exactly one closing event and no happy ending`, () => {
      const frames = readFrames(recording(name));
      const atStop = frames.findIndex((frame) => frame.event === "message_delta");
      for (let count = 0; count <= atStop; count++) {
        const decoder = streamDecoder();
        const events = [...frames.slice(0, count).flatMap((frame) => decoder.step(frame)), ...decoder.end()];
        expect(events.filter(isClosing)).toHaveLength(1);
        expect(events.at(-1)).toMatchObject({ type: "failure", failure: { kind: "bad-output" } });
      }
    });
  }
});

describe("disorders of vendors", () => {
  const table: [string, string, string][] = [
    [
      "indexes all 0",
      say(
        started,
        toolStart(0, "a"),
        jsonDelta(0, "{}"),
        blockStop(0),
        toolStart(0, "b"),
        jsonDelta(0, "{}"),
        blockStop(0),
        ended("tool_use"),
        stopped,
      ),
      "start tool-start#0 tool-delta#0 tool-end#0 tool-start#1 tool-delta#1 tool-end#1 finish",
    ],
    [
      "indexes all 0, no stops",
      say(
        started,
        toolStart(0, "a"),
        jsonDelta(0, "{}"),
        toolStart(0, "b"),
        jsonDelta(0, "{}"),
        ended("tool_use"),
        stopped,
      ),
      "start tool-start#0 tool-delta#0 tool-end#0 tool-start#1 tool-delta#1 tool-end#1 finish",
    ],
    [
      "index gap",
      say(
        started,
        textStart(0),
        textDelta(0, "a"),
        blockStop(0),
        textStart(7),
        textDelta(7, "b"),
        blockStop(7),
        ended(),
        stopped,
      ),
      "start text-start#0 text-delta#0 text-end#0 text-start#1 text-delta#1 text-end#1 finish",
    ],
    [
      "interleaved blocks",
      say(
        started,
        textStart(0),
        toolStart(1, "a"),
        jsonDelta(1, "{"),
        textDelta(0, "x"),
        jsonDelta(1, "}"),
        blockStop(1),
        blockStop(0),
        ended("tool_use"),
        stopped,
      ),
      "start text-start#0 text-delta#0 text-end#0 tool-start#1 tool-delta#1 tool-delta#1 tool-end#1 finish",
    ],
    [
      "no message_start",
      say(textStart(0), textDelta(0, "a"), blockStop(0), ended(), stopped),
      "start text-start#0 text-delta#0 text-end#0 finish",
    ],
    [
      "message_start twice",
      say(started, started, textStart(0), textDelta(0, "a"), blockStop(0), ended(), stopped),
      "start text-start#0 text-delta#0 text-end#0 finish",
    ],
    [
      "two whole messages",
      say(started, ended(), stopped, started, textStart(0), ended(), stopped),
      "start finish",
    ],
    [
      "delta before start",
      say(started, textDelta(0, "a"), blockStop(0), ended(), stopped),
      "start text-start#0 text-delta#0 text-end#0 finish",
    ],
    [
      "no block stop",
      say(started, textStart(0), textDelta(0, "a"), ended(), stopped),
      "start text-start#0 text-delta#0 text-end#0 finish",
    ],
    [
      "no message_delta",
      say(started, textStart(0), textDelta(0, "a"), blockStop(0), stopped),
      "start text-start#0 text-delta#0 text-end#0 finish",
    ],
    [
      "no message_stop",
      say(started, textStart(0), textDelta(0, "a"), blockStop(0), ended()),
      "start text-start#0 text-delta#0 text-end#0 finish",
    ],
    [
      "message_stop before message_delta",
      say(started, textStart(0), textDelta(0, "a"), blockStop(0), stopped, ended()),
      "start text-start#0 text-delta#0 text-end#0 finish",
    ],
    ["message_delta twice", say(started, ended(), ended(), stopped), "start finish"],
    ["[DONE] at the end", `${say(started, ended(), stopped)}data: [DONE]\n\n`, "start finish"],
    ["unknown events", say(started, { type: "hello" }, { no: "type" }, ended(), stopped), "start finish"],
    [
      "text of a tool's index",
      say(started, toolStart(0, "a"), textDelta(0, "x"), ended(), stopped),
      "start tool-start#0 tool-end#0 text-start#1 text-delta#1 text-end#1 finish",
    ],
    ["nothing at all", "", "failure"],
    ["garbage", `${say(started)}data: {"type":"content_bl\n\n${say(ended())}`, "start failure"],
  ];
  for (const [name, wire, expected] of table)
    test(name, () => {
      expect(types(decode(wire))).toBe(expected);
    });
  test("message_stop before message_delta keeps usage and reason", () => {
    const last = decode(say(started, stopped, ended("max_tokens"))).at(-1);
    expect(last).toMatchObject({ type: "finish", reason: "length", usage: { input: 5, output: 3 } });
  });
  test("a whole input at the start counts, unless deltas spell it", () => {
    const whole = foldReply(
      decode(say(started, toolStart(0, "a", { x: 1 }), blockStop(0), ended("tool_use"), stopped)),
    );
    expect(whole.content).toEqual([{ type: "tool-call", id: "a", name: "f", input: '{"x":1}' }]);
    const spelt = foldReply(
      decode(
        say(
          started,
          toolStart(0, "a", { x: 1 }),
          jsonDelta(0, '{"x":1}'),
          blockStop(0),
          ended("tool_use"),
          stopped,
        ),
      ),
    );
    expect(spelt.content).toEqual(whole.content);
  });
  test("tool_use without a tool is a stop", () => {
    expect(decode(say(started, ended("tool_use"), stopped)).at(-1)).toMatchObject({ reason: "stop" });
  });
  test("a call that code makes stays Anthropic's own", () => {
    const block = {
      type: "tool_use",
      id: "a",
      name: "f",
      input: {},
      caller: { type: "code_execution_20260120", tool_id: "s" },
    };
    const events = decode(
      say(
        started,
        { type: "content_block_start", index: 0, content_block: block },
        jsonDelta(0, '{"q":1}'),
        blockStop(0),
        ended("tool_use"),
        stopped,
      ),
    );
    expect(events[1]).toMatchObject({ type: "opaque", value: { ...block, input: { q: 1 } } });
    expect(events.at(-1)).toMatchObject({ reason: "tool-calls" });
  });
  test("unknown deltas of unknown blocks are assembled", () => {
    const delta = (content: string): Wire => ({
      type: "content_block_delta",
      index: 0,
      delta: { type: "new_delta", content },
    });
    const events = decode(
      say(
        started,
        { type: "content_block_start", index: 0, content_block: { type: "new", content: "" } },
        delta("a"),
        delta("b"),
        blockStop(0),
        ended(),
        stopped,
      ),
    );
    expect(events[1]).toMatchObject({ type: "opaque", value: { type: "new", content: "ab" } });
  });
  test("a tool without a name is bad output", () => {
    const nameless = { type: "content_block_start", index: 0, content_block: { type: "tool_use", id: "a" } };
    expect(types(decode(say(started, nameless)))).toBe("start failure");
  });
  test("zeros and nonsense in usage never erase or invent numbers", () => {
    const end = {
      type: "message_delta",
      delta: { stop_reason: "end_turn" },
      usage: { input_tokens: 0, output_tokens: -3 },
    };
    const usage = { input_tokens: 7, cache_read_input_tokens: "9" };
    const last = decode(
      say({ type: "message_start", message: { id: "i", model: "m", usage } }, end, stopped),
    ).at(-1);
    expect(last).toMatchObject({ usage: { inputUncached: 7, inputCached: null, output: null } });
  });
  const errors: [string, FailureKind][] = [
    ["overloaded_error", "overloaded"],
    ["rate_limit_error", "rate-limited"],
    ["api_error", "upstream-error"],
    ["invalid_request_error", "invalid-request"],
    ["authentication_error", "credentials-rejected"],
    ["permission_error", "credentials-rejected"],
    ["billing_error", "quota-exhausted"],
    ["not_found_error", "model-missing"],
    ["request_too_large", "too-large"],
    ["timeout_error", "timed-out"],
    ["something_new", "upstream-error"],
  ];
  for (const [type, kind] of errors)
    test(`error event ${type}`, () => {
      const events = decode(
        say(
          started,
          textStart(0),
          textDelta(0, "a"),
          { type: "error", error: { type, message: "no" } },
          stopped,
        ),
      );
      expect(types(events)).toBe("start text-start#0 text-delta#0 failure");
      expect(events.at(-1)).toMatchObject({ failure: { kind } });
    });
});
