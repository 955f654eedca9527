// A client's config file: read whole and within bounds, replaced as a whole with the old one kept beside it. Links are followed only to
// places that are the user's. It must never write a file that has changed since it was read.

import { realpath, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { errorCode } from "../system/files.ts";
import { readFileIn, removeFileIn, replaceFileIn } from "../system/folder-files.ts";
import { openFileFolder, openFolder, PathProblem } from "../system/folder-handle.ts";
import { sha256Hex } from "../system/secret.ts";

export const maxFileBytes = 5 * 1024 * 1024;
const backupEnding = ".clawgate-backup";

/** The message is for the person at the terminal; nothing was written. */
export class ClientFileProblem extends Error {
  override readonly name = "ClientFileProblem";
}

export type ClientFile = {
  /** As the client names it. */
  readonly path: string;
  /** Where it is; another one if the path is a link. */
  readonly realPath: string;
  /** Without a byte order mark; null: there is no such file. */
  readonly text: string | null;
  readonly hasMark: boolean;
  /** Null: there is no such file. */
  readonly hash: string | null;
};

const mark = "\uFEFF";

/** `homes`: the folders that a link may lead into. Throws ClientFileProblem. */
export async function readClientFile(path: string, homes: readonly string[]): Promise<ClientFile> {
  const whole = resolve(path);
  try {
    const place = await openFileFolder(whole);
    if (place === null) return { path: whole, realPath: whole, text: null, hasMark: false, hash: null };
    const { folder, name } = place;
    try {
      const realPath = join(folder.realPath, name);
      if (realPath !== whole) await refuseForeign(whole, realPath, homes);
      const file = await readFileIn(folder, name, maxFileBytes);
      if (file === null) return { path: whole, realPath, text: null, hasMark: false, hash: null };
      // Root may write it all the same, so the mode is what says that its owner does not want it.
      if ((file.stats.mode & 0o222) === 0)
        throw new ClientFileProblem(`${whole} is read-only: make it writable, or edit it by hand`);
      const text = decoded(whole, file.bytes);
      const hasMark = text.startsWith(mark);
      return { path: whole, realPath, text: hasMark ? text.slice(1) : text, hasMark, hash: sha256Hex(text) };
    } finally {
      await folder.close();
    }
  } catch (error) {
    throw inWords(error, whole);
  }
}

function decoded(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ClientFileProblem(`${path} is not UTF-8 text`);
  }
}

async function refuseForeign(path: string, realPath: string, homes: readonly string[]): Promise<void> {
  for (const home of homes) {
    const real = await realpath(home).catch(() => home);
    // A home folder that is itself reached by a link counts under both names.
    if (realPath.startsWith(`${real}/`) || realPath.startsWith(`${resolve(home)}/`)) return;
  }
  throw new ClientFileProblem(`${path} is a link to ${realPath}, outside your folders: edit it by hand`);
}

function inWords(error: unknown, path: string): Error {
  if (error instanceof ClientFileProblem) return error;
  if (error instanceof PathProblem) return new ClientFileProblem(error.message);
  const why: Readonly<Record<string, string>> = {
    EACCES: "you have no permission",
    EPERM: "you have no permission",
    EROFS: "its file system is read-only",
    ENOSPC: "the disk is full",
    EDQUOT: "the disk quota is used up",
    ENOTDIR: "a part of its path is not a folder",
  };
  const code = errorCode(error);
  if (code === null) return error instanceof Error ? error : new Error(String(error));
  return new ClientFileProblem(`${path} cannot be read or written: ${why[code] ?? code}`);
}

/** The folders that are missing above a file, the outermost first. */
export async function missingFolders(path: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const found = await openFolder(folder).catch((error: unknown) => {
      throw inWords(error, path);
    });
    await found?.close();
    if (found !== null || folder === dirname(folder)) return missing.toReversed();
    missing.push(folder);
  }
}

async function assertUnchanged(file: ClientFile): Promise<void> {
  const now = await readClientFile(file.realPath, [dirname(file.realPath)]);
  if (now.hash !== file.hash)
    throw new ClientFileProblem(`${file.path} changed while this was running: try again`);
}

/** `isKept`: the old file is kept beside it. Throws ClientFileProblem. */
export async function writeClientFile(file: ClientFile, text: string, isKept: boolean): Promise<void> {
  await assertUnchanged(file);
  try {
    const folder = await openFolder(dirname(file.realPath), { make: 0o700 });
    if (folder === null) throw new ClientFileProblem(`${dirname(file.realPath)} was removed`);
    try {
      await replaceFileIn(folder, basename(file.realPath), `${file.hasMark ? mark : ""}${text}`, {
        keepOld: isKept && backupEnding,
        newOwner: "folder",
      });
    } finally {
      await folder.close();
    }
  } catch (error) {
    throw inWords(error, file.path);
  }
}

/** Removes a file that connecting has made, and the folders that it has made, if nothing else is in them. */
export async function removeClientFile(file: ClientFile, folders: readonly string[]): Promise<void> {
  await assertUnchanged(file);
  await removeBeside(file.realPath, "");
  for (const folder of folders.toReversed())
    await rmdir(folder).catch((error: unknown) => {
      if (!["ENOTEMPTY", "ENOENT", "EEXIST"].includes(errorCode(error) ?? "")) throw inWords(error, folder);
    });
}

export const removeBackup = (realPath: string): Promise<void> => removeBeside(realPath, backupEnding);

async function removeBeside(realPath: string, ending: string): Promise<void> {
  const folder = await openFolder(dirname(realPath));
  if (folder === null) return;
  try {
    await removeFileIn(folder, `${basename(realPath)}${ending}`);
  } catch (error) {
    throw inWords(error, realPath);
  } finally {
    await folder.close();
  }
}
