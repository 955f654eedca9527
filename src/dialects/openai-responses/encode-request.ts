// Turns a canonical request into the body for a vendor of this format, always streaming and never stored. It must never
// read another dialect's extras, nor drop what would change the answer.

import { type Effort, effortOfBudget } from "../../canon/effort.ts";
import type { AnswerFormat, ChatRequest } from "../../canon/request.ts";
import type { Takes } from "../../canon/takes.ts";
import { cutTokens, noteDropped, ignoreNote } from "../adaptation-notes.ts";
import { withLoadedTools } from "../deferred-tools.ts";
import type { Note, TargetFacts } from "../dialect.ts";
import { isRecord } from "../decoding.ts";
import { encodeUser } from "../openai-ids.ts";
import { fitEffort, isThinkingOff, acceptsSampling, fitToModel } from "../fit-to-model.ts";
import { encodeMessages } from "./encode-messages.ts";
import { encodeToolChoice, encodeTools } from "./encode-tools.ts";
import { extrasOf, name, type Wire } from "./extras.ts";
import { logprobsInclude, requestMembers } from "./members.ts";

/** The API's floor for `max_output_tokens`. */
const leastOutput = 16;

/**
 * Dropped: top_k, which the API does not have, and `stop` (unsupportedStops). A request of this dialect keeps its own `store`;
 * encrypted reasoning is not requested for clients of other formats, which could not send it back.
 */
export function encodeRequest(asked: ChatRequest, target: TargetFacts, note: Note = ignoreNote): Wire {
  const request = fitToModel(withLoadedTools(asked), target, note);
  const takes = target.takes ?? null;
  const own = request.extras[name];
  const {
    hosted_tools: hosted,
    tool_choice: ownChoice,
    reasoning: ownReasoning,
    text: ownText,
  } = extrasOf(request.extras);
  const written = requestMembers.passedOn(own ?? {});
  const ownExtras = withoutProbabilities(written, takes, isThinkingOff(request), note);
  const body: Wire = { ...ownExtras, model: target.model, ...encodeMessages(request, note) };
  body.stream = true;
  if (own === undefined) body.store = false;
  const tools = [...encodeTools(request), ...(Array.isArray(hosted) ? (hosted as readonly unknown[]) : [])];
  if (tools.length > 0) {
    body.tools = tools;
    if (request.toolChoice !== null) body.tool_choice = encodeToolChoice(request.toolChoice, request.tools);
    else if (ownChoice !== undefined) body.tool_choice = ownChoice;
    if (request.parallelTools !== null) body.parallel_tool_calls = request.parallelTools;
  }
  if (request.maxTokens !== null) {
    const limit = cutTokens(request.maxTokens, target, note);
    if (limit < leastOutput) note(`max-tokens-raised:${leastOutput}`);
    body.max_output_tokens = Math.max(leastOutput, limit);
  }
  if (request.temperature !== null) body.temperature = request.temperature;
  if (request.topP !== null) body.top_p = request.topP;
  if (request.topK !== null) note("top-k-dropped");
  // What remains of the client's own `reasoning` (such as a summary) asks for thinking as well.
  const reasoning = encodeReasoning(request, takes, target.canThink === false ? null : ownReasoning, note);
  if (request.thinking?.mode === "off" && reasoning === null && target.canThink === true)
    note("thinking-off-dropped");
  if (reasoning !== null) body.reasoning = reasoning;
  const text = encodeText(request.format, withoutVerbosity(ownText, takes, note));
  if (text !== null) body.text = text;
  if (request.user !== null && request.user !== ownExtras.safety_identifier)
    body.user = encodeUser(request.user);
  return body;
}

export function unsupportedStops(request: ChatRequest): readonly string[] {
  return request.stop;
}

/** A client of another format that asked for thinking wants to see it, which here is a summary. */
function encodeReasoning(request: ChatRequest, takes: Takes | null, own: unknown, note: Note): Wire | null {
  const { thinking } = request;
  if (thinking?.mode === "off") {
    // Only where the levels are known can "off" be sent, or the lowest level in its place.
    const least = takes?.thinking === "adaptive" ? fitEffort("none", takes, note) : null;
    return least === null ? null : { effort: least };
  }
  const wanted = effortOf(request);
  const effort = wanted === null ? null : fitEffort(wanted, takes, note);
  const reasoning: Wire = {
    ...(isRecord(own) ? own : {}),
    ...(effort === null ? {} : { effort }),
    ...(thinking === null ? {} : { summary: "auto" }),
  };
  return Object.keys(reasoning).length === 0 ? null : reasoning;
}

/** "top_logprobs is not supported for reasoning models." */
function withoutProbabilities(ownExtras: Wire, takes: Takes | null, isOff: boolean, note: Note): Wire {
  if (takes === null || takes.penalties || acceptsSampling(takes, isOff)) return ownExtras;
  noteDropped(ownExtras, ["top_logprobs"], note);
  const { top_logprobs: _left, include, ...rest } = ownExtras;
  if (!Array.isArray(include)) return include === undefined ? rest : { ...rest, include };
  const kept = include.filter((each) => each !== logprobsInclude);
  if (kept.length < include.length) note("logprobs-dropped");
  return kept.length === 0 ? rest : { ...rest, include: kept };
}

function withoutVerbosity(text: unknown, takes: Takes | null, note: Note): unknown {
  if (takes === null || takes.verbosity || !isRecord(text) || text.verbosity === undefined) return text;
  noteDropped(text, ["verbosity"], note);
  const { verbosity: _left, ...rest } = text;
  return rest;
}

function effortOf({ effort, thinking }: ChatRequest): Effort | null {
  if (effort !== null) return effort;
  return thinking?.mode === "budget" ? effortOfBudget(thinking.budgetTokens) : null;
}

function encodeText(format: AnswerFormat | null, own: unknown): Wire | null {
  const { "format.description": description, ...rest } = isRecord(own) ? own : {};
  const text: Wire = format === null ? rest : { ...rest, format: encodeFormat(format, description) };
  return Object.keys(text).length === 0 ? null : text;
}

function encodeFormat(format: AnswerFormat, description: unknown): Wire {
  if (format.type === "json-object") return { type: "json_object" };
  return {
    type: "json_schema",
    name: format.name,
    ...(typeof description === "string" ? { description } : {}),
    schema: format.schema,
    ...(format.strict === null ? {} : { strict: format.strict }),
  };
}
