// One row per request, attempts nested. Times are UTC milliseconds; null means unknown.

import type { Candidate, Layer } from "./decision.ts";
import type { FinishReason } from "./event.ts";
import type { FailureKind } from "./failure.ts";
import type { Usage } from "./usage.ts";

export type AttemptOutcome = "ok" | "failed" | "skipped" | "cancelled";

export type AttemptRecord = {
  readonly provider: string;
  readonly model: string;
  /** Fingerprint of the key that was used; null where the provider has only one. */
  readonly credential: string | null;
  readonly outcome: AttemptOutcome;
  /** "relay" = passed through, "hub" = translated, "forward" = forwarded: not a chat request. */
  readonly lane: "relay" | "hub" | "forward";
  readonly status: number | null;
  readonly failure: FailureKind | null;
  /** Redacted, at most 300 characters. */
  readonly message: string | null;
  readonly startedAtMs: number;
  readonly waitMs: number;
  /** The place in the provider's queue at which it came to wait, 1 = next. Absent: it did not wait. */
  readonly queuePosition?: number;
  readonly headersMs: number | null;
  readonly firstTokenMs: number | null;
  readonly durationMs: number;
  readonly maybeBilled: boolean;
  /** What had to be changed or left out for the target's format or model, in stable words; mostly nothing. */
  readonly adapted: readonly string[];
};

/** An attempt without a cost, for the code that knows prices. */
export type UnpricedRecord = Omit<RequestRecord, "costNanoUsd"> & {
  costNanoUsd: number | null;
  /** For the log alone: what was thrown by a bug of ours, or by a machine that had no more to give. Never kept. */
  readonly cause?: unknown;
};

export type RequestRecord = {
  /** ULID; also x-request-id. */
  readonly id: string;
  readonly startedAtMs: number;
  readonly tenant: string | null;
  readonly keyId: string | null;
  readonly session: string | null;
  /** The client's own agent that asks (Claude Code's subagents), and the one that started it. Absent: it names none. */
  readonly agent?: string;
  readonly parentAgent?: string;
  readonly door: string;
  /** The client program's name, from its user agent, at most 80 characters. */
  readonly client: string | null;
  /** The client's own tags; after them "hedged" when two targets were asked at the same time, so that both may be billed. */
  readonly tags: readonly string[];
  readonly requestedModel: string;
  readonly stream: boolean;
  readonly layer: Layer | null;
  readonly rule: string | null;
  readonly confidence: number | null;
  readonly reason: string | null;
  /** What routing looked at; only with metrics.log_routing_decisions. */
  readonly facts: Readonly<Record<string, unknown>> | null;
  readonly candidates: readonly Candidate[];
  readonly attempts: readonly AttemptRecord[];
  /** The target that answered; null when none did. */
  readonly provider: string | null;
  /** The model id as configured; `upstreamModel` is what the upstream says it was. */
  readonly model: string | null;
  readonly upstreamModel: string | null;
  readonly queueWaitMs: number;
  /** Our own time from the request's arrival until the first dispatch. */
  readonly overheadMs: number | null;
  readonly firstTokenMs: number | null;
  readonly durationMs: number;
  readonly usage: Usage;
  /** Integer nano-USD; null when the price or the usage is unknown. */
  readonly costNanoUsd: number | null;
  readonly status: number;
  readonly finish: FinishReason | null;
  readonly failure: FailureKind | null;
  /** Redacted, at most 300 characters. */
  readonly error: string | null;
};
