// The road of embeddings: through where both sides speak one format, else texts up and vectors down between OpenAI's and
// Google's. It must never ask another model than the one that was asked for.

import type { Call } from "../backends/backend.ts";
import type { EmbeddingAsk, Embeddings } from "../canon/embedding.ts";
import { Failure, failureFrom } from "../canon/failure.ts";
import { unknownUsage } from "../canon/usage.ts";
import * as google from "../dialects/google-genai/embeddings.ts";
import * as openai from "../dialects/openai-chat/embeddings.ts";
import { memberNamed } from "../wire/json.ts";
import { parseReply } from "../backends/http/reply-bytes.ts";
import type { LaneChoice } from "./attempt.ts";
import type { Door } from "./doors.ts";
import { type Enrolled, parseBody } from "./enrol.ts";
import { forwardLane, isOpenAis, readerFor, readUsage, type ReplyReader, withModel } from "./forward.ts";
import type { Provider } from "./generation.ts";
import { failurePiece, type Lane } from "./lane.ts";
import type { Run, Trial } from "./run.ts";

/** They go to providers of OpenAI's and of Google's formats only: no other one has them. */
export function chooseEmbeddings(
  run: Run,
  door: Door,
  enrolled: Enrolled,
): (provider: Provider) => LaneChoice {
  const isGoogle = door.dialect === "google-genai";
  const verb: google.EmbedVerb = door.path.endsWith(":embedContent") ? "embedContent" : "batchEmbedContents";
  if (!isGoogle) requireInput(enrolled);
  return (provider) => {
    const { backend } = provider;
    const { open } = backend;
    const isToGoogle = backend.dialect === "google-genai";
    if (open === null || (!isToGoogle && !isOpenAis(backend)))
      return {
        refusal: new Failure("unsupported", `The provider "${provider.id}" has no embeddings.`, {
          param: "model",
        }),
      };
    const reader = readerFor(run, provider);
    const pathAt = (model: string, asked: string): string => `/models/${encodeURIComponent(model)}:${asked}`;
    const post = (path: string, body: unknown, call: Call): Promise<Response> =>
      open(path, Buffer.from(JSON.stringify(body)), call);
    return {
      lane: "forward",
      open(_provider, { model }, trial, call) {
        const onBytes = (bytes: Uint8Array): void => readUsage(bytes, trial);
        if (!isGoogle && !isToGoogle)
          return forwardLane(() => open("/embeddings", withModel(enrolled, model), call), call, reader, {
            onBytes,
          });
        if (isGoogle && isToGoogle) {
          const send = () => google.embedBodyFor(parseBody(enrolled), verb, model);
          return forwardLane(async () => post(pathAt(model, verb), send(), call), call, reader, { onBytes });
        }
        return isGoogle
          ? translated(call, trial, reader, {
              ask: () => google.decodeEmbedAsk(parseBody(enrolled), verb, call.note),
              send: (ask) => post("/embeddings", openai.encodeEmbeddingAsk(ask, model), call),
              read: openai.readEmbeddings,
              answer: (found) => google.encodeEmbedReply(found, verb),
            })
          : translated(call, trial, reader, {
              ask: () => openai.decodeEmbeddingAsk(parseBody(enrolled)),
              send: (ask) =>
                post(pathAt(model, "batchEmbedContents"), google.encodeEmbedAsk(ask, model), call),
              read: google.readEmbedReply,
              answer: (found) => openai.encodeEmbeddings(found, parseBody(enrolled), model),
            });
      },
    };
  };
}

function requireInput({ scan }: Enrolled): void {
  const input = memberNamed(scan, "input");
  if (input?.kind !== "string" && input?.kind !== "array")
    throw new Failure("invalid-request", "input must be a string or an array.", { param: "input" });
}

type Translation = {
  ask(): EmbeddingAsk;
  send(ask: EmbeddingAsk): Promise<Response>;
  read(reply: unknown, count: number): Embeddings;
  answer(found: Embeddings): unknown;
};

function translated(
  call: Call,
  trial: Trial,
  reader: ReplyReader,
  { ask, send, read, answer }: Translation,
): Lane {
  return {
    async next() {
      try {
        const asked = ask();
        const piece = await forwardLane(() => send(asked), call, reader).next();
        if (piece.failure !== null) return piece;
        const found = read(parseReply(asBytes(piece.bytes)), asked.texts.length);
        const input = found.tokens;
        if (input !== null)
          trial.observer.event({
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
