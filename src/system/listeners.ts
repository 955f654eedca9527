// Which process listens on a TCP port of this machine. It must never signal one; only root can see another user's.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { runCommand } from "./process.ts";
import { listedProcess, startTimeOf } from "./process-table.ts";

export type Listener = {
  readonly pid: number;
  /** The program's name; null if it is not visible. */
  readonly program: string | null;
  readonly startedMs: number | null;
};

/** Null: none, or none that is visible to this user. */
export async function listenerOn(port: number): Promise<Listener | null> {
  const pid = process.platform === "linux" ? pidInProc(port) : await pidInListing(port);
  if (pid === null) return null;
  if (process.platform !== "linux") {
    const listed = await listedProcess(pid);
    return {
      pid,
      program: listed === null ? null : basename(listed.program),
      startedMs: listed?.startedMs ?? null,
    };
  }
  const program = seen(() => basename(readlinkSync(`/proc/${pid}/exe`)));
  return { pid, program, startedMs: await startedAt(pid) };
}

const listening = "0A";

/** proc(5), /proc/net/tcp: local address and port in hexadecimal, state, inode. */
export function inodesIn(table: string, port: number): readonly string[] {
  return table
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
      const isIt = state === listening && Number.parseInt(local.split(":")[1] ?? "", 16) === port;
      return isIt && inode !== undefined ? [inode] : [];
    });
}

function pidInProc(port: number): number | null {
  const tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(
    (path) => seen(() => readFileSync(path, "utf8")) ?? "",
  );
  const wanted = new Set(
    tables.flatMap((table) => inodesIn(table, port)).map((inode) => `socket:[${inode}]`),
  );
  if (wanted.size === 0) return null;
  for (const name of seen(() => readdirSync("/proc")) ?? []) {
    if (!/^\d+$/.test(name)) continue;
    for (const fd of seen(() => readdirSync(`/proc/${name}/fd`)) ?? [])
      if (wanted.has(seen(() => readlinkSync(`/proc/${name}/fd/${fd}`)) ?? "")) return Number(name);
  }
  return null;
}

/** Linux counts in hundredths of a second since boot, on every machine that Bun supports. */
const ticksPerSecond = 100;

async function startedAt(pid: number): Promise<number | null> {
  const bootSeconds = /^btime (\d+)$/m.exec(seen(() => readFileSync("/proc/stat", "utf8")) ?? "")?.[1];
  const ticks = await startTimeOf(pid);
  if (bootSeconds === undefined || ticks === null) return null;
  return (Number(bootSeconds) + Number(ticks) / ticksPerSecond) * 1000;
}

async function pidInListing(port: number): Promise<number | null> {
  try {
    const argv = ["/usr/sbin/lsof", "-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-t"];
    const pid = Number((await runCommand(argv, { timeoutMs: 5_000 })).stdout.split("\n")[0]);
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
  } catch {
    // Not every machine has this file.
    return null;
  }
}

/** Null if it is gone by now or not visible to us. */
function seen<Value>(look: () => Value): Value | null {
  try {
    return look();
  } catch {
    return null;
  }
}
