// Ten thousand mixed requests through the compiled program; then every interface that tells totals must tell the same ones: /metrics,
// /api/stats, /api/series, the CSV export, OpenTelemetry's metrics and spans. `npm run trial -- totals [--rows N]`.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningBinary, startBinary } from "../../test/support/binary.ts";
import { startCollector } from "../../test/support/otel-collector.ts";
import { runProgram } from "../../test/support/program-run.ts";
import { startUpstream } from "../../test/support/upstream.ts";
import { ensureBinary } from "../build.ts";
import { mixedConfig, scriptVendor, sendMixedRequests } from "./mixed-requests.ts";
import {
  csvSource,
  metricsSource,
  otlpSources,
  seriesSources,
  type Source,
  statsSource,
  type Totals,
} from "./total-sources.ts";
import type { Trial, TrialReport } from "./trial.ts";

const defaultRows = 10_000;
const atATime = 32;
const drainMs = 30_000;
const names = [
  "requests",
  "failures",
  "cancelled",
  "fallbacks",
  "attempts",
  "inputTokens",
  "cachedTokens",
  "cacheWriteTokens",
  "outputTokens",
  "usd",
] as const satisfies readonly (keyof Totals)[];

export async function compareTotals({
  rows = defaultRows,
}: {
  readonly rows?: number;
}): Promise<TrialReport> {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-totals-"));
  const vendor = startUpstream();
  const collector = startCollector();
  scriptVendor(vendor);
  let gateway: RunningBinary | null = null;
  try {
    const fromMs = Date.now() - 1_000;
    gateway = await startBinary({
      program: process.env["CLAWGATE_BINARY"] ?? ensureBinary(),
      config: mixedConfig(vendor),
      dir: folder,
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
        OTEL_BSP_MAX_QUEUE_SIZE: "1000000",
        OTEL_METRIC_EXPORT_INTERVAL: "5000",
      },
    });
    const seen = await sendMixedRequests(gateway.url, rows, atATime);
    await settled(gateway.url);
    const missing: string[] = [];
    const sources: Source[] = [await metricsSource(gateway.url), await statsSource(gateway.url)];
    const series = await seriesSources(gateway.url, fromMs);
    if (series === null) missing.push("/api/series");
    else sources.push(...series);
    const exported = await exportCsv(gateway, folder);
    if (exported === null) missing.push("clawgate export");
    else sources.push(csvSource(exported));
    await gateway.stop();
    sources.push(...otlpSources(collector));
    return report({ rows, seen }, sources, missing);
  } finally {
    await gateway?.stop();
    await collector.stop();
    vendor.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Aborted requests end a little later, and records are written in batches. */
async function settled(url: string): Promise<void> {
  const endMs = performance.now() + drainMs;
  for (;;) {
    const { requests } = (await (await fetch(`${url}/api/live`)).json()) as { requests: readonly unknown[] };
    const { metrics } = (await (await fetch(`${url}/health`)).json()) as { metrics: { queued: number } };
    if (requests.length === 0 && metrics.queued === 0) return;
    if (performance.now() > endMs)
      throw new Error(`${requests.length} requests still run, ${metrics.queued} records wait`);
    await Bun.sleep(50);
  }
}

/** Null: this build has no such command. */
async function exportCsv(gateway: RunningBinary, folder: string): Promise<string | null> {
  const argv = [process.env["CLAWGATE_BINARY"] ?? ensureBinary(), "export", "--format", "csv"];
  const env = { ...process.env, HOME: folder, CLAWGATE_STATE_DIR: gateway.stateDir };
  const { code, stdout, stderr } = await runProgram(argv, { cwd: folder, env, timeoutMs: 120_000 });
  if (code === 0) return stdout;
  if (code === 64) return null;
  throw new Error(`clawgate export ended with ${code}: ${stderr}`);
}

/** `seen`: requests that the gateway has surely got; the others' clients may have left before. */
type Sent = { readonly rows: number; readonly seen: number };

function report({ rows, seen }: Sent, sources: readonly Source[], missing: readonly string[]): TrialReport {
  const [reference] = sources;
  if (reference === undefined) throw new Error("no source");
  const wrong = sources.flatMap((source) => differences(source, reference));
  const counted = reference.totals.requests ?? 0;
  if (counted < seen || counted > rows)
    wrong.push(`${seen} to ${rows} requests arrived, ${counted} were counted`);
  const isMixed = names.every((name) => (reference.totals[name] ?? 0) > 0);
  if (!isMixed) wrong.push("the run was not mixed: a total is 0");
  const width = Math.max(...sources.map(({ name }) => name.length));
  const cell = (value: number | null, name: string): string =>
    (value === null ? "-" : name === "usd" ? value.toFixed(6) : String(value)).padStart(17);
  return {
    lines: [
      `${"".padEnd(width)}${names.map((name) => name.padStart(17)).join("")}`,
      ...sources.map(
        ({ name, totals }) =>
          `${name.padEnd(width)}${names.map((each) => cell(totals[each], each)).join("")}`,
      ),
      ...missing.map((name) => `not in this build: ${name}`),
      ...wrong.map((difference) => `DIFFERS: ${difference}`),
      wrong.length === 0 ? `all agree on ${counted} requests` : `${wrong.length} differences`,
    ],
    isHeld: wrong.length === 0,
  };
}

function differences({ name, totals, rounding }: Source, reference: Source): readonly string[] {
  return names.flatMap((each) => {
    const [here, there] = [totals[each], reference.totals[each]];
    if (here === null || there === null) return [];
    // Half a unit of the last decimal for each time that it was rounded, and what adding up floats costs.
    const allowed = each === "usd" ? 0.5 * rounding.times * 10 ** -rounding.decimals + 1e-9 : 0;
    return Math.abs(here - there) <= allowed
      ? []
      : [`${name} says ${here} ${each}, ${reference.name} ${there}`];
  });
}

export const totalsTrial: Trial = {
  purpose: "10,000 mixed requests; every interface that tells totals tells the same ones (--rows)",
  run: ({ rows }) => compareTotals(rows === undefined ? {} : { rows }),
};
