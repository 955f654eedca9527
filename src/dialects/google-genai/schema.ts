// The request bodies of Google's endpoints for the API description: the rows of members.ts, and the inside of the members.
// It must never check a request: that would take a third of the request's time.

import { z } from "zod";
import { zodFunctions } from "../zod-functions.ts";
import { configMembers, requestMembers } from "./members.ts";

const word = z.string().min(1);
const text = z.string().nullish();

const blob = z.looseObject({ mimeType: word, data: word.describe("Base64.") });
const part = z
  .looseObject({
    text: text,
    thought: z.boolean().nullish(),
    thoughtSignature: text,
    inlineData: blob.nullish(),
    fileData: z.looseObject({ fileUri: word, mimeType: text }).nullish(),
    functionCall: z.looseObject({ name: word, id: text, args: z.looseObject({}).nullish() }).nullish(),
    functionResponse: z
      .looseObject({
        name: word,
        id: text,
        response: z.looseObject({}).nullish(),
        parts: z.array(z.looseObject({ inlineData: blob.nullish() })).nullish(),
      })
      .nullish(),
  })
  .describe("One of its members; other APIs get a text description of other kinds of parts.");
const content = z.looseObject({ role: z.enum(["user", "model"]).nullish(), parts: z.array(part) });

const functionDeclaration = z.looseObject({
  name: word,
  description: text,
  parameters: z.looseObject({}).nullish().describe("Google's subset of OpenAPI 3.0."),
  parametersJsonSchema: z.looseObject({}).nullish().describe("JSON Schema; instead of parameters."),
});
const tool = z
  .looseObject({ functionDeclarations: z.array(functionDeclaration).nullish() })
  .describe("Google's own tools (googleSearch and others) go to Google only.");

const generationConfig = configMembers.requestSchema(zodFunctions, {
  responseSchema: z.looseObject({}),
  responseJsonSchema: z.looseObject({}),
  thinkingConfig: z.looseObject({
    includeThoughts: z.boolean().nullish(),
    thinkingBudget: z.int().min(-1).nullish(),
    thinkingLevel: z.enum(["MINIMAL", "LOW", "MEDIUM", "HIGH"]).nullish(),
  }),
});

const contents = z.array(content).min(1);

export const generateContentRequestSchema = requestMembers
  .requestSchema(zodFunctions, {
    contents,
    systemInstruction: z.looseObject({ parts: z.array(z.looseObject({ text: z.string() })) }),
    tools: z.array(tool),
    toolConfig: z.looseObject({
      functionCallingConfig: z
        .looseObject({
          mode: z.enum(["AUTO", "ANY", "NONE", "VALIDATED"]).nullish(),
          allowedFunctionNames: z.array(z.string()).nullish(),
        })
        .nullish(),
    }),
    generationConfig,
    safetySettings: z.array(z.looseObject({})),
    cachedContent: z.string(),
  })
  .describe("Members may be written in camelCase or in snake_case. The path names the model.");

export const googleCountTokensRequestSchema = z.looseObject({
  contents: contents.nullish(),
  generateContentRequest: generateContentRequestSchema.nullish(),
});
