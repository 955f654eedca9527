// Reduces a request to what its model accepts, before any format encodes it: sampling, forced tools, a final assistant
// message. One pass for all encoders. It must never know a model by name; each format handles thinking itself.

import { type Effort, nearestEffort } from "../canon/effort.ts";
import type { ChatRequest, Message } from "../canon/request.ts";
import type { Takes } from "../canon/takes.ts";
import { withoutThinking } from "./adaptation-notes.ts";
import type { Note, TargetFacts } from "./dialect.ts";

export const thinkingAtLeast = "thinking-at-least";
export const toolChoiceAuto = "tool-choice-auto";
export const prefillContinued = "prefill-continued";

export function fitToModel(asked: ChatRequest, target: TargetFacts, note: Note): ChatRequest {
  const request = withoutThinking(asked, target, note);
  const takes = target.takes ?? null;
  if (takes === null) return request;
  const kept = fitSchema(fitParallelCalls(fitSampling(request, takes, note), takes, note), takes, note);
  return fitPrefill(fitToolChoice(kept, takes, note), takes, note);
}

/** Whether the request switches thinking off, by effort or by budget. */
export function isThinkingOff({ thinking, effort }: Pick<ChatRequest, "thinking" | "effort">): boolean {
  return thinking === null ? effort === "none" : thinking.mode === "off";
}

/** Whether a model without sampling parameters accepts them in this request all the same. */
export function acceptsSampling(takes: Takes, isOff: boolean): boolean {
  return takes.sampling !== "none" || (takes.samplesUnthinking && isOff && takes.thinkingOff);
}

function fitSampling(request: ChatRequest, takes: Takes, note: Note): ChatRequest {
  const { temperature, topP, topK } = request;
  if (acceptsSampling(takes, isThinkingOff(request))) {
    if (takes.sampling !== "one" || temperature === null || topP === null) return request;
    note("top-p-dropped");
    return { ...request, topP: null };
  }
  if (temperature === null && topP === null && topK === null) return request;
  if (temperature !== null) note("temperature-dropped");
  if (topP !== null) note("top-p-dropped");
  if (topK !== null) note("top-k-dropped");
  return { ...request, temperature: null, topP: null, topK: null };
}

function fitParallelCalls(request: ChatRequest, takes: Takes, note: Note): ChatRequest {
  if (takes.parallelChoice || request.parallelTools === null) return request;
  if (request.parallelTools === false && request.tools.length > 0) note(oneCallDropped);
  return { ...request, parallelTools: null };
}

export const oneCallDropped = "one-call-at-a-time-dropped";

/** The schema as an instruction, for a model without structured output. */
function fitSchema(request: ChatRequest, takes: Takes, note: Note): ChatRequest {
  const { format } = request;
  if (takes.schemas || format?.type !== "json-schema") return request;
  note(schemaInWords);
  return {
    ...request,
    format: { type: "json-object" },
    system: [...request.system, { type: "text", text: schemaInstruction(format.schema) }],
  };
}

export const schemaInWords = "json-schema-in-words";

export function schemaInstruction(schema: unknown): string {
  return `Answer with one JSON object that keeps to this JSON Schema: ${JSON.stringify(schema)}`;
}

/** The tool choice becomes free, and an instruction asks for a call. */
function fitToolChoice(request: ChatRequest, takes: Takes, note: Note): ChatRequest {
  const { toolChoice } = request;
  if (takes.forcedTools || (toolChoice?.type !== "required" && toolChoice?.type !== "tool")) return request;
  if (request.tools.length + request.opaqueTools.length === 0) return request;
  note(toolChoiceAuto);
  return {
    ...request,
    toolChoice: { type: "auto" },
    system: [...request.system, { type: "text", text: callInstruction(toolChoice) }],
  };
}

function callInstruction(choice: NonNullable<ChatRequest["toolChoice"]>): string {
  return choice.type === "tool"
    ? `Answer this turn with a call of the tool ${choice.name}, not with text.`
    : "Answer this turn with a call of one of the tools, not with text.";
}

/** "The conversation must end with a user message." */
function fitPrefill(request: ChatRequest, takes: Takes, note: Note): ChatRequest {
  if (takes.prefill) return request;
  const last = request.messages.findLast((message) => message.role !== "system");
  if (last?.role !== "assistant") return request;
  note(prefillContinued);
  return { ...request, messages: [...request.messages, continueMessage] };
}

export const continuedText = "(continued)";
const continueMessage: Message = { role: "user", content: [{ type: "text", text: continuedText }] };

/** The nearest level that the model knows; null: it knows none. */
export function fitEffort(wanted: Effort, takes: Takes | null | undefined, note: Note): Effort | null {
  if (takes === null || takes === undefined) return wanted;
  if (wanted === "none" && takes.thinkingOff) return wanted;
  // A model that uses budgets gets levels only where its vendor turns them into budgets.
  const known = takes.thinking === "adaptive" ? takes.efforts : null;
  if (known === null ? wanted !== "none" : known.includes(wanted)) return wanted;
  const nearest = nearestEffort(wanted, known?.filter((level) => level !== "none") ?? ["low"]);
  if (nearest === null) note("effort-dropped");
  else if (wanted === "none") note(thinkingAtLeast);
  else note(`effort-set:${nearest}`);
  return nearest;
}
