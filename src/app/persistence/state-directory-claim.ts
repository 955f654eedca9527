// One gateway owns one state directory: its lock and its run.json. Both are created again if the directory is deleted. It must never
// touch what another gateway owns.

import { closeSync, constants, fchmodSync, fstatSync, mkdirSync, openSync } from "node:fs";
import { type Clock, pause } from "../../system/clock.ts";
import {
  type DirectoryLock,
  inheritedLock,
  type LockResult,
  lockDirectory,
  lockHolder,
  localOwnerPid,
} from "../../system/directory-lock.ts";
import { ensurePrivateDirectory } from "../../system/files.ts";
import type { Log } from "../../system/log.ts";
import { isAlive } from "../../system/process.ts";
import type { HealthProblem } from "../../operator/reports/health-report.ts";
import {
  readRunFile,
  removeStaleRunFile,
  removeRunFile,
  type RunFile,
  writeRunFile,
} from "../../system/state-directory.ts";

export type StateDirectoryClaim = {
  /** False: the directory was deleted, and another gateway owns the new one. */
  isHeld(): boolean;
  /** The current problems of the directory. */
  problems(): readonly HealthProblem[];
  /** Writes run.json immediately, before the first answer; a failure is logged. */
  announce(run: RunFile): void;
  /** Checks periodically whether directory and run.json still exist, and calls `onCheck`. The returned function stops it. */
  watch(onCheck: () => void): () => void;
  /** What a successor has to inherit to own the directory too; null: there is no lock. */
  lockDescriptor(): number | null;
  /** Removes our run.json, then releases the directory to the next gateway. */
  release(): Promise<void>;
};

/** The message is for the person at the terminal. */
class DirectoryInUse extends Error {
  override readonly name = "DirectoryInUse";
}

const checkMs = 2_000;
/** A gateway that has just started writes its run.json within this time. */
const runFileGraceMs = 2_000;

export type ClaimOptions = {
  readonly log: Log;
  readonly clock: Clock;
  readonly fetch?: typeof fetch;
  /** The source of the directory, in words. */
  readonly from: string;
  /** The process that hands the directory over to this one. */
  readonly predecessor?: { readonly pid: number; readonly lockDescriptor: number | null } | null;
};

/** Throws DirectoryInUse if another gateway owns it. `directory` undefined: there is none to own. */
export async function claimStateDirectory(
  directory: string | undefined,
  options: ClaimOptions,
): Promise<StateDirectoryClaim> {
  if (directory === undefined) return noClaim;
  const { log, clock } = options;
  const first = lockFrom(directory, options.predecessor);
  if (first.kind === "taken") throw new DirectoryInUse(await directoryInUseText(directory, clock));
  const lock = first.kind === "held" ? first.lock : null;
  // A gateway of a build without locks, or on a file system without them.
  const unlocked = await runningOwner(directory);
  if (
    unlocked !== null &&
    unlocked.pid !== process.pid &&
    unlocked.pid !== options.predecessor?.pid &&
    (await answers(unlocked, options.fetch ?? fetch))
  ) {
    lock?.release();
    throw new DirectoryInUse(await directoryInUseText(directory, clock));
  }
  if (first.kind === "unsupported")
    log.warn(
      "the state directory cannot be locked: a second gateway started at the same time would not be refused",
      {
        path: directory,
        detail: first.detail,
      },
    );
  // A predecessor goes on serving until this process does: its run.json is replaced, not removed.
  const staleRunFile = options.predecessor ? Promise.resolve() : removeStaleRunFile(directory);
  await staleRunFile.catch((error: unknown) =>
    log.warn("run.json of an earlier gateway cannot be removed", {
      path: directory,
      detail: errorText(error),
    }),
  );
  const held = new Claim(directory, lock, options);
  return {
    isHeld: () => held.isHeld(),
    problems: () => held.problems(),
    announce: (run) => held.announce(run),
    watch: (onCheck) => held.watch(onCheck),
    lockDescriptor: () => held.lockDescriptor(),
    release: () => held.release(),
  };
}

/** A directory that was replaced in between has another lock, which may be free. */
function lockFrom(directory: string, predecessor: ClaimOptions["predecessor"]): LockResult {
  const descriptor = predecessor?.lockDescriptor ?? null;
  const lock = descriptor === null ? null : inheritedLock(directory, descriptor);
  // Of another directory, whose next gateway it would keep out.
  if (descriptor !== null && lock === null) closeSync(descriptor);
  return lock === null ? lockDirectory(directory) : { kind: "held", lock };
}

const answerMs = 1_000;

/** Whether a gateway answers at its url. Asked without its token: another program may listen there now. */
async function answers({ url }: RunFile, ask: typeof fetch): Promise<boolean> {
  try {
    const answer = await ask(`${url}/health`, { signal: AbortSignal.timeout(answerMs), redirect: "manual" });
    const body: unknown = await answer.json();
    return typeof body === "object" && body !== null && "version" in body && "providers" in body;
  } catch {
    // Nothing listens there, or another program does.
    return false;
  }
}

class Claim implements StateDirectoryClaim {
  private readonly place: string;
  private lock: DirectoryLock | null;
  private run: RunFile | null = null;
  private isLost = false;
  /** Why state is kept in memory. */
  private lostTo: string | null = null;
  private runFileError: string | null = null;
  private lastError: string | null = null;

  constructor(
    private readonly directory: string,
    private readonly first: DirectoryLock | null,
    private readonly options: ClaimOptions,
  ) {
    this.place = `${directory} (from ${options.from})`;
    this.lock = first;
  }

  // Where locks are impossible, none can be lost.
  isHeld(): boolean {
    return this.first === null || this.lock?.isInPlace() === true || this.reclaim();
  }

  problems(): readonly HealthProblem[] {
    const { lostTo, runFileError } = this;
    return [
      ...(lostTo === null ? [] : [{ id: "state.holder", message: `state is kept in memory: ${lostTo}` }]),
      ...(runFileError === null
        ? []
        : [
            {
              id: "state.run-file",
              message: `commands do not find this gateway: run.json could not be written in ${this.place}: ${runFileError}`,
            },
          ]),
    ];
  }

  announce(announced: RunFile): void {
    this.run = announced;
    this.writeRun();
  }

  watch(onCheck: () => void): () => void {
    let isOver = false;
    let cancel: () => void;
    const again = (): void => {
      if (!isOver) cancel = this.options.clock.setTimer(checkMs, step);
    };
    const step = (): void => {
      void this.check()
        .then(
          () => (this.lastError = null),
          (error: unknown) => this.warnOnce(error),
        )
        .then(onCheck)
        .finally(again);
    };
    again();
    return () => {
      isOver = true;
      cancel();
    };
  }

  lockDescriptor(): number | null {
    return this.lock?.descriptor ?? null;
  }

  async release(): Promise<void> {
    // A running check must not write it again.
    const ended = this.run;
    this.run = null;
    try {
      if (ended !== null && !this.isLost) await removeRunFile(this.directory, ended);
    } finally {
      this.lock?.release();
    }
  }

  private async check(): Promise<void> {
    if (!this.isHeld()) return;
    await ensurePrivateDirectory(this.directory);
    const { run } = this;
    if (run === null) return;
    const found = await readRunFile(this.directory);
    // While we hold the lock, only our own run.json is valid.
    if (found === null || (this.lock !== null && found.token !== run.token)) this.writeRun();
  }

  /** Creates the directory again if it was deleted, and owns it unless another gateway was first. */
  private reclaim(): boolean {
    const { directory } = this;
    this.lock?.release();
    this.lock = null;
    this.lostTo = null;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      makePrivate(directory);
      const again = lockDirectory(directory);
      if (again.kind !== "held") return this.lost(`another gateway owns ${this.place}`, null);
      this.lock = again.lock;
      this.options.log.warn("the state directory was deleted or replaced: created again", {
        path: directory,
      });
      this.isLost = false;
      return true;
    } catch (error) {
      const detail = errorText(error);
      return this.lost(`${this.place} is gone and cannot be created again: ${detail}`, detail);
    }
  }

  /** `detail` null: another gateway owns the directory. */
  private lost(why: string, detail: string | null): false {
    const { log } = this.options;
    const path = this.directory;
    this.lostTo = why;
    if (!this.isLost && detail !== null)
      log.warn("the state directory is gone and cannot be created again: state is kept in memory", {
        path,
        detail,
      });
    else if (!this.isLost)
      log.error("the state directory was replaced, and another gateway owns it: state is kept in memory", {
        path,
      });
    this.isLost = true;
    return false;
  }

  private writeRun(): void {
    if (this.run === null) return;
    try {
      writeRunFile(this.directory, this.run);
      this.runFileError = null;
    } catch (error) {
      // Logged once, not with every check.
      if (this.runFileError !== null) return;
      this.runFileError = errorText(error);
      this.options.log.warn(
        "run.json could not be written: commands do not find this gateway, and its write routes need auth.admin_key. Free space in the state directory and restart",
        { path: this.directory, from: this.options.from, detail: this.runFileError },
      );
    }
  }

  /** Logs a problem once, and again if it changes. */
  private warnOnce(error: unknown): void {
    const detail = errorText(error);
    if (this.lastError !== detail)
      this.options.log.warn("the state directory cannot be used as intended", {
        path: this.directory,
        detail,
      });
    this.lastError = detail;
  }
}

const noClaim: StateDirectoryClaim = {
  isHeld: () => true,
  problems: () => [],
  announce: () => undefined,
  watch: () => () => undefined,
  lockDescriptor: () => null,
  release: () => Promise.resolve(),
};

/** The owner, in words. A gateway that is starting gets a moment to write its run.json. */
async function directoryInUseText(directory: string, clock: Clock): Promise<string> {
  const endMs = clock.monotonicMs() + runFileGraceMs;
  let run = await runningOwner(directory);
  while (run === null && clock.monotonicMs() < endMs) {
    await pause(clock, 50);
    run = await runningOwner(directory);
  }
  // Still no visible process: it may run in a container, where process numbers differ.
  run ??= await readRunFile(directory).catch(() => null);
  const pid = run === null ? lockHolder(directory) : localOwnerPid(directory, run.pid);
  const who = [
    pid === null ? "a process that has not announced itself" : `process ${pid}`,
    ...(run === null ? [] : [`listening at ${run.url}`]),
    ...(run?.startedAt === undefined ? [] : [`since ${run.startedAt}`]),
  ].join(", ");
  return `another gateway owns the state directory ${directory}: ${who}. One state directory has one gateway: stop that one ("clawgate stop"), or set CLAWGATE_STATE_DIR to a folder of its own for this one.`;
}

/** Not a killed one whose run.json the new owner has not removed yet. */
async function runningOwner(directory: string): Promise<RunFile | null> {
  const run = await readRunFile(directory).catch(() => null);
  return run !== null && isAlive(run.pid) ? run : null;
}

/** As at the start: closes a folder of ours that others may read. Throws if it is not a folder or belongs to another user. */
function makePrivate(directory: string): void {
  // There a folder belongs to its user by where it lies, and cannot be opened.
  if (process.platform === "win32") return;
  const folder = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const { uid, mode } = fstatSync(folder);
    if (uid !== process.getuid?.()) throw new Error("what is there now belongs to another user");
    if ((mode & 0o077) !== 0) fchmodSync(folder, 0o700);
  } finally {
    closeSync(folder);
  }
}

const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));
