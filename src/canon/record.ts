// One row per request, attempts nested. Times are UTC milliseconds; null means unknown.

import type { Candidate, Layer } from "./decision.ts";
import type { FinishReason } from "./event.ts";
import type { FailureKind } from "./failure.ts";
import type { PendingOutline } from "./prompt-outline.ts";
import type { RequestTrace } from "./trace-context.ts";
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
  /** Its place in the provider's queue when it began to wait, 1 = next. Absent: it did not wait. */
  readonly queuePosition?: number;
  readonly headersMs: number | null;
  readonly firstTokenMs: number | null;
  readonly durationMs: number;
  readonly maybeBilled: boolean;
  /** What was changed or left out for the target's format or model, in stable words; usually empty. */
  readonly adapted: readonly string[];
  /** Its span, where the upstream was told of it. Never stored. */
  readonly spanId?: string;
};

/** An attempt before its cost is known. */
export type UnpricedRecord = Omit<RequestRecord, LateField> & {
  costNanoUsd: number | null;
  /** Present: the user's own sign-in pays at a flat rate. */
  listNanoUsd?: number | null;
  baselineNanoUsd?: number | null;
  uncachedNanoUsd?: number | null;
  costParts?: CostParts;
  /** Only for the log: what our bug or a machine out of resources threw. Never stored. */
  readonly cause?: unknown;
  /** Its prompt, from which toolCalls, contentHash and cacheMiss follow. Never stored. */
  readonly prompt?: PendingOutline;
  toolCalls?: readonly string[];
  contentHash?: string;
  cacheMiss?: CacheMiss;
};

/** What is known only when the record is written. */
type LateField =
  | "costNanoUsd"
  | "listNanoUsd"
  | "baselineNanoUsd"
  | "uncachedNanoUsd"
  | "costParts"
  | "toolCalls"
  | "contentHash"
  | "cacheMiss";

/** What parts of the cost came from what, in nano-USD; they add up to it. */
export type CostParts = {
  readonly input: number;
  readonly cached: number;
  readonly cacheWrite: number;
  readonly output: number;
};

/** Why a turn of a session found less in the prompt cache than the turn before it had left there. */
export type CacheMiss = {
  /** Which part of the prefix differs first, or that the cache had expired, or the model or provider changed. */
  readonly cause: "tools" | "system" | "message" | "options" | "model" | "provider" | "expired" | "unknown";
  /** Index of the first tool, system block or message that differs; null where that says nothing. */
  readonly index: number | null;
  readonly change: "changed" | "removed" | "inserted" | "reordered" | null;
  /** Input tokens that were paid in full though the turn before had put them into the cache. */
  readonly missedTokens: number;
  /** What they cost above the price of cached ones; null: unknown price. */
  readonly nanoUsd: number | null;
};

export type RequestRecord = {
  /** ULID; also x-request-id. */
  readonly id: string;
  readonly startedAtMs: number;
  readonly tenant: string | null;
  readonly keyId: string | null;
  readonly session: string | null;
  /**
   * The client's agent that sent the request (Claude Code's subagents), and the agent that started it. Absent: none.
   */
  readonly agent?: string;
  readonly parentAgent?: string;
  /** The client's own id of the request (`x-request-id`), by which it finds it in its log. Absent: it sent none. */
  readonly clientRequestId?: string;
  /** What Claude Code said of the turn (canon/client-hints.ts). Absent: nothing. */
  readonly requestClass?: string;
  readonly agentType?: string;
  readonly compaction?: string;
  readonly contextCompacted?: string;
  readonly promptId?: string;
  /** The client's trace, or our own where spans are exported. Only its id is stored. Absent: there is none. */
  readonly trace?: RequestTrace;
  readonly door: string;
  /** The client program's name, from its key or its user agent, at most 80 characters. */
  readonly client: string | null;
  /** The client's own tags, followed by "hedged" when two targets were asked in parallel, so that both may be billed. */
  readonly tags: readonly string[];
  readonly requestedModel: string;
  readonly stream: boolean;
  readonly layer: Layer | null;
  readonly rule: string | null;
  readonly confidence: number | null;
  readonly reason: string | null;
  /** What routing examined; only with metrics.log_routing_decisions. */
  readonly facts: Readonly<Record<string, unknown>> | null;
  readonly candidates: readonly Candidate[];
  readonly attempts: readonly AttemptRecord[];
  /** The target that answered; null when none did. */
  readonly provider: string | null;
  /** The model id as configured; `upstreamModel` is the one that the upstream reports. */
  readonly model: string | null;
  readonly upstreamModel: string | null;
  readonly queueWaitMs: number;
  /** The gateway's own time from the request's arrival to the first dispatch. */
  readonly overheadMs: number | null;
  readonly firstTokenMs: number | null;
  readonly durationMs: number;
  readonly usage: Usage;
  /** Integer nano-USD; null when the price or the usage is unknown. */
  readonly costNanoUsd: number | null;
  /** By the list price, where a flat rate paid it (the user's own sign-in) and `costNanoUsd` is 0. Absent: no flat rate. */
  readonly listNanoUsd?: number | null;
  /** Estimate: the same tokens at the price of the baseline model. Absent: routing chose nothing. */
  readonly baselineNanoUsd?: number | null;
  /** Estimate: the same request without a prompt cache. Absent: no cached or written tokens. */
  readonly uncachedNanoUsd?: number | null;
  readonly costParts?: CostParts;
  readonly cacheMiss?: CacheMiss;
  /** Names of the tools that the client ran before this request, at most 16. Absent: none. */
  readonly toolCalls?: readonly string[];
  /** Hash of everything that was asked, the same for the same request of the same session. Absent: not computed. */
  readonly contentHash?: string;
  readonly status: number;
  readonly finish: FinishReason | null;
  readonly failure: FailureKind | null;
  /** Redacted, at most 300 characters. */
  readonly error: string | null;
};
