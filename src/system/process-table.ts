// Processes started by others, as the machine lists them: which are alive, since when, with which marks.
// It must never signal one because of its number alone: numbers are reused.

import { readdirSync, readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { errorCode } from "./files.ts";
import { inheritedMarkIn } from "./inherited-mark.ts";
import { runCommand } from "./process.ts";

export type ProcessFacts = {
  readonly pid: number;
  /** Clock ticks since boot on Linux: with the pid it identifies a process until the next boot. */
  readonly startTime: string;
};

/** Null if no process has the number, or only a zombie. */
export async function startTimeOf(pid: number): Promise<string | null> {
  const stat = await readProc(`/proc/${pid}/stat`);
  return stat === null ? null : startTimeIn(stat);
}

function startTimeIn(stat: string): string | null {
  // The name is in brackets and may contain spaces and brackets itself (proc(5)): parsed from the last bracket.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  return state === "Z" || state === "X" ? null : (fields[19] ?? null);
}

/** Identifies this boot of the machine; null if the system does not. */
export async function bootId(): Promise<string | null> {
  return (await readProc("/proc/sys/kernel/random/boot_id"))?.trim() ?? null;
}

export type MarkedProcess = ProcessFacts & {
  /** Of the requested variable. */
  readonly value: string | null;
  /** Digits of the inherited mark. */
  readonly inherited: string | null;
};

/** Every process with an inherited mark of any run, or whose environment contains `name`, the oldest first. Linux; empty elsewhere. */
export async function markedProcesses(name: string): Promise<readonly MarkedProcess[]> {
  const found = new Map<number, MarkedProcess>();
  await visitMarked(name, (each) => void found.set(each.pid, each));
  return [...found.values()].toSorted((a, b) => a.pid - b.pid);
}

/**
 * Passes each of them on as soon as it is found, perhaps twice, the newest first. False: a listed one was gone before it could be
 * checked, and whatever it started in between is in no list.
 */
export async function visitMarked(name: string, visit: (each: MarkedProcess) => void): Promise<boolean> {
  let isWhole = true;
  const look = async (pid: number): Promise<void> => {
    // Synchronously, because it is memory; variables are read from another process, which may be stuck.
    const limits = orNullIfGone(() => readFileSync(`/proc/${pid}/limits`, "utf8"));
    if (limits === null) isWhole = false;
    const inherited = inheritedMarkIn(limits ?? "");
    const show = (value: string | null): void => {
      const stat = orNullIfGone(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
      const startTime = stat === null ? null : startTimeIn(stat);
      if (startTime !== null) visit({ pid, startTime, value, inherited });
    };
    if (inherited !== null) show(null);
    const variables = (await readProc(`/proc/${pid}/environ`)) ?? "";
    if (!variables.includes(`${name}=`)) return;
    const variable = variables.split("\0").find((each) => each.startsWith(`${name}=`));
    if (variable !== undefined) show(variable.slice(name.length + 1));
  };
  // Synchronous as well: the first ones are checked before any other process can run.
  const entries = orNullIfGone(() => readdirSync("/proc")) ?? (await listProc());
  const pids = entries.map(Number).filter((pid) => Number.isSafeInteger(pid) && pid !== process.pid);
  pids.sort((a, b) => b - a);
  for (let at = 0; at < pids.length; at += batchSize)
    await Promise.all(pids.slice(at, at + batchSize).map(look));
  return isWhole;
}

/**
 * All descendants of `pid`, as far as each one's parent is still alive. With /proc the result is synchronous, so that nothing has
 * changed when it is used; these files are memory, not a disk.
 */
export function descendantsOf(pid: number): readonly ProcessFacts[] | Promise<readonly ProcessFacts[]> {
  return process.platform === "linux"
    ? below(pid, childrenInProc)
    : childrenInListing().then((childrenOf) => below(pid, childrenOf));
}

const maxDescendants = 10_000;

type ChildrenOf = (parent: number) => readonly ProcessFacts[];

function below(pid: number, childrenOf: ChildrenOf): readonly ProcessFacts[] {
  const found: ProcessFacts[] = [];
  const parents = [pid];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop())
    for (const each of childrenOf(parent)) {
      if (found.length >= maxDescendants) return found;
      found.push(each);
      parents.push(each.pid);
    }
  return found;
}

const childrenInProc: ChildrenOf = (parent) => {
  const found: ProcessFacts[] = [];
  for (const thread of orNullIfGone(() => readdirSync(`/proc/${parent}/task`)) ?? [])
    for (const text of (
      orNullIfGone(() => readFileSync(`/proc/${parent}/task/${thread}/children`, "utf8")) ?? ""
    ).split(" ")) {
      const pid = Number(text);
      const stat = pid > 1 ? orNullIfGone(() => readFileSync(`/proc/${pid}/stat`, "utf8")) : null;
      const startTime = stat === null ? null : startTimeIn(stat);
      if (startTime !== null) found.push({ pid, startTime });
    }
  return found;
};

/** Null if it is gone by now or not visible to us. */
function orNullIfGone<Value>(look: () => Value): Value | null {
  try {
    return look();
  } catch {
    return null;
  }
}

async function childrenInListing(): Promise<ChildrenOf> {
  const { stdout } = await runCommand(["/bin/ps", "-A", "-o", "ppid=,pid=,lstart="], {
    timeoutMs: 5_000,
    env: { LC_ALL: "C", TZ: "UTC" },
  });
  const all = stdout.split("\n").flatMap((line) => {
    const [, parent, pid, startTime] = /^\s*(\d+)\s+(\d+)\s+(\S.*?)\s*$/.exec(line) ?? [];
    return startTime === undefined ? [] : [{ parent: Number(parent), pid: Number(pid), startTime }];
  });
  return (parent) => all.filter((each) => each.parent === parent);
}

export type Signalled = {
  readonly reached: readonly number[];
  /** Another user's. */
  readonly refused: readonly number[];
};

/** Signals those of `found` that are still alive and are the same processes. */
export async function signalThose(found: readonly ProcessFacts[], signal: Signal): Promise<Signalled> {
  const reached: number[] = [];
  const refused: number[] = [];
  const isLinux = process.platform === "linux";
  const listed = isLinux || found.length === 0 ? null : await listingOf(found);
  for (const { pid, startTime } of found) {
    const current = listed === null ? await startTimeOf(pid) : (listed.get(pid) ?? null);
    const outcome = current === startTime ? signalProcess(pid, signal) : "gone";
    if (outcome === "reached") reached.push(pid);
    else if (outcome === "refused") refused.push(pid);
  }
  return { reached, refused };
}

async function listingOf(found: readonly ProcessFacts[]): Promise<ReadonlyMap<number, string>> {
  const { stdout } = await runCommand(
    ["/bin/ps", "-o", "pid=,lstart=", "-p", found.map(({ pid }) => pid).join(",")],
    { timeoutMs: 5_000, env: { LC_ALL: "C", TZ: "UTC" } },
  );
  return new Map(
    stdout.split("\n").flatMap((line) => {
      const [, pid, startTime] = /^\s*(\d+)\s+(\S.*?)\s*$/.exec(line) ?? [];
      return startTime === undefined ? [] : [[Number(pid), startTime] as const];
    }),
  );
}

type Signal = "SIGTERM" | "SIGKILL";

/** For a process that was found at this very moment. */
export function signalProcess(pid: number, signal: Signal): "reached" | "gone" | "refused" {
  try {
    process.kill(pid, signal);
    return "reached";
  } catch (error) {
    if (errorCode(error) === "ESRCH") return "gone";
    if (errorCode(error) === "EPERM") return "refused";
    throw error;
  }
}

/** Processes checked at the same time; each is a read of a file. */
const batchSize = 16;

export type ListedProcess = { readonly startedMs: number; readonly program: string };

/** What `ps` reports of a process on a system without /proc (macOS): to the second, and the program's path. */
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

const listProc = (): Promise<string[]> => listFolder("/proc");

async function listFolder(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ESRCH") return [];
    throw error;
  }
}

/** Null if it is gone by now, or belongs to another user. */
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
