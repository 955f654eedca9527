// The client's request -> canonical. Members that only this API has travel in the pocket, under their own names.
// It must never throw anything but Failure.

import { type Effort, efforts, isEffort } from "../../canon/effort.ts";
import type { Failure } from "../../canon/failure.ts";
import type { ChatRequest, TextBlock } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import { decodeMessages } from "./decode-messages.ts";
import { toolsFound } from "./client-tool-search.ts";
import { decodeFoundTools, decodeText, decodeToolChoice, decodeTools } from "./decode-tools.ts";
import {
  invalid,
  optionalBoolean,
  optionalCount,
  optionalList,
  optionalNumber,
  optionalRecord,
  optionalText,
  shown,
  textAt,
  wrongKind,
} from "../read-fields.ts";
import { checkMembers } from "./members.ts";
import { name, type Wire } from "./extras.ts";

/** Body members that clients of other gateways use to choose the upstream: here the operator chooses. */
export const upstreamKeys: ReadonlySet<string> = new Set([
  "api_base",
  "base_url",
  "api_key",
  "headers",
  "extra_headers",
  "organization",
  "endpoint",
  "proxy",
  "extra_body",
]);

export function upstreamKeyRefused(key: string): Failure {
  return invalid(
    key,
    `${key} is not accepted in a request: the gateway's configuration decides where requests go.`,
  );
}

/** Members with a canonical home. */
const canonicalKeys: ReadonlySet<string> = new Set([
  "model",
  "input",
  "instructions",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "max_output_tokens",
  "temperature",
  "top_p",
  "stream",
  "reasoning",
  "text",
  "user",
]);

export function decodeRequest(value: unknown): ChatRequest {
  if (!isRecord(value)) throw invalid(null, `The request body must be a JSON object, not ${shown(value)}.`);
  const ownExtras = decodeExtras(value);
  checkMembers(value);
  for (const [i, each] of optionalList(value.include, "include").entries()) textAt(each, `include[${i}]`);
  const model = textAt(value.model, "model");
  const { system, messages } = decodeMessages(value.input);
  const { tools: declared, opaqueTools, hosted } = decodeTools(value.tools);
  const tools = [...declared, ...decodeFoundTools(toolsFound(value.input), declared)];
  if (hosted.length > 0) ownExtras.hosted_tools = hosted;
  const { toolChoice, foreign } = decodeToolChoice(value.tool_choice, tools);
  if (foreign !== null) ownExtras.tool_choice = foreign;
  const { effort, rest: reasoning } = decodeReasoning(value.reasoning);
  if (reasoning !== null) ownExtras.reasoning = reasoning;
  const { format, rest: text } = decodeText(value.text);
  if (text !== null) ownExtras.text = text;
  const safetyId = optionalText(value.safety_identifier, "safety_identifier");
  return {
    model,
    system: [...decodeInstructions(value.instructions), ...system],
    messages,
    tools,
    opaqueTools,
    toolChoice,
    parallelTools: optionalBoolean(value.parallel_tool_calls, "parallel_tool_calls"),
    maxTokens: optionalCount(value.max_output_tokens, "max_output_tokens"),
    temperature: optionalNumber(value.temperature, "temperature", 0, 2),
    topP: optionalNumber(value.top_p, "top_p", 0, 1),
    topK: null,
    stop: [],
    effort,
    thinking: null,
    format,
    stream: optionalBoolean(value.stream, "stream") ?? false,
    wantsUsage: true,
    user: optionalText(value.user, "user") ?? safetyId,
    extras: { [name]: ownExtras },
  };
}

/** Members without a canonical home, as the client wrote them; null means absent. */
function decodeExtras(body: Wire): Wire {
  const ownExtras: Wire = {};
  for (const key of Object.keys(body)) {
    if (upstreamKeys.has(key)) throw upstreamKeyRefused(key);
    const value = body[key];
    if (canonicalKeys.has(key) || key === "__proto__" || value === null) continue;
    ownExtras[key] = value;
  }
  return ownExtras;
}

/** Its own place is kept, because instructions and developer messages are two things to the API. */
function decodeInstructions(value: unknown): TextBlock[] {
  const text = optionalText(value, "instructions") ?? "";
  return text === "" ? [] : [{ type: "text", text, extras: { [name]: { place: "instructions" } } }];
}

function decodeReasoning(value: unknown): { effort: Effort | null; rest: Wire | null } {
  const { effort, ...rest } = optionalRecord(value, "reasoning") ?? {};
  if (effort !== undefined && effort !== null && !isEffort(effort))
    throw wrongKind("reasoning.effort", `one of ${efforts.join(", ")}`, effort);
  return { effort: effort ?? null, rest: Object.keys(rest).length > 0 ? rest : null };
}
