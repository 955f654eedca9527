// What a batch adds to the tables of sums: combined in memory first, so that a batch costs a few statements and not a few for each
// record. Pure.

import type { AttemptRecord, RequestRecord } from "../canon/record.ts";
import {
  cacheHit,
  cacheMiss,
  displayModel,
  displayProvider,
  boundedText,
  attemptCount,
  outcomeOf,
  wholeNumber,
} from "./record-values.ts";
import type { ModelNameLimit, NameOutcome } from "./model-name-limit.ts";
import { dayMs, quarterMs } from "./tables.ts";

/** Requests of one quarter of an hour that are equal in everything that reports distinguish. */
export type Tally = ReturnType<typeof emptyTally>;
export type AttemptTally = ReturnType<typeof emptyAttemptTally>;

type Outcome = ReturnType<typeof outcomeOf>;

const startOf = (ms: number, span: number): number => Math.floor(ms / span) * span;

function emptyTally(record: RequestRecord, provider: string, model: string, outcome: Outcome) {
  return {
    dayMs: startOf(record.startedAtMs, dayMs),
    quarterMs: startOf(record.startedAtMs, quarterMs),
    tenant: boundedText(record.tenant) ?? "",
    provider,
    model,
    layer: record.layer ?? "",
    rule: boundedText(record.rule) ?? "",
    outcome,
    firstMs: Infinity,
    lastMs: -Infinity,
    requests: 0,
    streams: 0,
    attempts: 0,
    fallbacks: 0,
    inputTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    cacheHitTokens: 0,
    cacheMissTokens: 0,
    cacheWriteTokens: 0,
    costNanoUsd: 0,
    unknownCost: 0,
    unknownUsage: 0,
    durationMs: 0,
    firstTokenMs: 0,
    firstTokens: 0,
  };
}

function count(record: RequestRecord, tally: Tally): void {
  const { usage } = record;
  const tried = attemptCount(record);
  const startedAtMs = Math.round(record.startedAtMs);
  if (startedAtMs < tally.firstMs) tally.firstMs = startedAtMs;
  if (startedAtMs > tally.lastMs) tally.lastMs = startedAtMs;
  tally.requests += 1;
  if (record.stream) tally.streams += 1;
  tally.attempts += tried;
  if (tried > 1) tally.fallbacks += 1;
  tally.inputTokens += wholeNumber(usage.input) ?? 0;
  tally.outputTokens += wholeNumber(usage.output) ?? 0;
  tally.reasoningTokens += wholeNumber(usage.outputReasoning) ?? 0;
  tally.cacheHitTokens += cacheHit(wholeNumber(usage.inputCached));
  tally.cacheMissTokens += cacheMiss(wholeNumber(usage.input), wholeNumber(usage.inputCached));
  tally.cacheWriteTokens += wholeNumber(usage.inputCacheWrite) ?? 0;
  tally.costNanoUsd += wholeNumber(record.costNanoUsd) ?? 0;
  // A request that reached no provider cost nothing: its unknown price is not a gap in the bill.
  if (tried > 0 && record.costNanoUsd === null) tally.unknownCost += 1;
  if (tried > 0 && (usage.input === null || usage.output === null)) tally.unknownUsage += 1;
  // Failures are excluded from mean latencies: a refused connection would make a provider look fast.
  if (tally.outcome !== "ok") return;
  tally.durationMs += wholeNumber(record.durationMs) ?? 0;
  const firstTokenMs = wholeNumber(record.firstTokenMs);
  if (firstTokenMs === null) return;
  tally.firstTokenMs += firstTokenMs;
  tally.firstTokens += 1;
}

function emptyAttemptTally(dayStartMs: number, tenant: string, provider: string, model: string) {
  return { dayMs: dayStartMs, tenant, provider, model, attempts: 0, failures: 0, skipped: 0, maybeBilled: 0 };
}

export type Sums = {
  readonly modelNames: ModelNameLimit;
  readonly tallies: Map<string, Tally>;
  readonly attempts: Map<string, AttemptTally>;
  /** The first kinds of request of the batch: most batches have no more, and comparing is cheaper than building a key. */
  readonly firstTallies: Tally[];
  latestAttempt: AttemptTally | null;
};

const maxFirstTallies = 8;

export function emptySums(modelNames: ModelNameLimit): Sums {
  return { modelNames, tallies: new Map(), attempts: new Map(), firstTallies: [], latestAttempt: null };
}

function attemptTallyOf(sums: Sums, day: number, tenant: string, attempt: AttemptRecord): AttemptTally {
  const provider = boundedText(attempt.provider);
  const isUnknown = attempt.failure === "unknown-model" || attempt.failure === "model-missing";
  const nameOutcome: NameOutcome =
    attempt.outcome === "ok" ? "answered" : isUnknown ? "unknown-model" : "failed";
  const model = sums.modelNames.countedAs(day, provider, boundedText(attempt.model), nameOutcome);
  const last = sums.latestAttempt;
  if (last?.dayMs === day && last.tenant === tenant && last.provider === provider && last.model === model)
    return last;
  const key = `${day}\0${tenant}\0${provider}\0${model}`;
  let tally = sums.attempts.get(key);
  if (tally === undefined) {
    tally = emptyAttemptTally(day, tenant, provider, model);
    sums.attempts.set(key, tally);
  }
  sums.latestAttempt = tally;
  return tally;
}

function countAttempts(record: RequestRecord, sums: Sums): void {
  const day = startOf(record.startedAtMs, dayMs);
  const tenant = boundedText(record.tenant) ?? "";
  for (const attempt of record.attempts) {
    const tally = attemptTallyOf(sums, day, tenant, attempt);
    if (attempt.outcome === "skipped") tally.skipped += 1;
    else tally.attempts += 1;
    if (attempt.outcome === "failed") tally.failures += 1;
    if (attempt.maybeBilled) tally.maybeBilled += 1;
  }
}

function namedModel(
  record: RequestRecord,
  provider: string,
  outcome: Outcome,
  names: ModelNameLimit,
): string {
  const nameOutcome: NameOutcome =
    outcome === "ok" ? "answered" : record.failure === "unknown-model" ? "unknown-model" : "failed";
  return names.countedAs(startOf(record.startedAtMs, dayMs), provider, displayModel(record), nameOutcome);
}

function tallyOf(record: RequestRecord, sums: Sums): Tally {
  const quarter = startOf(record.startedAtMs, quarterMs);
  const outcome = outcomeOf(record.failure);
  const provider = displayProvider(record);
  const model = namedModel(record, provider, outcome, sums.modelNames);
  const tenant = record.tenant ?? "";
  const layer = record.layer ?? "";
  const rule = record.rule ?? "";
  for (const each of sums.firstTallies)
    if (
      each.rule === rule &&
      each.model === model &&
      each.outcome === outcome &&
      each.tenant === tenant &&
      each.provider === provider &&
      each.layer === layer &&
      each.quarterMs === quarter
    )
      return each;
  const key = `${quarter}\0${outcome}\0${layer}\0${provider}\0${model}\0${rule}\0${tenant}`;
  let tally = sums.tallies.get(key);
  if (tally === undefined) {
    tally = emptyTally(record, provider, model, outcome);
    sums.tallies.set(key, tally);
    if (sums.firstTallies.length < maxFirstTallies) sums.firstTallies.push(tally);
  }
  return tally;
}

export function addToSums(record: RequestRecord, sums: Sums): void {
  count(record, tallyOf(record, sums));
  countAttempts(record, sums);
}
