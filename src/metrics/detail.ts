// The parts of a request that are shown but never searched or summed: one JSON text, small because its bytes are most of the cost
// of a row, and its decoding. Pure; it must never throw, except for a value that JSON cannot represent.

import type { Candidate } from "../canon/decision.ts";
import type { AttemptRecord, CacheMiss, CostParts, RequestRecord } from "../canon/record.ts";
import { threeDecimals, boundedText } from "./record-values.ts";

const longestDetail = 32_768;
const attemptsOfLongest = 20;

/** Most attempts: answered at once, nothing adapted, one key. */
type PlainAttempt = readonly [
  provider: string,
  model: string,
  lane: AttemptRecord["lane"],
  startedAfterMs: number | null,
  headersMs: number | null,
  firstTokenMs: number | null,
  durationMs: number | null,
];
const plainLength = 7;

/** An attempt without its field names, its start relative to the request's. */
type FullAttempt = readonly [
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

type PackedAttempt = PlainAttempt | FullAttempt;

/** What nearly every record has, without field names. */
type PackedHead = readonly [
  door: string,
  requestedModel: string | null,
  /** 0: that of the first attempt. */
  upstreamModel: string | null | 0,
  confidence: number | null,
  overheadMs: number | null,
  queueWaitMs: number | null,
  inputUncached: number | null,
  costParts: readonly [input: number, cached: number, cacheWrite: number, output: number] | null,
  /** 1: the only candidate was chosen, and its attempt is the only one. */
  hasOwnCandidate: 0 | 1,
];

// Absent means null (or none), so a field costs nothing until it is used. A query looks for `candidates`.
type Packed = {
  readonly head: PackedHead;
  readonly keyId?: string | undefined;
  readonly traceId?: string | undefined;
  readonly clientRequestId?: string | undefined;
  readonly reason?: string | undefined;
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
  readonly candidates?: readonly Candidate[] | undefined;
  readonly error?: string | undefined;
  readonly cacheMiss?: CacheMiss | undefined;
  readonly toolCalls?: readonly string[] | undefined;
  readonly hints?: PackedHints | undefined;
  readonly attempts: readonly PackedAttempt[];
};

/** What the client said of the turn beside its class. */
type PackedHints = readonly [
  agentType: string | null,
  compaction: string | null,
  contextCompacted: string | null,
  promptId: string | null,
];

/** As it was written before there was a head. */
type NamedHead = {
  readonly head?: undefined;
  readonly door: string;
  readonly requestedModel?: string;
  readonly upstreamModel?: string;
  readonly confidence?: number;
  readonly queueWaitMs?: number;
  readonly overheadMs?: number;
  readonly inputUncached?: number;
  readonly costParts?: CostParts;
};

type Stored = Packed | (Omit<Packed, "head"> & NamedHead);

const chosen = "chosen";

const isPlain = (attempt: AttemptRecord): boolean =>
  attempt.outcome === "ok" &&
  attempt.status === 200 &&
  attempt.failure === null &&
  attempt.message === null &&
  attempt.waitMs === 0 &&
  !attempt.maybeBilled &&
  attempt.credential === null &&
  attempt.adapted.length === 0 &&
  attempt.queuePosition === undefined;

function packAttempt(attempt: AttemptRecord, requestStartedAtMs: number): PackedAttempt {
  if (isPlain(attempt))
    return [
      attempt.provider,
      attempt.model,
      attempt.lane,
      threeDecimals(attempt.startedAtMs - requestStartedAtMs),
      threeDecimals(attempt.headersMs),
      threeDecimals(attempt.firstTokenMs),
      threeDecimals(attempt.durationMs),
    ];
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

const isPlainPacked = (packed: PackedAttempt): packed is PlainAttempt => packed.length === plainLength;

function full(packed: PackedAttempt): FullAttempt {
  if (!isPlainPacked(packed)) return packed;
  const [provider, model, lane, startedAfterMs, headersMs, firstTokenMs, durationMs] = packed;
  return [
    provider,
    model,
    "ok",
    lane,
    200,
    null,
    null,
    startedAfterMs,
    0,
    headersMs,
    firstTokenMs,
    durationMs,
    0,
  ];
}

function unpackAttempt(written: PackedAttempt, requestStartedAtMs: number): AttemptRecord {
  const packed = full(written);
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

/** The client named the target, and no other was looked at. */
function hasOwnCandidate({ layer, candidates, attempts }: RequestRecord): boolean {
  const [candidate] = candidates;
  const [attempt] = attempts;
  return (
    layer === "direct" &&
    candidates.length === 1 &&
    attempts.length === 1 &&
    candidate?.note === chosen &&
    candidate.kept &&
    candidate.provider === attempt?.provider &&
    candidate.model === attempt.model
  );
}

function packHead(record: RequestRecord, isOwn: boolean): PackedHead {
  const { costParts: parts, upstreamModel } = record;
  return [
    record.door,
    boundedText(record.requestedModel),
    upstreamModel !== null && upstreamModel === record.attempts[0]?.model ? 0 : boundedText(upstreamModel),
    threeDecimals(record.confidence),
    threeDecimals(record.overheadMs),
    threeDecimals(record.queueWaitMs),
    record.usage.inputUncached,
    parts === undefined ? null : [parts.input, parts.cached, parts.cacheWrite, parts.output],
    isOwn ? 1 : 0,
  ];
}

function packHints(record: RequestRecord): PackedHints | undefined {
  const { agentType, compaction, contextCompacted, promptId } = record;
  const said = [agentType, compaction, contextCompacted, promptId];
  if (said.every((each) => each === undefined)) return undefined;
  const [agent = null, why = null, before = null, prompt = null] = said.map((each) =>
    boundedText(each ?? null),
  );
  return [agent, why, before, prompt];
}

function pack(record: RequestRecord, keepsDecisions: boolean): Packed {
  const isOwn = keepsDecisions && hasOwnCandidate(record);
  return {
    head: packHead(record, isOwn),
    keyId: boundedText(record.keyId) ?? undefined,
    traceId: record.trace?.traceId,
    clientRequestId: boundedText(record.clientRequestId ?? null) ?? undefined,
    reason: keepsDecisions ? (boundedText(record.reason) ?? undefined) : undefined,
    facts: keepsDecisions ? (record.facts ?? undefined) : undefined,
    candidates: keepsDecisions && !isOwn && record.candidates.length > 0 ? record.candidates : undefined,
    error: boundedText(record.error) ?? undefined,
    cacheMiss: record.cacheMiss,
    toolCalls: record.toolCalls,
    hints: packHints(record),
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

function unpackHead(packed: Stored, attempts: readonly AttemptRecord[]) {
  if (packed.head === undefined)
    return {
      door: packed.door,
      requestedModel: packed.requestedModel ?? "",
      upstreamModel: packed.upstreamModel ?? null,
      confidence: packed.confidence ?? null,
      queueWaitMs: packed.queueWaitMs ?? 0,
      overheadMs: packed.overheadMs ?? null,
      inputUncached: packed.inputUncached ?? null,
      costParts: packed.costParts ?? null,
    };
  const [door, requestedModel, upstreamModel, confidence, overheadMs, queueWaitMs, inputUncached, parts] =
    packed.head;
  return {
    door,
    requestedModel: requestedModel ?? "",
    upstreamModel: upstreamModel === 0 ? (attempts[0]?.model ?? null) : upstreamModel,
    confidence,
    queueWaitMs: queueWaitMs ?? 0,
    overheadMs,
    inputUncached,
    costParts: parts === null ? null : costPartsOf(parts),
  };
}

const costPartsOf = ([input, cached, cacheWrite, output]: NonNullable<PackedHead[7]>): CostParts => ({
  input,
  cached,
  cacheWrite,
  output,
});

const ownCandidate = ({ provider, model }: AttemptRecord): Candidate => ({
  provider,
  model,
  note: chosen,
  kept: true,
});

/** All fields, null where nothing was written. */
export function readDetail(written: string, startedAtMs: number) {
  // Written by writeDetail; nothing else writes this column.
  const packed = JSON.parse(written) as Stored;
  const attempts = packed.attempts.map((attempt) => unpackAttempt(attempt, startedAtMs));
  return {
    ...unpackHead(packed, attempts),
    keyId: packed.keyId ?? null,
    traceId: packed.traceId ?? null,
    clientRequestId: packed.clientRequestId ?? null,
    reason: packed.reason ?? null,
    facts: packed.facts ?? null,
    candidates: packed.candidates ?? (packed.head?.[8] === 1 ? attempts.map(ownCandidate) : []),
    error: packed.error ?? "",
    cacheMiss: packed.cacheMiss ?? null,
    toolCalls: packed.toolCalls ?? [],
    hints: packed.hints ?? null,
    attempts,
  };
}
