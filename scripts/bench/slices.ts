// One slice: a second of load on one target, by wrk or by our own generator, with the CPU time that its process tree used.
// A slice is never compared with one from another round.

import { join } from "node:path";
import type { LoadJob, LoadResult } from "./load.ts";
import type { Target } from "./targets.ts";
import { cpuMs, type BenchProcesses } from "./processes.ts";

export type LoadTool = "wrk" | "own";

export type Slice = {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Time to the first event; null if the tool cannot detect it. */
  readonly firstEventMs: number | null;
  readonly cpuUsPerRequest: number;
  readonly errors: number;
};

export type SliceJob = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyFile: string;
  readonly connections: number;
};

export async function runSlice(
  processes: BenchProcesses,
  tool: LoadTool,
  target: Target,
  job: SliceJob,
): Promise<Slice> {
  const before = cpuMs(target.runner.pid);
  const result =
    tool === "wrk" ? await runWrk(processes, target.port, job) : await runOwn(processes, target.port, job);
  const spentMs = cpuMs(target.runner.pid) - before;
  return {
    requestsPerSecond: (result.requests * 1000) / result.elapsedMs,
    p50Ms: result.latencyMs.p50,
    p99Ms: result.latencyMs.p99,
    firstEventMs: tool === "wrk" ? null : result.firstEventMs.p50,
    cpuUsPerRequest: (spentMs * 1000) / result.requests,
    errors: result.errors,
  };
}

function runOwn(processes: BenchProcesses, port: number, job: SliceJob): Promise<LoadResult> {
  return runLoad(processes, { ...job, port, mode: "timed", durationMs: 1000, total: 0 });
}

export async function runLoad(processes: BenchProcesses, job: LoadJob): Promise<LoadResult> {
  const command = [process.execPath, join(import.meta.dir, "load.ts"), JSON.stringify(job)];
  return JSON.parse(await processes.capture(command, job.durationMs + 15_000)) as LoadResult;
}

async function runWrk(processes: BenchProcesses, port: number, job: SliceJob): Promise<LoadResult> {
  const headers = Object.entries({ "content-type": "application/json", ...job.headers });
  const script = `${job.bodyFile}.lua`;
  await Bun.write(
    script,
    `wrk.method = "POST"
local file = io.open("${job.bodyFile}", "rb")
wrk.body = file:read("*a")
${headers.map(([name, value]) => `wrk.headers["${name}"] = "${value}"`).join("\n")}
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('\\n{"requests":%d,"elapsedMs":%f,"latencyMs":{"p50":%f,"p99":%f},"errors":%d}\\n',
    summary.requests - errors.status, summary.duration / 1000, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
`,
  );
  const address = `http://127.0.0.1:${port}${job.path}`;
  const connections = `-c${job.connections}`;
  const output = await processes.capture(
    ["wrk", "-t1", connections, "-d1s", "--timeout", "5s", "-s", script, address],
    20_000,
  );
  const line = output.split("\n").find((each) => each.startsWith('{"requests"'));
  if (line === undefined) throw new Error(`wrk printed no result: ${output.slice(-500)}`);
  const counted = JSON.parse(line) as Omit<LoadResult, "events" | "firstEventMs">;
  return { ...counted, events: 0, firstEventMs: { p50: NaN, p99: NaN } };
}

export function median(values: readonly number[]): number {
  const sorted = values.filter((value) => Number.isFinite(value)).sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}
