// One command at a time in a folder of ours. A lock whose process is gone does not count. It must never be a link.

import { randomBytes } from "node:crypto";
import { link, open } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../system/files.ts";
import { readFileIn, removeFileIn } from "../system/folder-files.ts";
import { PathProblem, openFolder, type FolderHandle } from "../system/folder-handle.ts";
import { isAlive } from "../system/process.ts";

/** The message is for the person at the terminal. */
export class LockProblem extends Error {
  override readonly name = "LockProblem";
}

const lock = "lock";

/** `below`: no link is followed below it. Throws LockProblem while another live process holds it. Returns the release function. */
export async function lockFolder(folder: string, below?: string): Promise<() => Promise<void>> {
  const pinned = await openFolder(folder, { below, make: 0o700 });
  if (pinned === null) throw new PathProblem(`${folder} was removed in the meantime`);
  try {
    await take(pinned);
  } catch (error) {
    await pinned.close();
    throw error;
  }
  return async () => {
    try {
      await removeFileIn(pinned, lock);
    } finally {
      await pinned.close();
    }
  };
}

async function take(folder: FolderHandle): Promise<void> {
  // With its process in it from the first moment: an empty lock would look stale.
  const own = `.lock-${randomBytes(6).toString("hex")}`;
  const file = await open(join(folder.path, own), "wx", 0o600);
  try {
    await file.writeFile(String(process.pid));
    const { uid, gid } = folder.stats;
    if (process.geteuid?.() === 0) await file.chown(uid, gid);
    for (let isRetry = false; ; isRetry = true) {
      try {
        return await link(join(folder.path, own), join(folder.path, lock));
      } catch (error) {
        if (errorCode(error) !== "EEXIST") throw error;
        const held = await readFileIn(folder, lock, 64);
        const holder = Number(held?.bytes.toString("utf8"));
        const isHeld = Number.isSafeInteger(holder) && holder > 0 && isAlive(holder);
        if (isHeld || isRetry)
          throw new LockProblem(
            `another command (process ${holder}) is working in ${folder.displayPath}; try again when it has finished`,
          );
        await removeFileIn(folder, lock);
      }
    }
  } finally {
    await file.close();
    await removeFileIn(folder, own);
  }
}
