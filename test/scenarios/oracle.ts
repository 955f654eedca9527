// What must come out where, worked out of the canonical files and each dialect's declared loss.
// It must never ask the code under test for the answer: decoders are called on what the gateway answered, encoders on the canon.

import { effortOfBudget } from "../../src/canon/effort.ts";
import { isClosing, type StreamEvent } from "../../src/canon/event.ts";
import type { FailureKind } from "../../src/canon/failure.ts";
import type { ChatRequest, DialectName } from "../../src/canon/request.ts";
import { mergeUsage, unknownUsage, type Usage } from "../../src/canon/usage.ts";
import type { AnswerFacts } from "../../src/dialects/dialect.ts";
import { dialects } from "../../src/dialects/dialect-table.ts";
import { readFrames, splitFrames, sseDecoder } from "../../src/wire/sse.ts";
import { losses } from "../dialects/losses.ts";
import { canonicalOf, type JsonBody, type ScenarioName, sideOf } from "./scenario.ts";

export type PlainEvent =
  Exclude<StreamEvent, { type: "failure" }> | { readonly type: "failure"; readonly kind: FailureKind };

/** Failures by their kind: their words are each vendor's and each encoder's own. */
export function plain(events: readonly StreamEvent[]): PlainEvent[] {
  return events.map((event) =>
    event.type === "failure" ? { type: "failure", kind: event.failure.kind } : event,
  );
}

/** Bytes as the dialect's own parser understands them, handed over in the given pieces. */
export function understood(dialect: DialectName, ...pieces: readonly (Uint8Array | string)[]): StreamEvent[] {
  const decoder = dialects[dialect].backend.streamDecoder();
  const frames = sseDecoder();
  const events: StreamEvent[] = [];
  const take = (ready: ReturnType<typeof frames.push>): void => {
    for (const frame of ready) events.push(...decoder.step(frame));
  };
  for (const piece of pieces) take(frames.push(typeof piece === "string" ? Buffer.from(piece) : piece));
  take(frames.end());
  return [...events, ...decoder.end()];
}

/**
 * The rule for requests: what a dialect can say of the canonical request.
 * The dialect's own `extras` are left out, and a request to think is one value on one scale, whatever its member is called.
 */
export function sayable(dialect: DialectName, request: ChatRequest): unknown {
  const { thinking, effort, topK, ...rest } = request;
  const requestedEffort =
    effort ?? (thinking?.mode === "budget" ? effortOfBudget(thinking.budgetTokens) : null);
  const hidden: ReadonlySet<string> = new Set(unsayable(dialect).blockMembers);
  const strip = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(strip);
    if (typeof value !== "object" || value === null) return value;
    const kept = Object.entries(value).filter(([key]) => key !== "extras" && !hidden.has(key));
    return Object.fromEntries(kept.map(([key, each]) => [key, strip(each)]));
  };
  return {
    ...(strip(rest) as JsonBody),
    isSwitchedOff: thinking?.mode === "off",
    requestedEffort,
    topK: unsayable(dialect).hasTopK ? topK : null,
  };
}

function unsayable(dialect: DialectName): {
  readonly blockMembers: readonly string[];
  readonly hasTopK: boolean;
} {
  switch (dialect) {
    case "openai-chat":
      return { blockMembers: ["cache", "signature"], hasTopK: false };
    case "anthropic-messages":
      return { blockMembers: [], hasTopK: true };
    case "openai-responses":
      return { blockMembers: ["cache", "signature", "stop"], hasTopK: false };
    case "google-genai":
      // The path names the model and asks for the stream.
      return { blockMembers: ["cache", "user", "parallelTools", "model", "stream"], hasTopK: true };
  }
}

/** The recording's own id and model, which the canonical files leave open. Both must stand in its text. */
function namesIn(scenario: ScenarioName, dialect: DialectName): { id: string; model: string } {
  const { sse } = sideOf(scenario, dialect);
  const start = understood(dialect, sse).find((event) => event.type === "start");
  if (start?.type !== "start" || start.id === "" || start.model === "")
    throw new Error(`${scenario}/${dialect}.sse names no id and model`);
  for (const name of [start.id, start.model])
    if (!sse.includes(`"${name}"`)) throw new Error(`${name} does not stand in ${scenario}/${dialect}.sse`);
  return { id: start.id, model: start.model };
}

/**
 * The rule for streams: what a vendor of this dialect says of the canonical events, with its own id and model.
 * A cut is no word of the wire but the reader's own finding, so it keeps its kind.
 */
export function said(scenario: ScenarioName, dialect: DialectName): StreamEvent[] {
  const { events } = canonicalOf(scenario);
  const names = namesIn(scenario, dialect);
  const closing = events.at(-1);
  const isCut = closing?.type === "failure" && closing.failure.kind === "bad-output";
  return losses[dialect](events).map((event) => {
    if (event.type === "start") return { ...event, ...names };
    return event.type === "failure" && isCut ? closing : event;
  });
}

/**
 * What a client of another format is told of them: whose a thought is stands in its signature, unless it is Anthropic's, whose
 * signatures say so themselves. Under the mark: the vendor's own affair (pipeline/thoughts-returned.test.ts).
 */
export function marked(
  client: DialectName,
  vendor: DialectName,
  events: readonly StreamEvent[],
): StreamEvent[] {
  // Google's clients keep Anthropic's under a mark too: Google would refuse it.
  if (client === vendor || (vendor === "anthropic-messages" && client !== "google-genai")) return [...events];
  return events.map((event) => {
    if (event.type !== "thinking-end") return event;
    return event.signature === null && event.extras === undefined ? event : { ...event, signature: anyMark };
  });
}

const anyMark = "clawgate.kept.maker.members";

/** A client's answer with one mark for all. */
export const unmarked = (text: string): string =>
  text
    .replaceAll(/clawgate\.kept\.[\w-]+\.[\w-]+/g, anyMark)
    .replaceAll(/"Y2xhd2dhdGUu[\w+/=-]+/g, `"${btoa(anyMark)}`);

/** The kind that a client of this dialect reads out of a failure of that kind. */
export function kindAtClient(dialect: DialectName, failure: StreamEvent): FailureKind {
  const last = losses[dialect]([{ type: "start", id: "x", model: "x" }, failure]).at(-1);
  if (last?.type !== "failure") throw new Error("A failure must stay one.");
  return last.failure.kind;
}

/** The text of a stream in the client's dialect; a failure ends it and is not part of it. */
export function encoded(dialect: DialectName, events: readonly StreamEvent[], facts: AnswerFacts): string {
  const encoder = dialects[dialect].client.streamEncoder(facts);
  return events.map((event) => (event.type === "failure" ? "" : encoder.step(event))).join("");
}

/** What a record must know of these events' token counts. */
export function usageOf(events: readonly StreamEvent[]): Usage {
  let usage: Usage = unknownUsage;
  for (const event of events)
    if (
      (event.type === "start" || event.type === "usage" || event.type === "finish") &&
      event.usage !== undefined
    )
      usage = mergeUsage(usage, event.usage);
  return usage;
}

/** The recording as passthrough must hand it on: whole frames, without the vendor's failure, and the usage frame only if asked for. */
export function passable(sse: Buffer, mayHaveUsage: boolean): string {
  const frames = splitFrames(sse).map((slice) => slice.toString());
  const kept = frames.filter((text, at) => {
    const isWhole = /(\r?\n){2}$/.test(text);
    const data = readFrames(text)[0]?.data ?? "";
    const isFailure = at === frames.length - 1 && (!isWhole || /"error":(?!\s*null)/.test(data));
    const isUsageOnly = data.includes('"choices":[]') && data.includes('"usage":{');
    return !isFailure && (mayHaveUsage || !isUsageOnly);
  });
  return kept.join("");
}

/** Ids of tool calls as the dialect's own API accepts them; OpenAI refuses more than 40 characters. */
export function toolIdsAccepted(dialect: DialectName): RegExp {
  switch (dialect) {
    case "openai-chat":
      return /^[A-Za-z0-9_-]{1,40}$/;
    case "anthropic-messages":
      return /^[A-Za-z0-9_-]+$/;
    case "openai-responses":
      return /^[A-Za-z0-9_-]{1,64}$/;
    case "google-genai":
      return /^[\x21-\x7e]+$/;
  }
}

export const closingOf = (events: readonly StreamEvent[]): StreamEvent | undefined => events.find(isClosing);
