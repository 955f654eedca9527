// Failures in OpenAI's words, for both of its formats and both ways: our answers to clients, and vendors' error bodies.
// It must never pass on a key, a page of HTML or more than a paragraph of a vendor's text.

import { Failure, type FailureKind } from "../canon/failure.ts";
import {
  type ErrorWords,
  failureOfStatus,
  isRecord,
  parseLoosely,
  retryAfter,
  wordsOfForeignBody,
} from "./decoding.ts";
import type { ErrorAnswer } from "./dialect.ts";

type Row = { readonly type: string; readonly code: string | null };
const row = (type: string, code: string | null): Row => ({ type, code });
const theirs = "invalid_request_error";
const limit = "rate_limit_error";
const ours = "server_error";

/** OpenAI's own words where it has them (platform.openai.com/docs/guides/error-codes); our kind's name elsewhere. */
const rows: Readonly<Record<FailureKind, Row>> = {
  "invalid-request": row(theirs, null),
  unsupported: row(theirs, "unsupported_value"),
  unauthorized: row(theirs, "invalid_api_key"),
  forbidden: row(theirs, "forbidden"),
  "unknown-model": row(theirs, "model_not_found"),
  "not-found": row(theirs, "not_found"),
  misdirected: row(theirs, "misdirected"),
  "unsupported-media-type": row(theirs, "unsupported_media_type"),
  "too-large": row(theirs, "request_too_large"),
  "slow-body": row(theirs, "request_timeout"),
  "context-exceeded": row(theirs, "context_length_exceeded"),
  busy: row(limit, "busy"),
  "over-limit": row(limit, "rate_limit_exceeded"),
  "over-budget": row(limit, "insufficient_quota"),
  "rate-limited": row(limit, "rate_limit_exceeded"),
  "quota-exhausted": row(limit, "insufficient_quota"),
  "upstream-error": row(ours, "upstream_error"),
  "model-missing": row(ours, "upstream_model_missing"),
  "credentials-rejected": row(ours, "upstream_auth"),
  overloaded: row(ours, "overloaded"),
  unreachable: row(ours, "upstream_unreachable"),
  "bad-output": row(ours, "upstream_bad_output"),
  "timed-out": row(ours, "timeout"),
  refused: row(theirs, "content_policy_violation"),
  cancelled: row(theirs, "request_cancelled"),
  "shutting-down": row(ours, "shutting_down"),
  "at-capacity": row(ours, "at_capacity"),
  internal: row(ours, "internal_error"),
};

export type ErrorBody = {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
    /** Which limit is reached and when it ends, where the target said so; OpenAI's own errors have no place for it. */
    readonly details?: unknown;
  };
};

export function encodeFailure(failure: Failure): ErrorBody {
  const { type, code } = rows[failure.kind];
  return {
    error: {
      message: failure.message,
      type,
      param: failure.param,
      code: failure.code ?? code,
      ...(failure.kind === "rate-limited" && failure.details !== null ? { details: failure.details } : {}),
    },
  };
}

export function decodeFailure(answer: ErrorAnswer): Failure {
  const body = parseLoosely(answer.body);
  const words =
    (body === undefined ? plainWords(answer.body) : errorWords(body)) ?? wordsOfForeignBody(answer.status);
  // A number repeats the status (Google, OpenRouter) and is no word for a client.
  const named = words.code !== null && /^\d+$/.test(words.code) ? { ...words, code: null } : words;
  return failureOfStatus(truerStatus(answer.status, named), named, retryAfter(answer.headers, answer.nowMs));
}

/** Vendors that answer 400 for what is no fault of the request: Google (bad key), DeepSeek (model gone). */
function truerStatus(status: number, words: ErrorWords): number {
  if (status !== 400 && status !== 422) return status;
  if (
    /api[ _]key[ _](?:not[ _]valid|invalid|expired)|invalid_api_key/i.test(`${words.code} ${words.message}`)
  )
    return 401;
  if (words.code === "model_not_found" || /^model (?:not exist|does not exist)/i.test(words.message))
    return 404;
  return status;
}

/** An error that came inside a stream whose status was 200; what the vendor calls it takes the status's place. */
export function failureInBand(body: unknown): Failure {
  const words = errorWords(body) ?? wordsOfForeignBody(200);
  const numeric = Number(words.code);
  const said = numeric >= 400 && numeric < 600 ? numeric : statusOfWords(words);
  const failure = failureOfStatus(truerStatus(said, words), words, null);
  return new Failure(failure.kind, failure.message, {
    param: failure.param,
    code: numeric > 0 ? null : failure.code,
    maybeBilled: true,
    upstreamStatus: said === numeric ? numeric : null,
  });
}

const statusesOfWords: readonly (readonly [RegExp, number])[] = [
  [/insufficient_quota|billing|payment/, 402],
  [/rate_?limit|resource_exhausted|too_many_requests/, 429],
  [/overloaded|unavailable|engine_overload|slow_down/, 503],
  [/timeout|timed_out|deadline/, 504],
  [/authentication|invalid_api_key|permission|unauthenticated/, 401],
  [/model_not_found/, 404],
  [/server_error|internal|api_error|upstream/, 500],
  [/invalid_request|context_length|bad_request|content_policy|content_filter|invalid_argument/, 400],
];

function statusOfWords(words: ErrorWords): number {
  const said = `${words.code ?? ""} ${words.type ?? ""}`.toLowerCase();
  return statusesOfWords.find(([pattern]) => pattern.test(said))?.[1] ?? 500;
}

/** Null when the body holds no error that we can read. */
export function errorWords(body: unknown): ErrorWords | null {
  if (Array.isArray(body)) return errorWords(body[0]); // Google's OpenAI-compatible endpoint
  if (!isRecord(body)) return null;
  const { error } = body;
  if (typeof error === "string") return words(error, body);
  if (isRecord(error)) return words(error.message, error);
  if (typeof body.message === "string") return words(body.message, body);
  if (typeof body.detail === "string") return words(body.detail, body);
  if (Array.isArray(body.detail)) return words(validationText(body.detail), body); // FastAPI
  return null;
}

function words(message: unknown, from: Record<string, unknown>): ErrorWords {
  return {
    message: typeof message === "string" && message !== "" ? presentable(message) : "no reason given",
    type: word(from.type) ?? word(from.status),
    code: word(from.code),
    param: word(from.param),
  };
}

const word = (value: unknown): string | null =>
  typeof value === "string" && value !== ""
    ? value.slice(0, 200)
    : typeof value === "number"
      ? `${value}`
      : null;

function validationText(items: readonly unknown[]): string {
  return items
    .slice(0, 3)
    .map((item) => (isRecord(item) && typeof item.msg === "string" ? item.msg : ""))
    .filter((text) => text !== "")
    .join("; ");
}

function plainWords(body: string): ErrorWords | null {
  const text = body.trim();
  if (text === "" || text.startsWith("<") || /<html|<!doctype/i.test(text)) return null;
  return { message: presentable(text.slice(0, 300)), type: null, code: null, param: null };
}

/** Vendors quote the rejected key in their messages. */
function presentable(text: string): string {
  return text.slice(0, 1000).replace(/\b(?:sk|gsk|xai|AIza|Bearer)[-_ ]?[\w.*-]{8,}/g, "[key]");
}
