// The series of `/metrics` as data points of OpenTelemetry, under the same names, and the GenAI ones beside them. With delta
// temporality a point says what came since the last export that arrived.

import { Counter, type Cell } from "../metrics/exposition/counted-series.ts";
import type { ExpositionSnapshot } from "../metrics/exposition/exposition.ts";
import { Attributes } from "./attributes.ts";
import type { ProviderFacts } from "./conventions.ts";
import { addGenAiAttributes, genAiRows } from "./gen-ai-series.ts";
import type { Temporality } from "./otel-variables.ts";
import type { HistogramPoint, Metric, NumberPoint } from "./otlp-metrics.ts";

type Counted = { readonly count: number; readonly sum: number; readonly counts: readonly number[] };

const nothing: Counted = { count: 0, sum: 0, counts: [] };

const genAiRowOf = new Map(genAiRows.map((row) => [row as object, row]));

/** Units that are in the names of our series, for those that read units. */
const unitOf = (name: string): string =>
  /_seconds(?:_total)?$/.test(name) ? "s" : /_bytes(?:_total)?$/.test(name) ? "By" : "";

export class MetricPoints {
  /** What the last export that arrived said of each cell. */
  private reported = new WeakMap<Cell, Counted>();
  private reportedStates = new Map<string, number>();
  private reportedMs: number;

  constructor(
    private readonly temporality: Temporality,
    private readonly processStartMs: number,
    private readonly factsOf: (provider: string) => ProviderFacts,
  ) {
    this.reportedMs = processStartMs;
  }

  /** All points, and what to call once they have arrived. */
  read(
    snapshot: ExpositionSnapshot,
    nowMs: number,
  ): { readonly metrics: readonly Metric[]; arrived(): void } {
    const isDelta = this.temporality !== "cumulative";
    const news: (() => void)[] = [];
    const families = this.familyMetrics(snapshot, isDelta, news);
    const states = snapshot.state.map(({ row, samples }): Metric => {
      // Counters that are read, not counted, stay cumulative for a reporter that is short of memory.
      const isDeltaHere = this.temporality === "delta" && row.type === "counter";
      const points = samples.map(({ labels: values, value }): NumberPoint => {
        const key = `${row.name}\n${values.join("\n")}`;
        const before = isDeltaHere ? (this.reportedStates.get(key) ?? 0) : 0;
        if (isDeltaHere) news.push(() => void this.reportedStates.set(key, value));
        return { attributes: attributesOf(row.labels, values), value: Math.max(0, value - before) };
      });
      const since = { startMs: this.since(isDeltaHere), isDelta: isDeltaHere };
      return { name: row.name, help: row.help, unit: unitOf(row.name), type: row.type, points, ...since };
    });
    return {
      metrics: [...families, ...states].filter(({ points }) => points.length > 0),
      arrived: () => {
        for (const apply of news) apply();
        this.reportedMs = nowMs;
      },
    };
  }

  private since(isDelta: boolean): number {
    return isDelta ? this.reportedMs : this.processStartMs;
  }

  private familyMetrics(
    { families }: ExpositionSnapshot,
    isDelta: boolean,
    news: (() => void)[],
  ): readonly Metric[] {
    const metrics = new Map<string, Metric>();
    for (const family of families) {
      const { row } = family;
      const genAi = genAiRowOf.get(row);
      const divisor = row.divisor ?? 1;
      const common = {
        name: row.name,
        help: row.help,
        unit: genAi?.unit ?? unitOf(row.name),
        startMs: this.since(isDelta),
        isDelta,
      };
      const cells = [...family.list()].map((cell) => {
        const attributes = genAi === undefined ? attributesOf(row.labels, cell.values) : new Attributes();
        if (genAi !== undefined) addGenAiAttributes(attributes, genAi, cell.values, this.factsOf);
        return { attributes, ...this.newSince(cell, isDelta, news) };
      });
      // Rows with one name are one metric.
      const before = metrics.get(row.name);
      if (row.type === "histogram") {
        const points = cells.map((each): HistogramPoint => ({ ...each, sum: each.sum / divisor }));
        const earlier = before?.type === "histogram" ? before.points : [];
        metrics.set(row.name, {
          ...common,
          type: "histogram",
          bounds: row.buckets,
          points: [...earlier, ...points],
        });
      } else {
        const points = cells.map(({ attributes, sum }): NumberPoint => ({
          attributes,
          value: sum / divisor,
        }));
        metrics.set(row.name, { ...common, type: "counter", points });
      }
    }
    return [...metrics.values()];
  }

  private newSince(cell: Cell, isDelta: boolean, news: (() => void)[]): Counted {
    const now: Counted =
      cell instanceof Counter
        ? { count: 0, sum: cell.total, counts: [] }
        : { count: cell.count, sum: cell.sum, counts: [...cell.counts] };
    if (!isDelta) return now;
    const before = this.reported.get(cell) ?? nothing;
    news.push(() => void this.reported.set(cell, now));
    return {
      count: now.count - before.count,
      sum: now.sum - before.sum,
      counts: now.counts.map((count, at) => count - (before.counts[at] ?? 0)),
    };
  }
}

function attributesOf(names: readonly string[], values: readonly string[]): Attributes {
  const attributes = new Attributes();
  names.forEach((name, at) => attributes.text(name, values[at]));
  return attributes;
}
