// The cases under repeated load, and the rounds that measure them: in each round every target is measured for a second, one after the
// other. Results leave this folder only as ratios or differences within one round, or as medians over the rounds.

import { join } from "node:path";
import type { Wire } from "./upstream-answers.ts";
import { agentBody, smallBody } from "./prompts.ts";
import { median, runSlice, type LoadTool, type Slice, type SliceJob } from "./slices.ts";
import { clientKey, url, type Target, type TargetName } from "./targets.ts";
import type { BenchProcesses } from "./processes.ts";

export type Case = {
  readonly id: string;
  readonly title: string;
  readonly wire: Wire;
  /** The model name for the upstream. */
  readonly model: string;
  /** The model name for the gateway. */
  readonly gatewayModel: string;
  readonly prompt: "small" | "agent";
  readonly isStream: boolean;
  readonly connections: number;
  /** Content chunks of an answer, to count streams by the chunk. */
  readonly chunks: number;
  /** Only our own generator detects the first event. */
  readonly needsFirstEvent: boolean;
  /** Which gateway: the one whose chain starts with the chat provider or with the messages provider. */
  readonly chain: Wire;
  /** Left out by --quick: a row for information, without a target value. */
  readonly isExtra: boolean;
};

const plain = {
  wire: "chat",
  model: "bench",
  gatewayModel: "oai/bench",
  prompt: "small",
  isStream: false,
  connections: 64,
  chunks: 0,
  needsFirstEvent: false,
  chain: "chat",
  isExtra: false,
} as const satisfies Partial<Case>;

const agent = { ...plain, prompt: "agent", connections: 16 } as const;
const agentMessages = { ...agent, wire: "messages", gatewayModel: "ant/bench" } as const;
const stream = { ...plain, isStream: true, chunks: 100, connections: 32 } as const;

export const cases: readonly Case[] = [
  { ...plain, id: "c1", title: "1 connection", connections: 1 },
  { ...plain, id: "c64", title: "64 connections" },
  {
    ...plain,
    id: "slow",
    title: "64 connections, 20 ms upstream",
    model: "bench-l20",
    gatewayModel: "oai/bench-l20",
  },
  { ...agent, id: "agent-chat", title: "100 KB prompt, chat, direct target, 16 connections" },
  { ...agentMessages, id: "agent-messages", title: "100 KB prompt, messages, direct target, 16 connections" },
  { ...agent, id: "auto-chat", title: "100 KB prompt, chat, `auto`, 16 connections", gatewayModel: "auto" },
  {
    ...agentMessages,
    id: "auto-messages",
    title: "100 KB prompt, messages, `auto`, 16 connections",
    gatewayModel: "auto",
    chain: "messages",
  },
  {
    ...agentMessages,
    id: "cross",
    title: "100 KB prompt, messages in, chat upstream (translated), 16 connections",
    gatewayModel: "oai/bench",
    isExtra: true,
  },
  {
    ...stream,
    id: "stream",
    title: "stream of 100 chunks, 5 a packet, 32 connections",
    model: "bench-c100-w5",
    gatewayModel: "oai/bench-c100-w5",
  },
  {
    ...stream,
    id: "stream-single",
    title: "stream of 100 chunks, each its own packet, 32 connections",
    model: "bench-c100",
    gatewayModel: "oai/bench-c100",
    isExtra: true,
  },
  {
    ...stream,
    id: "stream-messages",
    title: "stream of 100 chunks, messages, 5 a packet, 32 connections",
    wire: "messages",
    model: "bench-c100-w5",
    gatewayModel: "ant/bench-c100-w5",
    isExtra: true,
  },
  {
    ...stream,
    id: "first-event",
    title: "first chunk of a paced stream, 1 connection",
    model: "bench-c2-d1",
    gatewayModel: "oai/bench-c2-d1",
    chunks: 2,
    connections: 1,
    needsFirstEvent: true,
  },
];

/** Medians over the rounds; differences and ratios are computed within each round first. */
export type Row = {
  readonly caseId: string;
  readonly target: TargetName;
  readonly requestsPerSecond: number;
  readonly chunksPerSecond: number;
  readonly ratioToDirect: number;
  readonly ratioToPassthrough: number;
  readonly addedP50Ms: number;
  readonly addedP99Ms: number;
  readonly addedFirstEventMs: number | null;
  readonly cpuUsPerRequest: number;
  readonly cpuRatioToPassthrough: number;
  readonly errors: number;
};

/**
 * Discarded. In its first four seconds of a case, the gateway's compiler threads take up to a seventh of its measured CPU time, and
 * hardly anything later. Every target gets the same.
 */
const warmUpRounds = 4;

export type BenchContext = {
  readonly processes: BenchProcesses;
  readonly directory: string;
  readonly tool: LoadTool;
  readonly rounds: number;
};

export async function measureCase(
  stage: BenchContext,
  each: Case,
  targets: readonly Target[],
): Promise<Row[]> {
  const jobs = new Map<TargetName, SliceJob>();
  for (const target of targets) {
    const job = await prepareJob(stage, each, target);
    await expectAnswer(target, job, each.chunks);
    jobs.set(target.name, job);
  }
  const tool = each.needsFirstEvent ? "own" : stage.tool;
  const rounds: Map<TargetName, Slice>[] = [];
  for (let round = -warmUpRounds; round < stage.rounds; round++) {
    const slices = new Map<TargetName, Slice>();
    for (const target of targets) {
      const job = jobs.get(target.name);
      if (job) slices.set(target.name, await runSlice(stage.processes, tool, target, job));
    }
    if (round >= 0) rounds.push(slices);
  }
  return targets.map((target) => summarize(each, target.name, rounds));
}

function summarize(each: Case, target: TargetName, rounds: readonly Map<TargetName, Slice>[]): Row {
  const own = (read: (slice: Slice) => number): number =>
    compare(rounds, target, target, (slice) => read(slice));
  const perSecond = own((slice) => slice.requestsPerSecond);
  const rate = (slice: Slice, base: Slice): number => slice.requestsPerSecond / base.requestsPerSecond;
  return {
    caseId: each.id,
    target,
    requestsPerSecond: perSecond,
    chunksPerSecond: perSecond * each.chunks,
    ratioToDirect: compare(rounds, target, "direct", rate),
    ratioToPassthrough: compare(rounds, target, "passthrough", rate),
    addedP50Ms: compare(rounds, target, "direct", (slice, base) => slice.p50Ms - base.p50Ms),
    addedP99Ms: compare(rounds, target, "direct", (slice, base) => slice.p99Ms - base.p99Ms),
    addedFirstEventMs: each.needsFirstEvent
      ? compare(
          rounds,
          target,
          "direct",
          (slice, base) => (slice.firstEventMs ?? NaN) - (base.firstEventMs ?? NaN),
        )
      : null,
    cpuUsPerRequest: own((slice) => slice.cpuUsPerRequest),
    cpuRatioToPassthrough: compare(
      rounds,
      target,
      "passthrough",
      (slice, base) => slice.cpuUsPerRequest / base.cpuUsPerRequest,
    ),
    errors: rounds.reduce((sum, slices) => sum + (slices.get(target)?.errors ?? 0), 0),
  };
}

function compare(
  rounds: readonly Map<TargetName, Slice>[],
  target: TargetName,
  base: TargetName,
  measure: (slice: Slice, base: Slice) => number,
): number {
  return median(
    rounds.map((slices) => {
      const [slice, other] = [slices.get(target), slices.get(base)];
      return slice && other ? measure(slice, other) : NaN;
    }),
  );
}

async function prepareJob(stage: BenchContext, each: Case, target: Target): Promise<SliceJob> {
  const model = target.name === "gateway" ? each.gatewayModel : each.model;
  const body = (each.prompt === "agent" ? agentBody : smallBody)(each.wire, model, each.isStream);
  const bodyFile = join(stage.directory, `${each.id}-${target.name}.json`);
  await Bun.write(bodyFile, body);
  return { ...endpointOf(each.wire), bodyFile, connections: each.connections };
}

export function endpointOf(wire: Wire): { readonly path: string; readonly headers: Record<string, string> } {
  return wire === "chat"
    ? { path: "/v1/chat/completions", headers: { authorization: `Bearer ${clientKey}` } }
    : { path: "/v1/messages", headers: { "x-api-key": clientKey, "anthropic-version": "2023-06-01" } };
}

/** A benchmark of error answers, or of truncated streams, would look excellent. */
async function expectAnswer(target: Target, job: SliceJob, chunks: number): Promise<void> {
  const answer = await fetch(url(target.port, job.path), {
    method: "POST",
    headers: { "content-type": "application/json", ...job.headers },
    body: await Bun.file(job.bodyFile).arrayBuffer(),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await answer.text();
  const words = text.split("fox").length - 1;
  if (answer.ok && words >= Math.max(1, chunks)) return;
  throw new Error(`${target.name} answered ${answer.status}: ${text.slice(0, 300)}`);
}
