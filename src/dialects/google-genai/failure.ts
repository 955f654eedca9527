// Failures in Google's form, both directions: {error: {code, message, status, details}}, alone or inside a stream. It
// must never pass on a key, a page of HTML or more than a paragraph of a vendor's text.

import { Failure, type FailureKind } from "../../canon/failure.ts";
import { encodeFrame } from "../../wire/sse.ts";
import { type ErrorDetails, failureOfStatus, isRecord, retryAfter, unknownFormatError } from "../decoding.ts";
import type { ErrorAnswer } from "../dialect.ts";
import { errorBody, readErrorDetails, plainText } from "../error-details.ts";
import { isDayQuota, msUntilNewDay, reasonOf, retryDelayOf } from "./quota.ts";

const wrong = "INVALID_ARGUMENT";
const limit = "RESOURCE_EXHAUSTED";

/** Values of google.rpc.Code; the reason in `details` says what they mean. */
const statusWords: Readonly<Record<FailureKind, string>> = {
  "invalid-request": wrong,
  unsupported: wrong,
  unauthorized: "UNAUTHENTICATED",
  forbidden: "PERMISSION_DENIED",
  "unknown-model": "NOT_FOUND",
  "not-found": "NOT_FOUND",
  misdirected: wrong,
  "unsupported-media-type": wrong,
  "too-large": wrong,
  "slow-body": "DEADLINE_EXCEEDED",
  "context-exceeded": wrong,
  busy: limit,
  "over-limit": limit,
  "over-budget": limit,
  "rate-limited": limit,
  "quota-exhausted": limit,
  "upstream-error": "INTERNAL",
  "model-missing": "INTERNAL",
  "credentials-rejected": "INTERNAL",
  overloaded: "UNAVAILABLE",
  unreachable: "UNAVAILABLE",
  "bad-output": "INTERNAL",
  "timed-out": "DEADLINE_EXCEEDED",
  refused: wrong,
  cancelled: "CANCELLED",
  "shutting-down": "UNAVAILABLE",
  "at-capacity": "UNAVAILABLE",
  internal: "INTERNAL",
};

const type = (name: string): string => `type.googleapis.com/google.rpc.${name}`;

export function encodeFailure(failure: Failure): Record<string, unknown> {
  const { kind, param, clientWaitMs } = failure;
  const details: Record<string, unknown>[] = [
    {
      "@type": type("ErrorInfo"),
      reason: kind.toUpperCase().replaceAll("-", "_"),
      domain: "clawgate",
    },
  ];
  if (param !== null)
    details.push({
      "@type": type("BadRequest"),
      fieldViolations: [{ field: param, description: failure.message }],
    });
  if (clientWaitMs !== null)
    details.push({
      "@type": type("RetryInfo"),
      retryDelay: `${Math.max(1, Math.ceil(clientWaitMs / 1000))}s`,
    });
  return {
    error: { code: failure.status, message: failure.message, status: statusWords[kind], details },
  };
}

export function encodeFailureFrame(failure: Failure): string {
  return encodeFrame(JSON.stringify(encodeFailure(failure)));
}

export function decodeFailure(answer: ErrorAnswer): Failure {
  const body = errorBody(answer.body);
  const error = errorIn(body);
  const details = body === undefined && answer.status < 500 ? plainText(answer.body) : readErrorDetails(body);
  const words = presentableError(details) ?? unknownFormatError(answer.status);
  const waitMs = retryAfter(answer.headers, answer.nowMs) ?? retryDelayOf(error);
  return failureOf({ status: answer.status, words, error, waitMs, nowMs: answer.nowMs });
}

/** An error inside a stream whose status was 200; its code replaces the status. */
export function failureInBand(body: unknown): Failure {
  const error = errorIn(body);
  const code = Number(error?.["code"]);
  const knownStatus = code >= 400 && code < 600 ? code : null;
  const words = presentableError(readErrorDetails(body)) ?? unknownFormatError(200);
  const status = knownStatus ?? statusesOfWords[words.type ?? ""] ?? 500;
  const failure = failureOf({ status, words, error, waitMs: retryDelayOf(error), nowMs: null });
  return new Failure(failure.kind, failure.message, {
    param: failure.param,
    code: failure.code,
    retryAfterMs: failure.retryAfterMs,
    endsAtMs: failure.endsAtMs,
    maybeBilled: true,
    upstreamStatus: knownStatus,
  });
}

const statusesOfWords: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  OUT_OF_RANGE: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  CANCELLED: 500,
  UNKNOWN: 500,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

type ToldError = {
  readonly status: number;
  readonly words: ErrorDetails;
  readonly error: Record<string, unknown> | null;
  readonly waitMs: number | null;
  readonly nowMs: number | null;
};

function failureOf({ status, words, error, waitMs, nowMs }: ToldError): Failure {
  if (status === 429 && isDayQuota(error)) {
    // The daily quota resets at midnight in California; the delay given with it belongs to the per-minute limit.
    const untilMs = nowMs === null ? null : msUntilNewDay(nowMs);
    return failureOfStatus(status, { ...words, code: "insufficient_quota" }, untilMs, nowMs);
  }
  // The reason is Google's own code in `details`; it means nothing to a client.
  const details = { ...words, code: reasonOf(error) };
  const failure = failureOfStatus(truerStatus(status, words), details, waitMs, nowMs);
  return details.code === null
    ? failure
    : new Failure(failure.kind, failure.message, { ...failure, code: null });
}

/** Google answers 400 for a region or a project that it does not serve. */
function truerStatus(status: number, words: ErrorDetails): number {
  const isUnserved =
    status === 400 &&
    words.type === "FAILED_PRECONDITION" &&
    /location|billing|not (?:available|supported)/i.test(words.message);
  return isUnserved ? 403 : status;
}

/** The code repeats the status, and the details are read in quota.ts. */
const presentableError = (words: ErrorDetails | null): ErrorDetails | null =>
  words === null ? null : { ...words, code: null, param: null, details: undefined };

/** The error object, also inside the array that Google uses for stream errors. */
function errorIn(body: unknown): Record<string, unknown> | null {
  const outer: unknown = Array.isArray(body) ? body[0] : body;
  if (!isRecord(outer)) return null;
  const inner = outer["error"];
  if (isRecord(inner)) return inner;
  return typeof inner === "string" ? { message: inner } : null;
}
