// Reads the files and folders in which signs of an OpenClaw are found, and which others control. Bounded, never blocked by a FIFO; what
// cannot be read contains no sign. It must never write.

import { open, readlink, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { statIn, listNamesIn, readFileIn, readUpTo } from "../system/folder-files.ts";
import { PathProblem, openFileFolder, openFolder } from "../system/folder-handle.ts";

const maxFileBytes = 256 * 1024;
const maxKernelBytes = 1024 * 1024;
const maxNames = 100_000;

export type OwnedText = { readonly text: string; readonly owner: number };

/** Null: it cannot be read. Without `below`, a link of the operator is followed: services are enabled by links. */
export async function readOwnedText(path: string, below?: string): Promise<OwnedText | null> {
  try {
    const place =
      below === undefined
        ? await openFileFolder(path)
        : { folder: await openFolder(dirname(path), { below }), name: basename(path) };
    if (place === null || place.folder === null) return null;
    try {
      const file = await readFileIn(place.folder, place.name, maxFileBytes);
      return file === null ? null : { text: file.bytes.toString("utf8"), owner: file.stats.uid };
    } finally {
      await place.folder.close();
    }
  } catch {
    return null;
  }
}

/** Names in a folder; none if it cannot be read. */
export async function listNames(path: string, below?: string): Promise<readonly string[]> {
  try {
    const folder = await openFolder(path, { below });
    if (folder === null) return [];
    try {
      return await listNamesIn(folder, maxNames);
    } finally {
      await folder.close();
    }
  } catch {
    return [];
  }
}

/** Whether this name exists and is not a folder: also a link or a FIFO, which is refused by name later. */
export async function hasFile(path: string): Promise<boolean> {
  try {
    const folder = await openFolder(dirname(path));
    if (folder === null) return false;
    try {
      const found = await statIn(folder, basename(path));
      return found !== null && !found.isDirectory();
    } finally {
      await folder.close();
    }
  } catch (error) {
    // A link on the way that must not be followed: something exists, and reading it will report what.
    return error instanceof PathProblem;
  }
}

/** The owner of a folder; null: there is none that can be read. */
export async function ownerOf(path: string): Promise<{ readonly uid: number; readonly gid: number } | null> {
  try {
    const folder = await openFolder(path);
    await folder?.close();
    return folder === null ? null : { uid: folder.stats.uid, gid: folder.stats.gid };
  } catch {
    return null;
  }
}

/** A file of /proc: it does not report its size, and only the system creates it. */
export async function readKernelFile(path: string): Promise<string | null> {
  try {
    const handle = await open(path);
    try {
      return (await readUpTo(handle, maxKernelBytes)).toString("utf8");
    } finally {
      await handle.close();
    }
  } catch {
    return null;
  }
}

export const linkTarget = (path: string): Promise<string | null> => readlink(path).catch(() => null);

/** The user who started a process; null: a program with its own rights, whose variables another user may have set. */
export async function processOwner(folder: string): Promise<number | null> {
  const program = await stat(join(folder, "exe")).catch(() => null);
  if (program !== null && (program.mode & 0o6000) !== 0) return null;
  // The folder itself belongs to root if a process hides its memory.
  const [, real] = /^Uid:\t(\d+)/m.exec((await readKernelFile(join(folder, "status"))) ?? "") ?? [];
  if (real !== undefined) return Number(real);
  return (await stat(folder).catch(() => null))?.uid ?? null;
}
