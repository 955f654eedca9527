// Turns the client's chat request into the canonical one. Members that only this API has travel in extras, under their
// own names. Checks are hand-written: they cost a third of a schema's and name the field and the remedy. It must never
// throw anything but Failure.

import type { Block, ChatRequest, Tool } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import { invalid, optionalBoolean, shown } from "../read-fields.ts";
import { wrappedText } from "../free-text-tools.ts";
import { type DecodedMessages, decodeMessages } from "./decode-messages.ts";
import { decodeFormat, decodeToolChoice, decodeTools, isFreeText, isOpenAiChoice } from "./decode-tools.ts";
import { requestMembers } from "./members.ts";
import { name as dialect } from "./extras.ts";

export function decodeRequest(value: unknown): ChatRequest {
  if (!isRecord(value)) throw invalid(null, `The request body must be a JSON object, not ${shown(value)}.`);
  const ownExtras = requestMembers.decodeExtras(value);
  const model = requestMembers.read(value, "model");
  const { tools, opaqueTools } = decodeTools(value.tools);
  const { system, messages } = withWrappedTexts(decodeMessages(value.messages), tools);
  if (isOpenAiChoice(value.tool_choice)) ownExtras.tool_choice = value.tool_choice;
  const { format, description } = decodeFormat(value.response_format);
  if (description !== null) ownExtras["response_format.description"] = description;
  const { include_usage: includeUsage, ...otherOptions } = requestMembers.read(value, "stream_options") ?? {};
  if (Object.keys(otherOptions).length > 0) ownExtras.stream_options = otherOptions;
  return {
    model,
    system,
    messages,
    tools,
    opaqueTools,
    toolChoice: decodeToolChoice(value.tool_choice, tools),
    parallelTools: requestMembers.read(value, "parallel_tool_calls"),
    maxTokens:
      requestMembers.read(value, "max_completion_tokens") ?? requestMembers.read(value, "max_tokens"),
    temperature: requestMembers.read(value, "temperature"),
    topP: requestMembers.read(value, "top_p"),
    topK: null,
    stop: requestMembers.read(value, "stop"),
    effort: requestMembers.read(value, "reasoning_effort"),
    thinking: null,
    format,
    stream: requestMembers.read(value, "stream") ?? false,
    wantsUsage: optionalBoolean(includeUsage, "stream_options.include_usage") ?? false,
    user: requestMembers.read(value, "user") ?? requestMembers.read(value, "safety_identifier"),
    extras: Object.keys(ownExtras).length > 0 ? { [dialect]: ownExtras } : {},
  };
}

/** Cursor sends calls of free-text tools back as function calls with the bare text as arguments. */
function withWrappedTexts(conversation: DecodedMessages, tools: readonly Tool[]): DecodedMessages {
  const names = new Set(tools.filter(isFreeText).map(({ name }) => name));
  if (names.size === 0) return conversation;
  const wrapped = (block: Block): Block =>
    block.type === "tool-call" && names.has(block.name)
      ? { ...block, input: wrappedText(block.input) }
      : block;
  const messages = conversation.messages.map((message) =>
    message.role === "assistant" ? { ...message, content: message.content.map(wrapped) } : message,
  );
  return { ...conversation, messages };
}
