// Roads that never become a ChatRequest: embeddings and token counts. Bytes in, bytes out, with the same admission,
// fallback and record as a chat.

import type { Call } from "../backends/backend.ts";
import { networkFailure, redactedFailure } from "../backends/http/backend.ts";
import { maxUnreadBytes, readReplyBytes } from "../backends/http/reply-bytes.ts";
import { Failure, failureFrom } from "../canon/failure.ts";
import { estimateTokens } from "../canon/tokens.ts";
import type { ChatRequest, DialectName } from "../canon/request.ts";
import { tokenCount, unknownUsage } from "../canon/usage.ts";
import * as anthropicCount from "../dialects/anthropic-messages/count-tokens.ts";
import { isRecord, parseLoosely } from "../dialects/decoding.ts";
import type { BackendHalf, TargetFacts } from "../dialects/dialect.ts";
import * as googleCount from "../dialects/google-genai/count-tokens.ts";
import { memberNamed, spliceObject } from "../wire/json.ts";
import type { LaneChoice } from "./attempt.ts";
import { type Enrolled, parseBody } from "./enrol.ts";
import type { Provider } from "./generation.ts";
import { failurePiece, type Lane } from "./lane.ts";
import type { Trial } from "./run.ts";

/** What reads an error that came with status 200, and what masks it. */
export type Reading = {
  readonly backend: Pick<BackendHalf, "readReply">;
  readonly redact: (text: string) => string;
};

/** Embeddings go to openai-compatible providers only: no other format has them. */
export function chooseEmbeddings(enrolled: Enrolled, reading: Reading): (provider: Provider) => LaneChoice {
  const input = memberNamed(enrolled.scan, "input");
  if (input?.kind !== "string" && input?.kind !== "array")
    throw new Failure("invalid-request", "input must be a string or an array.", { param: "input" });
  return (provider) => {
    const { backend } = provider;
    const { open } = backend;
    if (backend.dialect !== "openai-chat" || open === null)
      return {
        refusal: new Failure("unsupported", `The provider "${provider.id}" has no embeddings.`, {
          param: "model",
        }),
      };
    return {
      lane: "forward",
      open: (_provider, target, trial, call) =>
        forwardLane(
          () => open("/embeddings", withModel(enrolled, target.model), call),
          call,
          reading,
          (bytes) => readUsage(bytes, trial),
        ),
    };
  };
}

/** How a format that has a token count asks for it, and what stands in for it elsewhere. */
type Counting = {
  path(model: string): string;
  body(enrolled: Enrolled, target: TargetFacts): Uint8Array;
  readonly decodeCountRequest: (body: unknown) => ChatRequest;
  readonly encodeTokenCount: (tokens: number) => unknown;
};

const countings: Partial<Record<DialectName, Counting>> = {
  "anthropic-messages": {
    ...anthropicCount,
    path: () => "/messages/count_tokens",
    body: (enrolled, target) =>
      enrolled.model === target.model
        ? enrolled.bytes
        : spliceObject(
            enrolled.bytes,
            enrolled.scan,
            anthropicCount.countEdits(enrolled.scan, enrolled.bytes, target),
          ),
  },
  "google-genai": {
    ...googleCount,
    path: (model) => `/models/${encodeURIComponent(model)}:countTokens`,
    body: ({ bytes, scan }, { model }) =>
      spliceObject(bytes, scan, googleCount.countEdits(scan, bytes, model)),
  },
};

/** The upstream's own count where the target speaks the door's format, else the house's estimate. */
export function chooseTokenCount(
  enrolled: Enrolled,
  dialect: DialectName,
  reading: Reading,
): (provider: Provider) => LaneChoice {
  const counting = countings[dialect];
  if (counting === undefined) throw new Failure("not-found", "This format has no token count.");
  return (provider) => {
    const { backend } = provider;
    const { open } = backend;
    if (backend.dialect !== dialect || open === null)
      return {
        lane: "forward",
        open(_provider, _target, _trial, { note }) {
          note?.("token-count-estimated");
          return estimateLane(enrolled, counting);
        },
      };
    return {
      lane: "forward",
      open: (_provider, { model }, _trial, call) =>
        forwardLane(
          () => open(counting.path(model), counting.body(enrolled, backend.targetFacts(model)), call),
          call,
          reading,
          () => undefined,
        ),
    };
  };
}

function withModel(enrolled: Enrolled, model: string): Uint8Array {
  if (enrolled.model === model) return enrolled.bytes;
  return spliceObject(enrolled.bytes, enrolled.scan, [{ key: "model", json: JSON.stringify(model) }]);
}

function forwardLane(
  send: () => Promise<Response>,
  call: Call,
  reading: Reading,
  onBytes: (bytes: Uint8Array) => void,
): Lane {
  return {
    async next() {
      try {
        const answer = await send();
        const bytes = await readReplyBytes(answer, maxUnreadBytes);
        if (!/json/.test(answer.headers.get("content-type") ?? "") || !looksWhole(bytes))
          throw new Failure("bad-output", "The upstream answered with something that is not JSON.");
        const failure = saidFailure(bytes, reading);
        if (failure !== null) return failurePiece(redactedFailure(reading.redact, failure));
        onBytes(bytes);
        return { bytes, opens: true, failure: null, isLast: true };
      } catch (thrown) {
        return failurePiece(call.signal.aborted ? failureFrom(call.signal.reason) : networkFailure(thrown));
      }
    },
  };
}

/** Megabytes of numbers are not parsed for it: an object that is empty or was cut shows at its ends. */
function looksWhole(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = buffer.toString("latin1", 0, 64).trimStart();
  const tail = buffer.toString("latin1", Math.max(0, buffer.length - 64)).trimEnd();
  return head.startsWith("{") && tail.endsWith("}");
}

const longestError = 64 * 1024;

/** Some vendors send an error with status 200. An answer that says nothing else is short. */
function saidFailure(bytes: Uint8Array, { backend }: Reading): Failure | null {
  if (bytes.length > longestError) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  if (!text.includes('"error"')) return null;
  const body = parseLoosely(text);
  if (!isRecord(body) || !(isRecord(body["error"]) || typeof body["error"] === "string")) return null;
  const last = backend.readReply(body).at(-1);
  return last?.type === "failure" ? last.failure : null;
}

function estimateLane(enrolled: Enrolled, counting: Counting): Lane {
  return {
    next() {
      try {
        const tokens = estimateTokens(counting.decodeCountRequest(parseBody(enrolled)));
        const bytes = JSON.stringify(counting.encodeTokenCount(tokens));
        return Promise.resolve({ bytes, opens: true, failure: null, isLast: true });
      } catch (thrown) {
        return Promise.resolve(failurePiece(failureFrom(thrown)));
      }
    },
  };
}

// An answer of embeddings is mostly numbers: its usage stands at one end, and parsing megabytes for it would cost more than the rest.
const usageWindowBytes = 600;
const modelMember = /"model"\s*:\s*"([^"\\]{1,300})"/;

function readUsage(bytes: Uint8Array, trial: Trial): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const part of [buffer.subarray(-usageWindowBytes), buffer.subarray(0, usageWindowBytes)]) {
    const text = part.toString("utf8");
    trial.observer.upstreamModel ??= modelMember.exec(text)?.[1] ?? null;
    const found = /"usage"\s*:\s*(\{[^{}]*\})/.exec(text);
    const usage = found?.[1] === undefined ? undefined : parseLoosely(found[1]);
    if (!isRecord(usage)) continue;
    const input = tokenCount(usage["prompt_tokens"]) ?? tokenCount(usage["total_tokens"]);
    trial.observer.event({
      type: "usage",
      usage: { ...unknownUsage, input, inputUncached: input, output: 0 },
    });
    return;
  }
}
