// What signs of an OpenClaw are read from: files and folders that others fill. Bounded, no FIFO is waited for, and what cannot be
// looked into holds no sign for us. It must never write.

import { open, readlink, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { kindIn, namesIn, readIn, readUpTo } from "../system/pinned-files.ts";
import { PathProblem, pinFile, pinFolder } from "../system/pinned-folder.ts";

const mostFileBytes = 256 * 1024;
const mostKernelBytes = 1024 * 1024;
const mostNames = 100_000;

export type SignFile = { readonly text: string; readonly owner: number };

/** Null: it cannot be read. Without `below` a link of the operator is followed: services are enabled by links. */
export async function fileOf(path: string, below?: string): Promise<SignFile | null> {
  try {
    const place =
      below === undefined
        ? await pinFile(path)
        : { folder: await pinFolder(dirname(path), { below }), name: basename(path) };
    if (place === null || place.folder === null) return null;
    try {
      const file = await readIn(place.folder, place.name, mostFileBytes);
      return file === null ? null : { text: file.bytes.toString("utf8"), owner: file.found.uid };
    } finally {
      await place.folder.close();
    }
  } catch {
    return null;
  }
}

/** Names in a folder; none where it cannot be read. */
export async function namesOf(path: string, below?: string): Promise<readonly string[]> {
  try {
    const folder = await pinFolder(path, { below });
    if (folder === null) return [];
    try {
      return await namesIn(folder, mostNames);
    } finally {
      await folder.close();
    }
  } catch {
    return [];
  }
}

/** Whether there is something under this name that is no folder: a link or a FIFO as well, which is refused by name later. */
export async function hasFile(path: string): Promise<boolean> {
  try {
    const folder = await pinFolder(dirname(path));
    if (folder === null) return false;
    try {
      const found = await kindIn(folder, basename(path));
      return found !== null && !found.isDirectory();
    } finally {
      await folder.close();
    }
  } catch (error) {
    // A link on the way that may not be followed: there is something, and whoever wants to read it says what.
    return error instanceof PathProblem;
  }
}

/** Whose a folder is; null: there is none that can be looked at. */
export async function ownerOf(path: string): Promise<{ readonly uid: number; readonly gid: number } | null> {
  try {
    const folder = await pinFolder(path);
    await folder?.close();
    return folder === null ? null : { uid: folder.found.uid, gid: folder.found.gid };
  } catch {
    return null;
  }
}

/** A file of /proc: its size is not told before, and nobody but the system makes it. */
export async function kernelText(path: string): Promise<string | null> {
  try {
    const handle = await open(path);
    try {
      return (await readUpTo(handle, mostKernelBytes)).toString("utf8");
    } finally {
      await handle.close();
    }
  } catch {
    return null;
  }
}

export const linkIn = (path: string): Promise<string | null> => readlink(path).catch(() => null);

/** Who started a process; null: a program that has rights of its own, whose variables another user may have set. */
export async function processOwner(folder: string): Promise<number | null> {
  const program = await stat(join(folder, "exe")).catch(() => null);
  if (program !== null && (program.mode & 0o6000) !== 0) return null;
  // The folder itself is root's where a process hides its memory.
  const [, real] = /^Uid:\t(\d+)/m.exec((await kernelText(join(folder, "status"))) ?? "") ?? [];
  if (real !== undefined) return Number(real);
  return (await stat(folder).catch(() => null))?.uid ?? null;
}
