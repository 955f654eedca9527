// Failures in Anthropic's form, both directions: {type:"error", error:{type, message, details?}, request_id}. It must
// never use a foreign body as a message, nor answer 401 for an upstream's problem.

import { Failure, type FailureKind } from "../../canon/failure.ts";
import { encodeFrame } from "../../wire/sse.ts";
import { type ErrorDetails, failureOfStatus, isRecord, retryAfter, unknownFormatError } from "../decoding.ts";
import type { ErrorAnswer } from "../dialect.ts";
import { errorBody, readErrorDetails, plainText } from "../error-details.ts";
import { retryHeaders } from "./retry-headers.ts";

/** Types: docs.anthropic.com/en/api/errors, and `ErrorType` of @anthropic-ai/sdk 1.11. */
const errorTypes: Readonly<Record<FailureKind, string>> = {
  "invalid-request": "invalid_request_error",
  unsupported: "invalid_request_error",
  unauthorized: "authentication_error",
  forbidden: "permission_error",
  "unknown-model": "not_found_error",
  "not-found": "not_found_error",
  misdirected: "invalid_request_error",
  "unsupported-media-type": "invalid_request_error",
  "too-large": "request_too_large",
  "slow-body": "timeout_error",
  "context-exceeded": "invalid_request_error",
  busy: "rate_limit_error",
  "over-limit": "rate_limit_error",
  // As Anthropic's own gateway says it: Claude Code shows the message at once.
  "over-budget": "billing_error",
  "rate-limited": "rate_limit_error",
  "quota-exhausted": "rate_limit_error",
  "upstream-error": "api_error",
  "model-missing": "api_error",
  "credentials-rejected": "api_error",
  overloaded: "overloaded_error",
  unreachable: "api_error",
  "bad-output": "api_error",
  "timed-out": "timeout_error",
  refused: "invalid_request_error",
  cancelled: "api_error",
  "shutting-down": "overloaded_error",
  "at-capacity": "overloaded_error",
  internal: "api_error",
};

/** The API's status for each error type; an error event inside a stream has only the type. */
const statuses: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** Overload of any vendor: the SDKs and Claude Code recognise it by this status. */
export const ownStatuses = { overloaded: 529 } as const;

export function encodeFailure(failure: Failure, requestId: string): Record<string, unknown> {
  const { details } = failure;
  const error = {
    type: errorTypes[failure.kind],
    message: wordsFor(failure),
    ...(details === null ? {} : { details }),
  };
  return { type: "error", error, request_id: requestId };
}

/** Anthropic's shape has no `param`, so the message names it. Claude Code compacts when it reads "prompt is too long". */
function wordsFor(failure: Failure): string {
  if (failure.kind === "context-exceeded" && !/prompt is too long/i.test(failure.message))
    return `prompt is too long: ${failure.message}`;
  const isNamed = failure.param === null || failure.message.includes(failure.param);
  return isNamed ? failure.message : `${failure.param}: ${failure.message}`;
}

export function encodeFailureFrame(failure: Failure, requestId: string): string {
  return encodeFrame(JSON.stringify(encodeFailure(failure, requestId)), "error");
}

export function decodeFailure(answer: ErrorAnswer): Failure {
  const body = errorBody(answer.body);
  const isPlain = body === undefined && answer.status < 500;
  const words =
    (isPlain ? plainText(answer.body) : readErrorDetails(body)) ?? unknownFormatError(answer.status);
  const failure = failureOfWords(answer.status, planLimit(answer, words), waitOf(answer), answer.nowMs);
  return new Failure(failure.kind, failure.message, {
    ...failure,
    cause: failure.cause,
    verbatim: isErrorBody(body) ? { body: answer.body, headers: retryHeaders(answer.headers) } : null,
  });
}

/** Anything else is a proxy's page or an empty body, and no client could read it. */
const isErrorBody = (body: unknown): boolean => isRecord(body) && isRecord(body["error"]);

/**
 * Only headers show that a plan's five-hour or weekly quota is used up: it is gone until the reset, and checking earlier is
 * useless.
 */
function planLimit({ status, headers, nowMs }: ErrorAnswer, words: ErrorDetails): ErrorDetails {
  if (status !== 429 || headers.get("anthropic-ratelimit-unified-status") !== "rejected") return words;
  const endsAtMs = Number(headers.get("anthropic-ratelimit-unified-reset") ?? Number.NaN) * 1000;
  return endsAtMs > nowMs ? { ...words, code: "usage_limit_reached", endsAtMs } : words;
}

/** The failure inside an `error` event or a 200 answer that is an error. */
export function failureOfErrorBody(body: unknown): Failure {
  const words = readErrorDetails(body) ?? unknownFormatError(500);
  const status = Object.hasOwn(statuses, words.type ?? "") ? statuses[words.type ?? ""] : undefined;
  return failureOfWords(status ?? 500, words, null);
}

function failureOfWords(
  status: number,
  words: ErrorDetails,
  retryAfterMs: number | null,
  nowMs: number | null = null,
): Failure {
  const isOverloaded = words.type === "overloaded_error" && status >= 500;
  return failureOfStatus(isOverloaded ? 529 : status, words, retryAfterMs, nowMs);
}

const limits = ["requests", "tokens", "input-tokens", "output-tokens"];

/** Retry-After, else the reset times of the limits that are used up. */
function waitOf(answer: ErrorAnswer): number | null {
  const retryAfterMs = retryAfter(answer.headers, answer.nowMs);
  if (retryAfterMs !== null || answer.status !== 429) return retryAfterMs;
  const unified = Number(answer.headers.get("anthropic-ratelimit-unified-reset") ?? Number.NaN);
  const usedUp: number[] = Number.isFinite(unified) ? [unified * 1000 - answer.nowMs] : [];
  for (const limit of limits) {
    if (answer.headers.get(`anthropic-ratelimit-${limit}-remaining`) !== "0") continue;
    const reset = Date.parse(answer.headers.get(`anthropic-ratelimit-${limit}-reset`) ?? "");
    if (!Number.isNaN(reset)) usedUp.push(reset - answer.nowMs);
  }
  return usedUp.length > 0 ? Math.max(0, ...usedUp) : null;
}
