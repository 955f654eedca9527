// The offline provider `demo`: shows endpoints, streams, tools and usage without any key or network.
// It must never answer anything that could be taken for a model's answer.

import type { FinishReason, StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import type { ChatRequest } from "../../canon/request.ts";
import { estimateTokens, estimateTokensOfBytes } from "../../canon/tokens.ts";
import { type Usage, usageFromTotal } from "../../canon/usage.ts";
import { type Clock, pause } from "../../system/clock.ts";
import type { Backend, Call } from "../backend.ts";
import { type DemoAnswer, demoAnswer } from "./demo-answer.ts";

export type DemoOptions = {
  readonly clock: Clock;
  /** Ids of letters and digits only: OpenClaw strips everything else from tool ids. */
  readonly random?: () => string;
};

const maxBatches = 40;
// 40 batches with this pause stay below a second.
const pauseMs = 15;

export function createDemoBackend(options: DemoOptions): Backend {
  const random = options.random ?? (() => crypto.randomUUID().replaceAll("-", "").slice(0, 20));
  return {
    provider: "demo",
    dialect: null,
    open: null,
    targetFacts: (model) => ({ model, defaultMaxTokens: 4_096, maxOutput: null }),
    async *generate(request: ChatRequest, call: Call) {
      if (call.signal.aborted) {
        yield [stopped(call.signal)];
        return;
      }
      call.onHeaders(200);
      const batches = batchesOf(eventsOf(request, call.model, random));
      for (const [number, batch] of batches.entries()) {
        if (number > 0 && request.stream) await pause(options.clock, pauseMs, call.signal);
        if (call.signal.aborted) {
          yield [stopped(call.signal)];
          return;
        }
        yield batch;
      }
    },
  };
}

function stopped(signal: AbortSignal): StreamEvent {
  const reason: unknown = signal.reason;
  const failure = reason instanceof Failure ? reason : new Failure("cancelled", "The request was cancelled.");
  return { type: "failure", failure };
}

function eventsOf(request: ChatRequest, model: string, random: () => string): StreamEvent[] {
  const answer = demoAnswer(request);
  const { text, finish, stopSequence } = limited(answer, request);
  const usage = usageFor(request, text);
  const start: StreamEvent = {
    type: "start",
    id: `demo${random()}`,
    model,
    usage: { ...usage, output: null },
  };
  const end: StreamEvent = { type: "finish", reason: finish, usage, stopSequence };
  const words = text.match(/\s*\S+\s*/g) ?? (text === "" ? [] : [text]);
  if (answer.kind === "tool")
    return [
      start,
      { type: "tool-start", index: 0, id: `call${random()}`, name: answer.name },
      ...piecesOf(text).map((input): StreamEvent => ({ type: "tool-delta", index: 0, input })),
      { type: "tool-end", index: 0 },
      end,
    ];
  if (words.length === 0) return [start, end];
  return [
    start,
    { type: "text-start", index: 0 },
    ...words.map((word): StreamEvent => ({ type: "text-delta", index: 0, text: word })),
    { type: "text-end", index: 0 },
    end,
  ];
}

/** Arguments in a few pieces, as models send them, to expose clients that do not join them. */
function piecesOf(json: string): string[] {
  const size = Math.max(1, Math.ceil(json.length / 4));
  return Array.from({ length: Math.ceil(json.length / size) }, (_, i) =>
    json.slice(i * size, (i + 1) * size),
  );
}

type Limited = {
  readonly text: string;
  readonly finish: FinishReason;
  readonly stopSequence: string | null;
};

/** Stop sequences and the token limit as a model would apply them: whichever comes first. */
function limited(answer: DemoAnswer, request: ChatRequest): Limited {
  const whole = answer.kind === "text" ? answer.text : answer.input;
  let end = whole.length;
  let stopSequence: string | null = null;
  for (const each of answer.kind === "text" ? request.stop : []) {
    const at = each === "" ? -1 : whole.indexOf(each);
    if (at < 0 || at >= end) continue;
    end = at;
    stopSequence = each;
  }
  const text = whole.slice(0, end);
  const fitting = request.maxTokens === null ? text : firstBytes(text, request.maxTokens * 4);
  if (fitting.length < text.length) return { text: fitting, finish: "length", stopSequence: null };
  if (stopSequence !== null) return { text, finish: "stop-sequence", stopSequence };
  return { text, finish: answer.kind === "tool" ? "tool-calls" : "stop", stopSequence: null };
}

/** The longest prefix of at most `limit` UTF-8 bytes that splits no character. */
function firstBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= limit) return text;
  let end = Math.max(0, limit);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}

function usageFor(request: ChatRequest, text: string): Usage {
  return usageFromTotal({
    input: estimateTokens(request),
    inputCached: 0,
    inputCacheWrite: 0,
    output: text === "" ? 0 : estimateTokensOfBytes(Buffer.byteLength(text, "utf8")),
    outputReasoning: 0,
  });
}

/** Several events per batch where there are many, so that the whole answer takes less than a second. */
function batchesOf(events: readonly StreamEvent[]): StreamEvent[][] {
  const size = Math.max(2, Math.ceil(events.length / maxBatches));
  return Array.from({ length: Math.ceil(events.length / size) }, (_, i) =>
    events.slice(i * size, (i + 1) * size),
  );
}
