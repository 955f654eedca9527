// Requests of the endpoints that only forward, as the API description shows them. The bytes go to the vendor as they are: the vendor
// judges everything but the model's name.

import { z } from "zod";

const model = z.string().describe("A model of a provider that speaks OpenAI's API, or an alias of one.");
const file = z.string().describe("A file, as a part of form data.");

export const completionsRequestSchema = z.looseObject({
  model,
  prompt: z.union([z.string(), z.array(z.string()), z.array(z.number()), z.array(z.array(z.number()))]),
  stream: z.boolean().optional(),
  max_tokens: z.number().int().optional(),
});

export const imagesRequestSchema = z.looseObject({
  model,
  prompt: z.string().optional(),
  image: file.optional().describe("Of edits and variations."),
});

export const speechRequestSchema = z.looseObject({ model, input: z.string(), voice: z.string() });

export const transcriptionsRequestSchema = z.looseObject({ model, file });

export const rerankRequestSchema = z.looseObject({
  model,
  query: z.string(),
  documents: z.array(z.unknown()),
});

export const moderationsRequestSchema = z.looseObject({
  model,
  input: z.union([z.string(), z.array(z.unknown())]),
});

export const geminiEmbeddingsRequestSchema = z.looseObject({
  content: z.looseObject({ parts: z.array(z.looseObject({ text: z.string() })) }).optional(),
  requests: z.array(z.looseObject({})).optional().describe("Of batchEmbedContents."),
});
