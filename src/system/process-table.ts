// Processes that others started, as the machine lists them: which live, since when, with which variables.
// It must never signal one on the strength of its number alone: numbers are used again.

import { readdir, readFile } from "node:fs/promises";
import { errorCode } from "./files.ts";
import { runCommand } from "./process.ts";

export type ProcessFacts = {
  readonly pid: number;
  /** Clock ticks since boot on Linux: with the pid it names a process until the next boot. */
  readonly startTime: string;
};

/** Null where nobody bears the number, or only a dead one whom nobody has collected. */
export async function startTimeOf(pid: number): Promise<string | null> {
  const stat = await readProc(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The name stands in brackets and may hold blanks and brackets itself (proc(5)): counted from the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  return state === "Z" || state === "X" ? null : (fields[19] ?? null);
}

/** Names this boot of the machine; null where it has no such name. */
export async function bootId(): Promise<string | null> {
  return (await readProc("/proc/sys/kernel/random/boot_id"))?.trim() ?? null;
}

/** Every process of ours whose environment holds `name` with a value that `isWanted`. Linux; empty elsewhere. */
export async function processesWith(
  name: string,
  isWanted: (value: string) => boolean,
): Promise<ProcessFacts[]> {
  const found: ProcessFacts[] = [];
  for (const entry of await listProc()) {
    const pid = Number(entry);
    if (!Number.isSafeInteger(pid) || pid === process.pid) continue;
    const variables = await readProc(`/proc/${pid}/environ`);
    if (variables === null || !variables.includes(`${name}=`)) continue;
    const value = variables.split("\0").find((each) => each.startsWith(`${name}=`));
    if (value === undefined || !isWanted(value.slice(name.length + 1))) continue;
    const startTime = await startTimeOf(pid);
    if (startTime !== null) found.push({ pid, startTime });
  }
  return found;
}

/** Whether there still was somebody to hear it. */
export function signalProcess(pid: number, signal: "SIGTERM" | "SIGKILL"): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (errorCode(error) === "ESRCH" || errorCode(error) === "EPERM") return false;
    throw error;
  }
}

export type ListedProcess = { readonly startedMs: number; readonly program: string };

/** What `ps` knows of a process where there is no /proc (macOS): to the second, and the program's path. */
export async function listedProcess(pid: number): Promise<ListedProcess | null> {
  const result = await runCommand(["/bin/ps", "-o", "lstart=,comm=", "-p", String(pid)], {
    timeoutMs: 5_000,
    env: { LC_ALL: "C", TZ: "UTC" },
  });
  return result.code === 0 ? readListing(result.stdout) : null;
}

/** `Sat Nov 21 07:46:50 2026     /usr/local/bin/claude`, the time in UTC. */
export function readListing(line: string): ListedProcess | null {
  const found = /^\s*(\w{3} \w{3} {1,2}\d{1,2} \d{2}:\d{2}:\d{2} \d{4}) +(\S.*)$/m.exec(line);
  const startedMs = Date.parse(`${found?.[1]} UTC`);
  return found === null || Number.isNaN(startedMs) ? null : { startedMs, program: found[2]?.trimEnd() ?? "" };
}

async function listProc(): Promise<string[]> {
  try {
    return await readdir("/proc");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** Null for what is gone meanwhile, and for what belongs to another user. */
async function readProc(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM" || code === "ENOTDIR")
      return null;
    throw error;
  }
}
