// What these tests share: reading SSE text into events, and random valid event lists. It must never hold an expectation.

import fc from "fast-check";
import { type FailureKind, consequences, Failure } from "../../../src/canon/failure.ts";
import type { StreamEvent } from "../../../src/canon/event.ts";
import { usageFromTotal, type Usage } from "../../../src/canon/usage.ts";
import type { AnswerFacts } from "../../../src/dialects/dialect.ts";
import { openaiChat } from "../../../src/dialects/openai-chat/dialect.ts";
import { sseDecoder } from "../../../src/wire/sse.ts";

export const facts: AnswerFacts = { requestId: "R1", createdSeconds: 1_700_000_000, wantsUsage: true };

/** Events with failures as plain data, so that comparing them compares every field. */
export function plain(events: readonly StreamEvent[]): unknown[] {
  return events.map((event) => {
    if (event.type !== "failure") return event;
    const { kind, message, param, code, maybeBilled } = event.failure;
    return { type: "failure", kind, message, param, code, maybeBilled };
  });
}

export function decodeBytes(chunks: readonly Uint8Array[]): StreamEvent[] {
  const frames = sseDecoder();
  const decoder = openaiChat.backend.streamDecoder();
  const events: StreamEvent[] = [];
  for (const chunk of chunks) for (const frame of frames.push(chunk)) events.push(...decoder.step(frame));
  for (const frame of frames.end()) events.push(...decoder.step(frame));
  events.push(...decoder.end());
  return events;
}

export const decodeText = (sse: string): StreamEvent[] => decodeBytes([Buffer.from(sse)]);

export function encodeText(events: readonly StreamEvent[], wantsUsage = true): string {
  const encoder = openaiChat.client.streamEncoder({ ...facts, wantsUsage });
  return events.map((event) => encoder.step(event)).join("");
}

/** One `data:` line a value; strings go as they are. */
export const sse = (...data: unknown[]): string =>
  data.map((each) => `data: ${typeof each === "string" ? each : JSON.stringify(each)}\n\n`).join("");

export const chunk = (delta: unknown, finish: string | null = null, more: object = {}): object => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  model: "m-1",
  choices: [{ index: 0, delta, finish_reason: finish }],
  ...more,
});

const count = fc.option(fc.nat(100_000), { nil: null });
const usage: fc.Arbitrary<Usage> = fc
  .record({ input: count, inputCached: count, inputCacheWrite: count, output: count, outputReasoning: count })
  .map(usageFromTotal);

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  // Blanks and the beginning of a tag at the head are held back.
  fc.constantFrom("", "\ud800", '{"a":1}', "\n\ndata: x", "[DONE]", " \n", "<thi"),
);
const words = fc.array(text, { maxLength: 4 });
const word = fc.string({ minLength: 1, maxLength: 12 });

type Part = (index: number) => StreamEvent[];
const part: fc.Arbitrary<Part> = fc.oneof(
  words.map((all): Part => (index) => [
    { type: "text-start", index },
    ...all.map((each): StreamEvent => ({ type: "text-delta", index, text: each })),
    { type: "text-end", index, extras: { "anthropic-messages": { citations: [] } } },
  ]),
  fc
    .tuple(words, fc.option(word, { nil: null }))
    .map(([all, signature]): Part => (index) => [
      { type: "thinking-start", index },
      ...all.map((each): StreamEvent => ({ type: "thinking-delta", index, text: each })),
      { type: "thinking-end", index, signature },
    ]),
  fc.tuple(word, word, words).map(([id, name, all]): Part => (index) => [
    // No two alike: of calls with one id a decoder gives the later ones another id.
    { type: "tool-start", index, id: `${id}${index}`, name },
    ...all.map((each): StreamEvent => ({ type: "tool-delta", index, input: each })),
    { type: "tool-end", index },
  ]),
  fc.constant<Part>((index) => [
    { type: "opaque", index, dialect: "anthropic-messages", value: { type: "redacted_thinking" } },
  ]),
);
const aside: fc.Arbitrary<StreamEvent> = fc.oneof(
  fc.constant<StreamEvent>({ type: "heartbeat" }),
  usage.map((each): StreamEvent => ({ type: "usage", usage: each })),
);
const reasons = ["stop", "stop-sequence", "length", "tool-calls", "refused", "pause"] as const;
const kinds = Object.keys(consequences) as FailureKind[];
const closing: fc.Arbitrary<StreamEvent> = fc.oneof(
  fc.record({
    type: fc.constant("finish" as const),
    reason: fc.constantFrom(...reasons),
    usage,
    stopSequence: fc.option(word, { nil: null }),
  }),
  fc
    .tuple(fc.constantFrom(...kinds), fc.string(), fc.option(word, { nil: null }))
    .map(([kind, message, param]): StreamEvent => ({
      type: "failure",
      failure: new Failure(kind, message, { param }),
    })),
);

/** Blocks in order, asides between them; a failure may strike in the middle of a block. */
export const validEvents: fc.Arbitrary<StreamEvent[]> = fc
  .record({
    id: word,
    model: word,
    first: fc.option(usage, { nil: undefined }),
    parts: fc.array(fc.tuple(part, fc.array(aside, { maxLength: 1 })), { maxLength: 6 }),
    closing,
    cutAt: fc.nat(40),
  })
  .map(({ id, model, first, parts, closing: last, cutAt }) => {
    const events: StreamEvent[] = [
      first === undefined ? { type: "start", id, model } : { type: "start", id, model, usage: first },
    ];
    for (const [index, [each, asides]] of parts.entries()) events.push(...each(index), ...asides);
    return [...(last.type === "failure" ? events.slice(0, cutAt) : events), last];
  });
