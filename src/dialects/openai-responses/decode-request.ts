// Turns the client's request into the canonical one. Members that only this API has travel in extras, under their own
// names. It must never throw anything but Failure.

import { type Effort, efforts, isEffort } from "../../canon/effort.ts";
import type { ChatRequest, TextBlock } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import { decodeMessages } from "./decode-messages.ts";
import { toolsFound } from "./client-tool-search.ts";
import { decodeFoundTools, decodeText, decodeToolChoice, decodeTools } from "./decode-tools.ts";
import { invalid, shown, wrongKind } from "../read-fields.ts";
import { name, type Wire } from "./extras.ts";
import { requestMembers } from "./members.ts";

export function decodeRequest(value: unknown): ChatRequest {
  if (!isRecord(value)) throw invalid(null, `The request body must be a JSON object, not ${shown(value)}.`);
  const ownExtras = requestMembers.decodeExtras(value);
  const model = requestMembers.read(value, "model");
  const { system, messages } = decodeMessages(value.input);
  const { tools: declared, opaqueTools, hosted } = decodeTools(value.tools);
  const tools = [...declared, ...decodeFoundTools(toolsFound(value.input), declared)];
  if (hosted.length > 0) ownExtras.hosted_tools = hosted;
  const { toolChoice, foreign } = decodeToolChoice(value.tool_choice, tools);
  if (foreign !== null) ownExtras.tool_choice = foreign;
  const { effort, rest: reasoning } = decodeReasoning(requestMembers.read(value, "reasoning"));
  if (reasoning !== null) ownExtras.reasoning = reasoning;
  const { format, rest: text } = decodeText(value.text);
  if (text !== null) ownExtras.text = text;
  return {
    model,
    system: [...decodeInstructions(requestMembers.read(value, "instructions")), ...system],
    messages,
    tools,
    opaqueTools,
    toolChoice,
    parallelTools: requestMembers.read(value, "parallel_tool_calls"),
    maxTokens: requestMembers.read(value, "max_output_tokens"),
    temperature: requestMembers.read(value, "temperature"),
    topP: requestMembers.read(value, "top_p"),
    topK: null,
    stop: [],
    effort,
    thinking: null,
    format,
    stream: requestMembers.read(value, "stream") ?? false,
    wantsUsage: true,
    user: requestMembers.read(value, "user") ?? requestMembers.read(value, "safety_identifier"),
    extras: { [name]: ownExtras },
  };
}

/** Its position is kept, because the API treats instructions and developer messages differently. */
function decodeInstructions(text: string | null): TextBlock[] {
  return text === null || text === ""
    ? []
    : [{ type: "text", text, extras: { [name]: { place: "instructions" } } }];
}

function decodeReasoning(value: Wire | null): { effort: Effort | null; rest: Wire | null } {
  const { effort, ...rest } = value ?? {};
  if (effort !== undefined && effort !== null && !isEffort(effort))
    throw wrongKind("reasoning.effort", `one of ${efforts.join(", ")}`, effort);
  return { effort: effort ?? null, rest: Object.keys(rest).length > 0 ? rest : null };
}
