// One class for everything that can go wrong with a request, and ONE table that says what follows from each kind. A
// Failure's message goes to the client: it must never contain a key, a path, a stack or an upstream's host.

import { cut, maxMessageLength, maxWordLength, shortened } from "./bounds.ts";

export type FailureKind =
  | "invalid-request"
  | "unsupported"
  | "unauthorized"
  | "forbidden"
  | "unknown-model"
  | "misdirected"
  | "unsupported-media-type"
  | "not-found"
  | "too-large"
  | "slow-body"
  | "context-exceeded"
  | "busy"
  | "over-limit"
  | "over-budget"
  | "rate-limited"
  | "quota-exhausted"
  | "upstream-error"
  | "model-missing"
  | "credentials-rejected"
  | "overloaded"
  | "unreachable"
  | "bad-output"
  | "timed-out"
  | "refused"
  | "cancelled"
  | "shutting-down"
  | "at-capacity"
  | "internal";

/** What a failure counts against in health. */
export type PenaltyScope = "nobody" | "request" | "model" | "credential" | "provider";
export type NextTarget = "no" | "yes" | "larger-window";

export type Consequence = {
  readonly status: number;
  readonly nextTarget: NextTarget;
  readonly penalizes: PenaltyScope;
  /** Short, low-cardinality name for metrics and records. */
  readonly metric: string;
};

const row = (
  status: number,
  nextTarget: NextTarget,
  penalizes: PenaltyScope,
  metric: string,
): Consequence => ({
  status,
  nextTarget,
  penalizes,
  metric,
});

export const consequences: Readonly<Record<FailureKind, Consequence>> = {
  "invalid-request": row(400, "no", "nobody", "invalid_request"),
  unsupported: row(400, "no", "nobody", "unsupported"),
  unauthorized: row(401, "no", "nobody", "unauthorized"),
  forbidden: row(403, "no", "nobody", "forbidden"),
  "unknown-model": row(404, "no", "nobody", "unknown_model"),
  "not-found": row(404, "no", "nobody", "not_found"),
  misdirected: row(421, "no", "nobody", "misdirected"),
  "unsupported-media-type": row(415, "no", "nobody", "unsupported_media_type"),
  "too-large": row(413, "no", "nobody", "too_large"),
  "slow-body": row(408, "no", "nobody", "slow_body"),
  "context-exceeded": row(400, "larger-window", "nobody", "context_exceeded"),
  busy: row(429, "no", "nobody", "busy"),
  "over-limit": row(429, "no", "nobody", "over_limit"),
  "over-budget": row(429, "no", "nobody", "over_budget"),
  "rate-limited": row(429, "yes", "credential", "rate_limited"),
  "quota-exhausted": row(429, "yes", "credential", "quota_exhausted"),
  "upstream-error": row(502, "yes", "provider", "upstream_error"),
  "model-missing": row(502, "yes", "model", "model_missing"),
  "credentials-rejected": row(502, "yes", "credential", "credentials_rejected"),
  overloaded: row(503, "yes", "provider", "overloaded"),
  unreachable: row(502, "yes", "provider", "unreachable"),
  "bad-output": row(502, "yes", "provider", "bad_output"),
  "timed-out": row(504, "yes", "provider", "timed_out"),
  refused: row(400, "no", "nobody", "refused"),
  cancelled: row(499, "no", "nobody", "cancelled"),
  "shutting-down": row(503, "no", "nobody", "shutting_down"),
  // Our fault: this machine lacked a resource, and no provider failed. Another target may need less of it.
  "at-capacity": row(503, "yes", "nobody", "at_capacity"),
  internal: row(500, "no", "nobody", "internal"),
};

/** The upstream's message of such a failure is about the body or the answer and may quote it: it must not go into a log. */
const contentKinds: ReadonlySet<FailureKind> = new Set([
  "invalid-request",
  "unsupported",
  "refused",
  "context-exceeded",
  "too-large",
  "upstream-error",
  "bad-output",
]);

/** A malformed answer is described in our own words. */
const isOwnText = (kind: FailureKind, status: number): boolean =>
  kind === "bad-output" && status >= 200 && status < 300;

export const mayRepeatContent = (kind: FailureKind, upstreamStatus: number | null): boolean =>
  upstreamStatus !== null && contentKinds.has(kind) && !isOwnText(kind, upstreamStatus);

/**
 * The longest time for which a vendor's own Retry-After suspends it (backends/health/hold.ts), and so the longest that a
 * client is told to wait for it.
 */
export const maxVendorRestMs = 300_000;
/** For limits that the gateway itself knows: a daily budget resets tomorrow. */
const maxOwnWaitMs = 86_400_000;

/** System errors of a machine that has run out of a resource, and the message for the client. */
const shortages: Readonly<Record<string, string>> = {
  EMFILE: "The gateway has no file descriptor left at the moment.",
  ENFILE: "The gateway's machine has no file descriptor left at the moment.",
  ENOMEM: "The gateway's machine has no memory left at the moment.",
  ENOBUFS: "The gateway's machine has no network buffer left at the moment.",
  EAGAIN: "The gateway's machine can start no further process just now.",
  EADDRNOTAVAIL: "The gateway has no free port left for a connection to the upstream just now.",
  ENOSPC: "The gateway's disk is full.",
  EDQUOT: "The gateway's disk quota is used up.",
  EROFS: "The gateway's disk cannot be written to.",
};

const shortageRetryMs = 2_000;

/** The Failure for an error of a machine that lacked a resource; null for every other error. */
export function shortageFrom(thrown: unknown): Failure | null {
  const code = typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : null;
  const words = typeof code === "string" && Object.hasOwn(shortages, code) ? shortages[code] : undefined;
  return words === undefined ? null : atCapacity(words, thrown);
}

export function atCapacity(words: string, cause?: unknown): Failure {
  return new Failure("at-capacity", `${words} Try again in a moment.`, {
    retryAfterMs: shortageRetryMs,
    cause,
  });
}

export type FailureDetail = {
  /** The request field at fault, as the client writes it ("messages[2].content"). */
  readonly param?: string | null;
  /** How long the caller should wait, in milliseconds; rendered as Retry-After. */
  readonly retryAfterMs?: number | null;
  /** When the vendor says its limit ends, as wall time; the key is suspended until then. */
  readonly endsAtMs?: number | null;
  /** The upstream's own HTTP status, for the record. */
  readonly upstreamStatus?: number | null;
  /** True when the upstream may have charged for work that the client never saw. */
  readonly maybeBilled?: boolean;
  /**
   * The request used a kept-alive connection that the upstream closed before a byte of an answer (RFC 9110 section 9.2.2): the
   * upstream cannot have begun, so the request may be resent once, and the failure counts against no provider.
   */
  readonly isStale?: boolean;
  /** A machine-readable code for the client (OpenAI's `code`), where the kind alone is not specific enough. */
  readonly code?: string | null;
  /** Further facts in the client's own dialect, next to the message (Anthropic's `error.details`); JSON. */
  readonly details?: unknown;
  /** How long the server delays this answer, in milliseconds: it slows down clients that guess keys. */
  readonly holdMs?: number;
  /** The message for the operator: it may name hosts, ports and settings. Never sent to a client. */
  readonly why?: string | null;
  /** What the upstream answered, for a client whose format must get it unchanged. */
  readonly verbatim?: VerbatimAnswer | null;
  /** For the log only; never sent to a client. */
  readonly cause?: unknown;
};

/** An upstream's refusal as it was written: its body, and the headers that tell clients whether and when to try again. */
export type VerbatimAnswer = {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
};

export class Failure extends Error {
  override readonly name = "Failure";
  readonly kind: FailureKind;
  readonly param: string | null;
  readonly retryAfterMs: number | null;
  readonly endsAtMs: number | null;
  readonly upstreamStatus: number | null;
  readonly maybeBilled: boolean;
  readonly isStale: boolean;
  readonly code: string | null;
  readonly details: unknown;
  readonly holdMs: number;
  readonly why: string | null;
  readonly verbatim: VerbatimAnswer | null;

  constructor(kind: FailureKind, message: string, detail: FailureDetail = {}) {
    // Clients and upstreams supply parts of it.
    super(shortened(message, maxMessageLength), { cause: detail.cause });
    this.kind = kind;
    this.param = cutOrNull(detail.param);
    this.retryAfterMs = detail.retryAfterMs ?? null;
    this.endsAtMs = detail.endsAtMs ?? null;
    this.upstreamStatus = detail.upstreamStatus ?? null;
    this.maybeBilled = detail.maybeBilled ?? false;
    this.isStale = detail.isStale ?? false;
    this.code = cutOrNull(detail.code);
    this.details = detail.details ?? null;
    this.holdMs = detail.holdMs ?? 0;
    this.verbatim = detail.verbatim ?? null;
    this.why =
      detail.why === null || detail.why === undefined ? null : shortened(detail.why, maxMessageLength);
  }

  get status(): number {
    return consequences[this.kind].status;
  }

  /** For records, logs and reports. */
  get operatorMessage(): string {
    return this.why ?? this.message;
  }

  /** `retryAfterMs` for the client: never longer than the provider itself is suspended. */
  get clientWaitMs(): number | null {
    if (this.retryAfterMs === null) return null;
    const isOurs = this.upstreamStatus === null && consequences[this.kind].penalizes === "nobody";
    return Math.min(this.retryAfterMs, isOurs ? maxOwnWaitMs : maxVendorRestMs);
  }
}

/** The same failure, with this message for the operator. */
export function withOperatorMessage(failure: Failure, why: string): Failure {
  return new Failure(failure.kind, failure.message, { ...failure, cause: failure.cause, why });
}

const cutOrNull = (word: string | null | undefined): string | null =>
  word === null || word === undefined ? null : cut(word, maxWordLength);

/** Turns anything thrown into a Failure. An unknown exception is our bug: its text stays in `cause`. */
export function failureFrom(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  const shortage = shortageFrom(thrown);
  if (shortage !== null) return shortage;
  return new Failure("internal", "The gateway met an internal error. The request id is in x-request-id.", {
    cause: thrown,
  });
}
