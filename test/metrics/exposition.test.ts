import { describe, expect, test } from "bun:test";
import type { RequestRecord } from "../../src/canon/record.ts";
import {
  createExposition,
  type Exposition,
  type ExpositionOptions,
} from "../../src/metrics/exposition/exposition.ts";
import type { LiveState } from "../../src/metrics/exposition/series-row.ts";
import { seriesTable } from "../../src/metrics/exposition/series-table.ts";
import { parseMetrics } from "../support/metrics-text.ts";
import { sampleAttempt, sampleRecord } from "./samples.ts";

const idle: LiveState = {
  version: "1.2.3",
  commit: null,
  runtime: "1.4.5",
  startedAtSeconds: 1_795_000_000,
  running: 2,
  providers: [{ id: "alpha", isHealthy: false, circuit: "half-open", running: 1, waiting: 4 }],
  processes: [
    { provider: "claude", counts: { running: 3, warm: 1, parked: { calls: 2, idle: 5 }, stopping: 0 } },
  ],
  openFiles: 31,
  maxFiles: null,
  memoryBytes: 1_000_000,
  cpuSeconds: 1.5,
  refusals: [{ status: 401, failure: "unauthorized", count: 7 }],
  sessions: 9,
  budgets: [
    { tenant: "alice", period: "day", unit: "usd", limit: 5, spent: 1.25 },
    { tenant: "alice", period: "month", unit: "tokens", limit: 1_000, spent: 400 },
  ],
  exports: [{ signal: "traces", sent: 20, lost: 3 }],
  records: { written: 10, dropped: 1, queued: 2 },
};

const openExposition = (change: Partial<ExpositionOptions> = {}): Exposition =>
  createExposition({ counts: true, isListed: () => true, isPriced: () => false, ...change });
const read = (exposition: Exposition, accept: string | null = null) =>
  parseMetrics(exposition.page(idle, accept).text, accept === null ? "prometheus" : "openmetrics");
const openMetrics = "application/openmetrics-text;version=1.0.0";

describe("what a record adds", () => {
  test("one request, one attempt, its tokens and its cost", () => {
    const exposition = openExposition();
    exposition.count(sampleRecord("a", { tenant: "alice" }));
    const page = read(exposition);
    const target = { provider: "alpha", model: "alpha-1" };
    expect(
      page.samples("clawgate_requests_total", {
        endpoint: "chat",
        provider: "alpha",
        tenant: "alice",
        outcome: "ok",
        status: "2xx",
      }),
    ).toMatchObject([{ value: 1 }]);
    expect(page.samples("clawgate_attempts_total", { provider: "alpha", outcome: "ok" })).toHaveLength(1);
    expect(page.total("clawgate_input_tokens_total", target)).toBe(1_000);
    expect(page.total("clawgate_cached_input_tokens_total", target)).toBe(400);
    expect(page.total("clawgate_output_tokens_total", target)).toBe(50);
    expect(page.total("clawgate_reasoning_tokens_total", target)).toBe(10);
    expect(page.total("clawgate_cost_usd_total", target)).toBe(0.0025);
    expect(page.total("clawgate_tenant_cost_usd_total", { tenant: "alice" })).toBe(0.0025);
    expect(page.total("clawgate_unknown_cost_requests_total")).toBe(0);
    expect(page.total("clawgate_request_failures_total")).toBe(0);
  });

  test("histograms are in seconds", () => {
    const exposition = openExposition();
    exposition.count(sampleRecord("a", { durationMs: 320 }));
    exposition.count(sampleRecord("b", { durationMs: 400_000, firstTokenMs: null }));
    const page = read(exposition);
    const bucket = (le: string) => page.total("clawgate_request_duration_seconds_bucket", { le });
    expect([bucket("0.16"), bucket("0.32"), bucket("327.68"), bucket("+Inf")]).toEqual([0, 1, 1, 2]);
    expect(page.total("clawgate_request_duration_seconds_sum")).toBe(400.32);
    expect(page.total("clawgate_time_to_first_token_seconds_count")).toBe(1);
    expect(page.total("clawgate_overhead_seconds_bucket", { le: "0.0005" })).toBe(2);
    expect(page.total("clawgate_queue_wait_seconds_bucket", { le: "1.0" })).toBe(2);
  });

  test("failures by kind, unknown cost and usage apart, a client that left as neither ok nor failed", () => {
    const exposition = openExposition();
    const unknown = {
      usage: { ...sampleRecord("x").usage, input: null, output: null },
      costNanoUsd: null,
      provider: null,
      model: null,
    };
    const failed = sampleAttempt({ outcome: "failed", failure: "rate-limited", maybeBilled: true });
    exposition.count(
      sampleRecord("a", { ...unknown, status: 429, failure: "rate-limited", attempts: [failed, failed] }),
    );
    exposition.count(sampleRecord("b", { ...unknown, status: 404, failure: "unknown-model", attempts: [] }));
    exposition.count(sampleRecord("c", { status: 499, failure: "cancelled" }));
    const page = read(exposition);
    expect(page.total("clawgate_requests_total", { outcome: "failed", status: "4xx" })).toBe(2);
    expect(page.total("clawgate_requests_total", { outcome: "cancelled" })).toBe(1);
    const kind = (failure: string) => page.total("clawgate_request_failures_total", { failure });
    expect([kind("rate_limited"), kind("unknown_model"), kind("cancelled")]).toEqual([1, 1, 1]);
    expect(page.total("clawgate_unknown_cost_requests_total", { provider: "alpha" })).toBe(1);
    expect(page.total("clawgate_unknown_usage_requests_total")).toBe(1);
    expect(page.total("clawgate_request_fallbacks_total")).toBe(1);
    expect(page.total("clawgate_attempts_total", { outcome: "failed", failure: "rate_limited" })).toBe(2);
    expect(page.total("clawgate_maybe_billed_attempts_total")).toBe(2);
  });

  test("money is summed in whole nano-dollars", () => {
    const exposition = openExposition();
    for (let i = 0; i < 10; i++) exposition.count(sampleRecord(`${i}`, { costNanoUsd: 100_000_000 }));
    expect(read(exposition).total("clawgate_cost_usd_total")).toBe(1);
  });

  test("nothing goes down, whatever a record says", () => {
    const exposition = openExposition();
    const usage = { ...sampleRecord("x").usage, input: -5, output: Number.NaN };
    exposition.count(sampleRecord("a"));
    exposition.count(sampleRecord("b", { costNanoUsd: -7, durationMs: -3, overheadMs: -1, usage }));
    const page = read(exposition);
    expect(page.total("clawgate_cost_usd_total")).toBe(0.0025);
    expect(page.total("clawgate_input_tokens_total")).toBe(1_000);
    expect(page.total("clawgate_request_duration_seconds_sum")).toBe(0.1);
    expect(page.total("clawgate_request_duration_seconds_count")).toBe(2);
  });

  test("metrics.enabled false: no request is counted, live state is shown", () => {
    const exposition = openExposition({ counts: false });
    exposition.count(sampleRecord("a"));
    const page = read(exposition);
    expect(page.families.has("clawgate_requests_total")).toBe(false);
    expect(page.total("clawgate_running_requests")).toBe(2);
  });
});

describe("names", () => {
  const withModel = (model: string, change: Partial<RequestRecord> = {}): RequestRecord =>
    sampleRecord(model, { model, ...change });
  const models = (exposition: Exposition) =>
    read(exposition)
      .samples("clawgate_input_tokens_total")
      .map(({ labels }) => labels["model"]);

  test("models that are neither listed nor priced are `other`, and get their own when they are listed", () => {
    const listed = new Set(["one"]);
    const exposition = openExposition({
      isListed: (_provider, model) => listed.has(model),
      isPriced: (_provider, model) => model === "two",
    });
    for (const model of ["one", "two", "made-up-1", "made-up-2"]) exposition.count(withModel(model));
    expect(models(exposition)).toEqual(["one", "two", "other"]);
    listed.add("made-up-2");
    exposition.count(withModel("made-up-2"));
    expect(models(exposition)).toEqual(["one", "two", "other", "made-up-2"]);
    expect(read(exposition).total("clawgate_requests_total")).toBe(5);
    listed.clear();
    for (const model of ["one", "made-up-1"]) exposition.count(withModel(model));
    const page = read(exposition);
    expect(page.total("clawgate_input_tokens_total", { model: "one" })).toBe(2_000);
    expect(page.total("clawgate_input_tokens_total", { model: "other" })).toBe(3_000);
  });

  test("a client that asks for every priced name pushes out nothing that is listed", () => {
    const exposition = openExposition({
      isListed: (_provider, model) => model === "mine",
      isPriced: () => true,
    });
    for (let i = 0; i < 1_500; i++) exposition.count(withModel(`priced-${i}`, { failure: "upstream-error" }));
    exposition.count(withModel("answered"));
    exposition.count(withModel("mine"));
    const shown = models(exposition);
    expect(shown).toContain("mine");
    expect(shown).toContain("answered");
    expect(shown).toContain("other");
    expect(shown.length).toBeLessThan(300);
  });

  test("a family has an end, and no request is lost to it", () => {
    const exposition = openExposition();
    const count = 5_000;
    for (let i = 0; i < count; i++)
      exposition.count(sampleRecord(`${i}`, { tenant: `tenant-${i}`, provider: `p-${i}`, model: `m-${i}` }));
    const page = read(exposition);
    for (const { samples } of page.families.values()) expect(samples.length).toBeLessThan(8_000);
    expect(page.samples("clawgate_requests_total").length).toBeLessThanOrEqual(3_001);
    expect(page.total("clawgate_requests_total")).toBe(count);
    expect(page.total("clawgate_tenant_cost_usd_total")).toBeCloseTo(count * 0.0025, 6);
    expect(page.total("clawgate_request_duration_seconds_count")).toBe(count);
    expect(page.samples("clawgate_request_duration_seconds_count").length).toBeLessThanOrEqual(301);
  });

  test("a tenant too many keeps endpoint, provider and outcome", () => {
    const exposition = openExposition();
    for (let i = 0; i < 2_100; i++) exposition.count(sampleRecord(`${i}`, { tenant: `tenant-${i}` }));
    const page = read(exposition);
    expect(page.total("clawgate_requests_total", { tenant: "other", provider: "alpha" })).toBe(100);
    expect(page.total("clawgate_requests_total", { tenant: "tenant-1" })).toBe(1);
  });

  const hostile = [
    'quote"} 5\nclawgate_requests_total{endpoint="x',
    "back\\slash\\",
    "line\nbreak\r\n",
    "\u001b[31mred\u001b[0m\u0007\u009b2J",
    "null\0byte",
    "lone \ud800 surrogate",
    "\u2028separator",
    "x".repeat(10_000),
    "{}=,# HELP",
  ];
  test.each([null, openMetrics])("hostile names are inert (Accept: %s)", (accept) => {
    const exposition = openExposition();
    for (const name of hostile)
      exposition.count(
        sampleRecord("a", {
          provider: name,
          model: name,
          tenant: name,
          attempts: [sampleAttempt({ provider: name })],
        }),
      );
    const page = read(exposition, accept);
    const samples = page.samples("clawgate_requests_total");
    expect(samples.map(({ value }) => value)).toEqual(hostile.map(() => 1));
    const shown = samples.map(({ labels }) => labels["provider"] ?? "");
    expect(shown[0]).toBe(hostile[0] ?? "");
    expect(shown[1]).toBe(hostile[1] ?? "");
    for (const name of shown) expect(name.length).toBeLessThanOrEqual(200);
    // oxlint-disable-next-line no-control-regex
    expect(exposition.page(idle, accept).text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  test("two names that are shown alike are one series", () => {
    const exposition = openExposition();
    exposition.count(sampleRecord("a", { tenant: "a\u0001" }));
    exposition.count(sampleRecord("b", { tenant: "a\u0002" }));
    expect(read(exposition).samples("clawgate_requests_total")).toMatchObject([{ value: 2 }]);
  });
});

describe("formats", () => {
  test.each([
    [null, "text/plain; version=0.0.4; charset=utf-8"],
    ["*/*", "text/plain; version=0.0.4; charset=utf-8"],
    ["text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"],
    ["application/openmetrics-text;q=0, text/plain", "text/plain; version=0.0.4; charset=utf-8"],
    // What Prometheus 3 sends.
    [
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
      "application/openmetrics-text; version=1.0.0; charset=utf-8",
    ],
  ])("Accept %s", (accept, contentType) => {
    expect(openExposition().page(idle, accept).contentType).toBe(contentType);
  });

  test("both hold the same series", () => {
    const exposition = openExposition();
    exposition.count(sampleRecord("a"));
    const samples = (accept: string | null) =>
      [...read(exposition, accept).families.values()].flatMap((family) => family.samples);
    expect(samples(openMetrics)).toEqual(samples(null));
  });

  test("live state is shown as it is; what is not known is absent", () => {
    const page = read(openExposition());
    expect(page.total("clawgate_queued_requests", { provider: "alpha" })).toBe(4);
    expect(page.total("clawgate_provider_healthy", { provider: "alpha" })).toBe(0);
    expect(
      page.samples("clawgate_provider_circuit").map(({ labels, value }) => [labels["state"], value]),
    ).toEqual([
      ["closed", 0],
      ["half-open", 1],
      ["open", 0],
    ]);
    expect(page.total("clawgate_claude_code_processes", { state: "parked-idle" })).toBe(5);
    expect(page.total("process_open_fds")).toBe(31);
    expect(page.samples("process_max_fds")).toEqual([]);
    expect(page.total("clawgate_refused_requests_total", { status: "401", failure: "unauthorized" })).toBe(7);
    expect(page.total("clawgate_remembered_sessions")).toBe(9);
    const alice = { tenant: "alice" };
    expect(page.total("clawgate_tenant_budget_usd", { ...alice, period: "day" })).toBe(5);
    expect(page.total("clawgate_tenant_budget_spent_usd", { ...alice, period: "day" })).toBe(1.25);
    expect(page.samples("clawgate_tenant_budget_usd", { period: "month" })).toEqual([]);
    expect(page.total("clawgate_tenant_budget_tokens", { ...alice, period: "month" })).toBe(1_000);
    expect(page.total("clawgate_tenant_budget_spent_tokens", { ...alice, period: "month" })).toBe(400);
    expect(page.total("clawgate_otel_exported_total", { signal: "traces", outcome: "lost" })).toBe(3);
    expect(page.samples("clawgate_build_info")[0]?.labels).toEqual({
      version: "1.2.3",
      commit: "",
      bun: "1.4.5",
    });
  });
});

describe("the table", () => {
  test.each(seriesTable.map((row) => [row.name, row] as const))(
    "%s is named as Prometheus asks",
    (name, row) => {
      expect(name).toMatch(/^(?:clawgate|process)_[a-z_]+$/);
      expect(name.endsWith("_total")).toBe(row.type === "counter");
      expect(row.help).toMatch(/^[A-Z0-9][^"\\\n]*\.$/);
      if (row.type !== "histogram") return;
      expect(name).toEndWith("_seconds");
      expect(row.buckets).toEqual(row.buckets.toSorted((a, b) => a - b));
    },
  );

  test("no name stands in it twice", () => {
    expect(new Set(seriesTable.map(({ name }) => name)).size).toBe(seriesTable.length);
  });
});
