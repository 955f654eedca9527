// Money that could have been spared, from what was recorded: sums of marked requests, and the targets of one rule compared with each
// other. Every amount is an estimate, and says so. Reads only.

import type { Candidate } from "../canon/decision.ts";
import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { type Group, GroupedSums } from "./group-sums.ts";
import type { RecordFilter, WasteLine } from "./query-shapes.ts";
import { counterIndex, type CounterName } from "./record-counters.ts";
import { rowConditions } from "./record-filter.ts";
import type { SqlValue } from "./record-row.ts";
import { usd } from "./request-row.ts";
import { hourMs, hourRollups } from "./rollup.ts";
import { RangeSummation, type Reading } from "./summed-range.ts";

/** Fewer requests say nothing about a price. */
const fewestRequests = 20;
/** A target that fails more often than this could not have taken the others' requests. */
const mostFailures = 0.1;
/** Requests that are looked at for their candidates, and among how many of the newest they are searched. */
const sampleSize = 2_000;
const searchedRows = 20_000;

const of = (group: Group, name: CounterName): number => group.totals[counterIndex[name]] ?? 0;

function pageFilter(query: RecordFilter, more: Readonly<Record<string, string>>): string {
  const { fromMs, toMs, minNanoUsd, ...names } = query;
  const parameters = new URLSearchParams();
  if (fromMs !== undefined) parameters.set("from", String(fromMs));
  if (toMs !== undefined) parameters.set("to", String(toMs));
  if (minNanoUsd !== undefined) parameters.set("min_usd", String(minNanoUsd / 1e9));
  for (const name of [
    "tenant",
    "client",
    "session",
    "agent",
    "provider",
    "model",
    "rule",
    "status",
    "tag",
  ] as const)
    if (names[name] !== undefined) parameters.set(name, names[name]);
  for (const [name, value] of Object.entries(more)) parameters.set(name, value);
  return parameters.toString();
}

/** Records add this to the rule where another target answered than the one that it chose. */
const diversion = "->fallback";

type Rates = {
  readonly group: Group;
  /** As it stands in the records. */
  readonly rule: string;
  readonly provider: string;
  readonly model: string;
};

const tokens = (group: Group): number => of(group, "input") + of(group, "output");
const rate = (group: Group): number => of(group, "cost") / tokens(group);

/** Whether its price by token is known well enough to be compared. */
function isComparable({ group }: Rates): boolean {
  return of(group, "unknownCost") === 0 && of(group, "flatRequests") === 0 && tokens(group) > 0;
}

function couldTakeMore({ group }: Rates): boolean {
  const requests = of(group, "requests");
  return requests >= fewestRequests && of(group, "failures") <= requests * mostFailures;
}

function newestIdOf(db: SqliteDatabase, toMs: number): number {
  const newest =
    db.query<{ id: number | null }, []>("SELECT max(id) AS id FROM request_records").get()?.id ?? 0;
  return Math.min(newest, hourRollups(db, toMs - hourMs, toMs).at(-1)?.lastId ?? newest);
}

type Sampled = {
  readonly rule: string;
  readonly provider: string;
  readonly model: string;
  readonly candidates: string;
};

const targetKey = (rule: string, provider: string, model: string): string =>
  [rule, provider, model].join("\n");

/** The candidates of the newest requests, by rule and by the target that answered. */
function sampledCandidates(db: SqliteDatabase, filter: RecordFilter): Map<string, ReadonlySet<string>[]> {
  const { fromMs = 0, toMs = Number.MAX_SAFE_INTEGER } = filter;
  const { sql, values } = rowConditions(filter);
  const newestId = newestIdOf(db, toMs);
  const rows = db
    .query<Sampled, SqlValue[]>(
      "SELECT rule, provider, model, detail ->> '$.candidates' AS candidates FROM request_records " +
        `WHERE id > ? AND id <= ? AND started_at_ms >= ? AND started_at_ms < ?${sql} AND detail ->> '$.candidates' IS NOT NULL ` +
        "ORDER BY id DESC LIMIT ?",
    )
    .all(newestId - searchedRows, newestId, fromMs, toMs, ...values, sampleSize);
  const found = new Map<string, ReadonlySet<string>[]>();
  for (const { rule, provider, model, candidates } of rows) {
    const kept = (JSON.parse(candidates) as Candidate[]).filter((each) => each.kept);
    const key = targetKey(rule, provider, model);
    found.set(key, [
      ...(found.get(key) ?? []),
      new Set(kept.map((each) => `${each.provider}\n${each.model}`)),
    ]);
  }
  return found;
}

/** The part of a target's newest requests of which the other one was a candidate too; 0 if no candidates were recorded. */
function candidateShare(sampled: ReturnType<typeof sampledCandidates>, dear: Rates, cheap: Rates): number {
  const known = sampled.get(targetKey(dear.rule, dear.provider, dear.model)) ?? [];
  if (known.length === 0) return 0;
  return known.filter((kept) => kept.has(`${cheap.provider}\n${cheap.model}`)).length / known.length;
}

function dearModels(db: SqliteDatabase, filter: RecordFilter, groups: Iterable<Group>): WasteLine | null {
  const rules = new Map<string, Rates[]>();
  for (const group of groups) {
    const [rule = "", provider = "", model = ""] = group.name.split("\n");
    const one = { group, rule, provider, model };
    const name = rule.endsWith(diversion) ? rule.slice(0, -diversion.length) : rule;
    if (name !== "" && provider !== "" && isComparable(one))
      rules.set(name, [...(rules.get(name) ?? []), one]);
  }
  const sampled = rules.size === 0 ? new Map<string, ReadonlySet<string>[]>() : sampledCandidates(db, filter);
  let worst: { readonly dear: Rates; readonly cheap: Rates; readonly nanoUsd: number } | null = null;
  let [total, requests] = [0, 0];
  for (const targets of rules.values()) {
    const cheap = targets.filter(couldTakeMore).toSorted((a, b) => rate(a.group) - rate(b.group))[0];
    if (cheap === undefined) continue;
    for (const dear of targets) {
      const spared = of(dear.group, "cost") - tokens(dear.group) * rate(cheap.group);
      const isSame = dear.provider === cheap.provider && dear.model === cheap.model;
      // Where the dear one only stood in for another, there was no choice.
      if (isSame || dear.rule.endsWith(diversion) || spared <= 0) continue;
      const share = candidateShare(sampled, dear, cheap);
      if (share === 0) continue;
      const nanoUsd = spared * share;
      total += nanoUsd;
      requests += Math.round(of(dear.group, "requests") * share);
      if (worst === null || nanoUsd > worst.nanoUsd) worst = { dear, cheap, nanoUsd };
    }
  }
  if (worst === null) return null;
  const { dear, cheap } = worst;
  return {
    kind: "dear-model",
    requests,
    usd: usd(total),
    text:
      `Estimate: the cheaper target of the same rule was a candidate too; most of it in rule ${dear.rule}, ` +
      `where ${dear.provider}/${dear.model} answered instead of ${cheap.provider}/${cheap.model}, by what their tokens cost there.`,
    filter: pageFilter(filter, { rule: dear.rule, provider: dear.provider, model: dear.model }),
  };
}

export function readWaste(
  db: SqliteDatabase,
  { nowMs, ...filter }: RecordFilter & { readonly nowMs: number },
  reading: Reading,
): WasteLine[] {
  const { fromMs = 0, toMs = nowMs + 1 } = filter;
  const sums = new GroupedSums(["rule", "provider", "model"], 1, false);
  new RangeSummation(db, { fromMs, toMs, filter, starts: [fromMs], reading }, sums).run();
  const all = sums.all();
  const line = (
    kind: WasteLine["kind"],
    counters: readonly [CounterName, CounterName],
    text: string,
  ): WasteLine => ({
    kind,
    requests: of(all, counters[0]),
    usd: usd(of(all, counters[1])),
    text,
    filter: pageFilter(filter, {
      tag: filter.tag === undefined ? `waste:${kind}` : `${filter.tag},waste:${kind}`,
    }),
  });
  const dear = dearModels(db, filter, sums.groups.values());
  return [
    line(
      "cache-miss",
      ["misses", "missCost"],
      "Estimate: tokens paid in full though the turn before had put them into the prompt cache.",
    ),
    line(
      "idle",
      ["idleRequests", "idleCost"],
      "Estimate: heartbeats, crons and other requests that came at a regular distance.",
    ),
    line(
      "repeated",
      ["repeatedRequests", "repeatedCost"],
      "Estimate: the same request again within an hour.",
    ),
    ...(dear === null ? [] : [dear]),
  ];
}
