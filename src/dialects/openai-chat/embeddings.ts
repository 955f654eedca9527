// Converts OpenAI's embeddings (platform.openai.com/docs/api-reference/embeddings) to and from texts and vectors, for targets
// of another format. It must never assign a vector to another text.

import type { EmbeddingRequest, Embeddings } from "../../canon/embedding.ts";
import { Failure } from "../../canon/failure.ts";
import { estimateTokensOfBytes } from "../../canon/tokens.ts";
import { tokenCount } from "../../canon/usage.ts";
import { isRecord } from "../decoding.ts";
import { invalid, optionalCount, shown, unsupported } from "../read-fields.ts";

/** Throws Failure. */
export function decodeEmbeddingRequest(body: unknown): EmbeddingRequest {
  if (!isRecord(body)) throw invalid(null, `The request body must be a JSON object, not ${shown(body)}.`);
  const inputs: readonly unknown[] = Array.isArray(body.input) ? body.input : [body.input];
  const texts = inputs.map((input, i) => {
    if (typeof input === "string") return input;
    if (typeof input !== "number" && !Array.isArray(input))
      throw invalid("input", `input[${i}] must be a string, not ${shown(input)}.`);
    throw unsupported("input", "input holds tokens, and the chosen model's API takes texts only.");
  });
  if (texts.length === 0) throw invalid("input", "input must contain at least one text.");
  return { texts, dimensions: optionalCount(body.dimensions, "dimensions") };
}

export function encodeEmbeddingRequest({ texts, dimensions }: EmbeddingRequest, model: string): unknown {
  return {
    model,
    input: texts,
    encoding_format: "float",
    ...(dimensions === null ? {} : { dimensions }),
  };
}

/** Throws Failure bad-output. */
export function decodeEmbeddings(reply: unknown, count: number): Embeddings {
  const data: readonly unknown[] = isRecord(reply) && Array.isArray(reply.data) ? reply.data : [];
  const vectors: (readonly number[] | undefined)[] = Array.from({ length: count }, () => undefined);
  for (const [i, each] of data.entries())
    if (isRecord(each)) vectors[typeof each.index === "number" ? each.index : i] = vectorIn(each.embedding);
  const isWhole = vectors.length === count && vectors.every((vector) => vector !== undefined);
  if (!isWhole)
    throw new Failure("bad-output", "The upstream's answer does not contain a vector for each text.");
  const usage = isRecord(reply) && isRecord(reply.usage) ? reply.usage : {};
  return {
    vectors: vectors.map((vector) => vector ?? []),
    tokens: tokenCount(usage.prompt_tokens) ?? tokenCount(usage.total_tokens),
  };
}

/** Some vendors return base64 whatever was requested. */
function vectorIn(value: unknown): readonly number[] | undefined {
  if (Array.isArray(value) && value.every((each) => typeof each === "number")) return value as number[];
  if (typeof value !== "string") return undefined;
  const bytes = Buffer.from(value, "base64");
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => bytes.readFloatLE(i * 4));
}

/** In the encoding that `ask` requests: OpenAI's own SDK requests base64 by default. */
export function encodeEmbeddings({ vectors, tokens }: Embeddings, ask: unknown, model: string): unknown {
  const { encoding_format: format, input } = isRecord(ask) ? ask : {};
  const used = tokens ?? estimateTokensOfBytes(Buffer.byteLength(JSON.stringify(input ?? "")));
  return {
    object: "list",
    data: vectors.map((vector, index) => ({
      object: "embedding",
      index,
      embedding: format === "base64" ? packed(vector) : vector,
    })),
    model,
    usage: { prompt_tokens: used, total_tokens: used },
  };
}

function packed(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, i * 4);
  return bytes.toString("base64");
}
