// One gateway has one state directory: its lock, its run.json, and both made again where somebody took the directory away.
// It must never touch what another gateway holds.

import { closeSync, constants, fchmodSync, fstatSync, mkdirSync, openSync } from "node:fs";
import { type Clock, pause } from "../system/clock.ts";
import { type DirectoryLock, lockDirectory, lockHolder, localOwnerPid } from "../system/directory-lock.ts";
import { ensurePrivateDirectory } from "../system/files.ts";
import type { Log } from "../system/log.ts";
import { isAlive } from "../system/process.ts";
import type { HealthProblem } from "../operator/reports/health-report.ts";
import {
  readRunFile,
  removeStaleRunFile,
  removeRunFile,
  type RunFile,
  writeRunFile,
} from "../system/state-directory.ts";

export type StateDirectoryClaim = {
  /** False: the directory has gone, and another gateway has the one that lies there now. */
  isHeld(): boolean;
  /** What is wrong with the directory just now. */
  problems(): readonly HealthProblem[];
  /** Writes run.json at once, so that it stands before anybody is answered; where it cannot be written, that is said. */
  announce(run: RunFile): void;
  /** Looks from time to time whether directory and run.json are still there, and calls `look`. The answer ends it. */
  watch(look: () => void): () => void;
  /** Removes our run.json, then lets the next gateway in. */
  release(): Promise<void>;
};

/** Its message is for the person at the terminal. */
export class DirectoryInUse extends Error {
  override readonly name = "DirectoryInUse";
}

const checkMs = 2_000;
/** A gateway that has just begun says who it is within this. */
const introductionMs = 2_000;

export type ClaimOptions = {
  readonly log: Log;
  readonly clock: Clock;
  readonly fetch?: typeof fetch;
  /** What named the directory, in words. */
  readonly from: string;
};

/** Throws DirectoryInUse where another gateway has it. `directory` undefined: there is none to hold. */
export async function claimStateDirectory(
  directory: string | undefined,
  options: ClaimOptions,
): Promise<StateDirectoryClaim> {
  if (directory === undefined) return noClaim;
  const { log, clock } = options;
  const first = lockDirectory(directory);
  if (first.kind === "taken") throw new DirectoryInUse(await directoryInUseText(directory, clock));
  const lock = first.kind === "held" ? first.lock : null;
  // One of a build that knew no lock, or where there can be none.
  const unlocked = await runningOwner(directory);
  if (
    unlocked !== null &&
    unlocked.pid !== process.pid &&
    (await answers(unlocked, options.fetch ?? fetch))
  ) {
    lock?.release();
    throw new DirectoryInUse(await directoryInUseText(directory, clock));
  }
  if (first.kind === "unsupported")
    log.warn(
      "the state directory cannot be locked: nothing keeps a second gateway out that starts together with this one",
      {
        path: directory,
        detail: first.detail,
      },
    );
  await removeStaleRunFile(directory).catch((error: unknown) =>
    log.warn("run.json of an earlier gateway cannot be removed", {
      path: directory,
      detail: errorText(error),
    }),
  );
  return createClaim(directory, lock, options);
}

const answerMs = 1_000;

/** Is a gateway where it says? Without its token: somebody else may have its place by now. */
async function answers({ url }: RunFile, ask: typeof fetch): Promise<boolean> {
  try {
    const answer = await ask(`${url}/health`, { signal: AbortSignal.timeout(answerMs), redirect: "manual" });
    const body: unknown = await answer.json();
    return typeof body === "object" && body !== null && "version" in body && "providers" in body;
  } catch {
    // Nobody there, or nobody of ours.
    return false;
  }
}

function createClaim(
  directory: string,
  held: DirectoryLock | null,
  options: ClaimOptions,
): StateDirectoryClaim {
  const { log, clock, from } = options;
  const place = `${directory} (from ${from})`;
  let lock = held;
  let run: RunFile | null = null;
  let isLost = false;
  /** Why state is kept in memory. */
  let lostTo: string | null = null;
  let runFileError: string | null = null;
  let lastError: string | null = null;

  /** In place of a directory that was deleted there is a new one, of which we are the first owner, or not. */
  const reclaim = (): boolean => {
    lock?.release();
    lock = null;
    lostTo = null;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      makePrivate(directory);
      const again = lockDirectory(directory);
      if (again.kind === "held") {
        lock = again.lock;
        log.warn("the state directory was deleted or replaced: made again", { path: directory });
        isLost = false;
        return true;
      }
    } catch (error) {
      const detail = errorText(error);
      if (!isLost)
        log.warn("the state directory is gone and cannot be made again: state is kept in memory", {
          path: directory,
          detail,
        });
      lostTo = `${place} is gone and cannot be made again: ${detail}`;
      isLost = true;
      return false;
    }
    lostTo = `another gateway has ${place}`;
    if (!isLost)
      log.error("the state directory was replaced, and another gateway has it: state is kept in memory", {
        path: directory,
      });
    isLost = true;
    return false;
  };

  // Where there can be no lock, there is nothing that could be lost.
  const isHeld = (): boolean => held === null || lock?.isInPlace() === true || reclaim();

  const announce = (): void => {
    if (run === null) return;
    try {
      writeRunFile(directory, run);
      runFileError = null;
    } catch (error) {
      // Once, not with every look.
      if (runFileError !== null) return;
      runFileError = errorText(error);
      log.warn(
        "run.json could not be written: commands do not find this gateway, and its write routes need auth.admin_key. Make room in the state directory and start again",
        { path: directory, from, detail: runFileError },
      );
    }
  };

  /** Once, and again when it is another one. */
  const warnOnce = (error: unknown): void => {
    const detail = errorText(error);
    if (lastError !== detail)
      log.warn("the state directory cannot be used as it should", { path: directory, detail });
    lastError = detail;
  };

  const check = async (): Promise<void> => {
    if (!isHeld()) return;
    await ensurePrivateDirectory(directory);
    if (run === null) return;
    const found = await readRunFile(directory);
    // With the lock nobody else's can be right.
    if (found === null || (lock !== null && found.token !== run.token)) announce();
  };

  return {
    isHeld,
    problems: () => [
      ...(lostTo === null ? [] : [{ id: "state.holder", message: `state is kept in memory: ${lostTo}` }]),
      ...(runFileError === null
        ? []
        : [
            {
              id: "state.run-file",
              message: `commands do not find this gateway: run.json could not be written in ${place}: ${runFileError}`,
            },
          ]),
    ],
    announce(announced) {
      run = announced;
      announce();
    },
    watch(look) {
      let isOver = false;
      let cancel: () => void;
      const again = (): void => {
        if (!isOver) cancel = clock.setTimer(checkMs, step);
      };
      const step = (): void => {
        void check()
          .then(() => (lastError = null), warnOnce)
          .then(look)
          .finally(again);
      };
      again();
      return () => {
        isOver = true;
        cancel();
      };
    },
    async release() {
      // A look that is under way must not write it again.
      const ended = run;
      run = null;
      try {
        if (ended !== null && !isLost) await removeRunFile(directory, ended);
      } finally {
        lock?.release();
      }
    },
  };
}

const noClaim: StateDirectoryClaim = {
  isHeld: () => true,
  problems: () => [],
  announce: () => undefined,
  watch: () => () => undefined,
  release: () => Promise.resolve(),
};

/** Who has it, in words. One that is starting is given a moment to say so. */
async function directoryInUseText(directory: string, clock: Clock): Promise<string> {
  const endMs = clock.monotonicMs() + introductionMs;
  let run = await runningOwner(directory);
  while (run === null && clock.monotonicMs() < endMs) {
    await pause(clock, 50);
    run = await runningOwner(directory);
  }
  // Still none whose process can be seen: it may be in a container of its own, where numbers are other ones.
  run ??= await readRunFile(directory).catch(() => null);
  const pid = run === null ? lockHolder(directory) : localOwnerPid(directory, run.pid);
  const who = [
    pid === null ? "a process that has not said who it is" : `process ${pid}`,
    ...(run === null ? [] : [`listening at ${run.url}`]),
    ...(run?.startedAt === undefined ? [] : [`since ${run.startedAt}`]),
  ].join(", ");
  return `another gateway has the state directory ${directory}: ${who}. One state directory has one gateway: stop that one ("clawgate stop"), or set CLAWGATE_STATE_DIR to a folder of its own for this one.`;
}

/** Not one that was killed and whose run.json the new owner has not yet removed. */
async function runningOwner(directory: string): Promise<RunFile | null> {
  const run = await readRunFile(directory).catch(() => null);
  return run !== null && isAlive(run.pid) ? run : null;
}

/** As at the start: a folder of ours that others may look into is closed to them. Throws where it is none, or somebody else's. */
function makePrivate(directory: string): void {
  const folder = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const { uid, mode } = fstatSync(folder);
    if (uid !== process.getuid?.()) throw new Error("what lies there now belongs to another user");
    if ((mode & 0o077) !== 0) fchmodSync(folder, 0o700);
  } finally {
    closeSync(folder);
  }
}

const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));
