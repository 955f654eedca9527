// Files in an open folder: read within bounds, replaced by write-sync-rename, removed; owners and modes set by descriptor. It must
// never follow a link, wait for a FIFO, open a device, or leave a half-written file under its final name.

import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import type { Stats } from "node:fs";
import { type FileHandle, open, readdir, rename, rm, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { PathProblem, openChildFolder, type FolderHandle, openEntry } from "./folder-handle.ts";

export type RegularFile = { readonly bytes: Buffer; readonly stats: Stats };

/** The entry with this name; null: none. */
export async function statIn(folder: FolderHandle, name: string): Promise<Stats | null> {
  const place = await openEntry(folder, name);
  await place?.close();
  return place?.stats ?? null;
}

/** Null: there is no such file. Throws PathProblem for a link, for anything but a regular file, and above `most` bytes. */
export async function readFileIn(
  folder: FolderHandle,
  name: string,
  most: number,
): Promise<RegularFile | null> {
  const place = await openEntry(folder, name);
  if (place === null) return null;
  const shown = join(folder.displayPath, name);
  try {
    assertRegularFile(folder, place.stats, shown);
    if (place.stats.size > most) throw tooLarge(shown, most);
    await folder.assertUnchanged();
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    const handle =
      place.path === null
        ? await open(join(folder.path, name), flags | constants.O_NOFOLLOW)
        : await open(place.path, flags);
    try {
      const stats = await handle.stat();
      if (stats.ino !== place.stats.ino || stats.dev !== place.stats.dev)
        throw new PathProblem(`${shown} changed while it was being read`);
      const bytes = await readUpTo(handle, most + 1);
      // It grew in the meantime.
      if (bytes.length > most) throw tooLarge(shown, most);
      return { bytes, stats };
    } finally {
      await handle.close();
    }
  } finally {
    await place.close();
  }
}

const tooLarge = (shown: string, most: number): PathProblem =>
  new PathProblem(
    `${shown} is larger than ${most >= 1024 * 1024 ? `${most / 1024 / 1024} MB` : `${most} bytes`}`,
  );

/** The first bytes, whatever size the system reports: that of a file in /proc is 0. */
export async function readUpTo(handle: FileHandle, most: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let length = 0; length < most;) {
    const piece = Buffer.allocUnsafe(Math.min(64 * 1024, most - length));
    const { bytesRead } = await handle.read(piece, 0, piece.length, null);
    if (bytesRead === 0) break;
    pieces.push(piece.subarray(0, bytesRead));
    length += bytesRead;
  }
  return Buffer.concat(pieces);
}

function assertRegularFile(folder: FolderHandle, found: Stats, shown: string): void {
  if (found.isSymbolicLink())
    throw new PathProblem(
      `${shown} is a link, and links are not followed here: replace it with a regular file`,
    );
  if (!found.isFile()) throw new PathProblem(`${shown} is not a regular file`);
  // The folder's owner may have created a hard link to another user's file in it.
  if (found.nlink > 1 && found.uid !== folder.stats.uid)
    throw new PathProblem(`${shown} is a hard link owned by user ${found.uid}: replace it with a copy`);
}

export type ReplaceInOptions = {
  /** Exact mode of the new file; default: the old file's, or 0600 if there was none. */
  readonly mode?: number | undefined;
  /** Keeps the old file as `<name>.bak`, or with this ending, with its owner and mode. */
  readonly keepOld?: boolean | string | undefined;
  /** As root: the owner of a file that did not exist before. Default: ours. */
  readonly newOwner?: "ours" | "folder" | undefined;
};

/** Owner and mode stay as they were. Throws PathProblem if the name is a link or not a regular file. */
export async function replaceFileIn(
  folder: FolderHandle,
  name: string,
  data: string | Uint8Array,
  { mode, keepOld = false, newOwner = "ours" }: ReplaceInOptions = {},
): Promise<void> {
  const old = await statIn(folder, name);
  if (old !== null) assertRegularFile(folder, old, join(folder.displayPath, name));
  const owner = old ?? (newOwner === "folder" ? folder.stats : null);
  const fresh = await writeTemporary(folder, name, {
    data,
    owner,
    mode: mode ?? (old === null ? 0o600 : old.mode & 0o777),
  });
  try {
    if (old !== null && keepOld !== false)
      await keepCopy(folder, `${name}${keepOld === true ? ".bak" : keepOld}`, name);
    await folder.assertUnchanged();
    await rename(fresh, join(folder.path, name));
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
  await folder.sync();
}

async function keepCopy(folder: FolderHandle, keptName: string, name: string): Promise<void> {
  const old = await readFileIn(folder, name, Number.MAX_SAFE_INTEGER - 1);
  if (old === null) return;
  const { bytes: data, stats: owner } = old;
  const fresh = await writeTemporary(folder, keptName, { data, owner, mode: owner.mode & 0o777 });
  // A link that another user put there is replaced, not written through.
  await rename(fresh, join(folder.path, keptName)).catch(async (error: unknown) => {
    await rm(fresh, { force: true });
    throw error;
  });
}

type NewFile = {
  readonly data: string | Uint8Array;
  readonly owner: Stats | null;
  readonly mode: number;
};

/** A new, synced file with an unpredictable name; returns its path. */
async function writeTemporary(
  folder: FolderHandle,
  name: string,
  { data, owner, mode }: NewFile,
): Promise<string> {
  const fresh = join(folder.path, `.${name}.${randomBytes(6).toString("hex")}.tmp`);
  await folder.assertUnchanged();
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const file = await open(fresh, flags, 0o600);
    try {
      await file.writeFile(data);
      // The owner first: changing the owner clears mode bits.
      const isGroups = owner === null || (await changeOwner(file, owner));
      await file.chmod(isGroups ? mode : mode & 0o707);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(fresh, { force: true });
    throw withPath(error, join(folder.displayPath, name));
  }
  return fresh;
}

/** For a full disk the system does not name the place. */
function withPath(error: unknown, path: string): unknown {
  if (error instanceof Error && !error.message.includes(path)) error.message += `: ${path}`;
  return error;
}

/** False: the group could not be set, so another group would get its permissions. */
async function changeOwner(file: FileHandle, { uid, gid }: Stats): Promise<boolean> {
  const now = await file.stat();
  if (now.uid === uid && now.gid === gid) return true;
  try {
    await file.chown(process.geteuid?.() === 0 ? uid : now.uid, gid);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EPERM") return false;
    throw error;
  }
}

/** A link itself is removed, never its target; a missing name is not an error. */
export async function removeFileIn(folder: FolderHandle, name: string): Promise<void> {
  await folder.assertUnchanged();
  await unlink(join(folder.path, name)).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}

/** Names in the folder, sorted. Throws PathProblem if there are more than `most`. */
export async function listNamesIn(folder: FolderHandle, most: number): Promise<readonly string[]> {
  const tooMany = new PathProblem(`${folder.displayPath} holds more than ${most} entries`);
  // The folder's own size is checked before its entries are read into memory: 4 KB is the minimum, and a name has 255 bytes at most.
  if (folder.stats.size > 4096 + most * 280) throw tooMany;
  const names = await readdir(`${folder.path}/.`);
  if (names.length > most) throw tooMany;
  return names.toSorted();
}

const deepestTree = 64;

/** Removes the entry with this name, folders with all their content; links themselves, never their targets. */
export async function removeTreeIn(folder: FolderHandle, name: string, depth = 0): Promise<void> {
  const found = await statIn(folder, name);
  if (found === null) return;
  if (!found.isDirectory()) return removeFileIn(folder, name);
  if (depth >= deepestTree)
    throw new PathProblem(
      `${join(folder.displayPath, name)} is nested too deeply to be removed here: remove it by hand`,
    );
  const inner = await openChildFolder(folder, name);
  if (inner === null) return;
  try {
    for (const each of await readdir(`${inner.path}/.`)) await removeTreeIn(inner, each, depth + 1);
  } finally {
    await inner.close();
  }
  await folder.assertUnchanged();
  await rmdir(join(folder.path, name)).catch(ignoreMissing);
}
