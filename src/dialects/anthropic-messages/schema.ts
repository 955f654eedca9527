// The request as clients send it, for the API description (/swagger): the rows of members.ts, and the inside of the members.
// Requests are checked by decode-request.ts, not by this. The two must never disagree:
// test/dialects/anthropic-messages/schema.test.ts compares them.

import { z } from "zod";
import { zodFunctions } from "../zod-functions.ts";
import { requestMembers } from "./members.ts";

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
    "Documents, server tools and others: other APIs get documents in their own form and a text description of everything else.",
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

export const messagesRequestSchema = requestMembers
  .requestSchema(zodFunctions, {
    messages: z.array(message).min(1),
    system: z.union([z.string(), z.array(z.union([textBlock, otherBlock]))]),
    tools: z.array(tool),
    tool_choice: toolChoice,
    thinking,
    output_config: z.looseObject({ effort: z.string().nullish(), format: format.nullish() }),
    output_format: format,
    metadata: z.looseObject({ user_id: z.string().nullish() }),
  })
  .describe("Members that are not listed here are passed on to providers of the same format.");

/** Other members of a message are accepted, as at Anthropic. */
export const countTokensRequestSchema = messagesRequestSchema
  .omit({
    max_tokens: true,
    stream: true,
    temperature: true,
    top_p: true,
    top_k: true,
    stop_sequences: true,
    metadata: true,
  })
  .describe("The same members as a message's, without those of its answer.");
