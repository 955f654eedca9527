// The request as clients send it, for the API description (/swagger): the rows of members.ts, and the inside of the members.
// Requests are checked by decode-request.ts, not by this. The two must never disagree:
// test/dialects/openai-responses/schema.test.ts compares them.

import { z } from "zod";
import { zodFunctions } from "../zod-functions.ts";
import { efforts } from "../../canon/effort.ts";
import { requestMembers } from "./members.ts";

const flag = z.boolean().nullish();
const word = z.string().min(1);
const text = z.string().nullish();

const textPart = z.looseObject({ type: z.enum(["input_text", "output_text", "text"]), text: z.string() });
const detail = text;
const imagePart = z.looseObject({
  type: z.literal("input_image"),
  image_url: z
    .string()
    .regex(/^(?:https?:\/\/|data:image\/[a-z0-9.+-]+(?:;[^,]*)?;base64,)/i)
    .describe("A data: URL with a base64 image, or an http(s) URL, which is passed on and never fetched."),
  detail,
});
const imageAtVendor = z
  .looseObject({ type: z.literal("input_image"), file_id: z.string(), image_url: z.null().optional() })
  .describe("Only for models behind this API.");
const readParts = ["input_text", "output_text", "text", "input_image"];
const otherPart = z
  .looseObject({ type: word.refine((type) => !readParts.includes(type)) })
  .describe("Files, refusals and others; ids of uploaded files mean something to their vendor only.");
const content = z.union([z.string(), z.array(z.union([textPart, imagePart, imageAtVendor, otherPart]))]);

const message = z.looseObject({
  type: z.literal("message").nullish(),
  role: z.enum(["system", "developer", "user", "assistant"]),
  content,
});
const functionCall = z.looseObject({
  type: z.literal("function_call"),
  call_id: word,
  name: word,
  arguments: z.string().describe("JSON text of the arguments."),
});
const customCall = z.looseObject({
  type: z.literal("custom_tool_call"),
  call_id: word,
  name: word,
  input: z.string(),
});
const result = z.looseObject({
  type: z.enum(["function_call_output", "custom_tool_call_output"]),
  call_id: word,
  output: content,
});
const thought = z.looseObject({ text: z.string() });
const reasoning = z.looseObject({
  type: z.literal("reasoning"),
  id: text,
  summary: z.array(thought).nullish(),
  content: z.array(thought).nullish(),
  encrypted_content: text,
});
const readItems = [
  "message",
  "function_call",
  "custom_tool_call",
  "function_call_output",
  "custom_tool_call_output",
  "reasoning",
];
const otherItem = z
  .looseObject({ type: word.refine((type) => !readItems.includes(type)) })
  .describe(
    "Hosted tools and others: for other APIs they are described as text. References only behind this API.",
  );

const functionTool = z.looseObject({
  type: z.literal("function"),
  name: word,
  description: text,
  parameters: z.looseObject({}).nullish().describe("JSON Schema of the arguments."),
  strict: flag,
});
const customTool = z.looseObject({
  type: z.literal("custom"),
  name: word,
  description: text,
  format: z.looseObject({}).nullish(),
});
const readTools = ["function", "custom"];
const otherTool = z
  .looseObject({ type: word.refine((type) => !readTools.includes(type)) })
  .describe(
    "web_search* and a tool_search that the vendor makes are left out for other APIs unless a call is demanded; others are refused.",
  );

const format = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("text") }),
  z.looseObject({ type: z.literal("json_object") }),
  z.looseObject({
    type: z.literal("json_schema"),
    name: word,
    description: text,
    schema: z.looseObject({}).nullish(),
    strict: flag,
  }),
]);

export const responsesRequestSchema = requestMembers
  .requestSchema(zodFunctions, {
    input: z.union([
      z.string(),
      z.array(z.union([message, functionCall, customCall, result, reasoning, otherItem])).min(1),
    ]),
    tools: z.array(z.union([functionTool, customTool, otherTool])),
    tool_choice: z.union([z.enum(["none", "auto", "required"]), z.looseObject({ type: word })]),
    reasoning: z.looseObject({ effort: z.enum(efforts).nullish() }),
    text: z.looseObject({ format: format.nullish() }),
  })
  .describe("Members that are not listed here are passed on to providers of the same format.");
