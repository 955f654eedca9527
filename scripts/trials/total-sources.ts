// The totals of one run as each interface of the gateway tells them. A source that this build does not have yet is absent.

import { parseMetrics } from "../../test/support/metrics-text.ts";
import type { Collector } from "../../test/support/otel-collector.ts";

/** Null: this source does not say it. */
export type Totals = {
  readonly requests: number | null;
  readonly failures: number | null;
  readonly cancelled: number | null;
  readonly fallbacks: number | null;
  readonly attempts: number | null;
  readonly inputTokens: number | null;
  readonly cachedTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly outputTokens: number | null;
  readonly usd: number | null;
};

export type Source = {
  readonly name: string;
  /** Its amounts are rounded to so many decimals, so often. */
  readonly rounding: { readonly decimals: number; readonly times: number };
  readonly totals: Totals;
};

const exactly = { decimals: 9, times: 1 };
const nothing: Totals = {
  requests: null,
  failures: null,
  cancelled: null,
  fallbacks: null,
  attempts: null,
  inputTokens: null,
  cachedTokens: null,
  cacheWriteTokens: null,
  outputTokens: null,
  usd: null,
};

export async function metricsSource(url: string): Promise<Source> {
  const page = parseMetrics(await (await fetch(`${url}/metrics`)).text(), "prometheus");
  return {
    name: "/metrics",
    rounding: exactly,
    totals: countersOf((name, labels) => page.total(name, labels)),
  };
}

type TotalOf = (name: string, labels?: Readonly<Record<string, string>>) => number;

const countersOf = (total: TotalOf): Totals => ({
  requests: total("clawgate_requests_total"),
  failures: total("clawgate_requests_total", { outcome: "failed" }),
  cancelled: total("clawgate_requests_total", { outcome: "cancelled" }),
  fallbacks: total("clawgate_request_fallbacks_total"),
  attempts: total("clawgate_attempts_total"),
  inputTokens: total("clawgate_input_tokens_total"),
  cachedTokens: total("clawgate_cached_input_tokens_total"),
  cacheWriteTokens: total("clawgate_cache_write_tokens_total"),
  outputTokens: total("clawgate_output_tokens_total"),
  usd: total("clawgate_cost_usd_total"),
});

export async function statsSource(url: string): Promise<Source> {
  const { totals } = (await (await fetch(`${url}/api/stats`)).json()) as {
    readonly totals: Readonly<Record<string, number | null>>;
  };
  const of = (name: string): number | null => totals[name] ?? null;
  return {
    name: "/api/stats",
    rounding: { decimals: 6, times: 1 },
    totals: {
      ...nothing,
      requests: of("total_requests"),
      failures: of("total_failures"),
      cancelled: of("total_cancelled"),
      fallbacks: of("total_fallbacks"),
      inputTokens: of("total_prompt_tokens"),
      cachedTokens: of("total_cache_hit"),
      outputTokens: of("total_compl_tokens"),
      usd: of("total_cost_usd"),
    },
  };
}

type Sums = Readonly<Record<string, number>>;
type Series = {
  readonly totals: Sums;
  readonly groups: readonly {
    readonly totals: Sums;
    readonly points: Readonly<Record<string, readonly number[]>>;
  }[];
};

/** The page's own query, its groups by provider, and its buckets. Null: this build has no /api/series. */
export async function seriesSources(url: string, fromMs: number): Promise<readonly Source[] | null> {
  const read = async (query: string): Promise<Series | null> => {
    const answer = await fetch(`${url}/api/series?from=${fromMs}&to=now&limit=1000&${query}`);
    if (answer.status === 404) return null;
    if (!answer.ok) throw new Error(`/api/series?${query} answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as Series;
  };
  const whole = await read("bucket=total");
  if (whole === null) return null;
  const grouped: Source[] = [];
  for (const by of ["provider", "tenant", "model", "status", "client", "session"]) {
    const series = await read(`bucket=total&by=${by}`);
    if (series === null) continue;
    const totals = addedUp(series.groups.map((group) => sumsOf(group.totals)));
    grouped.push({
      name: `/api/series by ${by}`,
      rounding: { decimals: 6, times: series.groups.length },
      totals,
    });
  }
  const fine = await read("bucket=1m");
  const points = fine?.groups.flatMap((group) => Object.entries(group.points)) ?? [];
  const of = (name: string): number =>
    points
      .filter(([key]) => key === name)
      .reduce((sum, [, values]) => sum + values.reduce((a, b) => a + b, 0), 0);
  const buckets = Math.max(1, ...points.map(([, values]) => values.length));
  return [
    { name: "/api/series", rounding: { decimals: 6, times: 1 }, totals: sumsOf(whole.totals) },
    ...grouped,
    {
      name: "/api/series by minute",
      rounding: { decimals: 6, times: buckets },
      totals: {
        ...nothing,
        requests: of("requests"),
        failures: of("failures"),
        inputTokens: of("input_tokens"),
        cachedTokens: of("cached_tokens"),
        outputTokens: of("output_tokens"),
        usd: of("cost_usd"),
      },
    },
  ];
}

const sumsOf = (sums: Sums): Totals => ({
  requests: sums["requests"] ?? null,
  failures: sums["failures"] ?? null,
  cancelled: sums["cancelled"] ?? null,
  fallbacks: sums["fallbacks"] ?? null,
  attempts: sums["attempts"] ?? null,
  inputTokens: sums["input_tokens"] ?? null,
  cachedTokens: sums["cached_tokens"] ?? null,
  cacheWriteTokens: sums["cache_write_tokens"] ?? null,
  outputTokens: sums["output_tokens"] ?? null,
  usd: sums["cost_usd"] ?? null,
});

function addedUp(all: readonly Totals[]): Totals {
  const sum = (name: keyof Totals): number | null => {
    const values = all.map((each) => each[name]).filter((value) => value !== null);
    return values.length === 0 ? null : values.reduce((total, value) => total + value, 0);
  };
  return Object.fromEntries(Object.keys(nothing).map((name) => [name, sum(name as keyof Totals)])) as Totals;
}

/** From the text of `clawgate export --format csv`. */
export function csvSource(text: string): Source {
  const [header = [], ...rows] = csvRows(text);
  const column = (name: string): readonly string[] => {
    const at = header.indexOf(name);
    if (at < 0) throw new Error(`the CSV has no column ${name}`);
    return rows.map((row) => row[at] ?? "");
  };
  const sum = (name: string): number => column(name).reduce((total, value) => total + Number(value), 0);
  const failures = column("failure");
  const cancelled = failures.filter((failure) => failure === "cancelled").length;
  return {
    name: "clawgate export",
    rounding: { decimals: 9, times: 1 },
    totals: {
      ...nothing,
      requests: rows.length,
      failures: failures.filter((failure) => failure !== "").length - cancelled,
      cancelled,
      fallbacks: column("attempts").filter((attempts) => Number(attempts) > 1).length,
      attempts: sum("attempts"),
      inputTokens: sum("input_tokens"),
      cachedTokens: sum("cached_tokens"),
      cacheWriteTokens: sum("cache_write_tokens"),
      outputTokens: sum("output_tokens"),
      usd: sum("cost_usd"),
    },
  };
}

/** RFC 4180. */
function csvRows(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    if (end === "" && row.length === 0 && (quoted ?? plain ?? "") === "") break;
    row.push(quoted === undefined ? (plain ?? "") : quoted.replaceAll('""', '"'));
    if (end === ",") continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

export function otlpSources(collector: Collector): readonly Source[] {
  const total: TotalOf = (name, labels = {}) =>
    collector
      .latest(name)
      .filter(({ attributes }) => Object.entries(labels).every(([key, value]) => attributes[key] === value))
      .reduce((sum, { value }) => sum + (value ?? 0), 0);
  const tokens = (type: string): number =>
    collector
      .latest("gen_ai.client.token.usage")
      .filter(({ attributes }) => attributes["gen_ai.token.type"] === type)
      .reduce((sum, point) => sum + (point.sum ?? 0), 0);
  const spans = collector.spans();
  const servers = spans.filter(({ kind }) => kind === 2);
  const attempts = spans.filter(({ kind }) => kind === 3);
  const sum = (of: readonly (typeof spans)[number][], name: string): number =>
    of.reduce((added, { attributes }) => added + Number(attributes[name] ?? 0), 0);
  const failed = servers.filter(({ attributes }) => attributes["error.type"] !== undefined);
  const cancelled = failed.filter(({ attributes }) => attributes["error.type"] === "cancelled").length;
  return [
    { name: "OTLP metrics", rounding: exactly, totals: countersOf(total) },
    {
      name: "OTLP gen_ai",
      rounding: exactly,
      totals: { ...nothing, inputTokens: tokens("input"), outputTokens: tokens("output") },
    },
    {
      name: "OTLP spans",
      rounding: exactly,
      totals: {
        ...nothing,
        requests: servers.length,
        failures: failed.length - cancelled,
        cancelled,
        attempts: attempts.length,
        inputTokens: sum(attempts, "gen_ai.usage.input_tokens"),
        cachedTokens: sum(attempts, "gen_ai.usage.cache_read.input_tokens"),
        cacheWriteTokens: sum(attempts, "gen_ai.usage.cache_creation.input_tokens"),
        outputTokens: sum(attempts, "gen_ai.usage.output_tokens"),
        usd: sum(servers, "clawgate.cost_usd"),
      },
    },
  ];
}
