// The config file on disk: read within bounds, replaced as a whole, with the last versions kept next to it. A link is followed if it is
// the operator's own; a half-written file is never left under its name.

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, rename } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../../system/files.ts";
import { readFileIn, removeFileIn, replaceFileIn, statIn } from "../../system/folder-files.ts";
import { type FileInFolder, openFileFolder, PathProblem } from "../../system/folder-handle.ts";
import { backupName, maxBackups, undoneName } from "../../system/kept-versions.ts";
import { Conflict } from "../conflict.ts";

export type FileText = { readonly text: string; readonly etag: string };

/** About 1,500 tenants. What a reload of more than that takes would delay requests. */
export const maxConfigBytes = 256 * 1024;

/** Throws Conflict: it cannot be read, is too large, or is no text. */
export function readConfigFile(path: string): Promise<FileText> {
  return withFolder(path, "read", ({ folder, name }) => textIn(folder, name));
}

/** Why it could not be replaced; null: it can. */
export async function writeProblem(path: string): Promise<string | null> {
  try {
    return await withFolder(path, "written", async ({ folder, name }) => {
      const marked = await readOnlyReason({ folder, name });
      if (marked !== null) return notPossible(path, "written", marked).message;
      await access(folder.path, constants.W_OK | constants.X_OK);
      return null;
    });
  } catch (thrown) {
    if (thrown instanceof Conflict) return thrown.message;
    throw thrown;
  }
}

/** Replaces the text that has this etag and keeps the old one. Throws Conflict. */
export function replaceConfigFile(path: string, text: string, expected: string): Promise<FileText> {
  return withFolder(path, "written", async (place) => {
    const { folder, name } = place;
    await refuseReadOnly(path, place);
    refuseChanged(await textIn(folder, name), expected);
    await makeRoom(place);
    await replaceFileIn(folder, name, text, { keepOld: true });
    return textIn(folder, name);
  });
}

/** The newest version that was kept; null: none. */
export function readBackup(path: string): Promise<FileText | null> {
  return withFolder(path, "read", async ({ folder, name }) => {
    const newest = await newestBackup({ folder, name });
    return newest === null ? null : textIn(folder, backupName(name, newest));
  });
}

export function countBackups(path: string): Promise<number> {
  return withFolder(path, "read", async ({ folder, name }) => {
    let count = 0;
    for (let at = 1; at <= maxBackups; at++)
      if ((await statIn(folder, backupName(name, at))) !== null) count += 1;
    return count;
  });
}

/** Makes the newest kept version the file again; what it replaces stays as `<name>.undone`. Throws Conflict. */
export function restoreBackup(path: string, expected: string): Promise<FileText> {
  return withFolder(path, "written", async (place) => {
    const { folder, name } = place;
    await refuseReadOnly(path, place);
    const now = await textIn(folder, name);
    refuseChanged(now, expected);
    const newest = await newestBackup(place);
    if (newest === null) throw noBackup();
    const { text } = await textIn(folder, backupName(name, newest));
    await replaceFileIn(folder, undoneName(name), now.text);
    await replaceFileIn(folder, name, text);
    await removeFileIn(folder, backupName(name, newest));
    for (let at = newest + 1; at <= maxBackups; at++)
      await renameIn(place, backupName(name, at), backupName(name, at - newest));
    return textIn(folder, name);
  });
}

export const noBackup = (): Conflict =>
  new Conflict(409, "no_backup", "There is no earlier version of the config file to go back to.");

async function newestBackup({ folder, name }: FileInFolder): Promise<number | null> {
  for (let at = 1; at <= maxBackups; at++)
    if ((await statIn(folder, backupName(name, at))) !== null) return at;
  return null;
}

/** Replacing a file needs no right to write it: whoever took that right away has a reason. */
async function readOnlyReason({ folder, name }: FileInFolder): Promise<string | null> {
  const found = await statIn(folder, name);
  if (found === null) return null;
  if (!found.isFile()) return "it is not a regular file";
  return (found.mode & 0o222) === 0 ? "it is marked read-only (chmod u+w makes it writable)" : null;
}

async function refuseReadOnly(path: string, place: FileInFolder): Promise<void> {
  const reason = await readOnlyReason(place);
  if (reason !== null) throw notPossible(path, "written", reason);
}

/** Moves the kept versions up, as far as the first gap: a write that failed has left one, and must cost no version. */
async function makeRoom(place: FileInFolder): Promise<void> {
  const { folder, name } = place;
  let gap = 1;
  while (gap < maxBackups && (await statIn(folder, backupName(name, gap))) !== null) gap += 1;
  for (let at = gap - 1; at >= 1; at--) await renameIn(place, backupName(name, at), backupName(name, at + 1));
}

async function renameIn({ folder }: FileInFolder, from: string, to: string): Promise<void> {
  await folder.assertUnchanged();
  await rename(join(folder.path, from), join(folder.path, to)).catch((error: unknown) => {
    if (errorCode(error) !== "ENOENT") throw error;
  });
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

async function textIn(folder: FileInFolder["folder"], name: string): Promise<FileText> {
  const file = await readFileIn(folder, name, maxConfigBytes);
  if (file === null) throw new Conflict(409, "config_unreadable", "The config file is gone.");
  const etag = `"${createHash("sha256").update(file.bytes).digest("hex").slice(0, 32)}"`;
  try {
    return { text: utf8.decode(file.bytes), etag };
  } catch {
    throw new Conflict(
      409,
      "config_unreadable",
      "The config file is not UTF-8 text; it can only be edited by hand.",
    );
  }
}

/** Throws Conflict. */
export function refuseChanged({ etag }: FileText, expected: string): void {
  if (etag !== expected)
    throw new Conflict(
      412,
      "config_changed",
      "The config file was changed by somebody else in the meantime; nothing was written. Load it again.",
    );
}

/** The errors of the file system become a Conflict that says what to do. */
async function withFolder<T>(
  path: string,
  verb: "read" | "written",
  work: (place: FileInFolder) => Promise<T>,
): Promise<T> {
  const refused = (why: string): Conflict => notPossible(path, verb, why);
  let place: FileInFolder | null = null;
  try {
    place = await openFileFolder(path);
    if (place === null) throw refused("its folder is gone");
    return await work(place);
  } catch (thrown) {
    if (thrown instanceof Conflict) throw thrown;
    if (thrown instanceof PathProblem) throw refused(thrown.message);
    const code = errorCode(thrown);
    if (code === null) throw thrown;
    throw refused(reasons[code] ?? code);
  } finally {
    await place?.folder.close();
  }
}

const notPossible = (path: string, verb: "read" | "written", why: string): Conflict =>
  new Conflict(
    409,
    verb === "read" ? "config_unreadable" : "config_not_writable",
    `The config file ${path} cannot be ${verb}: ${why}.`,
  );

const reasons: Readonly<Record<string, string>> = {
  EROFS: "the file system is read-only",
  EACCES: "the gateway's user has no right to do so",
  EPERM: "the gateway's user has no right to do so",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EBUSY: "it is mounted as a single file, which cannot be replaced; mount its folder instead",
  EXDEV: "it is mounted as a single file, which cannot be replaced; mount its folder instead",
  EISDIR: "it is a folder",
};
