// A number that a process and all its descendants carry, whatever they change of their session, parents, names and variables: their
// soft limit of file locks, which Linux inherits and has not enforced since 2.4.25. It must never stay on this process itself.

import { dlopen, FFIType, ptr } from "bun:ffi";
import { createHash, randomInt } from "node:crypto";

export type InheritedMark = {
  /** The result of `runNumber`, with seven more digits for this process of the run. No other process has such a limit. */
  readonly digits: string;
  /**
   * A process started by `start` has the mark from its first moment: this process has it during the start, and this thread is the
   * only one that starts anything. Without such a limit, or if the operator forbade the number, it is started without.
   */
  around<Started>(start: () => Started): Started;
};

export type InheritedMarks = { next(): InheritedMark };

const runDigits = 11;
const ownDigits = 7;

/** The same for the same run, in every version of this program. */
export function runNumber(run: string): string {
  const number = createHash("sha256").update(run).digest().readUIntBE(0, 6) % 10 ** runDigits;
  return `7${String(number).padStart(runDigits, "0")}`;
}

export function createInheritedMarks(run: string): InheritedMarks {
  const ofRun = runNumber(run);
  let count = randomInt(10 ** ownDigits);
  let limit: Limit | null = null;
  return {
    next() {
      count = (count + 1) % 10 ** ownDigits;
      const digits = `${ofRun}${String(count).padStart(ownDigits, "0")}`;
      const around = <Started>(start: () => Started): Started => {
        limit ??= limitOfLocks();
        if (!limit.set(BigInt(digits))) return start();
        try {
          return start();
        } finally {
          limit.restore();
        }
      };
      return { digits, around };
    },
  };
}

/** The digits in the text of a /proc/<pid>/limits; null for any other process. */
export function inheritedMarkIn(limits: string): string | null {
  const at = limits.indexOf(limitName) + limitName.length;
  if (at < limitName.length) return null;
  return /^ +(7\d{18}) /.exec(limits.slice(at, at + 48))?.[1] ?? null;
}

/** Its name in that file, by which `grep` finds a run's processes. */
const limitName = "Max file locks";
export const limitPatternOf = (run: string): string => `^${limitName}  *${runNumber(run)}`;

/** RLIMIT_LOCKS of asm-generic/resource.h, which x86 and ARM use. */
const fileLocks = 10;

type Limit = {
  /** False: it is unchanged. */
  set(soft: bigint): boolean;
  restore(): void;
};

function limitOfLocks(): Limit {
  const prlimit = findPrlimit();
  // Soft and hard, as prlimit(2) has them.
  const before = new BigUint64Array(2);
  const wanted = new BigUint64Array(2);
  return {
    set(soft) {
      if (prlimit === null || prlimit(0, fileLocks, null, ptr(before)) !== 0) return false;
      wanted[0] = soft;
      wanted[1] = before[1] ?? 0n;
      return prlimit(0, fileLocks, ptr(wanted), null) === 0;
    },
    restore: () => void prlimit?.(0, fileLocks, ptr(before), null),
  };
}

type Pointer = ReturnType<typeof ptr> | null;
type Prlimit = (pid: number, resource: number, to: Pointer, from: Pointer) => number;

function findPrlimit(): Prlimit | null {
  if (process.platform !== "linux") return null;
  const architecture = process.arch === "arm64" ? "aarch64" : "x86_64";
  for (const library of ["libc.so.6", `libc.musl-${architecture}.so.1`]) {
    try {
      const { symbols } = dlopen(library, {
        prlimit: { args: [FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
      });
      // The library stays open as long as something refers to it.
      return (...words) => symbols.prlimit(...words);
    } catch {
      // Another C library, or a system without foreign calls: the other ways of finding processes remain.
    }
  }
  return null;
}
