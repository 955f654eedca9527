// `npm run trial -- records [--rows 10000000]`: a database of synthetic records, then how long every page of the dashboard waits for its
// data, and how long the loop of the gateway stands still meanwhile. Marks: 200 ms a page, 20 ms a stall.

import { mkdtempSync, mkdirSync, rmSync, statSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { RecordFilter, SeriesQuery } from "../../src/metrics/query-shapes.ts";
import { SqliteMetricsStore } from "../../src/metrics/sqlite-metrics-store.ts";
import { openBenchProcesses } from "../bench/processes.ts";
import { ensureBinary } from "../build.ts";
import { earlierFile, noteFile, type WrittenFile, writeRecords } from "./record-file.ts";
import type { Trial, TrialOptions, TrialReport } from "./trial.ts";
import { syntheticRecords } from "./synthetic-records.ts";

const pageMark = 200;
const stallMark = 20;
const rounds = 7;
const days = 60;
const dayMs = 86_400_000;
const hourMs = 3_600_000;

const silent = { info: () => undefined, warn: console.error, error: console.error };

type Timing = { readonly name: string; readonly ms: readonly number[]; readonly note: string };

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function timed(name: string, ask: () => Promise<string>): Promise<Timing> {
  const ms: number[] = [];
  let note = "";
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    note = await ask();
    ms.push(performance.now() - startedMs);
  }
  return { name, ms, note };
}

function line({ name, ms, note }: Timing): string {
  const isHeld = median(ms) <= pageMark;
  const figures = `p50 ${median(ms).toFixed(0)} ms, max ${Math.max(...ms).toFixed(0)} ms`;
  return `${isHeld ? "held  " : "MISSED"} ${name}: ${figures}${note === "" ? "" : ` (${note})`}`;
}

/** The longest time that this process's loop stood still. */
function watchLoop(): { longestMs(): number; stop(): void } {
  let lastMs = performance.now();
  let longestMs = 0;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs - 1);
    lastMs = nowMs;
  }, 1);
  return { longestMs: () => longestMs, stop: () => clearInterval(timer) };
}

/** What each page asks of the store. */
function storePages(store: SqliteMetricsStore, nowMs: number, sample: WrittenFile["sample"]) {
  const series = (query: Partial<SeriesQuery>) => async (): Promise<string> => {
    const base = { nowMs, tz: "Europe/Berlin", bucket: "auto", toMs: nowMs, withPrevious: true } as const;
    const report = await store.series({ ...base, ...query });
    return `${report.totals.requests} requests, ${report.exact ? "exact" : "not exact"}`;
  };
  const requests = (query: RecordFilter) => async (): Promise<string> => {
    const page = await store.requests(query);
    return `${page.requests.length} rows${page.complete ? "" : ", to be continued"}`;
  };
  const [hour, day, week, month] = [nowMs - hourMs, nowMs - dayMs, nowMs - 7 * dayMs, nowMs - 30 * dayMs];
  const session = sample.session ?? "";
  return [
    ["overview, 1 h", series({ fromMs: hour })],
    ["overview, 24 h", series({ fromMs: day })],
    ["overview, 7 d", series({ fromMs: week })],
    ["overview, 30 d", series({ fromMs: month })],
    ["overview, 90 d", series({ fromMs: nowMs - 90 * dayMs })],
    [
      "overview, 30 d, Kathmandu, of a client",
      series({ fromMs: month, tz: "Asia/Kathmandu", client: "codex" }),
    ],
    [
      "overview, 30 d, of a model and rule",
      series({ fromMs: month, model: sample.model ?? "", rule: "quick" }),
    ],
    ["overview, 90 d, by client", series({ fromMs: nowMs - 90 * dayMs, by: "client" })],
    ["overview, 30 d, by model", series({ fromMs: month, by: "model" })],
    ["overview, 30 d, by agent", series({ fromMs: month, by: "agent", limit: 20 })],
    ["overview, 30 d, by session", series({ fromMs: month, by: "session", limit: 20, bucket: "total" })],
    [
      "one tenant and status, 30 d, by client",
      series({ fromMs: month, tenant: "red", status: "failed", by: "client" }),
    ],
    ["routing: rules, 30 d", series({ fromMs: month, by: "rule", bucket: "total" })],
    ["waste, 30 d", async () => `${(await store.waste({ nowMs, fromMs: month, toMs: nowMs })).length} lines`],
    ["requests, newest", requests({})],
    ["requests of a model and client", requests({ model: sample.model ?? "", client: sample.client ?? "" })],
    ["requests that nobody made", requests({ client: "nobody", status: "500" })],
    ["requests above $5", requests({ minNanoUsd: 5_000_000_000 })],
    [
      "requests with a tag that failed, 7 d",
      requests({ tag: "nightly", status: "rate-limited", fromMs: week }),
    ],
    [
      "one request by its id",
      async () => ((await store.request(sample.id)) === null ? "not found" : "found"),
    ],
    ["sessions", async () => `${(await store.sessions({})).sessions.length} sessions`],
    [
      "sessions of a rule",
      async () => `${(await store.sessions({ rule: "vision" })).sessions.length} sessions`,
    ],
    ["one session", async () => `${(await store.session(session, {}))?.turns.length ?? 0} turns`],
    ["stats", async () => `${(await store.stats({ nowMs })).totals.total_requests} requests`],
    ["recent of a layer", async () => `${(await store.recent({ layer: "fallback" })).length} rows`],
    ["recent of no layer", async () => `${(await store.recent({ layer: "none" })).length} rows`],
    ["recent of a provider", async () => `${(await store.recent({ provider: "openai" })).length} rows`],
  ] as const;
}

async function askStore(
  path: string,
  nowMs: number,
  sample: WrittenFile["sample"],
): Promise<{ readonly timings: Timing[]; readonly stallMs: number; readonly idleStallMs: number }> {
  const store = new SqliteMetricsStore({
    paths: [path],
    retentionDays: 0,
    keepsDecisions: true,
    log: silent,
    clock: { nowMs: Date.now },
    maxFileBytes: 1024 ** 4,
  });
  const timings: Timing[] = [];
  // The thread starts with the first question.
  await store.request(sample.id);
  const fresh = syntheticRecords({ rows: 100_000, fromMs: nowMs, toMs: nowMs + 60_000, seed: 9 });
  const idle = startIdleLoop();
  const loop = watchLoop();
  // Requests go on meanwhile.
  const traffic = setInterval(() => {
    for (let i = 0; i < 5; i++) {
      const { value } = fresh.next();
      if (value !== undefined) store.record(value);
    }
  }, 10);
  for (const [name, ask] of storePages(store, nowMs, sample)) timings.push(await timed(name, ask));
  clearInterval(traffic);
  loop.stop();
  await store.close();
  return { timings, stallMs: loop.longestMs(), idleStallMs: await idle.longestMs() };
}

/** The same watch in a process that does nothing: what it misses is the machine's, not ours. */
function startIdleLoop(): { longestMs(): Promise<number> } {
  const script =
    "let last = performance.now(); let longest = 0; setInterval(() => { const now = performance.now(); " +
    "longest = Math.max(longest, now - last - 1); last = now; }, 1); " +
    "process.stdin.on('end', () => { console.log(longest); process.exit(); }).resume();";
  const child = Bun.spawn([process.execPath, "-e", script], { stdin: "pipe", stdout: "pipe" });
  return {
    async longestMs() {
      await child.stdin.end();
      return Number(await new Response(child.stdout).text());
    },
  };
}

const httpPaths = [
  "/api/stats",
  "/api/recent?limit=50",
  "/api/series?from=now-1h&tz=Europe/Berlin&previous=1",
  "/api/series?from=now-24h&tz=Europe/Berlin&previous=1",
  "/api/series?from=now-7d&tz=Europe/Berlin&previous=1",
  "/api/series?from=now-30d&tz=Europe/Berlin&previous=1&waste=1",
  "/api/series?from=now-90d&tz=Europe/Berlin",
  "/api/series?from=now-30d&by=model",
  "/api/series?from=now-30d&by=agent&limit=20",
  "/api/series?from=now-30d&tenant=red&by=client",
  "/api/series?from=now-30d&rule=quick&status=failed",
  "/api/requests?limit=50",
  "/api/requests?client=nobody&status=500",
  "/api/sessions?limit=50",
];

/** The same over HTTP from the compiled program, and how long an answer of /health takes at most meanwhile. */
async function askBinary(place: string, path: string, rows: number): Promise<Asked> {
  // Not beside the file: a database in the gateway's working directory is passed over.
  const folder = join(place, "gateway");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const processes = openBenchProcesses(folder);
  const port = freePort();
  const config = join(folder, "config.yaml");
  await Bun.write(
    config,
    `server: { host: 127.0.0.1, port: ${port} }\nproviders: { demo: { backend: demo } }\nfallback_chain: [demo]\n` +
      `metrics: { db_path: ${path}, retention_days: 0, max_mb: 1000000 }\n`,
  );
  try {
    const gateway = processes.start("gateway", [ensureBinary(), "serve", "--config", config], {
      CLAWGATE_STATE_DIR: join(folder, "state"),
    });
    const at = (where: string): string => `http://127.0.0.1:${port}${where}`;
    await untilAnswering(at("/health"), gateway.exited);
    let longestMs = 0;
    let isOver = false;
    const probes = (async () => {
      while (!isOver) {
        const startedMs = performance.now();
        await (await fetch(at("/health"))).arrayBuffer();
        longestMs = Math.max(longestMs, performance.now() - startedMs);
        await Bun.sleep(2);
      }
    })();
    let made = 0;
    const requests = (async () => {
      const body = JSON.stringify({ model: "demo", messages: [{ role: "user", content: "hello" }] });
      const headers = { "content-type": "application/json" };
      while (!isOver) {
        const answer = await fetch(at("/v1/chat/completions"), { method: "POST", headers, body });
        await answer.arrayBuffer();
        if (answer.ok) made += 1;
        await Bun.sleep(10);
      }
    })();
    const timings: Timing[] = [];
    for (const where of httpPaths)
      timings.push(await timed(`GET ${where}`, async () => answered(await fetch(at(where)), rows)));
    isOver = true;
    await Promise.all([probes, requests]);
    return {
      timings,
      last: `longest answer of /health meanwhile: ${longestMs.toFixed(0)} ms, ${made} requests recorded; load ${loadavg()[0]?.toFixed(1)}`,
    };
  } finally {
    processes.stopAll();
  }
}

type Asked = { readonly timings: readonly Timing[]; readonly last: string };

/** Throws if the gateway reads another file than it should. */
async function answered(answer: Response, rows: number): Promise<string> {
  if (answer.status !== 200) throw new Error(`${answer.url}: status ${answer.status}`);
  const body = (await answer.json()) as {
    totals?: { total_requests?: number; requests?: number };
    requests?: readonly unknown[];
    sessions?: readonly unknown[];
  };
  const { totals } = body;
  if (totals?.total_requests !== undefined && totals.total_requests < rows)
    throw new Error(`${answer.url}: ${totals.total_requests} requests of ${rows}`);
  const requests = totals?.requests ?? totals?.total_requests;
  if (requests !== undefined) return `${requests} requests`;
  const list = body.requests ?? body.sessions;
  return list === undefined ? "" : `${list.length} rows`;
}

function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(null) });
  const { port } = server;
  void server.stop(true);
  if (port === undefined) throw new Error("no free port");
  return port;
}

async function untilAnswering(address: string, exited: Promise<number>): Promise<void> {
  let isGone = false;
  void exited.then(() => {
    isGone = true;
  });
  for (let tries = 0; tries < 300 && !isGone; tries++) {
    const answer = await fetch(address).catch(() => null);
    if (answer !== null) return;
    await Bun.sleep(100);
  }
  throw new Error("the gateway did not start");
}

function newFile(path: string, rows: number): WrittenFile {
  for (const end of ["", "-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
  // Whole hours, so that a part of the file can be repeated with its sums.
  const toMs = Math.floor(Date.now() / hourMs) * hourMs;
  const written = writeRecords(path, { rows, fromMs: toMs - days * dayMs, toMs, seed: 1 });
  noteFile(path, written);
  return written;
}

async function run({ rows = 10_000_000, folder }: TrialOptions): Promise<TrialReport> {
  const place = folder ?? mkdtempSync(join(tmpdir(), "clawgate-trial-"));
  mkdirSync(place, { recursive: true, mode: 0o700 });
  try {
    const path = join(place, "clawgate.db");
    const written = earlierFile(path, rows) ?? newFile(path, rows);
    const nowMs = written.toMs;
    const megabytes = statSync(path).size / 1e6;
    const { timings, stallMs, idleStallMs } = await askStore(path, nowMs, written.sample);
    const overHttp = await askBinary(place, path, rows);
    const isStallHeld = stallMs <= stallMark;
    return {
      lines: [
        `${rows} records of ${days} days: ${megabytes.toFixed(0)} MB; ${written.usPerRow.toFixed(1)} us a row to write, ` +
          `${written.rollupUsPerRow.toFixed(1)} us to add up`,
        ...timings.map(line),
        `${isStallHeld ? "held  " : "MISSED"} longest stall of the loop: ${stallMs.toFixed(1)} ms (${idleStallMs.toFixed(1)} ms in an idle process)`,
        ...overHttp.timings.map(line),
        overHttp.last,
      ],
      isHeld: isStallHeld && [...timings, ...overHttp.timings].every(({ ms }) => median(ms) <= pageMark),
    };
  } finally {
    if (folder === undefined) rmSync(place, { recursive: true, force: true });
  }
}

export const recordsTrial: Trial = {
  purpose:
    "10,000,000 records: every page of the dashboard within 200 ms, no stall above 20 ms (--rows, --folder)",
  run,
};
