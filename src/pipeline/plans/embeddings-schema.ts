// The request of the embeddings endpoint as the API description shows it. The bytes go to the vendor as they are:
// the vendor judges everything but the model's name.

import { z } from "zod";

export const embeddingsRequestSchema = z.looseObject({
  model: z.string().describe("A model of an openai-compatible provider, or an alias of one."),
  input: z
    .union([z.string(), z.array(z.string()), z.array(z.number()), z.array(z.array(z.number()))])
    .describe("Text or tokens, one or several."),
  dimensions: z.number().int().optional().describe("Length of the vectors, where the model can choose."),
  encoding_format: z.enum(["float", "base64"]).optional().describe("How the vectors are written."),
  user: z.string().optional().describe("An id of the end user."),
});
