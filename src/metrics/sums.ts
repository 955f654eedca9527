// What a RequestRecord adds to the tables of sums, folded over a batch before anything is written. Pure.

import type { RequestRecord } from "../canon/record.ts";
import { cacheSplit, shownTarget, text, triedCount, type Value, whole } from "./row.ts";
import { dayMs, quarterMs } from "./tables.ts";

export type Sums = Map<string, { readonly key: readonly Value[]; readonly add: number[] }>;

function addTo(sums: Sums, key: readonly Value[], add: readonly number[]): void {
  const name = JSON.stringify(key);
  const known = sums.get(name);
  if (known === undefined) sums.set(name, { key, add: [...add] });
  else for (const [i, value] of add.entries()) known.add[i] = (known.add[i] ?? 0) + value;
}

function upsert(table: string, keys: readonly string[], counters: readonly string[]): string {
  const names = [...keys, ...counters];
  const marks = names.map(() => "?").join(", ");
  const updates = counters.map((name) => `${name} = ${name} + excluded.${name}`).join(", ");
  return `INSERT INTO ${table} (${names.join(", ")}) VALUES (${marks}) ON CONFLICT DO UPDATE SET ${updates}`;
}

const usageKeys = "day_ms tenant provider model layer rule outcome".split(" ");
const usageCounters = (
  "requests streams attempts fallbacks input_tokens output_tokens reasoning_tokens cache_hit_tokens " +
  "cache_miss_tokens cache_write_tokens cost_nano_usd unknown_cost unknown_usage duration_ms first_token_ms first_tokens"
).split(" ");
export const addUsage = upsert("usage_days", usageKeys, usageCounters);

type Outcome = "ok" | "failed" | "cancelled";

/** A client that left is nobody's failure. */
function outcomeOf(record: RequestRecord): Outcome {
  if (record.failure === null) return "ok";
  return record.failure === "cancelled" ? "cancelled" : "failed";
}

export function sumUsage(record: RequestRecord, sums: Sums): void {
  const { usage } = record;
  const shown = shownTarget(record);
  const outcome = outcomeOf(record);
  const tried = triedCount(record);
  const cache = cacheSplit(usage.input, usage.inputCached);
  const firstTokenMs = outcome === "ok" ? whole(record.firstTokenMs) : null;
  // A request that reached nobody cost nothing: its unknown price is no gap in the bill.
  const isBillable = tried > 0;
  addTo(
    sums,
    [
      Math.floor(record.startedAtMs / dayMs) * dayMs,
      text(record.tenant) ?? "",
      text(shown.provider),
      text(shown.model),
      record.layer ?? "",
      text(record.rule) ?? "",
      outcome,
    ],
    [
      1,
      record.stream ? 1 : 0,
      tried,
      tried > 1 ? 1 : 0,
      whole(usage.input) ?? 0,
      whole(usage.output) ?? 0,
      whole(usage.outputReasoning) ?? 0,
      cache.hit,
      cache.miss,
      whole(usage.inputCacheWrite) ?? 0,
      whole(record.costNanoUsd) ?? 0,
      isBillable && record.costNanoUsd === null ? 1 : 0,
      isBillable && (usage.input === null || usage.output === null) ? 1 : 0,
      // Failures take no part in a mean latency: a refused connection would make a provider look fast.
      outcome === "ok" ? (whole(record.durationMs) ?? 0) : 0,
      firstTokenMs ?? 0,
      firstTokenMs === null ? 0 : 1,
    ],
  );
}

const attemptKeys = "day_ms tenant provider model".split(" ");
const attemptCounters = "attempts failures skipped maybe_billed".split(" ");
export const addAttempts = upsert("attempt_days", attemptKeys, attemptCounters);

export function sumAttempts(record: RequestRecord, sums: Sums): void {
  const bucket = Math.floor(record.startedAtMs / dayMs) * dayMs;
  for (const attempt of record.attempts) {
    const isSkipped = attempt.outcome === "skipped";
    addTo(
      sums,
      [bucket, text(record.tenant) ?? "", text(attempt.provider), text(attempt.model)],
      [
        isSkipped ? 0 : 1,
        attempt.outcome === "failed" ? 1 : 0,
        isSkipped ? 1 : 0,
        attempt.maybeBilled ? 1 : 0,
      ],
    );
  }
}

const trafficKeys = "quarter_ms tenant".split(" ");
const trafficCounters = "requests failures tokens cost_nano_usd".split(" ");
export const addTraffic = upsert("traffic_quarters", trafficKeys, trafficCounters);

export function sumTraffic(record: RequestRecord, sums: Sums): void {
  const { input, output } = record.usage;
  addTo(
    sums,
    [Math.floor(record.startedAtMs / quarterMs) * quarterMs, text(record.tenant) ?? ""],
    [
      1,
      outcomeOf(record) === "failed" ? 1 : 0,
      (whole(input) ?? 0) + (whole(output) ?? 0),
      whole(record.costNanoUsd) ?? 0,
    ],
  );
}
