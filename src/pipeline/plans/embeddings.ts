// Embeddings: they pass where both sides speak one format, else texts go up and vectors come down between OpenAI's format and
// Google's. The model is never replaced by another one.

import type { Call } from "../../backends/backend.ts";
import type { EmbeddingRequest, Embeddings } from "../../canon/embedding.ts";
import { Failure, failureFrom } from "../../canon/failure.ts";
import { unknownUsage } from "../../canon/usage.ts";
import * as google from "../../dialects/google-genai/embeddings.ts";
import * as openai from "../../dialects/openai-chat/embeddings.ts";
import { memberNamed } from "../../wire/json.ts";
import { parseReply } from "../../backends/http/reply-bytes.ts";
import type { TargetPlan } from "../attempts/fallback.ts";
import type { Endpoint } from "../endpoints.ts";
import { type Envelope, parseBody } from "../body/envelope.ts";
import {
  forwardedSource,
  speaksOpenAi,
  replyReaderFor,
  readUsage,
  type ReplyReader,
  withModel,
} from "./forward.ts";
import type { Provider } from "../dependencies.ts";
import { failurePiece, type AnswerSource } from "../answer/answer-source.ts";
import type { Attempt } from "../attempts/attempt.ts";
import type { Run } from "../run.ts";

/** They go only to providers that speak OpenAI's or Google's format: no other format has embeddings. */
export function planEmbeddings(
  run: Run,
  endpoint: Endpoint,
  envelope: Envelope,
): (provider: Provider) => TargetPlan {
  const isGoogle = endpoint.dialect === "google-genai";
  const verb: google.EmbedVerb = endpoint.path.endsWith(":embedContent")
    ? "embedContent"
    : "batchEmbedContents";
  if (!isGoogle) requireInput(envelope);
  return (provider) => {
    const { backend } = provider;
    const { open } = backend;
    const isToGoogle = backend.dialect === "google-genai";
    if (open === null || (!isToGoogle && !speaksOpenAi(backend)))
      return {
        refusal: new Failure("unsupported", `The provider "${provider.id}" has no embeddings.`, {
          param: "model",
        }),
      };
    const reader = replyReaderFor(run, provider);
    const pathAt = (model: string, asked: string): string => `/models/${encodeURIComponent(model)}:${asked}`;
    const post = (path: string, body: unknown, call: Call): Promise<Response> =>
      open(path, Buffer.from(JSON.stringify(body)), call);
    return {
      lane: "forward",
      open(_provider, { model }, attempt, call) {
        const onBytes = (bytes: Uint8Array): void => readUsage(bytes, attempt);
        if (!isGoogle && !isToGoogle)
          return forwardedSource(() => open("/embeddings", withModel(envelope, model), call), call, reader, {
            onBytes,
          });
        if (isGoogle && isToGoogle) {
          const send = () => google.embeddingBodyFor(parseBody(envelope), verb, model);
          return forwardedSource(async () => post(pathAt(model, verb), send(), call), call, reader, {
            onBytes,
          });
        }
        return isGoogle
          ? translatedEmbeddings(call, attempt, reader, {
              ask: () => google.decodeEmbeddingRequest(parseBody(envelope), verb, call.note),
              send: (ask) => post("/embeddings", openai.encodeEmbeddingRequest(ask, model), call),
              read: openai.decodeEmbeddings,
              answer: (found) => google.encodeEmbeddings(found, verb),
            })
          : translatedEmbeddings(call, attempt, reader, {
              ask: () => openai.decodeEmbeddingRequest(parseBody(envelope)),
              send: (ask) =>
                post(pathAt(model, "batchEmbedContents"), google.encodeEmbeddingRequest(ask, model), call),
              read: google.decodeEmbeddings,
              answer: (found) => openai.encodeEmbeddings(found, parseBody(envelope), model),
            });
      },
    };
  };
}

function requireInput({ scan }: Envelope): void {
  const input = memberNamed(scan, "input");
  if (input?.kind !== "string" && input?.kind !== "array")
    throw new Failure("invalid-request", "input must be a string or an array.", { param: "input" });
}

type EmbeddingTranslation = {
  ask(): EmbeddingRequest;
  send(ask: EmbeddingRequest): Promise<Response>;
  read(reply: unknown, count: number): Embeddings;
  answer(found: Embeddings): unknown;
};

function translatedEmbeddings(
  call: Call,
  attempt: Attempt,
  reader: ReplyReader,
  { ask, send, read, answer }: EmbeddingTranslation,
): AnswerSource {
  return {
    async next() {
      try {
        const asked = ask();
        const piece = await forwardedSource(() => send(asked), call, reader).next();
        if (piece.failure !== null) return piece;
        const found = read(parseReply(asBytes(piece.bytes)), asked.texts.length);
        const input = found.tokens;
        if (input !== null)
          attempt.observer.event({
            type: "usage",
            usage: { ...unknownUsage, input, inputUncached: input, output: 0 },
          });
        return { ...piece, bytes: JSON.stringify(answer(found)) };
      } catch (thrown) {
        return failurePiece(failureFrom(thrown));
      }
    },
  };
}

const asBytes = (bytes: Uint8Array | string): Uint8Array =>
  typeof bytes === "string" ? Buffer.from(bytes) : bytes;
