// Failures in OpenAI's form, for both of its formats and both directions: our answers to clients, and vendors' error
// bodies. It must never answer 401 or 403 for an upstream's problem; a vendor's message is read in error-details.ts.

import { Failure, type FailureKind } from "../canon/failure.ts";
import { type ErrorDetails, failureOfStatus, retryAfter, unknownFormatError } from "./decoding.ts";
import type { ErrorAnswer } from "./dialect.ts";
import { errorBody, readErrorDetails, plainText } from "./error-details.ts";

type Row = { readonly type: string; readonly code: string | null };
const row = (type: string, code: string | null): Row => ({ type, code });
const requestError = "invalid_request_error";
const limit = "rate_limit_error";
const serverError = "server_error";

/** OpenAI's own codes where it has them (platform.openai.com/docs/guides/error-codes); our kind's name elsewhere. */
const rows: Readonly<Record<FailureKind, Row>> = {
  "invalid-request": row(requestError, null),
  unsupported: row(requestError, "unsupported_value"),
  unauthorized: row(requestError, "invalid_api_key"),
  forbidden: row(requestError, "forbidden"),
  "unknown-model": row(requestError, "model_not_found"),
  "not-found": row(requestError, "not_found"),
  misdirected: row(requestError, "misdirected"),
  "unsupported-media-type": row(requestError, "unsupported_media_type"),
  "too-large": row(requestError, "request_too_large"),
  "slow-body": row(requestError, "request_timeout"),
  "context-exceeded": row(requestError, "context_length_exceeded"),
  busy: row(limit, "busy"),
  "over-limit": row(limit, "rate_limit_exceeded"),
  "over-budget": row(limit, "insufficient_quota"),
  "rate-limited": row(limit, "rate_limit_exceeded"),
  "quota-exhausted": row(limit, "insufficient_quota"),
  "upstream-error": row(serverError, "upstream_error"),
  "model-missing": row(serverError, "upstream_model_missing"),
  "credentials-rejected": row(serverError, "upstream_auth"),
  overloaded: row(serverError, "overloaded"),
  unreachable: row(serverError, "upstream_unreachable"),
  "bad-output": row(serverError, "upstream_bad_output"),
  "timed-out": row(serverError, "timeout"),
  refused: row(requestError, "content_policy_violation"),
  cancelled: row(requestError, "request_cancelled"),
  "shutting-down": row(serverError, "shutting_down"),
  "at-capacity": row(serverError, "at_capacity"),
  internal: row(serverError, "internal_error"),
};

export type ErrorBody = {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
    /**
     * Which limit is reached and when it ends, where the target reports it; OpenAI's own errors have no field for it.
     */
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
      // Codex and others compact on exactly this code, whatever the vendor calls it.
      code: failure.kind === "context-exceeded" ? code : (failure.code ?? code),
      ...(failure.kind === "rate-limited" && failure.details !== null ? { details: failure.details } : {}),
    },
  };
}

export function decodeFailure(answer: ErrorAnswer): Failure {
  const body = errorBody(answer.body);
  const words =
    (body === undefined ? plainText(answer.body) : readErrorDetails(body)) ??
    unknownFormatError(answer.status);
  // A number repeats the status (Google, OpenRouter) and tells a client nothing.
  const isNumber = words.code !== null && /^\d+$/.test(words.code);
  const named = { ...words, code: isNumber ? null : words.code, details: undefined };
  const waitMs = retryAfter(answer.headers, answer.nowMs) ?? untilReset(answer);
  return failureOfStatus(answer.status, named, waitMs, answer.nowMs);
}

const unitMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** Without Retry-After: the reset times of the limits that are used up, as OpenAI writes them ("1m12.5s"). */
function untilReset({ status, headers }: ErrorAnswer): number | null {
  if (status !== 429) return null;
  let longest: number | null = null;
  for (const limit of ["requests", "tokens"]) {
    if (headers.get(`x-ratelimit-remaining-${limit}`) !== "0") continue;
    const reset = headers.get(`x-ratelimit-reset-${limit}`)?.slice(0, 40) ?? "";
    if (!/^(?:\d+(?:\.\d+)?(?:ms|[dhms]))+$/.test(reset)) continue;
    let waitMs = 0;
    for (const [, length, unit] of reset.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g))
      waitMs += Number(length) * (unitMs[unit ?? ""] ?? 0);
    longest = Math.max(longest ?? 0, Math.ceil(waitMs));
  }
  return longest;
}

/** An error inside a stream whose status was 200; the vendor's error code replaces the status. */
export function failureInBand(body: unknown): Failure {
  const words = { ...(readErrorDetails(body) ?? unknownFormatError(200)), details: undefined };
  const numeric = Number(words.code);
  const status = numeric >= 400 && numeric < 600 ? numeric : statusOfWords(words);
  const failure = failureOfStatus(status, words, null);
  return new Failure(failure.kind, failure.message, {
    param: failure.param,
    code: numeric > 0 ? null : failure.code,
    retryAfterMs: failure.retryAfterMs,
    endsAtMs: failure.endsAtMs,
    maybeBilled: true,
    upstreamStatus: status === numeric ? numeric : null,
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

function statusOfWords(words: ErrorDetails): number {
  const codes = `${words.code ?? ""} ${words.type ?? ""}`.toLowerCase();
  return statusesOfWords.find(([pattern]) => pattern.test(codes))?.[1] ?? 500;
}
