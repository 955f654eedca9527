// Request schemas for the API description, by endpoint name. Imported when the description is first requested: a few thousand
// zod objects are memory that a start does not need.

import type { z } from "zod";

export async function apiSchemas(): Promise<Readonly<Record<string, z.ZodType>>> {
  const [chat, messages, responses, google, embeddings, forwarded] = await Promise.all([
    import("../dialects/openai-chat/schema.ts"),
    import("../dialects/anthropic-messages/schema.ts"),
    import("../dialects/openai-responses/schema.ts"),
    import("../dialects/google-genai/schema.ts"),
    import("../pipeline/plans/embeddings-schema.ts"),
    import("../pipeline/plans/forwarding-schema.ts"),
  ]);
  return {
    chat: chat.chatRequestSchema,
    messages: messages.messagesRequestSchema,
    responses: responses.responsesRequestSchema,
    compact: responses.responsesRequestSchema,
    gemini: google.generateContentRequestSchema,
    "gemini-count-tokens": google.googleCountTokensRequestSchema,
    "count-tokens": messages.countTokensRequestSchema,
    "responses-count-tokens": responses.responsesRequestSchema,
    "gemini-embeddings": forwarded.geminiEmbeddingsRequestSchema,
    embeddings: embeddings.embeddingsRequestSchema,
    completions: forwarded.completionsRequestSchema,
    images: forwarded.imagesRequestSchema,
    speech: forwarded.speechRequestSchema,
    transcriptions: forwarded.transcriptionsRequestSchema,
    rerank: forwarded.rerankRequestSchema,
    moderations: forwarded.moderationsRequestSchema,
  };
}
