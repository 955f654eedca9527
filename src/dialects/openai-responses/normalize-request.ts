// Rewrites members of a Responses body that are in the chat completions form (Cursor mixes both) to the form of this
// API. It must never change what is already in this form.

import { isRecord } from "../decoding.ts";
import type { Wire } from "./extras.ts";

export function normalizeRequest(body: Wire): Wire {
  const {
    messages: _messages,
    // A chat answer is not stored, so nothing can refer to it, and the encoder decides about its usage frame.
    store: _store,
    stream_options: _options,
    max_tokens: most,
    max_completion_tokens: maxNew,
    response_format: format,
    reasoning_effort: effort,
    ...rest
  } = body;
  const limit = rest.max_output_tokens ?? maxNew ?? most;
  return {
    ...rest,
    ...(limit === undefined ? {} : { max_output_tokens: limit }),
    ...(effort !== undefined && rest.reasoning === undefined ? { reasoning: { effort } } : {}),
    ...(format !== undefined && rest.text === undefined
      ? { text: { format: flat(format, "json_schema") } }
      : {}),
    ...(Array.isArray(rest.tools) ? { tools: rest.tools.map(flatTool) } : {}),
    ...(isRecord(rest.tool_choice) ? { tool_choice: flatTool(rest.tool_choice) } : {}),
    ...(Array.isArray(rest.input) ? { input: rest.input.flatMap(itemsOf) } : {}),
  };
}

/** Flattens `{type, <member>: {…}}`. */
function flat(value: unknown, member: string): unknown {
  if (!isRecord(value) || !isRecord(value[member])) return value;
  const { [member]: inner, ...rest } = value;
  return { ...rest, ...(inner as Wire) };
}

const flatTool = (tool: unknown): unknown => flat(flat(tool, "function"), "custom");

/** A turn with calls, or a call's result, becomes several items here. */
function itemsOf(item: unknown): readonly unknown[] {
  if (!isRecord(item)) return [item];
  const { tool_calls: calls, ...rest } = item;
  const content = Array.isArray(rest.content) ? rest.content.map(partOf) : rest.content;
  if (rest.role === "tool" && typeof rest.tool_call_id === "string")
    return [{ type: "function_call_output", call_id: rest.tool_call_id, output: content ?? "" }];
  const message = content === undefined ? rest : { ...rest, content };
  if (!Array.isArray(calls)) return [message];
  const hasWords = content !== undefined && content !== null && content !== "";
  return [...(hasWords ? [message] : []), ...calls.map(callOf)];
}

function callOf(call: unknown): unknown {
  if (!isRecord(call) || !isRecord(call.function)) return call;
  const { name, arguments: input } = call.function;
  return { type: "function_call", call_id: call.id, name, arguments: input };
}

function partOf(part: unknown): unknown {
  if (!isRecord(part) || part.type !== "image_url") return part;
  const { image_url: image } = part;
  if (!isRecord(image)) return { ...part, type: "input_image" };
  return {
    type: "input_image",
    image_url: image.url,
    ...(image.detail == null ? {} : { detail: image.detail }),
  };
}
