// The text of `clawgate stats`: a summary, a table of days or groups, and the same as CSV.

import { dayIn } from "../canon/zoned-time.ts";
import { csvLine, exactUsd } from "../operator/export/csv-text.ts";
import type { SeriesAnswer } from "../operator/reports/record-reports.ts";
import { shownMilliseconds, shownTokens, shownUsd } from "./quantities.ts";
import { plain, type TerminalStyle } from "./terminal.ts";
import { type Cell, type Column, textTable } from "./text-table.ts";

type Totals = SeriesAnswer["totals"];

export type StatsRow = { readonly name: string; readonly totals: Partial<Totals> };

/** A group without a name: requests without a tenant, a session, ... */
const unnamed = "(none)";

export function groupRows({ groups }: SeriesAnswer): readonly StatsRow[] {
  return groups.map(({ name, totals }) => ({ name: name === "" ? unnamed : name, totals }));
}

/** Days without a request are left out. */
export function dailyRows({ buckets, groups, tz }: SeriesAnswer): readonly StatsRow[] {
  const [only] = groups;
  if (only === undefined) return [];
  const { points } = only;
  return buckets.flatMap((atMs, at): StatsRow[] => {
    const requests = points.requests[at] ?? 0;
    if (requests === 0) return [];
    const totals: Partial<Totals> = {
      requests,
      failures: points.failures[at] ?? 0,
      input_tokens: points.input_tokens[at] ?? 0,
      cached_tokens: points.cached_tokens[at] ?? 0,
      output_tokens: points.output_tokens[at] ?? 0,
      cost_usd: points.cost_usd[at] ?? 0,
      avg_latency_ms: points.avg_latency_ms[at] ?? null,
    };
    return [{ name: dayIn(tz, atMs), totals }];
  });
}

const columns: readonly Column[] = [
  { title: "REQUESTS", isNumber: true },
  { title: "FAILED", isNumber: true },
  { title: "IN", isNumber: true },
  { title: "CACHED", isNumber: true },
  { title: "OUT", isNumber: true },
  { title: "COST", isNumber: true },
  { title: "LATENCY", isNumber: true },
];

export function tableText(
  title: string,
  rows: readonly StatsRow[],
  { totals, exact }: SeriesAnswer,
  style: TerminalStyle,
): string {
  if (rows.length === 0) return "No request was recorded in this time.\n";
  const cells = (name: Cell, each: Partial<Totals>): Cell[] => [
    name,
    String(each.requests ?? 0),
    failuresCell(each.failures ?? 0, style),
    shownTokens(each.input_tokens ?? 0),
    shareText(each.cached_tokens, each.input_tokens),
    shownTokens(each.output_tokens ?? 0),
    shownUsd(each.cost_usd ?? 0),
    timeText(each.p50_latency_ms ?? each.avg_latency_ms),
  ];
  const all = { text: "total", paint: style.bold };
  const table = textTable(
    [{ title: title.toUpperCase(), shrinks: true }, ...columns],
    [...rows.map(({ name, totals: each }) => cells(plain(name), each)), cells(all, totals)],
    style,
  );
  return `${table}${notes(totals, exact)}`;
}

const failuresCell = (count: number, style: TerminalStyle): Cell =>
  count === 0 ? "0" : { text: String(count), paint: style.red };

const shareText = (part: number | undefined, whole: number | undefined): string =>
  whole === undefined || whole === 0 ? "-" : `${Math.round(((part ?? 0) / whole) * 100)} %`;

const timeText = (ms: number | null | undefined): string =>
  ms === null || ms === undefined ? "-" : shownMilliseconds(ms);

function notes({ unknown_cost_requests: unknown }: Totals, isExact: boolean): string {
  const lines = [
    ...(unknown > 0
      ? [
          `${unknown} ${unknown === 1 ? "request has" : "requests have"} no known cost and count as $0: no price, or no token counts.`,
        ]
      : []),
    ...(isExact
      ? []
      : [
          "The sums are incomplete: requests of this time were deleted, not written yet, or not read in time.",
        ]),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

export type Summary = {
  readonly today: SeriesAnswer;
  readonly report: SeriesAnswer;
  /** The same time by model. */
  readonly models: SeriesAnswer;
  /** The whole time in a word or two. */
  readonly period: string;
};

export function summaryText({ today, report, models, period }: Summary, style: TerminalStyle): string {
  const both = (show: (totals: Totals) => string): [string, string] => [
    show(today.totals),
    show(report.totals),
  ];
  const usd = (pick: (totals: Totals) => number) => both((totals) => shownUsd(pick(totals)));
  const ms = (pick: (totals: Totals) => number | null) => both((totals) => timeText(pick(totals)));
  const hasFlatRate = report.totals.flat_rate_requests > 0;
  const rows: readonly (readonly [string, string, string])[] = [
    ["Requests", ...both((each) => String(each.requests))],
    ["  failed", ...both((each) => String(each.failures))],
    ["  cancelled", ...both((each) => String(each.cancelled))],
    ["Tokens in", ...both((each) => shownTokens(each.input_tokens))],
    ["  from the prompt cache", ...both((each) => shareText(each.cached_tokens, each.input_tokens))],
    ["Tokens out", ...both((each) => shownTokens(each.output_tokens))],
    ["Cost", ...usd((each) => each.cost_usd)],
    ["  without routing (estimate)", ...usd((each) => each.without_routing_usd)],
    ["  without a prompt cache (estimate)", ...usd((each) => each.without_cache_usd)],
    ...(hasFlatRate ? [["  flat rate, list value", ...usd((each) => each.flat_rate_list_usd)] as const] : []),
    ["Latency, median", ...ms((each) => each.p50_latency_ms)],
    ["  95 %", ...ms((each) => each.p95_latency_ms)],
    ["First token, median", ...ms((each) => each.p50_first_token_ms)],
    ["  95 %", ...ms((each) => each.p95_first_token_ms)],
  ];
  const table = textTable(
    [{ title: "" }, { title: "TODAY", isNumber: true }, { title: period.toUpperCase(), isNumber: true }],
    rows,
    style,
  );
  const list = groupRows(models);
  return `${table}\n${list.length === 0 ? notes(report.totals, report.exact) : tableText("model", list, report, style)}`;
}

const csvColumns: readonly (keyof Totals)[] = [
  "requests",
  "failures",
  "cancelled",
  "input_tokens",
  "cached_tokens",
  "cache_write_tokens",
  "output_tokens",
  "cost_usd",
  "flat_rate_list_usd",
  "without_routing_usd",
  "without_cache_usd",
  "avg_latency_ms",
  "p50_latency_ms",
  "p95_latency_ms",
  "p50_first_token_ms",
  "p95_first_token_ms",
];

/** A column that no row knows (the percentiles of a day) is left out. */
export function statsCsv(title: string, rows: readonly StatsRow[]): string {
  const known = csvColumns.filter(
    (name) => rows.length === 0 || rows.some(({ totals }) => totals[name] !== undefined),
  );
  const lines = rows.map(({ name, totals }) =>
    csvLine([
      name,
      ...known.map((column) => {
        const value = totals[column] ?? null;
        return column.endsWith("_usd") ? exactUsd(value) : value;
      }),
    ]),
  );
  return [csvLine([title, ...known]), ...lines].join("");
}
