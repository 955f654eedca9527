// What a gateway keeps running and on disk for the Claude Code program, seen from outside: from /proc and its folders.
// It must never ask the gateway itself: a leak is what the gateway does not know about. Linux only.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { childMark } from "../../src/backends/agent-process/child-register.ts";

/** Processes started by any gateway with this home that are still alive; a dead one has no environment any more. */
export function childrenOf(home: string): readonly number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const variables = readProc(join("/proc", name, "environ")).split("\0");
    const isOurs = variables.includes(`HOME=${home}`);
    return isOurs && variables.some((each) => each.startsWith(`${childMark}=`)) ? [Number(name)] : [];
  });
}

/** Every live process of the machine with this word among its arguments; a dead one has none. */
export function startedWith(word: string): readonly number[] {
  return readdirSync("/proc").flatMap((name) =>
    /^\d+$/.test(name) &&
    readProc(join("/proc", name, "cmdline"))
      .split("\0")
      .includes(word)
      ? [Number(name)]
      : [],
  );
}

/** Requests one answer of Claude Code; 0: there was none. */
export async function askClaude(
  url: string,
  key: string,
  { words = "hello", signal = null }: { readonly words?: string; readonly signal?: AbortSignal | null } = {},
): Promise<number> {
  const response = await fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": key },
    body: JSON.stringify({
      model: "claude/sonnet",
      max_tokens: 10,
      messages: [{ role: "user", content: words }],
    }),
    signal,
  }).catch(() => null);
  await response?.text().catch(() => null);
  return response?.status ?? 0;
}

function readProc(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    // It ended in the meantime, or belongs to another user.
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return "";
    throw error;
  }
}

export function rssMbOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readProc(`/proc/${pid}/status`))?.[1] ?? NaN) / 1024;
}

/** Open files, pipes and sockets. */
export function handlesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/**
 * Every file and empty folder below, relative and sorted. Without `.bun`: there, below HOME, the Bun that runs the
 * stand-in caches its translation of the script at any time.
 */
export function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => !/^\.bun(?:\/|$)/.test(name) && isFileOrEmpty(join(folder, name)))
    .toSorted();
}

function isFileOrEmpty(path: string): boolean {
  // A file that is being replaced briefly has another name.
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return false;
  return !found.isDirectory() || readdirSync(path).length === 0;
}

/** Settles when `fits` returns null; throws an Error with its last result. */
export async function untilNull(fits: () => unknown, limitMs = 10_000): Promise<void> {
  const untilMs = performance.now() + limitMs;
  for (let last = await fits(); last !== null; last = await fits()) {
    if (performance.now() > untilMs) throw new Error(`It stayed so: ${JSON.stringify(last)}`);
    await Bun.sleep(20);
  }
}
