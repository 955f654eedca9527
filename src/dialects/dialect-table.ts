// Every dialect by its name: the one place where a new wire format is registered.

import type { DialectName } from "../canon/request.ts";
import { anthropicMessages } from "./anthropic-messages/dialect.ts";
import type { Dialect } from "./dialect.ts";
import { googleGenai } from "./google-genai/dialect.ts";
import { openaiChat } from "./openai-chat/dialect.ts";
import { openaiResponses } from "./openai-responses/dialect.ts";

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  "openai-chat": openaiChat,
  "anthropic-messages": anthropicMessages,
  "openai-responses": openaiResponses,
  "google-genai": googleGenai,
};
