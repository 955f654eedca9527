// Files that must survive a crash during a write, and directories that only their owner may access.
// It must never leave a half-written file under its final name.

import { chmod, lstat, readFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { statIn, replaceFileIn, type ReplaceInOptions } from "./folder-files.ts";
import { openChildFolder, openFileFolder, type FolderHandle, openFolder } from "./folder-handle.ts";

export type ReplaceOptions = Pick<ReplaceInOptions, "mode" | "keepOld">;

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

/**
 * Writes next to the target, syncs, renames over it, syncs the directory. A symbolic link stays one, and its target is replaced,
 * if the link is the operator's own; throws PathProblem if another user could have set it.
 */
export async function replaceFile(
  path: string,
  data: string | Uint8Array,
  options: ReplaceOptions = {},
): Promise<void> {
  const place = await openFileFolder(path);
  if (place === null)
    throw Object.assign(new Error(`ENOENT: there is no folder for ${path}`), { code: "ENOENT" });
  try {
    await replaceFileIn(place.folder, place.name, data, options);
  } finally {
    await place.folder.close();
  }
}

/**
 * Creates `path` with mode 0700, or makes an existing one private. Throws if it is a link or another user's. Links above it
 * are followed if they are the operator's own.
 */
export async function ensurePrivateDirectory(path: string): Promise<void> {
  // Called for requests too: a folder that is already private costs one check.
  const now = await nullIfMissing(lstat(path));
  if (now?.isDirectory() === true && now.uid === process.getuid?.() && (now.mode & 0o077) === 0) return;
  const whole = resolve(path);
  const parent = await openFolder(dirname(whole), { make: 0o700 });
  if (parent === null) throw new Error(`${path} was removed while it was being created.`);
  try {
    const kind = await statIn(parent, basename(whole));
    if (kind !== null && !kind.isDirectory())
      throw new Error(`${path} is not a plain directory; it may not be a symbolic link.`);
    const folder = await openChildFolder(parent, basename(whole), { mode: 0o700, owner: "ours" });
    if (folder === null) throw new Error(`${path} was removed while it was being created.`);
    await makePrivate(folder, path).finally(() => folder.close());
  } finally {
    await parent.close();
  }
}

async function makePrivate(folder: FolderHandle, path: string): Promise<void> {
  const { uid, mode } = folder.stats;
  const user = process.getuid?.();
  if (user !== undefined && uid !== user)
    throw new Error(`${path} belongs to another user (${uid}, not ${user}).`);
  if ((mode & 0o077) !== 0) await chmod(`${folder.path}/.`, 0o700);
}

/** UTF-8 text of a file, or null if there is none. */
export function readTextIfExists(path: string): Promise<string | null> {
  return nullIfMissing(readFile(path, "utf8"));
}
