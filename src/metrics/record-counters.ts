// What is counted of a request, and by which of its names: the one place that turns rows into sums, for rollups and for rows alike.
// Pure.

import { outcomeOf, unknownAmount } from "./record-values.ts";
import { idleMark, repeatedMark } from "./waste-marks.ts";

/** In the order of a rollup's columns: new ones are added at the end. */
const counterNames = [
  "requests",
  "failures",
  "cancelled",
  "streams",
  "attempts",
  "fallbacks",
  "input",
  "cached",
  "cacheWrite",
  "output",
  "reasoning",
  "cost",
  "unknownCost",
  "unknownUsage",
  "flatRequests",
  "flatList",
  "withoutRouting",
  "withoutCache",
  "misses",
  "missCost",
  "durationMs",
  "firstTokenMs",
  "firstTokens",
  "idleRequests",
  "idleCost",
  "repeatedRequests",
  "repeatedCost",
] as const;
export type CounterName = (typeof counterNames)[number];
export const counterCount = counterNames.length;

/** The place of each counter. */
export const counterIndex = Object.fromEntries(counterNames.map((name, index) => [name, index])) as Readonly<
  Record<CounterName, number>
>;

/** What a chart shows over time; in the order of the columns of a stored day. */
export const pointCounters = (
  ["requests", "failures", "input", "cached", "output", "cost", "durationMs", "cancelled"] as const
).map((name) => counterIndex[name]);

/** The names that requests are told apart by, in the order of a rollup's lists. */
export const dimensionNames = [
  "tenant",
  "client",
  "agent",
  "parent",
  "provider",
  "model",
  "rule",
  "status",
  "failure",
  "tags",
  "class",
] as const;
export type DimensionName = (typeof dimensionNames)[number];
export const dimensionIndex = Object.fromEntries(
  dimensionNames.map((name, index) => [name, index]),
) as Readonly<Record<DimensionName, number>>;

/** The columns of `CountedRow`, in its order. */
export const countedColumns =
  "id, started_at_ms, tenant, client, agent, parent_agent, provider, model, rule, status, failure, tags, stream, attempts, " +
  "duration_ms, first_token_ms, input_tokens, input_cached, input_cache_write, output_tokens, output_reasoning, " +
  "cost_nano_usd, list_nano_usd, baseline_nano_usd, uncached_nano_usd, miss_nano_usd, waste, session_id, class";

type Name = string | null;
type Amount = number | null;

/** A tuple and not an object: the driver makes one of hundreds of thousands of rows without naming each value. */
export type CountedRow = readonly [
  id: number,
  startedAtMs: number,
  tenant: Name,
  client: Name,
  agent: Name,
  parentAgent: Name,
  provider: string,
  model: Name,
  rule: Name,
  status: number,
  failure: Name,
  tags: Name,
  stream: number,
  attempts: Amount,
  durationMs: number,
  firstTokenMs: Amount,
  input: Amount,
  cached: Amount,
  cacheWrite: Amount,
  output: Amount,
  reasoning: Amount,
  cost: Amount,
  list: Amount,
  baseline: Amount,
  uncached: Amount,
  miss: Amount,
  waste: Amount,
  sessionId: number | null,
  requestClass: Name,
];

/** "" for none. By index: taking a tuple apart costs more than all of the counting. */
export function namesOf(row: CountedRow): string[] {
  return [
    row[2] ?? "",
    row[3] ?? "",
    row[4] ?? "",
    row[5] ?? "",
    row[6],
    row[7] ?? "",
    row[8] ?? "",
    String(row[9]),
    row[10] ?? "",
    row[11] ?? "",
    row[28] ?? "",
  ];
}

const [firstName, lastName] = [2, 11];

export function haveSameNames(one: CountedRow, other: CountedRow): boolean {
  for (let at = firstName; at <= lastName; at += 1) if (one[at] !== other[at]) return false;
  return one[28] === other[28];
}

/** How long a request that succeeded took; null if it did not. */
export function latencyOf(
  row: CountedRow,
): { readonly ms: number; readonly firstTokenMs: number | null } | null {
  return row[10] === null ? { ms: row[14], firstTokenMs: row[15] } : null;
}

const index = counterIndex;

/** Sets `into` to this one request's counters. */
export function countRow(row: CountedRow, into: Float64Array): void {
  const { 10: failure, 12: stream, 13: attempts, 14: durationMs, 15: firstTokenMs, 16: input } = row;
  const { 17: cached, 18: cacheWrite, 19: output, 20: reasoning, 21: cost, 22: list } = row;
  const { 23: baseline, 24: uncached, 25: miss } = row;
  const waste = row[26] ?? 0;
  const outcome = outcomeOf(failure);
  const tried = attempts ?? 0;
  const paid = cost ?? 0;
  into.fill(0);
  into[index.requests] = 1;
  into[index.failures] = outcome === "failed" ? 1 : 0;
  into[index.cancelled] = outcome === "cancelled" ? 1 : 0;
  into[index.streams] = stream;
  into[index.attempts] = tried;
  into[index.fallbacks] = tried > 1 ? 1 : 0;
  into[index.input] = input ?? 0;
  into[index.cached] = cached ?? 0;
  into[index.cacheWrite] = cacheWrite ?? 0;
  into[index.output] = output ?? 0;
  into[index.reasoning] = reasoning ?? 0;
  into[index.cost] = paid;
  // A request that reached no provider cost nothing: its unknown price is not a gap in the bill.
  into[index.unknownCost] = tried > 0 && cost === null ? 1 : 0;
  into[index.unknownUsage] = tried > 0 && (input === null || output === null) ? 1 : 0;
  if (list !== null) {
    into[index.flatRequests] = 1;
    into[index.flatList] = Math.max(0, list);
  }
  // Where an estimate is absent nothing would have been different: the comparison stays one of like with like.
  into[index.withoutRouting] = baseline ?? paid;
  into[index.withoutCache] = uncached ?? paid;
  if (miss !== null) {
    into[index.misses] = 1;
    into[index.missCost] = miss === unknownAmount ? 0 : miss;
  }
  if (failure === null) {
    into[index.durationMs] = durationMs;
    if (firstTokenMs !== null) {
      into[index.firstTokenMs] = firstTokenMs;
      into[index.firstTokens] = 1;
    }
  }
  if ((waste & idleMark) !== 0) {
    into[index.idleRequests] = 1;
    into[index.idleCost] = paid;
  } else if ((waste & repeatedMark) !== 0) {
    into[index.repeatedRequests] = 1;
    into[index.repeatedCost] = paid;
  }
}
