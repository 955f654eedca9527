// The series of /metrics as data points: sums since the start, or since the last export that arrived.

import { expect, test } from "bun:test";
import { createExposition } from "../../src/metrics/exposition/exposition.ts";
import type { LiveState } from "../../src/metrics/exposition/series-row.ts";
import { seriesTable } from "../../src/metrics/exposition/series-table.ts";
import { providerFacts } from "../../src/telemetry/conventions.ts";
import { genAiRows } from "../../src/telemetry/gen-ai-series.ts";
import { MetricPoints } from "../../src/telemetry/metric-points.ts";
import type { Temporality } from "../../src/telemetry/otel-variables.ts";
import { parseMetrics } from "../support/metrics-text.ts";
import { sampleRecord } from "../metrics/samples.ts";

const startMs = 1_795_000_000_000;
const state = (cpuSeconds: number): LiveState => ({
  version: "1",
  commit: null,
  runtime: "1",
  startedAtSeconds: startMs / 1000,
  running: 2,
  providers: [{ id: "alpha", isHealthy: true, circuit: "closed", running: 1, waiting: 0 }],
  processes: [],
  openFiles: null,
  maxFiles: null,
  memoryBytes: 10,
  cpuSeconds,
  refusals: [],
  sessions: 0,
  budgets: [],
  exports: [],
  records: { written: 0, dropped: 0, queued: 0 },
});

function open(temporality: Temporality) {
  const exposition = createExposition({
    counts: true,
    isListed: () => true,
    isPriced: () => true,
    more: genAiRows,
  });
  const points = new MetricPoints(temporality, startMs, (id) => providerFacts(id, null, null));
  let nowMs = startMs;
  let cpuSeconds = 0;
  return {
    exposition,
    export(arrives = true) {
      nowMs += 1_000;
      cpuSeconds += 1;
      const { metrics, arrived } = points.read(exposition.snapshot(state(cpuSeconds)), nowMs);
      if (arrives) arrived();
      return {
        metric: (name: string) => metrics.find((each) => each.name === name),
        /** A histogram's count, else the sum of the values. */
        sum(name: string): number {
          const metric = metrics.find((each) => each.name === name);
          if (metric === undefined) return Number.NaN;
          return metric.type === "histogram"
            ? metric.points.reduce((sum, { count }) => sum + count, 0)
            : metric.points.reduce((sum, { value }) => sum + value, 0);
        },
      };
    },
    page: () => parseMetrics(exposition.page(state(cpuSeconds), null).text, "prometheus"),
  };
}

test("cumulative: every series of the page with its value, and the GenAI ones that the page does not have", () => {
  const opened = open("cumulative");
  opened.exposition.count(sampleRecord("a", { stream: true }));
  opened.exposition.count(sampleRecord("b", { failure: "timed-out", status: 504, door: "messages" }));
  opened.export();
  const exported = opened.export();
  const page = opened.page();
  for (const { name, type } of seriesTable) {
    const shown = page.total(type === "histogram" ? `${name}_count` : name);
    if (page.samples(type === "histogram" ? `${name}_count` : name).length > 0)
      expect([name, exported.sum(name)]).toEqual([name, shown]);
    else expect([name, exported.metric(name)]).toEqual([name, undefined]);
  }
  expect(exported.metric("clawgate_requests_total")).toMatchObject({ isDelta: false, startMs });
  for (const { name } of genAiRows) {
    expect(exported.metric(name)).toBeDefined();
    expect([...page.families.keys()]).not.toContain(name);
  }
  expect(exported.sum("gen_ai.client.token.usage")).toBe(4);
  const failed = exported
    .metric("gen_ai.client.operation.duration")
    ?.points.find(({ attributes }) => JSON.stringify(attributes.toJson()).includes("error.type"));
  expect(failed).toMatchObject({ count: 1 });
});

test("delta: what came since the last export that arrived", () => {
  const opened = open("delta");
  const count = (times: number): void => {
    for (let at = 0; at < times; at += 1) opened.exposition.count(sampleRecord("a"));
  };
  const names = [
    "clawgate_requests_total",
    "clawgate_request_duration_seconds",
    "gen_ai.client.operation.duration",
  ];
  count(3);
  const first = opened.export();
  expect(names.map(first.sum)).toEqual([3, 3, 3]);
  count(2);
  const lost = opened.export(false);
  expect(names.map(lost.sum)).toEqual([2, 2, 2]);
  count(1);
  const next = opened.export();
  expect(names.map(next.sum)).toEqual([3, 3, 3]);
  expect(next.metric("clawgate_requests_total")).toMatchObject({ isDelta: true, startMs: startMs + 1_000 });
  // Three exports later than the first, which arrived at 1.
  expect(next.sum("process_cpu_seconds_total")).toBe(2);
  expect(next.sum("clawgate_running_requests")).toBe(2);
  expect(opened.export().sum("clawgate_requests_total")).toBe(0);
});

test("low memory: counters that are only read stay cumulative", () => {
  const opened = open("lowmemory");
  opened.exposition.count(sampleRecord("a"));
  opened.export();
  const second = opened.export();
  expect(second.sum("clawgate_requests_total")).toBe(0);
  expect(second.sum("process_cpu_seconds_total")).toBe(2);
  expect(second.metric("process_cpu_seconds_total")).toMatchObject({ isDelta: false });
});
