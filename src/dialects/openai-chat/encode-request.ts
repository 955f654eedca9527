// Turns a canonical request into the body for a vendor of this format, always streaming. It must never read another
// dialect's extras, nor drop what would change the answer.

import { type Effort, effortOfBudget } from "../../canon/effort.ts";
import type { AnswerFormat, ChatRequest, Tool, ToolChoice } from "../../canon/request.ts";
import type { Takes } from "../../canon/takes.ts";
import { cutTokens, ignoreNote } from "../adaptation-notes.ts";
import { withLoadedTools } from "../deferred-tools.ts";
import type { Note, TargetFacts } from "../dialect.ts";
import { isRecord } from "../decoding.ts";
import { unsupported } from "../read-fields.ts";
import { encodeUser } from "../openai-ids.ts";
import { fitEffort, isThinkingOff, fitToModel } from "../fit-to-model.ts";
import { encodeMessages } from "./encode-messages.ts";
import { refuseAnswerOptions } from "./refuse-translation.ts";
import { fitExtras } from "./fit-members.ts";
import { requestMembers } from "./members.ts";
import { extrasOf, type Wire } from "./extras.ts";

export function encodeRequest(asked: ChatRequest, target: TargetFacts, note: Note = ignoreNote): Wire {
  const request = fitToModel(withLoadedTools(asked), target, note);
  // The canonical form holds one plain answer, even between two ends of the same format.
  const refusal = refuseAnswerOptions(request);
  if (refusal !== null) throw refusal;
  const opaque = request.opaqueTools[0];
  if (opaque !== undefined)
    throw unsupported(
      "tools",
      `Tools of type "${opaque.type}" cannot be sent to this model: its API knows only function tools.`,
    );
  const own = extrasOf(request.extras);
  const { max_completion_tokens: newerLimit, "response_format.description": formatDescription } = own;
  const takes = target.takes ?? null;
  const ownExtras = fitExtras(requestMembers.passedOn(own), takes, isThinkingOff(request), note);
  const body: Wire = { ...ownExtras, model: target.model, messages: encodeMessages(request, note) };
  body.stream = true;
  body.stream_options = {
    ...(isRecord(ownExtras.stream_options) ? ownExtras.stream_options : {}),
    include_usage: true,
  };
  if (request.tools.length > 0) {
    body.tools = request.tools.map(encodeTool);
    if (request.toolChoice !== null) body.tool_choice = encodeToolChoice(request.toolChoice);
    if (request.parallelTools !== null) body.parallel_tool_calls = request.parallelTools;
  }
  if (request.maxTokens !== null)
    body[newerLimit === undefined && takes?.newerLimit !== true ? "max_tokens" : "max_completion_tokens"] =
      cutTokens(request.maxTokens, target, note);
  if (request.temperature !== null) body.temperature = request.temperature;
  if (request.topP !== null) body.top_p = request.topP;
  if (request.topK !== null) note("top-k-dropped");
  if (request.stop.length > 0 && takes?.stops !== false) body.stop = request.stop;
  const effort = effortOf(request, takes, note);
  if (request.thinking?.mode === "off" && effort === null && target.canThink === true)
    note("thinking-off-dropped");
  if (effort !== null) body.reasoning_effort = effort;
  if (request.format !== null) body.response_format = encodeFormat(request.format, formatDescription);
  if (request.user !== null && request.user !== ownExtras.safety_identifier)
    body.user = encodeUser(request.user);
  return body;
}

/** Reasoning models refuse stop sequences; the translation looks for them in the answer. */
export function unsupportedStops(request: ChatRequest, target: TargetFacts): readonly string[] {
  return target.takes?.stops === false ? request.stop : [];
}

function effortOf(request: ChatRequest, takes: Takes | null, note: Note): Effort | null {
  // Only where the levels are known can "off" be sent, or the lowest level in its place.
  if (request.thinking?.mode === "off")
    return takes?.thinking === "adaptive" ? fitEffort("none", takes, note) : null;
  if (request.effort !== null) return fitEffort(request.effort, takes, note);
  if (request.thinking?.mode !== "budget") return null;
  return fitEffort(effortOfBudget(request.thinking.budgetTokens), takes, note);
}

function encodeTool(tool: Tool): Wire {
  const strict = extrasOf(tool.extras).strict ?? tool.strict;
  return {
    type: "function",
    function: {
      name: tool.name,
      ...(tool.description === null ? {} : { description: tool.description }),
      parameters: tool.schema,
      ...(typeof strict === "boolean" ? { strict } : {}),
    },
  };
}

function encodeToolChoice(choice: ToolChoice): unknown {
  return choice.type === "tool" ? { type: "function", function: { name: choice.name } } : choice.type;
}

function encodeFormat(format: AnswerFormat, description: unknown): Wire {
  if (format.type === "json-object") return { type: "json_object" };
  return {
    type: "json_schema",
    json_schema: {
      name: format.name,
      ...(typeof description === "string" ? { description } : {}),
      schema: format.schema,
      ...(format.strict === null ? {} : { strict: format.strict }),
    },
  };
}
