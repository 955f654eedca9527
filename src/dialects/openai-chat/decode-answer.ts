// Reads a vendor's answer, chunk by chunk or whole, into events: one mapping for streams and plain bodies. It must
// never finish before the vendor's usage could arrive.

import type { FinishReason, StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import { mergeUsage, unknownUsage, type Usage } from "../../canon/usage.ts";
import { brokenOff, isRecord } from "../decoding.ts";
import { BlockQueue } from "./block-queue.ts";
import { failureInBand } from "../openai-failure.ts";
import { decodeFinish, settleReason } from "./finish.ts";
import { detailsIn, textOfDetails } from "./reasoning-details.ts";
import { reasoningFieldIn, spokenThoughts, taggedThoughts } from "./reasoning-fields.ts";
import { type Piece, thinkTags } from "./think-tags.ts";
import { makeToolId } from "./tool-id.ts";
import { callOf, newCall, readFragment, type ToolCall } from "./tool-calls.ts";
import { usageIn } from "./usage.ts";
import type { Wire } from "./extras.ts";

/** The chunk's error, in any of the places where vendors put one. */
export function errorOf(body: unknown): Failure | null {
  if (Array.isArray(body)) return failureInBand(body);
  if (!isRecord(body)) return null;
  if (isRecord(body.error) || (typeof body.error === "string" && body.error !== ""))
    return failureInBand(body);
  if (body.object === "error") return failureInBand(body); // vLLM
  // MiniMax, Cloudflare and others answer 200 with an error in their own shape.
  const isAnswer = body.choices !== undefined && body.choices !== null;
  return !isAnswer && isErrorShape(body) ? failureInBand(body) : null;
}

function isErrorShape({ errors, msg, error_msg: text, base_resp: base, object }: Wire): boolean {
  if (object !== undefined) return false;
  if (isRecord(base)) return base.status_code !== 0;
  return (Array.isArray(errors) && errors.length > 0) || typeof msg === "string" || typeof text === "string";
}

/** Only one answer is requested: a choice with another index is ignored. */
export function firstChoice(chunk: Wire): Wire | null {
  if (!Array.isArray(chunk.choices)) return null;
  const found: unknown = chunk.choices.find(
    (each) => isRecord(each) && (each.index === undefined || each.index === null || each.index === 0),
  );
  return isRecord(found) ? found : null;
}

export function readText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function readReasoning(delta: Wire): string {
  const field = reasoningFieldIn(delta);
  return field === null ? textOfDetails(detailsIn(delta)) : readText(delta[field]);
}

/** Members next to the choices: Perplexity's search results, or its and xAI's bare URLs. */
function sourcesIn({ search_results: results, citations }: Wire): readonly unknown[] {
  const list: readonly unknown[] =
    Array.isArray(results) && results.length > 0 ? results : [citations].flat();
  return list.map((each) => (isRecord(each) ? each : { url: each }));
}

export class AnswerDecoder {
  private id = "";
  private model = "";
  private isStarted = false;
  private isRefused = false;
  private reason: FinishReason | null = null;
  private sources: readonly unknown[] = [];
  private usage: Usage = unknownUsage;
  private readonly tags = thinkTags();
  private readonly calls: ToolCall[] = [];
  private readonly callIds = new Set<string>();
  private readonly queue = new BlockQueue((call) => this.idOf(call));

  /** One chunk (`choices[0].delta`) or one whole completion (`choices[0].message`). */
  take(chunk: Wire): StreamEvent[] {
    const out: StreamEvent[] = [];
    if (this.id === "") this.id = readText(chunk.id);
    if (this.model === "") this.model = readText(chunk.model);
    // Azure's first chunk is about its prompt filter and names no model.
    if (this.id !== "") this.begin(out);
    const choice = firstChoice(chunk);
    const usage = usageIn(chunk, choice);
    if (usage !== null) this.usage = mergeUsage(this.usage, usage);
    if (Array.isArray(chunk.search_results) || Array.isArray(chunk.citations))
      this.sources = sourcesIn(chunk);
    if (choice === null) return out;
    const delta = choice.delta ?? choice.message;
    if (isRecord(delta)) this.takeDelta(delta, out);
    const finish = decodeFinish(choice.finish_reason);
    if (finish instanceof Failure) return this.fail(finish, out);
    this.reason = finish ?? this.reason;
    return out;
  }

  fail(failure: Failure, out: StreamEvent[] = []): StreamEvent[] {
    this.addPieces(this.tags.end(), out);
    this.queue.close(out);
    // Tokens counted so far may have been charged.
    const { usage } = this;
    if (usage.input !== null || usage.output !== null) out.push({ type: "usage", usage });
    out.push({ type: "failure", failure });
    return out;
  }

  /** `isMarkedDone`: the vendor itself marked the stream as complete. */
  finish(isMarkedDone: boolean): StreamEvent[] {
    const out: StreamEvent[] = [];
    this.addPieces(this.tags.end(), out);
    if (this.reason === null && !(isMarkedDone && this.queue.count > 0)) return this.fail(brokenOff(), out);
    this.begin(out);
    this.queue.cite(this.sources);
    if (!this.queue.close(out))
      return this.fail(
        new Failure("bad-output", "The upstream called a tool without naming it.", { maybeBilled: true }),
        out,
      );
    const settled = settleReason(this.reason ?? "stop", this.calls.length);
    const reason = this.isRefused && settled === "stop" ? "refused" : settled;
    out.push({ type: "finish", reason, usage: this.usage });
    return out;
  }

  private begin(out: StreamEvent[]): void {
    if (this.isStarted) return;
    this.isStarted = true;
    out.push({ type: "start", id: this.id, model: this.model });
  }

  /** Some vendors give all calls of an answer one id, so a client would answer the first one twice. */
  private idOf(call: ToolCall): string {
    const at = this.calls.indexOf(call);
    const given = call.id ?? makeToolId(this.id, at);
    const own = this.callIds.has(given) ? `${given}_${at}` : given;
    this.callIds.add(own);
    return own;
  }

  private addText(
    kind: "text" | "thinking",
    text: string,
    out: StreamEvent[],
    field: string | null = null,
  ): void {
    if (text === "") return;
    this.begin(out);
    this.queue.addText(kind, text, out, field);
  }

  private addPieces(pieces: readonly Piece[], out: StreamEvent[]): void {
    for (const { kind, text } of pieces)
      this.addText(kind, text, out, kind === "text" ? null : taggedThoughts);
  }

  private takeDelta(delta: Wire, out: StreamEvent[]): void {
    const thoughts = readReasoning(delta);
    // A vendor that sends thinking in its own member writes no tags.
    if (thoughts !== "") this.addPieces(this.tags.end(), out);
    this.addText("thinking", thoughts, out, reasoningFieldIn(delta));
    const details = detailsIn(delta);
    if (details.length > 0) {
      this.begin(out);
      this.queue.detail(details, out);
    }
    this.takeContent(delta.content, out);
    const refusal = readText(delta.refusal);
    if (refusal !== "") this.isRefused = true;
    this.addText("text", refusal, out);
    if (Array.isArray(delta.annotations)) this.queue.cite(delta.annotations);
    if (Array.isArray(delta.tool_calls)) for (const each of delta.tool_calls) this.takeFragment(each, out);
    if (isRecord(delta.function_call)) this.takeFragment({ index: 0, function: delta.function_call }, out);
  }

  private takeContent(content: unknown, out: StreamEvent[]): void {
    if (typeof content === "string") this.addPieces(this.tags.take(content), out);
    if (!Array.isArray(content)) return;
    // Mistral's reasoning models send parts: {type:"thinking",thinking:[{type:"text",text}]} and {type:"text",text}.
    for (const part of content) {
      if (!isRecord(part)) continue;
      const isThought = part.type === "reasoning" || part.type === "thinking";
      this.addText(isThought ? "thinking" : "text", readText(part.text), out);
      this.addText("thinking", readText(part.thinking), out);
      if (!Array.isArray(part.thinking)) continue;
      for (const thought of part.thinking)
        if (isRecord(thought)) this.addText("thinking", readText(thought.text), out, spokenThoughts);
    }
  }

  private takeFragment(value: unknown, out: StreamEvent[]): void {
    const fragment = readFragment(value);
    if (fragment === null) return;
    this.addPieces(this.tags.end(), out);
    this.begin(out);
    let call = callOf(this.calls, fragment);
    if (call === null) {
      call = newCall(fragment.index);
      this.calls.push(call);
    }
    call.id ??= fragment.id;
    call.name ??= fragment.name;
    call.extra ??= fragment.extra;
    this.queue.call(call, fragment.input, out);
  }
}
