// Puts another program in the place of the installed one, by renames: at every moment there is a whole program under that name. The
// replaced one lies in the update's own folder until the new one has proven itself, and beside the program from then on.

import { chown, copyFile, link, lstat, mkdtemp, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCode } from "../system/files.ts";
import { workPrefix } from "./update-journal.ts";

/** The kept one, for `update --rollback`. */
export const previousOf = (program: string): string => `${program}.previous`;

export type ProgramSwap = {
  readonly program: string;
  /** Beside the program: only inside one file system can a rename replace it. */
  readonly work: string;
  /** The program that is to come; whoever makes the swap puts it there. */
  readonly candidate: string;
};

export const swapIn = (program: string, work: string): ProgramSwap => ({
  program,
  work,
  candidate: join(work, "clawgate"),
});

export async function prepareSwap(program: string): Promise<ProgramSwap> {
  return swapIn(program, await mkdtemp(join(dirname(program), workPrefix)));
}

const oldOf = ({ work }: ProgramSwap): string => join(work, "old");

export async function replaceProgram(swap: ProgramSwap): Promise<void> {
  await sameFile(swap.program, oldOf(swap));
  await keepOwner(swap);
  await rename(swap.candidate, swap.program);
  await syncFolder(dirname(swap.program));
}

/** Root may update the program of a user, who must still be able to replace it. */
async function keepOwner({ program, candidate }: ProgramSwap): Promise<void> {
  const { uid, gid } = await stat(program);
  if (process.getuid?.() === 0) await chown(candidate, uid, gid);
}

/** The replaced program becomes the kept one. */
export async function keepReplaced(swap: ProgramSwap): Promise<void> {
  await rename(oldOf(swap), previousOf(swap.program));
  await syncFolder(dirname(swap.program));
}

/** False: the program had not been replaced. */
export async function putBack(swap: ProgramSwap): Promise<boolean> {
  const [old, now] = [await identityOf(oldOf(swap)), await identityOf(swap.program)];
  if (old === null || old === now) return false;
  await rename(oldOf(swap), swap.program);
  await syncFolder(dirname(swap.program));
  return true;
}

export const removeWork = ({ work }: ProgramSwap): Promise<void> =>
  rm(work, { recursive: true, force: true });

/** A second name of the file; a copy where the file system has no links. */
export async function sameFile(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code === "ENOSPC" || code === "EDQUOT" || code === "ENOENT" || code === "EROFS") throw thrown;
    const part = `${to}.part`;
    await copyFile(from, part);
    await syncFolder(part);
    await rename(part, to);
  }
}

async function identityOf(path: string): Promise<string | null> {
  try {
    const { dev, ino } = await lstat(path);
    return `${dev}:${ino}`;
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT") return null;
    throw thrown;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
