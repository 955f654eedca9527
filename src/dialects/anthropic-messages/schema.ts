// The request as clients send it, for the API description (/swagger). Requests are checked by decode-request.ts, not by this.
// The two must never disagree: test/dialects/anthropic-messages/schema.test.ts holds them together.

import { z } from "zod";

const cacheControl = z
  .looseObject({ type: z.literal("ephemeral"), ttl: z.string().nullish() })
  .nullish()
  .describe('A prompt-cache mark; ttl "5m" (default) or "1h". At most four count, the last ones.');

const textBlock = z.looseObject({
  type: z.enum(["text", "input_text"]),
  text: z.string(),
  cache_control: cacheControl,
});
const imageSource = z.union([
  z.looseObject({ type: z.literal("base64"), media_type: z.string(), data: z.string() }),
  z.looseObject({ type: z.literal("url"), url: z.string().describe("Passed on, never fetched here.") }),
]);
const imageBlock = z.looseObject({
  type: z.literal("image"),
  source: z.union([imageSource, z.looseObject({ type: z.string() })]),
  cache_control: cacheControl,
});
const toolUseBlock = z.looseObject({
  type: z.literal("tool_use"),
  id: z.string(),
  name: z.string(),
  input: z.looseObject({}).nullish(),
  cache_control: cacheControl,
});
const thinkingBlock = z.looseObject({
  type: z.literal("thinking"),
  thinking: z.string(),
  signature: z.string().nullish(),
});

const readTypes = ["text", "input_text", "image", "tool_use", "tool_result", "thinking"];
const otherBlock = z
  .looseObject({ type: z.string().refine((type) => !readTypes.includes(type)) })
  .describe(
    "Documents, server tools and others: other APIs get documents in their own form and are told of the rest in words.",
  );
const toolResultBlock = z.looseObject({
  type: z.literal("tool_result"),
  tool_use_id: z.string(),
  content: z
    .union([z.string(), z.array(z.union([textBlock, imageBlock, z.looseObject({ type: z.string() })]))])
    .nullish(),
  is_error: z.boolean().nullish(),
  cache_control: cacheControl,
});

const content = z.union([
  z.string(),
  z.array(z.union([textBlock, imageBlock, toolUseBlock, toolResultBlock, thinkingBlock, otherBlock])),
]);
const message = z.looseObject({ role: z.enum(["user", "assistant", "system"]), content });

const tool = z.union([
  z.looseObject({
    type: z.literal("custom").nullish(),
    name: z.string().min(1),
    description: z.string().nullish(),
    input_schema: z.looseObject({}).describe("JSON Schema of the input."),
    cache_control: cacheControl,
  }),
  z
    .looseObject({ type: z.string().refine((type) => type !== "custom") })
    .describe("A tool of Anthropic's own kind."),
]);

const single = { disable_parallel_tool_use: z.boolean().nullish() };
const toolChoice = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("auto"), ...single }),
  z.looseObject({ type: z.literal("any"), ...single }),
  z.looseObject({ type: z.literal("none"), ...single }),
  z.looseObject({ type: z.literal("tool"), name: z.string(), ...single }),
]);

const thinkingTypes = ["enabled", "adaptive", "disabled"];
const thinking = z.union([
  z.looseObject({ type: z.literal("enabled"), budget_tokens: z.number().int().positive() }),
  z.looseObject({ type: z.enum(["adaptive", "disabled"]) }),
  z.looseObject({ type: z.string().refine((type) => !thinkingTypes.includes(type)) }),
]);

const format = z.union([
  z.looseObject({ type: z.literal("json_schema"), schema: z.looseObject({}) }),
  z.looseObject({ type: z.string().refine((type) => type !== "json_schema") }),
]);

const model = z.string().min(1).describe("auto, a provider id, an alias, provider/model or a model id.");

export const countTokensRequestSchema = z.looseObject({
  model,
  messages: z.array(message).min(1),
  system: z.union([z.string(), z.array(z.union([textBlock, otherBlock]))]).nullish(),
  tools: z.array(tool).nullish(),
  tool_choice: toolChoice.nullish(),
  thinking: thinking.nullish(),
  output_config: z.looseObject({ effort: z.string().nullish(), format: format.nullish() }).nullish(),
  thread: z.null().optional().describe("Threads are not kept here: send the whole history in messages."),
});

export const messagesRequestSchema = countTokensRequestSchema.extend({
  max_tokens: z.number().int().positive().describe("Required, as at Anthropic."),
  stream: z.boolean().nullish(),
  temperature: z.number().min(0).max(1).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.number().int().min(0).nullish(),
  stop_sequences: z.array(z.string()).nullish(),
  metadata: z.looseObject({ user_id: z.string().nullish() }).nullish(),
});
