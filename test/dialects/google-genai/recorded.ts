// What these tests share: reading SSE text into events, writing frames, and random valid event lists. It must never hold an expectation.

import fc from "fast-check";
import type { StreamEvent } from "../../../src/canon/event.ts";
import { consequences, Failure, type FailureKind } from "../../../src/canon/failure.ts";
import { type ChatRequest, emptyRequest } from "../../../src/canon/request.ts";
import { takesOf } from "../../../src/catalog/model-takes.ts";
import { type Usage, usageFromTotal } from "../../../src/canon/usage.ts";
import type { AnswerFacts, TargetFacts } from "../../../src/dialects/dialect.ts";
import { googleGenai } from "../../../src/dialects/google-genai/dialect.ts";
import { sseDecoder } from "../../../src/wire/sse.ts";

export const facts: AnswerFacts = { requestId: "R1", createdSeconds: 1_700_000_000, wantsUsage: true };
export const target: TargetFacts = { model: "gemini-3-pro-preview", defaultMaxTokens: 4096, maxOutput: null };

/** Events with failures as plain data, so that comparing them compares every field. */
export function plain(events: readonly StreamEvent[]): unknown[] {
  return events.map((event) => {
    if (event.type !== "failure") return event;
    const { kind, message, param, code, maybeBilled, retryAfterMs } = event.failure;
    return { type: "failure", kind, message, param, code, maybeBilled, retryAfterMs };
  });
}

export function decodeBytes(chunks: readonly Uint8Array[]): StreamEvent[] {
  const frames = sseDecoder();
  const decoder = googleGenai.backend.streamDecoder();
  const events: StreamEvent[] = [];
  for (const chunk of chunks) for (const frame of frames.push(chunk)) events.push(...decoder.step(frame));
  for (const frame of frames.end()) events.push(...decoder.step(frame));
  return [...events, ...decoder.end()];
}

export const decodeText = (text: string): StreamEvent[] => decodeBytes([Buffer.from(text)]);

export function encodeText(events: readonly StreamEvent[]): string {
  const encoder = googleGenai.client.streamEncoder(facts);
  return events.map((event) => encoder.step(event)).join("");
}

/** One `data:` line a value. */
export const sse = (...data: unknown[]): string =>
  data.map((each) => `data: ${typeof each === "string" ? each : JSON.stringify(each)}\r\n\r\n`).join("");

export const chunk = (parts: readonly object[], finishReason?: string, more: object = {}): object => ({
  candidates: [
    {
      content: { parts, role: "model" },
      ...(finishReason === undefined ? {} : { finishReason }),
      index: 0,
    },
  ],
  modelVersion: "gemini-3-pro-preview",
  responseId: "resp-1",
  ...more,
});

export function bodyFor(
  request: Partial<ChatRequest>,
  facts: Partial<TargetFacts> = {},
): Record<string, unknown> {
  const full: ChatRequest = {
    ...emptyRequest,
    messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
    ...request,
  };
  const takes = takesOf(facts.model ?? target.model);
  return googleGenai.backend.encodeRequest(full, { ...target, takes, ...facts });
}

export function failureOf(run: () => unknown): Failure {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  throw new Error("nothing was refused");
}

const count = fc.option(fc.nat(100_000), { nil: null });
const usage: fc.Arbitrary<Usage> = fc
  .record({ input: count, inputCached: count, inputCacheWrite: count, output: count, outputReasoning: count })
  .map(usageFromTotal);
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("", "\ud800", '{"a":1}', "\n\ndata: x", '{"b":[1,{"c":null}]}'),
);
const words = fc.array(text, { maxLength: 4 });
const word = fc.string({ minLength: 1, maxLength: 12 });
const seal = fc.option(word, { nil: null });
const sealed = (thoughtSignature: string | null): object =>
  thoughtSignature === null ? {} : { extras: { "google-genai": { thoughtSignature } } };

type Part = (index: number) => StreamEvent[];
const part: fc.Arbitrary<Part> = fc.oneof(
  fc
    .tuple(words, seal)
    .map(([all, signature]): Part => (index) => [
      { type: "text-start", index },
      ...all.map((each): StreamEvent => ({ type: "text-delta", index, text: each })),
      { type: "text-end", index, ...sealed(signature) },
    ]),
  fc
    .tuple(words, seal)
    .map(([all, signature]): Part => (index) => [
      { type: "thinking-start", index },
      ...all.map((each): StreamEvent => ({ type: "thinking-delta", index, text: each })),
      { type: "thinking-end", index, signature },
    ]),
  fc
    .tuple(word, word, words, seal)
    .map(([id, name, all, signature]): Part => (index) => [
      { type: "tool-start", index, id, name },
      ...all.map((each): StreamEvent => ({ type: "tool-delta", index, input: each })),
      { type: "tool-end", index, ...sealed(signature) },
    ]),
  fc.constant<Part>((index) => [
    { type: "opaque", index, dialect: "anthropic-messages", value: { type: "redacted_thinking" } },
  ]),
  fc.constant<Part>((index) => [
    { type: "opaque", index, dialect: "google-genai", value: { executableCode: { code: "1+1" } } },
  ]),
);
const aside: fc.Arbitrary<StreamEvent> = fc.oneof(
  fc.constant<StreamEvent>({ type: "heartbeat" }),
  usage.map((each): StreamEvent => ({ type: "usage", usage: each })),
);
const extrasOfAnswers = [
  {},
  { extras: { "google-genai": { finishReason: "RECITATION", candidate: { finishMessage: "quoted" } } } },
  { extras: { "google-genai": { promptFeedback: { blockReason: "SAFETY" } } } },
];
const kinds = Object.keys(consequences) as FailureKind[];
const closing: fc.Arbitrary<StreamEvent> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom("stop", "stop-sequence", "length", "tool-calls", "refused", "pause"),
      usage,
      fc.constantFrom(...extrasOfAnswers),
    )
    .map(([reason, each, ownExtras]): StreamEvent => ({ type: "finish", reason, usage: each, ...ownExtras })),
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
