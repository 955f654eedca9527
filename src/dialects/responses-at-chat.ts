// A request in the form of Responses at the door of chat completions, answered in chat chunks: Cursor sends them. It must never be
// asked about a body that holds messages.

import type { ChatRequest } from "../canon/request.ts";
import { isRecord } from "./decoding.ts";
import type { ClientHalf } from "./dialect.ts";
import { openaiChat } from "./openai-chat/dialect.ts";
import { inResponsesSpelling } from "./openai-responses/chat-spelling.ts";
import { openaiResponses } from "./openai-responses/dialect.ts";

/** By the kinds of its members; null: there is none of that name. */
export function isResponsesBody(kindOf: (key: string) => string | null): boolean {
  const messages = kindOf("messages");
  const input = kindOf("input");
  return (messages === null || messages === "null") && (input === "array" || input === "string");
}

const { decodeRequest, refuseTranslation, noteLosses } = openaiResponses.client;

export const responsesAtChat: ClientHalf = {
  ...openaiChat.client,
  decodeRequest(body): ChatRequest {
    if (!isRecord(body)) return decodeRequest(body);
    const options = body.stream_options;
    const wantsUsage = isRecord(options) && options.include_usage === true;
    return { ...decodeRequest(inResponsesSpelling(body)), wantsUsage };
  },
  refuseTranslation,
  noteLosses,
};
