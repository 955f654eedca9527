// Whether the program can be started: it exists, is executable, its interpreter exists, and its last start succeeded. It must
// never start anything itself, nor delay a caller.

import { lstat, open, realpath, stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Clock } from "../../system/clock.ts";
import { errorCode } from "../../system/files.ts";
import { missingPosix } from "../../system/posix.ts";
import { findOnPath } from "../../system/process.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export type ProgramQuery = {
  /** A path, or a name on PATH. */
  readonly bin: string;
  readonly environment: Environment;
};

export type ProgramStatus = {
  /** Why it cannot be started, as far as is known now; null: no known reason. */
  problem(question: ProgramQuery): Promise<string | null>;
  /** This build has just worked. */
  worked(stamp: string): void;
  /** This build ended, or could not be started, before its first output. */
  failed(stamp: string, why: string): void;
  /** Whether the last failure is old enough for another start. True once per interval. */
  mayRetry(): boolean;
};

type Verdict = { readonly stamp: string; readonly why: string | null };

/**
 * A build that has worked counts as broken after this many failed starts in a row: a single one may be a tenant's own
 * problem.
 */
const maxFailures = 3;
/** A program that did not start is retried after this time, because what it lacked may be there by now. */
const againMs = 60_000;

export function createProgramStatus(options: {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Called when a start has shown something new. */
  readonly onNews: () => void;
}): ProgramStatus {
  const { clock } = options;
  let verdict: Verdict | null = null;
  let triedAtMs = 0;
  let failures = 0;

  const record = (stamp: string, why: string | null): void => {
    const isNews = (verdict?.stamp === stamp ? verdict.why : null) !== why;
    verdict = { stamp, why };
    if (why !== null) triedAtMs = clock.monotonicMs();
    if (isNews) options.onNews();
  };
  return {
    async problem(question) {
      const found = findOnPath(question.bin, question.environment["PATH"]);
      if (found === null) return whyMissing(question);
      const stamp = await programStamp(found);
      // Removed between the two checks: the next check reports it.
      if (stamp === null) return null;
      const known = verdict?.stamp === stamp ? verdict : null;
      if (known !== null && known.why === null) return null;
      return (await interpreterTrouble(found, question.environment)) ?? known?.why ?? null;
    },
    worked(stamp) {
      failures = 0;
      if (verdict?.stamp !== stamp || verdict.why !== null) record(stamp, null);
    },
    failed(stamp, why) {
      failures += 1;
      if (verdict?.stamp === stamp && verdict.why === null && failures < maxFailures) return;
      record(stamp, why);
    },
    mayRetry() {
      if (verdict === null || verdict.why === null || clock.monotonicMs() - triedAtMs < againMs) return false;
      triedAtMs = clock.monotonicMs();
      return true;
    },
  };
}

/** Changes with the program; null when it does not exist. */
export async function programStamp(path: string): Promise<string | null> {
  try {
    const real = await realpath(path);
    const { size, mtimeMs } = await stat(real);
    return `${real}:${size}:${mtimeMs}`;
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return null;
    throw error;
  }
}

const firstBytes = 256;

/** For a script with a missing interpreter, the kernel reports that the script does not exist. */
async function interpreterTrouble(path: string, environment: Environment): Promise<string | null> {
  const first = await firstLine(path);
  // An unreadable file cannot be judged.
  if (first === null) return null;
  if (first === "") return `${path} is empty`;
  const [interpreter, ...words] = /^#!\s*(.*)$/.exec(first)?.[1]?.trim().split(/\s+/) ?? [];
  if (interpreter === undefined || interpreter === "") return null;
  if (findOnPath(interpreter, environment["PATH"]) === null)
    return `${path} cannot be started: its interpreter ${interpreter} is not there`;
  const program = basename(interpreter) === "env" ? words.find((word) => !/^-|=/.test(word)) : undefined;
  return program === undefined || findOnPath(program, environment["PATH"]) !== null
    ? null
    : `${path} cannot be started: its interpreter "${program}" is not on PATH (${environment["PATH"] || "which is empty"})`;
}

async function firstLine(path: string): Promise<string | null> {
  try {
    const file = await open(path, "r");
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(firstBytes), 0, firstBytes, 0);
      return buffer.toString("latin1", 0, bytesRead).split("\n")[0] ?? "";
    } finally {
      await file.close();
    }
  } catch {
    // It may be executable but not readable.
    return null;
  }
}

async function whyMissing({ bin, environment }: ProgramQuery): Promise<string> {
  const lacking = missingPosix(`"${bin}" as a provider`);
  if (lacking !== null) return lacking;
  if (!bin.includes("/"))
    return `there is no program "${bin}" on PATH (${environment["PATH"] || "which is empty"})`;
  let isLink: boolean;
  try {
    isLink = (await lstat(bin)).isSymbolicLink();
  } catch (error) {
    return `${bin} is not there (${errorCode(error) ?? "unknown"})`;
  }
  const target = await stat(bin).catch(() => null);
  if (target === null) return isLink ? `${bin} is a broken link` : `${bin} cannot be inspected`;
  return target.isFile() ? `${bin} may not be executed` : `${bin} is not a file`;
}
