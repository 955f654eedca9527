// How much memory is left for more processes. A snapshot, not a promise: others may take some in the meantime.
// It must never report more than the container allows.

import { readFile } from "node:fs/promises";
import { freemem, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { errorCode } from "./files.ts";

/** Text of a file, null if there is none. A parameter, so that tests can simulate a machine. */
export type ReadText = (path: string) => Promise<string | null>;

const megabyte = 1024 * 1024;

/** All memory that this process could ever have: the machine's, or the container's if that is less. */
export function machineMemoryBytes(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}

/** Megabytes that could be used without swapping or killing others: the machine's, or the container's if that is less. */
export async function availableMemoryMb(
  read: ReadText = readSystemFile,
  freeBytes: () => number = freemem,
): Promise<number> {
  const table = await read("/proc/meminfo");
  const listed = /^MemAvailable:\s+(\d+) kB$/m.exec(table ?? "")?.[1];
  const machineBytes = listed === undefined ? freeBytes() : Number(listed) * 1024;
  const container = await freeInContainer(read);
  return Math.floor(Math.min(machineBytes, container) / megabyte);
}

/** The memory left in the tightest of the control groups (version 2) above this process. */
async function freeInContainer(read: ReadText): Promise<number> {
  const own = /^0::(\/.*)$/m.exec((await read("/proc/self/cgroup")) ?? "")?.[1];
  if (own === undefined) return Infinity;
  let room = Infinity;
  // Inside a container the path may be the host's; then only the root, which is the container's own group, exists.
  for (let path = own; ; path = dirname(path)) {
    room = Math.min(room, await freeInGroup(join("/sys/fs/cgroup", path), read));
    if (path === "/") return room;
  }
}

async function freeInGroup(folder: string, read: ReadText): Promise<number> {
  const limit = numberIn(await read(join(folder, "memory.max")));
  const used = numberIn(await read(join(folder, "memory.current")));
  if (limit === null || used === null) return Infinity;
  // Cached files count as used but can be reclaimed.
  const cached = /^inactive_file (\d+)$/m.exec((await read(join(folder, "memory.stat"))) ?? "")?.[1];
  return Math.max(0, limit - used + Number(cached ?? 0));
}

/** Null for `max` and for a missing file. */
function numberIn(text: string | null): number | null {
  return text !== null && /^\d+\s*$/.test(text) ? Number(text) : null;
}

async function readSystemFile(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EACCES") return null;
    throw error;
  }
}
