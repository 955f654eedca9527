// Requests that never become a ChatRequest: embeddings, images, recordings and the like. Bytes in, bytes out, with the same
// admission, fallback and record as a chat.

import type { Backend, Call } from "../../backends/backend.ts";
import { foreignAnswer } from "../../backends/http/backend.ts";
import { redactedFailure } from "../../backends/http/redacted-failure.ts";
import { networkFailure } from "../../backends/http/network-failure.ts";
import { maxUnreadBytes, readReplyBytes } from "../../backends/http/reply-bytes.ts";
import { Failure, failureFrom } from "../../canon/failure.ts";
import { tokenCount, unknownUsage } from "../../canon/usage.ts";
import { isRecord, parseLoosely } from "../../dialects/decoding.ts";
import type { BackendHalf } from "../../dialects/dialect.ts";
import { decodeUsage } from "../../dialects/openai-responses/usage.ts";
import { memberNamed, spliceObject } from "../../wire/json.ts";
import type { TargetPlan } from "../attempts/fallback.ts";
import { planCompletions } from "./completions.ts";
import type { Endpoint, Forwarding } from "../endpoints.ts";
import type { Envelope } from "../body/envelope.ts";
import { formFor, valueOf } from "../body/form.ts";
import type { Provider } from "../dependencies.ts";
import { failurePiece, type AnswerSource } from "../answer/answer-source.ts";
import type { Attempt } from "../attempts/attempt.ts";
import type { Run } from "../run.ts";

/** These dialects belong to OpenAI's API, which includes more than chats. */
export const speaksOpenAi = ({ dialect }: Backend): boolean =>
  dialect === "openai-chat" || dialect === "openai-responses";

export function planForward(
  run: Run,
  endpoint: Endpoint,
  envelope: Envelope,
  forwarding: Forwarding,
): (provider: Provider) => TargetPlan {
  for (const name of forwarding.needs ?? []) requireMember(envelope, name);
  return (provider) => {
    const { backend } = provider;
    const { open } = backend;
    if (!speaksOpenAi(backend) || open === null)
      return {
        refusal: new Failure(
          "unsupported",
          `The provider "${provider.id}" has no ${endpoint.path.slice("/v1/".length)}.`,
          { param: "model" },
        ),
      };
    if (endpoint.name === "completions") return planCompletions(run, envelope, open);
    return {
      lane: "forward",
      open: (_provider, { model }, attempt, call) =>
        forwardedSource(
          () => open(forwarding.path, withModel(envelope, model), call),
          call,
          replyReaderFor(run, provider),
          {
            onBytes: (bytes) => readUsage(bytes, attempt),
            ...(forwarding.answersAnything === true ? { answersAnything: true } : {}),
          },
        ),
    };
  };
}

function requireMember({ scan, form, bytes }: Envelope, name: string): void {
  const kind = memberNamed(scan, name)?.kind ?? "null";
  const isThere = form === undefined ? kind !== "null" : valueOf(form, bytes, name) !== null;
  if (!isThere) throw new Failure("invalid-request", `${name} is required.`, { param: name });
}

export function withModel(envelope: Envelope, model: string): Uint8Array {
  if (envelope.form !== undefined) return formFor(envelope, model);
  if (envelope.model === model) return envelope.bytes;
  return spliceObject(envelope.bytes, envelope.scan, [{ key: "model", json: JSON.stringify(model) }]);
}

/** Reads an error that came with status 200, and masks secrets in it. */
export type ReplyReader = {
  readonly decodeReply: BackendHalf["decodeReply"];
  readonly redact: (text: string) => string;
};

/** For the provider's format. */
export function replyReaderFor({ snapshot, services }: Run, { backend }: Provider): ReplyReader {
  const { decodeReply } = snapshot.dialects[backend.dialect ?? "openai-chat"].backend;
  return { decodeReply, redact: services.redact };
}

type ForwardOptions = {
  readonly onBytes?: (bytes: Uint8Array) => void;
  readonly answersAnything?: boolean;
};

export function forwardedSource(
  send: () => Promise<Response>,
  call: Call,
  reader: ReplyReader,
  options: ForwardOptions = {},
): AnswerSource {
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
        const failure = isJson ? failureInReply(bytes, reader) : null;
        if (failure !== null) return failurePiece(redactedFailure(reader.redact, failure));
        if (isJson || type.includes("event-stream")) options.onBytes?.(bytes);
        const piece = { bytes, opens: true, failure: null, isLast: true };
        return isJson ? piece : { ...piece, contentType: clientContentType(type) };
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

/** A content type that no browser executes, with no parameter but the charset. */
function clientContentType(written: string): string {
  const type = (written.split(";")[0] ?? "").trim().toLowerCase();
  if (!passedTypes.test(type) || type === "image/svg+xml") return "application/octet-stream";
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type;
}

/** Megabytes of numbers are not parsed for it: an empty or truncated object shows at its ends. */
function looksWhole(bytes: Uint8Array, mayBeText: boolean): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = buffer.toString("latin1", 0, 64).trimStart();
  const tail = buffer.toString("latin1", Math.max(0, buffer.length - 64)).trimEnd();
  // For a recording, some vendors return the bare text as a JSON string.
  if (mayBeText && head.startsWith('"')) return tail.length > 1 && tail.endsWith('"');
  return head.startsWith("{") && tail.endsWith("}");
}

const maxErrorBytes = 64 * 1024;

/** Some vendors send an error with status 200. An answer with nothing but an error is short. */
function failureInReply(bytes: Uint8Array, { decodeReply }: ReplyReader): Failure | null {
  if (bytes.length > maxErrorBytes) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  if (!text.includes('"error"')) return null;
  const body = parseLoosely(text);
  if (!isRecord(body) || !(isRecord(body["error"]) || typeof body["error"] === "string")) return null;
  const last = decodeReply(body).at(-1);
  return last?.type === "failure" ? last.failure : null;
}

// An answer of embeddings is mostly numbers, one of images mostly base64: its usage is at one end, and parsing megabytes for
// it would cost more than the rest.
const usageWindowBytes = 800;
const modelMember = /"model"\s*:\s*"([^"\\]{1,300})"/;
/** Its details are nested objects. */
const usageMember = /"(?:usage|meta)"\s*:\s*(\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})/;

export function readUsage(bytes: Uint8Array, attempt: Attempt): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const part of [buffer.subarray(-usageWindowBytes), buffer.subarray(0, usageWindowBytes)]) {
    const text = part.toString("utf8");
    attempt.observer.upstreamModel ??= modelMember.exec(text)?.[1] ?? null;
    const found = usageMember.exec(text);
    const counts = found?.[1] === undefined ? undefined : parseLoosely(found[1]);
    if (!isRecord(counts)) continue;
    // Cohere: `meta.tokens` or `meta.billed_units`.
    const usage = [counts["tokens"], counts["billed_units"]].find(isRecord) ?? counts;
    const read = decodeUsage(usage) ?? unknownUsage;
    const total = tokenCount(usage["total_tokens"]);
    if (read.input === null && total === null) continue;
    const input = read.input === null ? { input: total, inputUncached: total } : {};
    attempt.observer.event({
      type: "usage",
      usage: { ...read, ...input, output: read.output ?? 0 },
    });
    return;
  }
}
