// What a user feels of a program: how long until it answers, and how much memory it holds while nobody asks. For this machine's target.

import { readFileSync } from "node:fs";
import { startProgram } from "./started-program.ts";

export type Measurements = {
  /** Medians of the rounds. */
  readonly startMs: number;
  readonly idleMb: number;
  readonly rounds: number;
};

const rounds = 5;
/** Until the start's garbage is collected. */
const idleSeconds = 5;

/** null where the memory of a process cannot be read: elsewhere than on Linux. */
export async function measureProgram(program: string): Promise<Measurements | null> {
  if (process.platform !== "linux") return null;
  const starts: number[] = [];
  const memories: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const running = await startProgram([program]);
    starts.push(running.startMs);
    if (round === 0) await Bun.sleep(idleSeconds * 1_000);
    if (round === 0) memories.push(residentMb(running.pid));
    await running.stop();
  }
  return { startMs: medianOf(starts), idleMb: medianOf(memories), rounds };
}

function residentMb(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no memory to measure`);
  return (Number(kilobytes) * 1024) / 1e6;
}

const medianOf = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
