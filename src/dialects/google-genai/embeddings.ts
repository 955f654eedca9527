// Converts embedContent and batchEmbedContents (ai.google.dev/api/embeddings) to and from texts and vectors, for targets of
// another format. It must never assign a vector to another text.

import type { EmbeddingRequest, Embeddings } from "../../canon/embedding.ts";
import { Failure } from "../../canon/failure.ts";
import { tokenCount } from "../../canon/usage.ts";
import { isRecord } from "../decoding.ts";
import type { Note } from "../dialect.ts";
import { invalid, optionalCount, optionalList, shown, unsupported } from "../read-fields.ts";

export type EmbedVerb = "embedContent" | "batchEmbedContents";

/** The same body for another model: each part of a batch repeats it. Throws Failure. */
export function embeddingBodyFor(body: unknown, verb: EmbedVerb, model: string): unknown {
  if (!isRecord(body)) throw invalid(null, `The request body must be a JSON object, not ${shown(body)}.`);
  const name = `models/${model}`;
  if (verb === "embedContent") return { ...body, model: name };
  const requests = optionalList(body.requests, "requests");
  return {
    ...body,
    ...("model" in body ? { model: name } : {}),
    requests: requests.map((each) => (isRecord(each) ? { ...each, model: name } : each)),
  };
}

/** `note` is called for each option that only Google's models have. Throws Failure. */
export function decodeEmbeddingRequest(body: unknown, verb: EmbedVerb, note?: Note): EmbeddingRequest {
  if (!isRecord(body)) throw invalid(null, `The request body must be a JSON object, not ${shown(body)}.`);
  const requests: readonly unknown[] =
    verb === "embedContent" ? [body] : optionalList(body.requests, "requests");
  if (requests.length === 0) throw invalid("requests", "requests must contain at least one request.");
  let dimensions: number | null = null;
  const texts = requests.map((request, i) => {
    const at = verb === "embedContent" ? "" : `requests[${i}].`;
    if (!isRecord(request)) throw invalid(at.slice(0, -1), `${at.slice(0, -1)} must be an object.`);
    const config = isRecord(request.embedContentConfig) ? request.embedContentConfig : {};
    const settings = { ...config, ...request };
    const size = settings.outputDimensionality ?? settings.output_dimensionality;
    dimensions ??= optionalCount(size, `${at}outputDimensionality`);
    for (const member of ["taskType", "task_type", "title"])
      if (settings[member] !== undefined && settings[member] !== null) note?.(`member-dropped:${member}`);
    return textOf(request.content, `${at}content`);
  });
  return { texts, dimensions };
}

function textOf(content: unknown, param: string): string {
  if (typeof content === "string") return content;
  if (!isRecord(content))
    throw invalid(param, `${param} must be an object with parts, not ${shown(content)}.`);
  const parts = optionalList(content.parts, `${param}.parts`);
  if (parts.length === 0) throw invalid(`${param}.parts`, `${param}.parts must hold at least one part.`);
  return parts
    .map((part, i) => {
      if (isRecord(part) && typeof part.text === "string") return part.text;
      throw unsupported(
        `${param}.parts[${i}]`,
        `${param}.parts[${i}] is not text, and the chosen model's API embeds text only.`,
      );
    })
    .join("\n");
}

export function encodeEmbeddingRequest({ texts, dimensions }: EmbeddingRequest, model: string): unknown {
  const size = dimensions === null ? {} : { outputDimensionality: dimensions };
  return {
    requests: texts.map((text) => ({ model: `models/${model}`, content: { parts: [{ text }] }, ...size })),
  };
}

/** Throws Failure bad-output. */
export function decodeEmbeddings(reply: unknown, count: number): Embeddings {
  const body = isRecord(reply) ? reply : {};
  const found: readonly unknown[] = Array.isArray(body.embeddings) ? body.embeddings : [body.embedding];
  const vectors = found.map((each) => (isRecord(each) && Array.isArray(each.values) ? each.values : null));
  if (vectors.length !== count || vectors.some((vector) => vector === null))
    throw new Failure("bad-output", "The upstream's answer does not contain a vector for each text.");
  const usage = isRecord(body.usageMetadata) ? body.usageMetadata : {};
  return { vectors: vectors as number[][], tokens: tokenCount(usage.promptTokenCount) };
}

export function encodeEmbeddings({ vectors, tokens }: Embeddings, verb: EmbedVerb): unknown {
  const usage = tokens === null ? {} : { usageMetadata: { promptTokenCount: tokens } };
  const [first = []] = vectors;
  return verb === "embedContent"
    ? { embedding: { values: first }, ...usage }
    : { embeddings: vectors.map((values) => ({ values })), ...usage };
}
