// A Responses request sent to the chat completions endpoint, answered in chat chunks: Cursor sends these. It must never
// be used for a body with messages.

import type { Block, ChatRequest, Tool, ToolCallBlock } from "../canon/request.ts";
import { isRecord } from "./decoding.ts";
import type { ClientHalf } from "./dialect.ts";
import { wrapText } from "./free-text-tools.ts";
import { openaiChat } from "./openai-chat/dialect.ts";
import { normalizeRequest } from "./openai-responses/normalize-request.ts";
import { openaiResponses } from "./openai-responses/dialect.ts";

/** Decides by the JSON types of `messages` and `input`; undefined: no such member. */
export function isResponsesBody(messages: string | undefined, input: string | undefined): boolean {
  return (messages === undefined || messages === "null") && (input === "array" || input === "string");
}

/** Marks the tool as free text for the encoder of chat answers too. */
function answersAsText(tool: Tool): Tool {
  const own = tool.extras?.["openai-responses"];
  if (own?.["type"] !== "custom") return tool;
  return { ...tool, extras: { ...tool.extras, "openai-chat": { custom: { name: tool.name } } } };
}

const { decodeRequest, refuseTranslation, noteLosses } = openaiResponses.client;

export const responsesOnChat: ClientHalf = {
  ...openaiChat.client,
  decodeRequest(body): ChatRequest {
    if (!isRecord(body)) return decodeRequest(body);
    const options = body.stream_options;
    const wantsUsage = isRecord(options) && options.include_usage === true;
    const request = decodeRequest(normalizeRequest(body));
    return { ...request, tools: request.tools.map(answersAsText), wantsUsage };
  },
  refuseTranslation,
  noteLosses,
  streamEncoder(facts) {
    const encoder = openaiChat.client.streamEncoder(facts);
    return {
      step(event) {
        const call = event.type === "opaque" ? freeTextCallIn(event.value) : null;
        if (event.type !== "opaque" || call === null) return encoder.step(event);
        const { index } = event;
        return (
          encoder.step({ type: "tool-start", index, id: call.id, name: call.name }) +
          encoder.step({ type: "tool-delta", index, input: call.input }) +
          encoder.step({ type: "tool-end", index })
        );
      },
    };
  },
  encodeReply: (reply, facts) =>
    openaiChat.client.encodeReply({ ...reply, content: reply.content.map(callAsText) }, facts),
};

/** A free-text call as the API itself sent it. */
function freeTextCallIn(value: unknown): ToolCallBlock | null {
  if (!isRecord(value) || value["type"] !== "custom_tool_call") return null;
  const { call_id: id, name, input } = value;
  if (typeof id !== "string" || typeof name !== "string" || typeof input !== "string") return null;
  return { type: "tool-call", id, name, input: wrapText(input) };
}

const callAsText = (block: Block): Block =>
  block.type === "opaque" ? (freeTextCallIn(block.value) ?? block) : block;
