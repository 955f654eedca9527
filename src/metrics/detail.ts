// The parts of a request that are shown but never searched or summed: one JSON text, small because its bytes are most of the cost
// of a row, and its decoding. Pure; it must never throw, except for a value that JSON cannot represent.

import type { Candidate } from "../canon/decision.ts";
import type { AttemptRecord, CacheMiss, CostParts, RequestRecord } from "../canon/record.ts";
import { threeDecimals, boundedText } from "./record-values.ts";

const longestDetail = 32_768;
const attemptsOfLongest = 20;

/** An attempt without its field names, its start relative to the request's. */
type PackedAttempt = readonly [
  provider: string,
  model: string,
  outcome: AttemptRecord["outcome"],
  lane: AttemptRecord["lane"],
  status: number | null,
  failure: AttemptRecord["failure"],
  message: string | null,
  startedAfterMs: number | null,
  waitMs: number | null,
  headersMs: number | null,
  firstTokenMs: number | null,
  durationMs: number | null,
  maybeBilled: 0 | 1,
  credential?: string | null,
  adapted?: readonly string[],
  queuePosition?: number,
];

// Absent means null (or none), so a field costs nothing until it is used.
type Packed = {
  readonly keyId?: string | undefined;
  readonly traceId?: string | undefined;
  readonly door: string;
  readonly requestedModel?: string | undefined;
  readonly upstreamModel?: string | undefined;
  readonly confidence?: number | undefined;
  readonly reason?: string | undefined;
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
  readonly candidates?: readonly Candidate[] | undefined;
  readonly queueWaitMs?: number | undefined;
  readonly overheadMs?: number | undefined;
  readonly inputUncached?: number | undefined;
  readonly error?: string | undefined;
  readonly costParts?: CostParts | undefined;
  readonly cacheMiss?: CacheMiss | undefined;
  readonly toolCalls?: readonly string[] | undefined;
  readonly attempts: readonly PackedAttempt[];
};

function packAttempt(attempt: AttemptRecord, requestStartedAtMs: number): PackedAttempt {
  return [
    attempt.provider,
    attempt.model,
    attempt.outcome,
    attempt.lane,
    attempt.status,
    attempt.failure,
    boundedText(attempt.message),
    threeDecimals(attempt.startedAtMs - requestStartedAtMs),
    threeDecimals(attempt.waitMs),
    threeDecimals(attempt.headersMs),
    threeDecimals(attempt.firstTokenMs),
    threeDecimals(attempt.durationMs),
    attempt.maybeBilled ? 1 : 0,
    ...packedEnd(attempt),
  ];
}

function packAttempts({ attempts, startedAtMs }: RequestRecord): PackedAttempt[] {
  const packed: PackedAttempt[] = [];
  for (const attempt of attempts) packed.push(packAttempt(attempt, startedAtMs));
  return packed;
}

/** Fields that most attempts lack cost nothing. */
function packedEnd({
  credential,
  adapted,
  queuePosition,
}: AttemptRecord):
  [] | [string] | [string | null, readonly string[]] | [string | null, readonly string[], number] {
  if (queuePosition !== undefined) return [credential, adapted, queuePosition];
  if (adapted.length > 0) return [credential, adapted];
  return credential === null ? [] : [credential];
}

function unpackAttempt(packed: PackedAttempt, requestStartedAtMs: number): AttemptRecord {
  const [provider, model, outcome, lane, status, failure, message, startedAfterMs] = packed;
  const [, , , , , , , , waitMs, headersMs, firstTokenMs, durationMs, maybeBilled] = packed;
  const [, , , , , , , , , , , , , credential, adapted, queuePosition] = packed;
  return {
    provider,
    model,
    credential: credential ?? null,
    outcome,
    lane,
    status,
    failure,
    message,
    startedAtMs: requestStartedAtMs + (startedAfterMs ?? 0),
    waitMs: waitMs ?? 0,
    ...(queuePosition === undefined ? {} : { queuePosition }),
    headersMs,
    firstTokenMs,
    durationMs: durationMs ?? 0,
    maybeBilled: maybeBilled === 1,
    adapted: adapted ?? [],
  };
}

function pack(record: RequestRecord, keepsDecisions: boolean): Packed {
  const { usage } = record;
  return {
    keyId: boundedText(record.keyId) ?? undefined,
    traceId: record.trace?.traceId,
    door: record.door,
    requestedModel: boundedText(record.requestedModel) ?? undefined,
    upstreamModel: boundedText(record.upstreamModel) ?? undefined,
    confidence: threeDecimals(record.confidence) ?? undefined,
    reason: keepsDecisions ? (boundedText(record.reason) ?? undefined) : undefined,
    facts: keepsDecisions ? (record.facts ?? undefined) : undefined,
    candidates: keepsDecisions && record.candidates.length > 0 ? record.candidates : undefined,
    queueWaitMs: threeDecimals(record.queueWaitMs) || undefined,
    overheadMs: threeDecimals(record.overheadMs) ?? undefined,
    inputUncached: usage.inputUncached ?? undefined,
    error: boundedText(record.error) ?? undefined,
    costParts: record.costParts,
    cacheMiss: record.cacheMiss,
    toolCalls: record.toolCalls,
    attempts: packAttempts(record),
  };
}

/** Without `keepsDecisions` (`metrics.log_routing_decisions`) facts, candidates and reason are left out. */
export function writeDetail(record: RequestRecord, keepsDecisions: boolean): string {
  const packed = pack(record, keepsDecisions);
  const written = JSON.stringify(packed);
  if (written.length <= longestDetail) return written;
  // Whole parts are left out: half a document could not be parsed.
  const { facts: _facts, candidates: _candidates, ...rest } = packed;
  return JSON.stringify({ ...rest, attempts: packed.attempts.slice(-attemptsOfLongest) });
}

/** All fields, null where nothing was written. */
export function readDetail(written: string, startedAtMs: number) {
  // Written by writeDetail; nothing else writes this column.
  const packed = JSON.parse(written) as Packed;
  return {
    keyId: packed.keyId ?? null,
    traceId: packed.traceId ?? null,
    door: packed.door,
    requestedModel: packed.requestedModel ?? "",
    upstreamModel: packed.upstreamModel ?? null,
    confidence: packed.confidence ?? null,
    reason: packed.reason ?? null,
    facts: packed.facts ?? null,
    candidates: packed.candidates ?? [],
    queueWaitMs: packed.queueWaitMs ?? 0,
    overheadMs: packed.overheadMs ?? null,
    inputUncached: packed.inputUncached ?? null,
    error: packed.error ?? "",
    costParts: packed.costParts ?? null,
    cacheMiss: packed.cacheMiss ?? null,
    toolCalls: packed.toolCalls ?? [],
    attempts: packed.attempts.map((attempt) => unpackAttempt(attempt, startedAtMs)),
  };
}
