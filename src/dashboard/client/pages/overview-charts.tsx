// The traffic of the range over time, stacked by what the viewer asks for, and the same groups as a table that leads to their requests.

import type { JSX } from "preact";
import type { Grouping, SeriesGroup, SeriesPoints } from "../../../metrics/query-shapes.ts";
import type { SeriesAnswer } from "../api-shapes.ts";
import { Chart } from "../components/chart.tsx";
import { Panel } from "../components/panel.tsx";
import { Segments } from "../components/segments.tsx";
import { type Column, Table } from "../components/table.tsx";
import { count, duration, money, moneyTick, percent, short, shown } from "../formatting.ts";
import { Link } from "../link.tsx";
import { addressWith, home, navigate, type Place, withRange } from "../location.ts";
import { knownCost } from "../spending-outlook.ts";

const groupings = [
  ["model", "Model"],
  ["provider", "Provider"],
  ["tenant", "Tenant"],
  ["client", "Client"],
  ["session", "Session"],
  ["agent", "Agent"],
  ["rule", "Rule"],
  ["status", "Status"],
  ["class", "Kind of turn"],
] as const satisfies readonly (readonly [Grouping, string])[];

type Measure = "cost" | "requests" | "tokens" | "failures";
const measures = [
  ["cost", "Cost"],
  ["requests", "Requests"],
  ["tokens", "Tokens"],
  ["failures", "Errors"],
] as const satisfies readonly (readonly [Measure, string])[];

export function groupingOf(query: URLSearchParams): Grouping {
  return groupings.find(([name]) => name === query.get("by"))?.[0] ?? "model";
}

/** Cost, where there is any. */
function measureOf(query: URLSearchParams, { totals }: SeriesAnswer): Measure {
  const usual = totals.cost_usd > 0 ? "cost" : "requests";
  return measures.find(([name]) => name === query.get("show"))?.[0] ?? usual;
}

const writers: Readonly<Record<Measure, (value: number) => string>> = {
  cost: money,
  requests: short,
  tokens: short,
  failures: short,
};

function valuesOf(points: SeriesPoints, measure: Measure): readonly number[] {
  if (measure === "cost") return points.cost_usd;
  if (measure === "requests") return points.requests;
  if (measure === "failures") return points.failures;
  return points.input_tokens.map((tokens, at) => tokens + (points.output_tokens[at] ?? 0));
}

const minuteMs = 60_000;
const bucketMs: Readonly<Record<Exclude<SeriesAnswer["bucket"], "total">, number>> = {
  "1m": minuteMs,
  "5m": 5 * minuteMs,
  "15m": 15 * minuteMs,
  "1h": 60 * minuteMs,
  "1d": 1440 * minuteMs,
};

/** Where the last bucket ends; it may not be over yet. */
function bucketEnd({ buckets, bucket, to_ms: toMs }: SeriesAnswer): number {
  const last = buckets.at(-1);
  return last === undefined || bucket === "total" ? toMs : last + bucketMs[bucket];
}

const nameOf = ({ name }: SeriesGroup): string => (name === "" ? "none" : name);

function columnsOf(
  place: Place,
  by: Grouping,
  whole: SeriesAnswer["totals"],
): readonly Column<SeriesGroup>[] {
  // The rest and what has no name cannot be asked for.
  const mayFilter = ({ name }: SeriesGroup): boolean => name !== "" && name !== "other";
  const address = ({ name }: SeriesGroup): string => {
    const requests = withRange(`${home}/requests`, place.query);
    const mark = requests.includes("?") ? "&" : "?";
    return `${requests}${mark}${by}=${encodeURIComponent(name)}`;
  };
  return [
    {
      name: "name",
      title: groupings.find(([name]) => name === by)?.[1],
      cell: (group) =>
        mayFilter(group) ? <Link to={address(group)}>{shown(group.name, 60)}</Link> : nameOf(group),
    },
    { name: "requests", title: "Requests", kind: "number", cell: ({ totals }) => count(totals.requests) },
    {
      name: "share",
      title: "Share",
      kind: "number",
      from: "medium",
      cell: ({ totals }) => (
        <meter min={0} max={whole.requests} value={totals.requests} aria-label="Share of the requests" />
      ),
    },
    {
      name: "errors",
      title: "Errors",
      kind: "number",
      cell: ({ totals }) =>
        totals.failures === 0 ? "0" : percent((totals.failures / Math.max(1, totals.requests)) * 100),
    },
    {
      name: "tokens",
      title: "Tokens in / out",
      kind: "number",
      from: "medium",
      cell: ({ totals }) => `${short(totals.input_tokens)} / ${short(totals.output_tokens)}`,
    },
    {
      name: "cache",
      title: "Cache",
      kind: "number",
      from: "wide",
      cell: ({ totals }) => percent(totals.cache_hit_pct),
    },
    {
      name: "latency",
      title: "Median",
      kind: "number",
      from: "wide",
      cell: ({ totals }) => duration(totals.p50_latency_ms),
    },
    { name: "cost", title: "Cost", kind: "number", cell: ({ totals }) => money(knownCost(totals)) },
  ];
}

export function TrafficPanels({
  place,
  report,
}: {
  readonly place: Place;
  readonly report: SeriesAnswer;
}): JSX.Element {
  const by = groupingOf(place.query);
  const measure = measureOf(place.query, report);
  const title = measures.find(([name]) => name === measure)?.[1] ?? "";
  const rows = report.groups.map((group) => ({
    name: nameOf(group),
    values: valuesOf(group.points, measure),
  }));
  const set = (changes: Record<string, string>): void => navigate(addressWith(place, changes), true);
  return (
    <Panel
      title="Traffic"
      actions={
        <>
          <Segments
            label="What is shown"
            choices={measures}
            chosen={measure}
            choose={(show) => set({ show })}
          />
          <select
            aria-label="Grouped by"
            value={by}
            onChange={({ currentTarget }) => set({ by: currentTarget.value })}
          >
            {groupings.map(([name, text]) => (
              <option key={name} value={name}>
                by {text.toLowerCase()}
              </option>
            ))}
          </select>
        </>
      }
    >
      <Chart
        title={`${title} by ${by}`}
        times={report.buckets}
        rows={rows}
        height={240}
        endMs={bucketEnd(report)}
        write={writers[measure]}
        {...(measure === "cost"
          ? { writeTick: moneyTick, smallestStep: 0.000_001 }
          : { writeTick: short, smallestStep: 1 })}
      />
      <Table
        caption={`Totals by ${by}`}
        columns={columnsOf(place, by, report.totals)}
        rows={report.groups}
        keyOf={({ name }) => name}
      />
    </Panel>
  );
}
