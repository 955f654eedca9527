// One command at a time at a folder of ours. A lock whose process is gone is none.

import { randomBytes } from "node:crypto";
import { link, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, readTextIfExists } from "../system/files.ts";
import { isAlive } from "../system/process.ts";

/** Its message is for the person at the terminal. */
export class LockProblem extends Error {
  override readonly name = "LockProblem";
}

/** Throws LockProblem while another living process holds it. Returns what gives it back. */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "lock");
  // With its process in it from the first moment: an empty lock would look like a dead one's.
  const own = join(folder, `.lock-${randomBytes(6).toString("hex")}`);
  await writeFile(own, String(process.pid), { mode: 0o600, flag: "wx" });
  try {
    for (let isRetry = false; ; isRetry = true) {
      try {
        await link(own, path);
        return () => rm(path, { force: true });
      } catch (error) {
        if (errorCode(error) !== "EEXIST") throw error;
        const holder = Number(await readTextIfExists(path));
        const isHeld = Number.isSafeInteger(holder) && holder > 0 && isAlive(holder);
        if (isHeld || isRetry)
          throw new LockProblem(
            `another command (process ${holder}) is at work on ${folder}; try again when it has ended`,
          );
        await rm(path, { force: true });
      }
    }
  } finally {
    await rm(own, { force: true });
  }
}
