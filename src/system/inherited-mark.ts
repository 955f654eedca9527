// A number that a process bears with all that comes of it, whatever they make of their session, parents, names and variables: their soft
// limit of file locks, which Linux hands down and has not heeded since 2.4.25. It must never stay on this process itself.

import { dlopen, FFIType, ptr } from "bun:ffi";
import { createHash } from "node:crypto";

/** Decimal: what `runNumber` gives, and seven digits for the one among its run. As a limit nobody else has such a one. */
export type InheritedMark = string;

const runDigits = 11;
const ownDigits = 7;

/** The same for the same run, in every version of this program. */
export function runNumber(run: string): string {
  const number = createHash("sha256").update(run).digest().readUIntBE(0, 6) % 10 ** runDigits;
  return `7${String(number).padStart(runDigits, "0")}`;
}

let count = 0;

/** Another one with every call, of this process. */
export function newInheritedMark(run: string): InheritedMark {
  count = (count + 1) % 10 ** ownDigits;
  return `${runNumber(run)}${String(count).padStart(ownDigits, "0")}`;
}

/** What the text of a /proc/<pid>/limits tells; null for everybody else. */
export function inheritedMarkIn(limits: string): InheritedMark | null {
  const at = limits.indexOf(limitName);
  if (at < 0) return null;
  return /^ +(7\d{18}) /.exec(limits.slice(at + limitName.length, at + limitName.length + 48))?.[1] ?? null;
}

/** The name of the limit there, and how `grep` finds a run's processes by it. */
const limitName = "Max file locks";
export const limitPatternOf = (run: string): string => `^${limitName}  *${runNumber(run)}`;

/**
 * What `start` starts at once bears the mark from its first moment: it is on us while it is being started, and this thread is the only
 * one that starts anything. Where there is no such limit, or the operator forbade the number, it is started without.
 */
export function startMarked<Started>(mark: InheritedMark | null, start: () => Started): Started {
  if (mark === null || !setLimit(BigInt(mark))) return start();
  try {
    return start();
  } finally {
    prlimit(0, fileLocks, ptr(before), null);
  }
}

/** RLIMIT_LOCKS of asm-generic/resource.h, which x86 and ARM use. */
const fileLocks = 10;
/** Soft and hard limit, as prlimit(2) has them. */
const before = new BigUint64Array(2);
const wanted = new BigUint64Array(2);

function setLimit(mark: bigint): boolean {
  if (prlimit(0, fileLocks, null, ptr(before)) !== 0) return false;
  wanted[0] = mark;
  wanted[1] = before[1] ?? 0n;
  return prlimit(0, fileLocks, ptr(wanted), null) === 0;
}

type Prlimit = (pid: number, resource: number, to: number | null, from: number | null) => number;

let found: Prlimit | null = null;
const prlimit: Prlimit = (...words) => {
  found ??= findPrlimit();
  return found(...words);
};

function findPrlimit(): Prlimit {
  const architecture = process.arch === "arm64" ? "aarch64" : "x86_64";
  const libraries = process.platform === "linux" ? ["libc.so.6", `libc.musl-${architecture}.so.1`] : [];
  for (const library of libraries) {
    try {
      const { symbols } = dlopen(library, {
        prlimit: { args: [FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
      });
      return (pid, resource, to, from) => symbols.prlimit(pid, resource, to, from);
    } catch {
      // Another C library, or a system that lets nobody call into one: the other ways of finding them remain.
    }
  }
  return () => -1;
}
