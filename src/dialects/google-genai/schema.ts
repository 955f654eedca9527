// The request bodies of Google's doors for the API description. What is checked at run time stands in the decoders.
// It must never be used on the road: a third of the time of a request would go into it.

import { z } from "zod";

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
  .describe("One of its members; other APIs are told of other kinds of parts in words.");
const content = z.looseObject({ role: z.enum(["user", "model"]).nullish(), parts: z.array(part) });

const functionDeclaration = z.looseObject({
  name: word,
  description: text,
  parameters: z.looseObject({}).nullish().describe("Google's cut of OpenAPI 3.0."),
  parametersJsonSchema: z.looseObject({}).nullish().describe("JSON Schema; instead of parameters."),
});
const tool = z
  .looseObject({ functionDeclarations: z.array(functionDeclaration).nullish() })
  .describe("Google's own tools (googleSearch and others) go to Google only.");

const generationConfig = z.looseObject({
  maxOutputTokens: z.int().positive().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  topP: z.number().min(0).max(1).nullish(),
  topK: z.number().nullish(),
  stopSequences: z.array(z.string()).nullish(),
  candidateCount: z.int().nullish().describe("More than 1 only where no translation is needed."),
  responseMimeType: text,
  responseSchema: z.looseObject({}).nullish(),
  responseJsonSchema: z.looseObject({}).nullish(),
  thinkingConfig: z
    .looseObject({
      includeThoughts: z.boolean().nullish(),
      thinkingBudget: z.int().min(-1).nullish(),
      thinkingLevel: z.enum(["MINIMAL", "LOW", "MEDIUM", "HIGH"]).nullish(),
    })
    .nullish(),
});

const members = {
  contents: z.array(content).min(1),
  systemInstruction: z.looseObject({ parts: z.array(z.looseObject({ text: z.string() })) }).nullish(),
  tools: z.array(tool).nullish(),
  toolConfig: z
    .looseObject({
      functionCallingConfig: z
        .looseObject({
          mode: z.enum(["AUTO", "ANY", "NONE", "VALIDATED"]).nullish(),
          allowedFunctionNames: z.array(z.string()).nullish(),
        })
        .nullish(),
    })
    .nullish(),
  generationConfig: generationConfig.nullish(),
  safetySettings: z.array(z.looseObject({})).nullish(),
  cachedContent: text,
};

export const generateContentRequestSchema = z
  .looseObject(members)
  .describe("Members may be written in camelCase or in snake_case. The model stands in the path.");

export const googleCountTokensRequestSchema = z.looseObject({
  contents: members.contents.nullish(),
  generateContentRequest: z.looseObject(members).nullish(),
});
