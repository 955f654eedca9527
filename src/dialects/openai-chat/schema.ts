// The request as clients send it, for the API description (/swagger): the rows of members.ts, and the inside of the members.
// Requests are checked by decode-request.ts, not by this. The two must never disagree: test/dialects/openai-chat/schema.test.ts
// compares them.

import { z } from "zod";
import { zodFunctions } from "../zod-functions.ts";
import { requestMembers } from "./members.ts";

const flag = z.boolean().nullish();
const word = z.string().min(1);

const textPart = z.looseObject({ type: z.enum(["text", "input_text"]), text: z.string() });
const refusalPart = z.looseObject({ type: z.literal("refusal"), refusal: z.string() });
const imageUrl = z
  .string()
  .regex(/^(?:https?:\/\/|data:image\/[a-z0-9.+-]+(?:;[^,]*)?;base64,)/i)
  .describe(
    "A data: URL with a base64 image, or an http(s) URL, which the gateway passes on and never fetches.",
  );
const imagePart = z.looseObject({
  type: z.literal("image_url"),
  image_url: z.union([imageUrl, z.looseObject({ url: imageUrl, detail: z.string().nullish() })]),
});
const filePart = z
  .looseObject({ type: z.literal("file"), file: z.looseObject({}) })
  .describe(
    "Inline PDFs and texts go to every API; an id of an uploaded file means something to its vendor only.",
  );
const audioPart = z
  .looseObject({ type: z.literal("input_audio"), input_audio: z.looseObject({}) })
  .describe("Only for models behind this API and Google's.");
const texts = z.union([z.string(), z.array(textPart)]);
const readParts = ["text", "input_text", "image_url", "file", "input_audio"];
const otherPart = z
  .looseObject({ type: word.refine((type) => !readParts.includes(type)) })
  .describe("For other APIs it is described as text in past turns.");
const spokenPart = z.looseObject({
  type: word.refine((type) => !readParts.includes(type) && type !== "refusal"),
});
const usersParts = z.union([
  z.string(),
  z.array(z.union([textPart, imagePart, filePart, audioPart, otherPart])),
]);
const assistantsParts = z.union([
  z.string(),
  z.array(z.union([textPart, refusalPart, imagePart, filePart, audioPart, spokenPart])),
]);
const functionCall = z.looseObject({ name: word, arguments: z.string() });
const name = z.string().nullish();

const toolCall = z.union([
  z.looseObject({
    id: word,
    type: z.literal("function").nullish(),
    function: z.looseObject({ name: word, arguments: z.string().describe("JSON text of the arguments.") }),
  }),
  z.looseObject({
    id: word,
    type: z.literal("custom"),
    custom: z.looseObject({ name: word, input: z.string() }),
  }),
  z
    .looseObject({ id: word, type: word.refine((type) => type !== "function" && type !== "custom") })
    .describe("The member named like the type contains the call."),
]);

const message = z.discriminatedUnion("role", [
  z.looseObject({ role: z.literal("system"), content: texts, name }),
  z.looseObject({ role: z.literal("developer"), content: texts, name }).describe("The same as system."),
  z.looseObject({ role: z.literal("user"), content: usersParts, name }),
  z.looseObject({
    role: z.literal("assistant"),
    content: assistantsParts.nullish(),
    reasoning_content: z.string().nullish(),
    reasoning: z.string().nullish(),
    tool_calls: z.array(toolCall).nullish(),
    function_call: functionCall.nullish(),
    audio: z.looseObject({}).nullish(),
    name,
  }),
  z.looseObject({ role: z.literal("tool"), tool_call_id: word, content: usersParts.nullable() }),
  z.looseObject({ role: z.literal("function"), name: word, content: usersParts.nullish() }),
]);

const customTool = z
  .looseObject({ type: z.literal("custom"), custom: z.looseObject({ name: word }) })
  .describe("Only for models behind this API.");
const functionTool = z.looseObject({
  type: z.literal("function"),
  function: z.looseObject({
    name: word,
    description: z.string().nullish(),
    parameters: z.looseObject({}).nullish().describe("JSON Schema of the arguments."),
    strict: flag,
  }),
});

const tool = z.union([functionTool, customTool]);

const toolChoice = z.union([
  z.enum(["none", "auto", "required"]),
  z.looseObject({ type: z.enum(["custom", "allowed_tools"]) }).describe("Only for models behind this API."),
  z.looseObject({ type: z.literal("function"), function: z.looseObject({ name: word }) }),
]);

const responseFormat = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("text") }),
  z.looseObject({ type: z.literal("json_object") }),
  z.looseObject({
    type: z.literal("json_schema"),
    json_schema: z.looseObject({
      name: word,
      description: z.string().nullish(),
      schema: z.looseObject({}).nullish(),
      strict: flag,
    }),
  }),
]);

export const chatRequestSchema = requestMembers
  .requestSchema(zodFunctions, {
    messages: z.array(message).min(1),
    stream_options: z.looseObject({ include_usage: flag }),
    tools: z.array(tool),
    tool_choice: toolChoice,
    response_format: responseFormat,
  })
  .describe("Members that are not listed here are passed on to providers of the same format.");
