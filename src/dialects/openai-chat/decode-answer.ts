// Reads a vendor's answer, chunk by chunk or whole, into events: the one mapping that streams and plain bodies share.
// It must never say finish before the vendor's usage had its chance to arrive.

import type { FinishReason, StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import { mergeUsage, unknownUsage, type Usage } from "../../canon/usage.ts";
import { brokenOff, isRecord } from "../decoding.ts";
import { blockQueue } from "./block-queue.ts";
import { failureInBand } from "../openai-failure.ts";
import { decodeFinish, settleReason } from "./finish.ts";
import { detailsIn, textOfDetails } from "./reasoning-details.ts";
import { reasoningFieldIn, spokenThoughts, taggedThoughts } from "./reasoning-fields.ts";
import { type Piece, thinkTags } from "./think-tags.ts";
import { makeToolId } from "./tool-id.ts";
import { callOf, jsonProgress, readFragment, type ToolCall } from "./tool-calls.ts";
import { usageIn } from "./usage.ts";

type Raw = Record<string, unknown>;

export type AnswerDecoder = {
  /** One chunk (`choices[0].delta`) or one whole completion (`choices[0].message`). */
  take(chunk: Raw): StreamEvent[];
  fail(failure: Failure): StreamEvent[];
  /** `saidDone`: the vendor itself said that the stream is complete. */
  finish(saidDone: boolean): StreamEvent[];
};

/** The chunk's error, in any of the places where vendors put one. */
export function errorOf(body: unknown): Failure | null {
  if (Array.isArray(body)) return failureInBand(body);
  if (!isRecord(body)) return null;
  if (isRecord(body.error) || (typeof body.error === "string" && body.error !== ""))
    return failureInBand(body);
  if (body.object === "error") return failureInBand(body); // vLLM
  // MiniMax, Cloudflare and others answer 200 with an error in a shape of their own.
  const isAnswer = body.choices !== undefined && body.choices !== null;
  return !isAnswer && isErrorShape(body) ? failureInBand(body) : null;
}

function isErrorShape({ errors, msg, error_msg: text, base_resp: base, object }: Raw): boolean {
  if (object !== undefined) return false;
  if (isRecord(base)) return base.status_code !== 0;
  return (Array.isArray(errors) && errors.length > 0) || typeof msg === "string" || typeof text === "string";
}

/** Answers are always asked for singly: a choice of another index is not ours. */
export function firstChoice(chunk: Raw): Raw | null {
  if (!Array.isArray(chunk.choices)) return null;
  const found: unknown = chunk.choices.find(
    (each) => isRecord(each) && (each.index === undefined || each.index === null || each.index === 0),
  );
  return isRecord(found) ? found : null;
}

export function readText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function readReasoning(delta: Raw): string {
  const field = reasoningFieldIn(delta);
  return field === null ? textOfDetails(detailsIn(delta)) : readText(delta[field]);
}

/** Beside the choices: Perplexity's search results, or its and xAI's bare addresses. */
function sourcesIn({ search_results: results, citations }: Raw): readonly unknown[] {
  const list: readonly unknown[] =
    Array.isArray(results) && results.length > 0 ? results : [citations].flat();
  return list.map((each) => (isRecord(each) ? each : { url: each }));
}

export function answerDecoder(): AnswerDecoder {
  let id = "";
  let model = "";
  let isStarted = false;
  let isRefused = false;
  let reason: FinishReason | null = null;
  let sources: readonly unknown[] = [];
  const tags = thinkTags();
  let usage: Usage = unknownUsage;
  const calls: ToolCall[] = [];
  const ids = new Set<string>();
  /** Vendors that give all calls of an answer one id would have a client answer the first of them twice. */
  const idOf = (call: ToolCall): string => {
    const at = calls.indexOf(call);
    const given = call.id ?? makeToolId(id, at);
    const own = ids.has(given) ? `${given}_${at}` : given;
    ids.add(own);
    return own;
  };
  const queue = blockQueue(idOf);

  const begin = (out: StreamEvent[]): void => {
    if (isStarted) return;
    isStarted = true;
    out.push({ type: "start", id, model });
  };
  const say = (
    kind: "text" | "thinking",
    text: string,
    out: StreamEvent[],
    field: string | null = null,
  ): void => {
    if (text === "") return;
    begin(out);
    queue.addText(kind, text, out, field);
  };
  const speak = (pieces: readonly Piece[], out: StreamEvent[]): void => {
    for (const { kind, text } of pieces) say(kind, text, out, kind === "text" ? null : taggedThoughts);
  };
  const takeFragment = (value: unknown, out: StreamEvent[]): void => {
    const fragment = readFragment(value);
    if (fragment === null) return;
    speak(tags.end(), out);
    begin(out);
    let call = callOf(calls, fragment);
    if (call === null) {
      call = {
        index: fragment.index,
        id: null,
        name: null,
        progress: jsonProgress(),
        isClosed: false,
        extra: null,
      };
      calls.push(call);
    }
    call.id ??= fragment.id;
    call.name ??= fragment.name;
    call.extra ??= fragment.extra;
    queue.call(call, fragment.input, out);
  };
  const takeContent = (content: unknown, out: StreamEvent[]): void => {
    if (typeof content === "string") speak(tags.take(content), out);
    if (!Array.isArray(content)) return;
    // Mistral's reasoning models send parts: {type:"thinking",thinking:[{type:"text",text}]} and {type:"text",text}.
    for (const part of content) {
      if (!isRecord(part)) continue;
      const isThought = part.type === "reasoning" || part.type === "thinking";
      say(isThought ? "thinking" : "text", readText(part.text), out);
      say("thinking", readText(part.thinking), out);
      if (!Array.isArray(part.thinking)) continue;
      for (const thought of part.thinking)
        if (isRecord(thought)) say("thinking", readText(thought.text), out, spokenThoughts);
    }
  };
  const takeDelta = (delta: Raw, out: StreamEvent[]): void => {
    const thoughts = readReasoning(delta);
    // A vendor that keeps them apart writes no tags.
    if (thoughts !== "") speak(tags.end(), out);
    say("thinking", thoughts, out, reasoningFieldIn(delta));
    const details = detailsIn(delta);
    if (details.length > 0) {
      begin(out);
      queue.detail(details, out);
    }
    takeContent(delta.content, out);
    const refusal = readText(delta.refusal);
    if (refusal !== "") isRefused = true;
    say("text", refusal, out);
    if (Array.isArray(delta.annotations)) queue.cite(delta.annotations);
    if (Array.isArray(delta.tool_calls)) for (const each of delta.tool_calls) takeFragment(each, out);
    if (isRecord(delta.function_call)) takeFragment({ index: 0, function: delta.function_call }, out);
  };
  const fail = (failure: Failure, out: StreamEvent[] = []): StreamEvent[] => {
    speak(tags.end(), out);
    queue.close(out);
    // What was counted until now may have been charged.
    if (usage.input !== null || usage.output !== null) out.push({ type: "usage", usage });
    out.push({ type: "failure", failure });
    return out;
  };

  return {
    take(chunk) {
      const out: StreamEvent[] = [];
      if (id === "") id = readText(chunk.id);
      if (model === "") model = readText(chunk.model);
      // Azure's first chunk is about its prompt filter and names nobody.
      if (id !== "") begin(out);
      const choice = firstChoice(chunk);
      const news = usageIn(chunk, choice);
      if (news !== null) usage = mergeUsage(usage, news);
      if (Array.isArray(chunk.search_results) || Array.isArray(chunk.citations)) sources = sourcesIn(chunk);
      if (choice === null) return out;
      const delta = choice.delta ?? choice.message;
      if (isRecord(delta)) takeDelta(delta, out);
      const finish = decodeFinish(choice.finish_reason);
      if (finish instanceof Failure) return fail(finish, out);
      reason = finish ?? reason;
      return out;
    },
    fail: (failure) => fail(failure),
    finish(saidDone) {
      const out: StreamEvent[] = [];
      speak(tags.end(), out);
      if (reason === null && !(saidDone && queue.count > 0)) return fail(brokenOff(), out);
      begin(out);
      queue.cite(sources);
      if (!queue.close(out))
        return fail(
          new Failure("bad-output", "The upstream called a tool without naming it.", { maybeBilled: true }),
          out,
        );
      const settled = settleReason(reason ?? "stop", calls.length);
      out.push({ type: "finish", reason: isRefused && settled === "stop" ? "refused" : settled, usage });
      return out;
    },
  };
}
