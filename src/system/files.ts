// Files that must survive a crash in mid-write, and directories that nobody else may look into.
// It must never leave a half-written file under its final name.

import { randomBytes } from "node:crypto";
import { chmod, copyFile, lstat, mkdir, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

export type ReplaceOptions = {
  /** Exact mode of the new file; default: the old file's, and 0600 where there was none. */
  readonly mode?: number;
  /** Keeps what was there as `<path>.bak`. */
  readonly keepOld?: boolean;
};

export function errorCode(error: unknown): string | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

async function nullIfMissing<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw error;
  }
}

/** Writes beside the target, syncs, renames over it, syncs the directory. A symbolic link stays one: its target is replaced. */
export async function replaceFile(
  path: string,
  data: string | Uint8Array,
  options: ReplaceOptions = {},
): Promise<void> {
  const target = (await nullIfMissing(realpath(path))) ?? path;
  const old = await nullIfMissing(stat(target));
  const directory = dirname(target);
  const temporary = join(directory, `.${basename(target)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(data);
      // The owner first: a change of owner clears mode bits.
      if (old !== null && process.getuid?.() === 0) await file.chown(old.uid, old.gid);
      await file.chmod(options.mode ?? (old === null ? 0o600 : old.mode & 0o7777));
      await file.sync();
    } finally {
      await file.close();
    }
    if (old !== null && options.keepOld === true) await keepCopy(target);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(directory);
}

async function keepCopy(target: string): Promise<void> {
  const kept = `${target}.bak`;
  // Removed first: copying INTO a link that somebody put there would write elsewhere.
  await rm(kept, { force: true });
  await copyFile(target, kept);
  await chmod(kept, (await stat(target)).mode & 0o7777);
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } catch (error) {
    // Some network and container file systems cannot sync a directory; the rename itself is done.
    if (errorCode(error) !== "EINVAL" && errorCode(error) !== "ENOTSUP") throw error;
  } finally {
    await handle.close();
  }
}

/** Creates `path` with mode 0700, or makes an existing one private. Throws where it is a link or somebody else's. */
export async function ensurePrivateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const found = await lstat(path);
  if (found.isSymbolicLink() || !found.isDirectory())
    throw new Error(`${path} is not a plain directory; it may not be a symbolic link.`);
  const user = process.getuid?.();
  if (user !== undefined && found.uid !== user)
    throw new Error(`${path} belongs to another user (${found.uid}, not ${user}).`);
  if ((found.mode & 0o077) !== 0) await chmod(path, 0o700);
}

/** UTF-8 text of a file, or null when there is none. */
export function readTextIfExists(path: string): Promise<string | null> {
  return nullIfMissing(readFile(path, "utf8"));
}
