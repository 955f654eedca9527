// What all decoders share: exactly one closing event, block numbers in order, and statuses read as failures. It must
// never know a vendor's field names.

import { isClosing, type StreamEvent } from "../canon/event.ts";
import { Failure, type FailureKind } from "../canon/failure.ts";
import type { SseFrame } from "../wire/sse.ts";
import type { StreamDecoder } from "./dialect.ts";
import { statedEnd, statedWait, matchPattern } from "./match-failure.ts";

/** Guards a decoder's output: nothing after the closing event, and always exactly one, even if the bytes stop short. */
export function closeOnce(inner: StreamDecoder): StreamDecoder {
  let isClosed = false;
  const guard = (events: StreamEvent[]): StreamEvent[] => {
    if (isClosed) return [];
    const at = events.findIndex(isClosing);
    if (at < 0) return events;
    isClosed = true;
    return at === events.length - 1 ? events : events.slice(0, at + 1);
  };
  return {
    step(frame: SseFrame) {
      if (isClosed) return [];
      return guard(inner.step(frame));
    },
    end() {
      if (isClosed) return [];
      const events = guard(inner.end());
      if (!isClosed) {
        isClosed = true;
        events.push({ type: "failure", failure: brokenOff() });
      }
      return events;
    },
  };
}

export function brokenOff(): Failure {
  return new Failure("bad-output", "The upstream's stream ended early.", { maybeBilled: true });
}

/** What the error body says, as far as the dialect can read it. */
export type ErrorDetails = {
  readonly message: string;
  readonly type: string | null;
  readonly code: string | null;
  readonly param: string | null;
  readonly details?: unknown;
  /** When the limit ends, where a member of the body says so. */
  readonly endsAtMs?: number | null;
};

/**
 * Turns HTTP status and message of a vendor's error answer into a Failure of one of the kinds in canon/failure.ts.
 * `retryAfterMs` null: the vendor's headers give no time. `nowMs` null: the time is unknown (an error inside a stream).
 */
export function failureOfStatus(
  status: number,
  details: ErrorDetails,
  retryAfterMs: number | null,
  nowMs: number | null = null,
): Failure {
  const pattern = matchPattern(status, details);
  const kind = pattern?.kind ?? kindOfStatus(status);
  const isUpstreams =
    kind !== "invalid-request" && kind !== "context-exceeded" && kind !== "too-large" && kind !== "refused";
  const isLimit = kind === "quota-exhausted" || kind === "rate-limited";
  const endsAtMs = isLimit ? (details.endsAtMs ?? statedEnd(status, details, pattern?.zone)) : null;
  const waitMs = retryAfterMs ?? (isLimit ? statedWait(status, details) : null);
  return new Failure(kind, isUpstreams ? `${headline(kind, status)}: ${details.message}` : details.message, {
    param: details.param,
    code: isUpstreams ? null : details.code,
    // Facts about the gateway's account at the vendor are not for the client.
    details: isUpstreams ? null : details.details,
    retryAfterMs: earlierWait(waitMs, endsAtMs === null || nowMs === null ? null : endsAtMs - nowMs),
    endsAtMs,
    upstreamStatus: status,
  });
}

/** A time in the past means a wrong clock and is ignored. */
function earlierWait(waitMs: number | null, untilEndMs: number | null): number | null {
  if (untilEndMs === null || untilEndMs <= 0) return waitMs;
  return waitMs === null ? untilEndMs : Math.min(waitMs, untilEndMs);
}

function headline(kind: FailureKind, status: number): string {
  switch (kind) {
    case "credentials-rejected":
      return `The upstream rejected the gateway's credentials (${status})`;
    case "rate-limited":
      return "The upstream is limiting the rate";
    case "quota-exhausted":
      return "The upstream's quota is used up";
    case "model-missing":
      return "The upstream does not have this model";
    case "overloaded":
      return `The upstream is overloaded (${status})`;
    default:
      return `The upstream failed (${status})`;
  }
}

/** What a status means where the message adds nothing. */
function kindOfStatus(status: number): FailureKind {
  if (status === 401 || status === 403) return "credentials-rejected";
  if (status === 402) return "quota-exhausted";
  if (status === 404) return "model-missing";
  if (status === 408 || status === 504) return "timed-out";
  if (status === 413) return "too-large";
  if (status === 429) return "rate-limited";
  if (status === 502 || status === 503 || status === 529) return "overloaded";
  if (status >= 500) return "upstream-error";
  if (status >= 300 && status < 400) return "bad-output";
  return "invalid-request";
}

/**
 * Retry-After (seconds or an HTTP date) or retry-after-ms, as milliseconds of at least 0; null when absent or unreadable.
 * A time in the past means a wrong clock or a mistake and is ignored.
 */
export function retryAfter(headers: Headers, nowMs: number): number | null {
  const precise = Number(headers.get("retry-after-ms")?.trim() || Number.NaN);
  if (Number.isFinite(precise) && precise >= 0) return precise;
  const value = headers.get("retry-after")?.trim() ?? "";
  if (value === "") return null;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : null;
  const waitMs = Date.parse(value) - nowMs;
  return waitMs >= 0 ? waitMs : null;
}

/** Error text of an answer that is not in the dialect's shape: an HTML page, an empty body. Never the raw body. */
export function unknownFormatError(status: number): ErrorDetails {
  return {
    message: `the answer was not in the expected format (HTTP ${status})`,
    type: null,
    code: null,
    param: null,
  };
}

/** Parses JSON that may be broken; undefined instead of an exception. */
export function parseLoosely(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
