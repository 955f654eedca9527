// Free space of the file system below a path, and how little of it counts as a problem.

import { statfs } from "node:fs/promises";

/** A day's records, or one large answer, use this much. */
export const minFreeBytes = 64 * 1024 * 1024;

/** `hasNames` false: no more files can be created. Null: the system does not report it. */
export async function freeSpaceAt(path: string): Promise<{ free: number; hasNames: boolean } | null> {
  try {
    const { bavail, bsize, blocks, files, ffree } = await statfs(path);
    // File systems without a disk, and some that a program mounts, report no blocks.
    if (blocks === 0) return null;
    // Some file systems report no files at all.
    return { free: bavail * bsize, hasNames: files === 0 || ffree > 0 };
  } catch {
    return null;
  }
}

export const megabytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(bytes < 10_485_760 ? 1 : 0);
