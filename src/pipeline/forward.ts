// Roads that never become a ChatRequest: embeddings, images, recordings and their kin. Bytes in, bytes out, with the same
// admission, fallback and record as a chat.

import type { Backend, Call } from "../backends/backend.ts";
import { foreignAnswer, redactedFailure } from "../backends/http/backend.ts";
import { networkFailure } from "../backends/http/network-failure.ts";
import { maxUnreadBytes, readReplyBytes } from "../backends/http/reply-bytes.ts";
import { Failure, failureFrom } from "../canon/failure.ts";
import { tokenCount, unknownUsage } from "../canon/usage.ts";
import { isRecord, parseLoosely } from "../dialects/decoding.ts";
import type { BackendHalf } from "../dialects/dialect.ts";
import { memberNamed, spliceObject } from "../wire/json.ts";
import type { LaneChoice } from "./attempt.ts";
import { completionsLane } from "./completions.ts";
import type { Door, Forwarding } from "./doors.ts";
import type { Enrolled } from "./enrol.ts";
import { formFor, valueOf } from "./form.ts";
import type { Provider } from "./generation.ts";
import { failurePiece, type Lane } from "./lane.ts";
import type { Run, Trial } from "./run.ts";

/** These speak OpenAI's API, of which chats are one part. */
export const isOpenAis = ({ dialect }: Backend): boolean =>
  dialect === "openai-chat" || dialect === "openai-responses";

export function chooseForward(
  run: Run,
  door: Door,
  enrolled: Enrolled,
  forwarding: Forwarding,
): (provider: Provider) => LaneChoice {
  for (const name of forwarding.needs ?? []) requireMember(enrolled, name);
  return (provider) => {
    const { backend } = provider;
    const { open } = backend;
    if (!isOpenAis(backend) || open === null)
      return {
        refusal: new Failure(
          "unsupported",
          `The provider "${provider.id}" has no ${door.path.slice("/v1/".length)}.`,
          { param: "model" },
        ),
      };
    if (door.name === "completions") return completionsLane(run, enrolled, open);
    return {
      lane: "forward",
      open: (_provider, { model }, trial, call) =>
        forwardLane(
          () => open(forwarding.path, withModel(enrolled, model), call),
          call,
          readerFor(run, provider),
          {
            onBytes: (bytes) => readUsage(bytes, trial),
            ...(forwarding.answersAnything === true ? { answersAnything: true } : {}),
          },
        ),
    };
  };
}

function requireMember({ scan, form, bytes }: Enrolled, name: string): void {
  const kind = memberNamed(scan, name)?.kind ?? "null";
  const isThere = form === undefined ? kind !== "null" : valueOf(form, bytes, name) !== null;
  if (!isThere) throw new Failure("invalid-request", `${name} is required.`, { param: name });
}

export function withModel(enrolled: Enrolled, model: string): Uint8Array {
  if (enrolled.form !== undefined) return formFor(enrolled, model);
  if (enrolled.model === model) return enrolled.bytes;
  return spliceObject(enrolled.bytes, enrolled.scan, [{ key: "model", json: JSON.stringify(model) }]);
}

/** What reads an error that came with status 200, and what masks it. */
export type ReplyReader = {
  readonly readReply: BackendHalf["readReply"];
  readonly redact: (text: string) => string;
};

/** Of the format that the provider speaks. */
export function readerFor({ generation, estate }: Run, { backend }: Provider): ReplyReader {
  const { readReply } = generation.dialects[backend.dialect ?? "openai-chat"].backend;
  return { readReply, redact: estate.redact };
}

type Forwarded = {
  readonly onBytes?: (bytes: Uint8Array) => void;
  readonly answersAnything?: boolean;
};

export function forwardLane(
  send: () => Promise<Response>,
  call: Call,
  reader: ReplyReader,
  options: Forwarded = {},
): Lane {
  return {
    async next() {
      try {
        const answer = await send();
        const type = answer.headers.get("content-type") ?? "";
        const isJson = type.includes("json");
        if (!isJson && (options.answersAnything !== true || type.includes("text/html"))) {
          void answer.body?.cancel().catch(() => undefined);
          throw options.answersAnything === true ? foreignAnswer() : notJson();
        }
        const bytes = await readReplyBytes(answer, maxUnreadBytes);
        const mayBeText = options.answersAnything === true;
        if (isJson ? !looksWhole(bytes, mayBeText) : bytes.length === 0) throw notJson();
        const failure = isJson ? saidFailure(bytes, reader) : null;
        if (failure !== null) return failurePiece(redactedFailure(reader.redact, failure));
        if (isJson || type.includes("event-stream")) options.onBytes?.(bytes);
        const piece = { bytes, opens: true, failure: null, isLast: true };
        return isJson ? piece : { ...piece, contentType: toldType(type) };
      } catch (thrown) {
        return failurePiece(call.signal.aborted ? failureFrom(call.signal.reason) : networkFailure(thrown));
      }
    },
  };
}

const notJson = (): Failure =>
  new Failure("bad-output", "The upstream answered with something that is not JSON.");

const passedTypes =
  /^(?:audio|image|video)\/[\w.+-]{1,80}$|^text\/(?:plain|vtt|event-stream)$|^application\/x-subrip$/;

/** A type that no browser runs, without parameters but the character set. */
function toldType(written: string): string {
  const type = (written.split(";")[0] ?? "").trim().toLowerCase();
  if (!passedTypes.test(type) || type === "image/svg+xml") return "application/octet-stream";
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type;
}

/** Megabytes of numbers are not parsed for it: an object that is empty or was cut shows at its ends. */
function looksWhole(bytes: Uint8Array, mayBeText: boolean): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = buffer.toString("latin1", 0, 64).trimStart();
  const tail = buffer.toString("latin1", Math.max(0, buffer.length - 64)).trimEnd();
  // Of a recording some vendors give the bare words as a JSON string.
  if (mayBeText && head.startsWith('"')) return tail.length > 1 && tail.endsWith('"');
  return head.startsWith("{") && tail.endsWith("}");
}

const longestError = 64 * 1024;

/** Some vendors send an error with status 200. An answer that says nothing else is short. */
function saidFailure(bytes: Uint8Array, { readReply }: ReplyReader): Failure | null {
  if (bytes.length > longestError) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  if (!text.includes('"error"')) return null;
  const body = parseLoosely(text);
  if (!isRecord(body) || !(isRecord(body["error"]) || typeof body["error"] === "string")) return null;
  const last = readReply(body).at(-1);
  return last?.type === "failure" ? last.failure : null;
}

// An answer of embeddings is mostly numbers, one of images mostly base64: its usage stands at one end, and parsing megabytes for
// it would cost more than the rest.
const usageWindowBytes = 800;
const modelMember = /"model"\s*:\s*"([^"\\]{1,300})"/;
/** Its details are objects in it. */
const usageMember = /"(?:usage|meta)"\s*:\s*(\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})/;

export function readUsage(bytes: Uint8Array, trial: Trial): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const part of [buffer.subarray(-usageWindowBytes), buffer.subarray(0, usageWindowBytes)]) {
    const text = part.toString("utf8");
    trial.observer.upstreamModel ??= modelMember.exec(text)?.[1] ?? null;
    const found = usageMember.exec(text);
    const told = found?.[1] === undefined ? undefined : parseLoosely(found[1]);
    if (!isRecord(told)) continue;
    // Cohere's: `meta.tokens` or `meta.billed_units`.
    const usage = [told["tokens"], told["billed_units"]].find(isRecord) ?? told;
    const output = tokenCount(usage["output_tokens"]) ?? tokenCount(usage["completion_tokens"]) ?? 0;
    const input =
      tokenCount(usage["prompt_tokens"]) ??
      tokenCount(usage["input_tokens"]) ??
      tokenCount(usage["total_tokens"]);
    if (input === null) continue;
    trial.observer.event({ type: "usage", usage: { ...unknownUsage, input, inputUncached: input, output } });
    return;
  }
}
