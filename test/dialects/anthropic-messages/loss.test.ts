// The law of the dialect: decode(encode(events)) is exactly what `lose` declares, whatever the events.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isClosing, type StreamEvent } from "../../../src/canon/event.ts";
import { consequences, Failure, type FailureKind } from "../../../src/canon/failure.ts";
import { usageFromParts } from "../../../src/canon/usage.ts";
import { lose } from "./loss.ts";
import { decode, encode, ended, say, started, stopped, type Wire } from "./wire.ts";

const plain = (events: readonly StreamEvent[]): unknown =>
  events.map((event) =>
    event.type === "failure"
      ? { type: "failure", kind: event.failure.kind, says: event.failure.message }
      : event,
  );
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
const withExtras = <T extends object>(event: T, ownExtras: object | undefined): T =>
  ownExtras === undefined ? event : { ...event, extras: ownExtras };
const block: fc.Arbitrary<(index: number) => StreamEvent[]> = fc.oneof(
  fc
    .tuple(fc.array(words, { maxLength: 4 }), extras)
    .map(([texts, ownExtras]) => (index: number): StreamEvent[] => [
      { type: "text-start", index },
      ...texts.map((text): StreamEvent => ({ type: "text-delta", index, text })),
      withExtras<StreamEvent>({ type: "text-end", index }, ownExtras),
    ]),
  fc
    .tuple(fc.array(words, { maxLength: 4 }), fc.option(words, { nil: null }), extras)
    .map(([texts, signature, ownExtras]) => (index: number): StreamEvent[] => [
      { type: "thinking-start", index },
      ...texts.map((text): StreamEvent => ({ type: "thinking-delta", index, text })),
      withExtras<StreamEvent>({ type: "thinking-end", index, signature }, ownExtras),
    ]),
  fc
    .tuple(
      fc.array(words, { maxLength: 4 }),
      fc.string({ minLength: 1 }),
      fc.string({ minLength: 1 }),
      extras,
    )
    .map(([inputs, id, name, ownExtras]) => (index: number): StreamEvent[] => [
      { type: "tool-start", index, id, name },
      ...inputs.map((input): StreamEvent => ({ type: "tool-delta", index, input })),
      withExtras<StreamEvent>({ type: "tool-end", index }, ownExtras),
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
    .map(([reason, each, stopSequence, ownExtras]): StreamEvent[] => [
      withExtras<StreamEvent>(
        { type: "finish", reason, usage: each, ...(stopSequence === undefined ? {} : { stopSequence }) },
        ownExtras,
      ),
    ]),
  fc
    .tuple(fc.constantFrom(...(Object.keys(consequences) as FailureKind[])), words)
    .map(([kind, message]): StreamEvent[] => [{ type: "failure", failure: new Failure(kind, message) }]),
);
const stream = fc
  .tuple(
    fc.oneof(
      fc.string({ minLength: 1 }),
      fc.string().map((id) => `msg_${id}`),
    ),
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
