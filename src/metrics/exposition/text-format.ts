// The two text formats that Prometheus reads: its own (0.0.4) and OpenMetrics 1.0, which differ in the family names of counters and
// in the last line.

import { Counter, type Family, type Histogram } from "./counted-series.ts";
import { labelText } from "./labels.ts";
import type { Sample, StateRow } from "./series-row.ts";

export type MetricsFormat = "prometheus" | "openmetrics";

export type MetricsPage = { readonly contentType: string; readonly text: string };

const contentTypes: Readonly<Record<MetricsFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** OpenMetrics only for clients that name it: people and simple programs get the older format. */
export function formatFor(accept: string | null): MetricsFormat {
  const asked = accept?.toLowerCase().split(",") ?? [];
  const isWanted = (part: string): boolean =>
    part.trim().startsWith("application/openmetrics-text") && !/;\s*q=0(?:\.0*)?\s*(?:;|$)/.test(part);
  return asked.some(isWanted) ? "openmetrics" : "prometheus";
}

/** Any kind of series. */
export type ShownFamily = Pick<Family<never>, "row" | "list">;
export type StateSamples = { readonly row: StateRow; readonly samples: readonly Sample[] };

export function writePage(
  families: readonly ShownFamily[],
  state: readonly StateSamples[],
  format: MetricsFormat,
): MetricsPage {
  const lines: string[] = [];
  for (const family of families) {
    heading(lines, family.row, format);
    const { row } = family;
    for (const cell of family.list())
      if (cell instanceof Counter) lines.push(line(row.name, cell.labels, cell.total / (row.divisor ?? 1)));
      else if (row.type === "histogram") writeHistogram(lines, row, cell);
  }
  for (const { row, samples } of state) {
    heading(lines, row, format);
    for (const { labels, value } of samples) lines.push(line(row.name, labelText(row.labels, labels), value));
  }
  if (format === "openmetrics") lines.push("# EOF");
  return { contentType: contentTypes[format], text: `${lines.join("\n")}\n` };
}

type Heading = { readonly name: string; readonly help: string; readonly type: string };

function heading(lines: string[], { name, help, type }: Heading, format: MetricsFormat): void {
  const family = format === "openmetrics" && type === "counter" ? name.replace(/_total$/, "") : name;
  lines.push(`# HELP ${family} ${help}`, `# TYPE ${family} ${type}`);
}

type HistogramRow = {
  readonly name: string;
  readonly buckets: readonly number[];
  readonly divisor?: number;
};

function writeHistogram(lines: string[], { name, buckets, divisor }: HistogramRow, cell: Histogram): void {
  const { labels, counts } = cell;
  let below = 0;
  for (const [at, bound] of buckets.entries()) {
    below += counts[at] ?? 0;
    lines.push(line(`${name}_bucket`, `${labels},le="${floatText(bound)}"`, below));
  }
  lines.push(line(`${name}_bucket`, `${labels},le="+Inf"`, cell.count));
  lines.push(
    line(`${name}_sum`, labels, cell.sum / (divisor ?? 1)),
    line(`${name}_count`, labels, cell.count),
  );
}

/** OpenMetrics writes integer bounds with a decimal point; the same text in both formats keeps the series one. */
const floatText = (bound: number): string => (Number.isInteger(bound) ? `${bound}.0` : String(bound));

const line = (name: string, labels: string, value: number): string =>
  labels === "" ? `${name} ${value}` : `${name}{${labels}} ${value}`;
