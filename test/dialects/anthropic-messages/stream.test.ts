// Both directions of the event stream: recordings, the disorders of vendors, and the round trip against the declared loss.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { isClosing, type StreamEvent } from "../../../src/canon/event.ts";
import { Failure, type FailureKind, consequences } from "../../../src/canon/failure.ts";
import { foldReply } from "../../../src/canon/reply.ts";
import { unknownUsage, usageFromParts } from "../../../src/canon/usage.ts";
import { lose } from "../../../src/dialects/anthropic-messages/loss.ts";
import { streamDecoder } from "../../../src/dialects/anthropic-messages/stream-decoder.ts";
import { streamEncoder } from "../../../src/dialects/anthropic-messages/stream-encoder.ts";
import { readFrames, sseDecoder } from "../../../src/wire/sse.ts";

const facts = { requestId: "01REQ", createdSeconds: 0, wantsUsage: true };
const recording = (name: string): string =>
  readFileSync(new URL(`./recordings/${name}.sse`, import.meta.url), "utf8");
const recordings = ["text", "thinking-tools", "server-tool", "refused"];

function decode(wire: string): StreamEvent[] {
  const decoder = streamDecoder();
  return [...readFrames(wire).flatMap((frame) => decoder.step(frame)), ...decoder.end()];
}
function encode(events: readonly StreamEvent[]): string {
  const encoder = streamEncoder(facts);
  return events.map((event) => encoder.step(event)).join("");
}
type Wire = Record<string, unknown>;
const say = (...events: Wire[]): string =>
  events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
const wireEvents = (text: string): Wire[] => readFrames(text).map((frame) => JSON.parse(frame.data) as Wire);
const plain = (events: readonly StreamEvent[]): unknown =>
  events.map((event) =>
    event.type === "failure"
      ? { type: "failure", kind: event.failure.kind, says: event.failure.message }
      : event,
  );
const types = (events: readonly StreamEvent[]): string =>
  events.map((event) => ("index" in event ? `${event.type}#${event.index}` : event.type)).join(" ");

const started = {
  type: "message_start",
  message: { id: "msg_1", model: "m", usage: { input_tokens: 5, output_tokens: 1 } },
};
const textStart = (index: number): Wire => ({
  type: "content_block_start",
  index,
  content_block: { type: "text", text: "" },
});
const textDelta = (index: number, text: string): Wire => ({
  type: "content_block_delta",
  index,
  delta: { type: "text_delta", text },
});
const toolStart = (index: number, id: string, input: Wire = {}): Wire => ({
  type: "content_block_start",
  index,
  content_block: { type: "tool_use", id, name: "f", input },
});
const jsonDelta = (index: number, partial_json: string): Wire => ({
  type: "content_block_delta",
  index,
  delta: { type: "input_json_delta", partial_json },
});
const blockStop = (index: number): Wire => ({ type: "content_block_stop", index });
const ended = (stop_reason: string | null = "end_turn"): Wire => ({
  type: "message_delta",
  delta: { stop_reason, stop_sequence: null },
  usage: { output_tokens: 3 },
});
const stopped = { type: "message_stop" };

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
      message: { id: "chatcmpl-1", model: "gpt", usage: { input_tokens: 0, output_tokens: 0 } },
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

const count = fc.option(fc.nat(100_000), { nil: null });
const usage = fc
  .record({
    inputUncached: count,
    inputCached: count,
    inputCacheWrite: count,
    output: count,
    outputReasoning: count,
  })
  .map(usageFromParts);
const words = fc.string({ unit: "grapheme", maxLength: 12 });
const extras = fc.option(
  fc.constantFrom(
    { "openai-chat": { a: 1 } },
    { "anthropic-messages": { citations: [{ type: "char_location", cited_text: "x" }] } },
    { "anthropic-messages": { citations: [] } },
  ),
  { nil: undefined },
);
const withExtras = <T extends object>(event: T, pocket: object | undefined): T =>
  pocket === undefined ? event : { ...event, extras: pocket };
const block: fc.Arbitrary<(index: number) => StreamEvent[]> = fc.oneof(
  fc
    .tuple(fc.array(words, { maxLength: 4 }), extras)
    .map(([texts, pocket]) => (index: number): StreamEvent[] => [
      { type: "text-start", index },
      ...texts.map((text): StreamEvent => ({ type: "text-delta", index, text })),
      withExtras<StreamEvent>({ type: "text-end", index }, pocket),
    ]),
  fc
    .tuple(fc.array(words, { maxLength: 4 }), fc.option(words, { nil: null }), extras)
    .map(([texts, signature, pocket]) => (index: number): StreamEvent[] => [
      { type: "thinking-start", index },
      ...texts.map((text): StreamEvent => ({ type: "thinking-delta", index, text })),
      withExtras<StreamEvent>({ type: "thinking-end", index, signature }, pocket),
    ]),
  fc
    .tuple(
      fc.array(words, { maxLength: 4 }),
      fc.string({ minLength: 1 }),
      fc.string({ minLength: 1 }),
      extras,
    )
    .map(([inputs, id, name, pocket]) => (index: number): StreamEvent[] => [
      { type: "tool-start", index, id, name },
      ...inputs.map((input): StreamEvent => ({ type: "tool-delta", index, input })),
      withExtras<StreamEvent>({ type: "tool-end", index }, pocket),
    ]),
  fc
    .constantFrom<["openai-chat" | "anthropic-messages", unknown][]>(
      ["openai-chat", { type: "x" }],
      ["anthropic-messages", { type: "redacted_thinking", data: "d" }],
      [
        "anthropic-messages",
        { type: "tool_use", id: "i", name: "n", input: { a: 1 }, toolset_name: "browser" },
      ],
      ["anthropic-messages", "no record"],
    )
    .map(([dialect, value]) => (index: number): StreamEvent[] => [{ type: "opaque", index, dialect, value }]),
  usage.map((each) => (): StreamEvent[] => [{ type: "usage", usage: each }]),
  fc.constant((): StreamEvent[] => [{ type: "heartbeat" }]),
);
const closing: fc.Arbitrary<StreamEvent[]> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom("stop", "stop-sequence", "length", "tool-calls", "refused", "pause"),
      usage,
      fc.option(words, { nil: undefined }),
      fc.option(
        fc.constantFrom(
          { "openai-chat": { system_fingerprint: "f" } },
          { "anthropic-messages": { stop_reason: "model_context_window_exceeded", stop_details: null } },
          { "anthropic-messages": { stop_reason: "compaction", container: { id: "c" } } },
          { "anthropic-messages": { usage: { service_tier: "priority" }, context_management: { a: [] } } },
        ),
        { nil: undefined },
      ),
    )
    .map(([reason, each, stopSequence, pocket]): StreamEvent[] => [
      withExtras<StreamEvent>(
        { type: "finish", reason, usage: each, ...(stopSequence === undefined ? {} : { stopSequence }) },
        pocket,
      ),
    ]),
  fc
    .tuple(fc.constantFrom(...(Object.keys(consequences) as FailureKind[])), words)
    .map(([kind, message]): StreamEvent[] => [{ type: "failure", failure: new Failure(kind, message) }]),
);
const stream = fc
  .tuple(
    fc.string({ minLength: 1 }),
    words,
    fc.option(usage, { nil: undefined }),
    fc.array(block, { maxLength: 6 }),
    closing,
  )
  .map(([id, model, startUsage, blocks, end]) => {
    const events: StreamEvent[] = [
      { type: "start", id, model, ...(startUsage === undefined ? {} : { usage: startUsage }) },
    ];
    let index = 0;
    for (const make of blocks) {
      const made = make(index);
      if (made.some((event) => "index" in event)) index++;
      events.push(...made);
    }
    return [...events, ...end];
  });

describe("round trip", () => {
  test("decode(encode(events)) is exactly lose(events)", () => {
    fc.assert(
      fc.property(stream, (events) => {
        expect(plain(decode(encode(events)))).toEqual(plain(lose(events)));
      }),
      { numRuns: 500 },
    );
  });
  test("what is lost is lost once", () => {
    fc.assert(
      fc.property(stream, (events) => {
        const once = lose(events);
        if (once.at(-1)?.type === "finish") expect(lose(once)).toEqual(once);
      }),
    );
  });
  test("whatever the bytes: no exception, one closing event, blocks in order and never overlapping", () => {
    const index = fc.constantFrom<unknown>(0, 1, 2, "x");
    const wild = fc.oneof(
      fc.constantFrom<Wire>(started, ended(), ended("tool_use"), stopped, { type: "ping" }),
      index.map((at): Wire => ({ type: "content_block_stop", index: at })),
      fc
        .tuple(
          index,
          fc.constantFrom<unknown>(
            { type: "text", text: "a" },
            { type: "thinking", thinking: "" },
            { type: "tool_use", id: "a", name: "f", input: {} },
            { type: "other" },
            null,
          ),
        )
        .map(([at, content_block]): Wire => ({ type: "content_block_start", index: at, content_block })),
      fc
        .tuple(
          index,
          fc.constantFrom<unknown>(
            { type: "text_delta", text: "b" },
            { type: "thinking_delta", thinking: "c" },
            { type: "signature_delta", signature: "s" },
            { type: "input_json_delta", partial_json: "{" },
            { type: "citations_delta" },
            5,
          ),
        )
        .map(([at, delta]): Wire => ({ type: "content_block_delta", index: at, delta })),
      fc.dictionary(
        fc.constantFrom("type", "index", "delta", "error", "message"),
        fc.jsonValue(),
      ) as fc.Arbitrary<Wire>,
    );
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 14 }), (wire) => {
        const events = decode(say(...wire));
        expect(events.filter(isClosing)).toHaveLength(1);
        expect(isClosing(events.at(-1) ?? { type: "heartbeat" })).toBe(true);
        let open = -1;
        let next = 0;
        for (const event of events) {
          if (!("index" in event)) continue;
          if (event.type === "opaque" || event.type.endsWith("-start")) {
            expect(open).toBe(-1);
            expect(event.index).toBe(next++);
            if (event.type !== "opaque") open = event.index;
          } else {
            expect(event.index).toBe(open);
            if (event.type.endsWith("-end")) open = -1;
          }
        }
        if (events.at(-1)?.type === "finish") expect(open).toBe(-1);
      }),
      { numRuns: 500 },
    );
  });
});
