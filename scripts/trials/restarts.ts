// Requests without a pause while the gateway is restarted again and again: none is lost, none is counted twice, and a tenant's spending is
// exact to the last cent. `npm run trial -- restarts [--rows N]`.

import { chmodSync, copyFileSync, linkSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanEnvironment, type RunningBinary, startBinary } from "../../test/support/binary.ts";
import { runProgram } from "../../test/support/program-run.ts";
import { ensureBinary } from "../build.ts";
import { type RawAnswer, RawConnection } from "./raw-connection.ts";
import type { Trial, TrialReport } from "./trial.ts";

const wholeRows = 50_000;
const wholeRestarts = 10;
const restartsOf = (rows: number): number => Math.max(2, Math.min(wholeRestarts, Math.round(rows / 1_500)));
const atATime = 64;
const tenantKey = "tenant-key-0123456789";
const adminKey = "admin-key-0123456789";
/** In USD for a million tokens: each request costs two cents. */
const price = 1_000;
const tokens = 10;
const nanoUsdEach = (2 * tokens * price * 1_000_000_000) / 1_000_000;
const largeBytes = 400_000;
const quietLimitMs = 30_000;

type Kind = "kept" | "fresh" | "slow" | "stream" | "large";

/** What each of the clients does with its next request. */
function kindOf(client: number, count: number): Kind {
  if (count % 50 === client % 50) return "large";
  if (count % 12 === client % 12) return "stream";
  if (client % 16 === 0) return "slow";
  return client % 4 === 1 ? "fresh" : "kept";
}

function startVendor() {
  const seen = new Map<string, number>();
  const usage = { prompt_tokens: tokens, completion_tokens: tokens, total_tokens: 2 * tokens };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    async fetch(request) {
      if (request.method !== "POST") return Response.json({ data: [] });
      const text = await request.text();
      const id = /number-\d+-/.exec(text)?.[0] ?? "none";
      seen.set(id, (seen.get(id) ?? 0) + 1);
      const base = { id: "c", object: "chat.completion", created: 1, model: "fake" };
      const message = { role: "assistant", content: id };
      if (!text.includes('"stream":true'))
        return Response.json({ ...base, choices: [{ index: 0, message, finish_reason: "stop" }], usage });
      const pieces = [...Array.from({ length: 8 }, () => "word "), id].map((content) => ({
        choices: [{ index: 0, delta: { content }, finish_reason: null }],
      }));
      const last = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage };
      const frames = [...pieces, last].map(
        (piece) => `data: ${JSON.stringify({ ...base, object: "chat.completion.chunk", ...piece })}\n\n`,
      );
      const stream = new ReadableStream<string>({
        async start(controller) {
          for (const frame of frames) {
            controller.enqueue(frame);
            await Bun.sleep(60);
          }
          controller.enqueue("data: [DONE]\n\n");
          controller.close();
        },
      });
      return new Response(stream, { headers: { "content-type": "text/event-stream" } });
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, seen, stop: () => server.stop(true) };
}

const configFor = (vendorUrl: string): object => ({
  server: { drain_s: 30 },
  health: { check_interval_seconds: 0 },
  auth: { admin_key: adminKey },
  providers: {
    vendor: {
      base_url: `${vendorUrl}/v1`,
      api_key: "vendor-key-0123456789",
      models: ["fake"],
      pricing: { input: price, output: price },
    },
  },
  tenants: [{ name: "alice", api_key: tenantKey, limits: { budget: { usd_per_day: 1_000_000 } } }],
});

class Load {
  sent = 0;
  readonly losses: string[] = [];
  readonly kinds = new Map<Kind, number>();

  constructor(
    private readonly url: string,
    private readonly rows: number,
  ) {}

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: atATime }, (_, client) => this.client(client)));
  }

  private async client(client: number): Promise<void> {
    let connection: RawConnection | null = null;
    for (let count = 0; this.sent < this.rows; count++) {
      const number = this.sent++;
      const kind = kindOf(client, count);
      this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
      if (kind === "slow") await Bun.sleep(Math.random() * 400);
      const what = `number-${number}-`;
      try {
        if (connection === null || connection.isClosed) connection = await RawConnection.open(this.url);
        const answer = await ask(connection, kind, what);
        if (answer.status !== 200 || !answer.body.includes(what))
          throw new Error(`status ${answer.status}: ${answer.body.slice(0, 200)}`);
        if (kind === "stream" && !answer.body.includes("data: [DONE]"))
          throw new Error("the stream has no end");
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.losses.push(`${kind} ${number}: ${why}`);
        connection?.close();
        connection = null;
      }
      if (kind === "fresh") {
        connection?.close();
        connection = null;
      }
    }
    connection?.close();
  }
}

function ask(connection: RawConnection, kind: Kind, what: string): Promise<RawAnswer> {
  const content = kind === "large" ? what + "x".repeat(largeBytes) : what;
  const body = JSON.stringify({
    model: "vendor/fake",
    stream: kind === "stream",
    ...(kind === "stream" ? { stream_options: { include_usage: true } } : {}),
    messages: [{ role: "user", content }],
  });
  const headers = {
    authorization: `Bearer ${tenantKey}`,
    ...(kind === "fresh" ? { connection: "close" } : {}),
  };
  return connection.post("/v1/chat/completions", headers, body, kind === "large" ? 8 : 1);
}

async function restartAll(
  gateway: RunningBinary,
  program: string,
  load: Load,
  rows: number,
): Promise<{ readonly failures: readonly string[]; readonly tookMs: readonly number[] }> {
  const failures: string[] = [];
  const tookMs: number[] = [];
  const restarts = restartsOf(rows);
  for (let count = 0; count < restarts; count++) {
    while (load.sent < ((count + 0.5) * rows) / restarts) await Bun.sleep(10);
    // As an update does it: another file at the same path.
    linkSync(`${program}.${count % 2}`, `${program}.next`);
    renameSync(`${program}.next`, program);
    const startMs = performance.now();
    const { code, stderr } = await runProgram([program, "restart"], {
      cwd: gateway.work,
      env: cleanEnvironment(gateway.dir),
      timeoutMs: 60_000,
    });
    tookMs.push(performance.now() - startMs);
    if (code !== 0) failures.push(stderr.trim());
  }
  return { failures, tookMs };
}

async function read(url: string, path: string): Promise<unknown> {
  return (await fetch(url + path, { headers: { authorization: `Bearer ${adminKey}` } })).json();
}

/** Once the last process before it is gone, it knows everything. */
async function totalsOf(url: string, rows: number): Promise<{ requests: number; nanoUsd: number }> {
  const endMs = performance.now() + quietLimitMs;
  for (;;) {
    const stats = (await read(url, "/api/stats")) as { totals: { total_requests: number } };
    const { tenants } = (await read(url, "/api/tenants")) as {
      tenants: readonly { used: { today: { usd: number } } }[];
    };
    const requests = stats.totals.total_requests;
    const nanoUsd = Math.round((tenants[0]?.used.today.usd ?? 0) * 1e9);
    if ((requests >= rows && nanoUsd >= rows * nanoUsdEach) || performance.now() > endMs)
      return { requests, nanoUsd };
    await Bun.sleep(200);
  }
}

async function restartsTrial({ rows = wholeRows }: { readonly rows?: number }): Promise<TrialReport> {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-restarts-"));
  const program = join(folder, "clawgate");
  const built = process.env["CLAWGATE_BINARY"] ?? ensureBinary();
  for (const copy of ["", ".0", ".1"]) copyFileSync(built, program + copy);
  for (const copy of ["", ".0", ".1"]) chmodSync(program + copy, 0o755);
  const vendor = startVendor();
  let pid: number | null = null;
  try {
    const gateway = await startBinary({ program, dir: join(folder, "home"), config: configFor(vendor.url) });
    ({ pid } = gateway);
    const load = new Load(gateway.url, rows);
    const startMs = performance.now();
    const [, { failures, tookMs }] = await Promise.all([
      load.run(),
      restartAll(gateway, program, load, rows),
    ]);
    const seconds = (performance.now() - startMs) / 1000;
    const totals = await totalsOf(gateway.url, rows);
    const run = (await Bun.file(join(gateway.stateDir, "run.json")).json()) as { readonly pid: number };
    ({ pid } = run);
    const twice = [...vendor.seen.values()].filter((count) => count > 1).length;
    const isExact = totals.requests === rows && totals.nanoUsd === rows * nanoUsdEach;
    const isHeld =
      load.losses.length === 0 &&
      failures.length === 0 &&
      twice === 0 &&
      isExact &&
      vendor.seen.size === rows;
    return {
      isHeld,
      lines: [
        `${rows} requests in ${seconds.toFixed(1)} s over ${restartsOf(rows)} restarts, ${atATime} at a time: ${[...load.kinds].map(([kind, count]) => `${count} ${kind}`).join(", ")}`,
        `lost: ${load.losses.length}`,
        ...load.losses.slice(0, 20).map((line) => `  ${line}`),
        ...failures.map((line) => `  a restart failed: ${line}`),
        `seen by the vendor: ${vendor.seen.size}, more than once: ${twice}`,
        `recorded: ${totals.requests}`,
        `spent: ${totals.nanoUsd / 1e9} USD of ${(rows * nanoUsdEach) / 1e9}`,
        `a restart took ${tookMs.map((ms) => Math.round(ms)).join(", ")} ms`,
        isHeld ? "held" : "MISSED",
      ],
    };
  } finally {
    if (pid !== null) {
      const endMs = performance.now() + 10_000;
      stopProcess(pid, "SIGTERM");
      while (performance.now() < endMs && stopProcess(pid, 0)) await Bun.sleep(50);
    }
    vendor.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** False: it is gone. */
function stopProcess(pid: number, signal: "SIGTERM" | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

export const restarts: Trial = {
  purpose: "requests without a pause over ten restarts: none is lost or counted twice",
  run: restartsTrial,
};
