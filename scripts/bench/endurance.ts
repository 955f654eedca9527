// Measurements that a single load cannot show: idle memory, start, clients that disconnect, and a thousand concurrent streams, each on
// a fresh process. Every wait here has a limit.

import { join } from "node:path";
import type { Counters } from "./upstream.ts";
import { endpointOf } from "./cases.ts";
import type { LoadJob } from "./load.ts";
import { smallBody } from "./prompts.ts";
import { median, runLoad } from "./slices.ts";
import { url, type Target } from "./targets.ts";
import { rssMb, type BenchProcesses } from "./processes.ts";

export type Endurance = {
  readonly idleRssMb: number;
  readonly coldStartMs: number;
  readonly aborted: number;
  /** The share of the streams still running upstream at the disconnect that were cancelled there. */
  readonly cancelledShare: number;
  readonly rssBeforeAbortsMb: number;
  readonly rssAfterAbortsMb: number;
  readonly concurrentCompleted: number;
  readonly concurrentErrors: number;
  readonly upstreamPeak: number;
  readonly rssAfterConcurrentMb: number;
};

const streams = 1000;
const starts = 5;

export type Started = { readonly target: Target; readonly startMs: number };

export async function measureEndurance(
  processes: BenchProcesses,
  directory: string,
  upstream: Target,
  modelPrefix: string,
  start: () => Promise<Started>,
): Promise<Endurance> {
  const startTimes: number[] = [];
  for (let round = 1; round < starts; round++) {
    const { target, startMs } = await start();
    startTimes.push(startMs);
    await target.runner.stop();
  }
  const { target, startMs } = await start();
  startTimes.push(startMs);
  await Bun.sleep(2000);
  const idleRssMb = rssMb(target.runner.pid);

  const job = async (
    model: string,
    rest: Pick<LoadJob, "mode" | "connections" | "total">,
  ): Promise<LoadJob> => {
    const bodyFile = join(directory, `endurance-${model}.json`);
    await Bun.write(bodyFile, smallBody("chat", modelPrefix + model, true));
    return { ...endpointOf("chat"), port: target.port, bodyFile, durationMs: 30_000, ...rest };
  };

  // A few complete streams first: what the first requests load and compile is not a leak.
  await runLoad(processes, await job("bench-c100-w5", { mode: "counted", connections: 16, total: 400 }));
  await Bun.sleep(1000);
  const rssBeforeAbortsMb = rssMb(target.runner.pid);
  await resetCounters(upstream);
  // 2,000 chunks at 5 ms would run for ten seconds, so each still runs when its client leaves at the first event.
  const left = await runLoad(
    processes,
    await job("bench-c2000-d5", { mode: "abort", connections: 16, total: streams }),
  );
  const afterAborts = await waitForRest(upstream, 3000);
  await Bun.sleep(2000);
  const rssAfterAbortsMb = rssMb(target.runner.pid);

  await untilIdle(upstream, 15_000);
  await resetCounters(upstream);
  const together = await runLoad(
    processes,
    await job("bench-c60-d50", { mode: "counted", connections: streams, total: streams }),
  );
  const afterTogether = await readCounters(upstream);
  await Bun.sleep(2000);
  const rssAfterConcurrentMb = rssMb(target.runner.pid);
  await target.runner.stop();
  return {
    idleRssMb,
    coldStartMs: median(startTimes),
    aborted: left.requests,
    cancelledShare: afterAborts.cancelled / (afterAborts.started - afterAborts.finished),
    rssBeforeAbortsMb,
    rssAfterAbortsMb,
    concurrentCompleted: together.requests,
    concurrentErrors: together.errors,
    upstreamPeak: afterTogether.peak,
    rssAfterConcurrentMb,
  };
}

/** The counters once nothing runs upstream, or at the time limit. */
async function waitForRest(upstream: Target, limitMs: number): Promise<Counters> {
  const endsAt = performance.now() + limitMs;
  let counters = await readCounters(upstream);
  while (counters.running > 0 && performance.now() < endsAt) {
    await Bun.sleep(50);
    counters = await readCounters(upstream);
  }
  return counters;
}

async function untilIdle(upstream: Target, limitMs: number): Promise<void> {
  const { running } = await waitForRest(upstream, limitMs);
  if (running > 0) throw new Error(`${running} streams still run upstream after ${limitMs} ms`);
}

async function readCounters(upstream: Target): Promise<Counters> {
  const answer = await fetch(url(upstream.port, "/counters"), { signal: AbortSignal.timeout(5000) });
  return (await answer.json()) as Counters;
}

async function resetCounters(upstream: Target): Promise<void> {
  const answer = await fetch(url(upstream.port, "/reset"), {
    method: "POST",
    signal: AbortSignal.timeout(5000),
  });
  await answer.arrayBuffer();
}
