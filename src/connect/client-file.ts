// A client's config file: read whole and within bounds, replaced as a whole with the old one kept beside it. Links are followed only to
// places that are the user's, or within the project. It must never write a file that has changed since it was read.

import { lstat, readlink, realpath, rmdir } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, parse, relative, resolve, sep } from "node:path";
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
  /** Where it is, or would be; another one if there is a link on the way. */
  readonly realPath: string;
  /** Null: there is no such file. */
  readonly mode: number | null;
  /** Without a byte order mark; null: there is no such file. */
  readonly text: string | null;
  readonly hasMark: boolean;
  /** Null: there is no such file. */
  readonly hash: string | null;
};

const mark = "\uFEFF";

/** The folders that a link may lead into, and how they are called. */
export type LinkBounds = {
  readonly homes: readonly string[];
  readonly called: "your folders" | "the project";
};

/** Throws ClientFileProblem. */
export async function readClientFile(path: string, bounds: LinkBounds): Promise<ClientFile> {
  const whole = resolve(path);
  const missing = { path: whole, mode: null, text: null, hasMark: false, hash: null };
  try {
    const place = await openFileFolder(whole);
    if (place === null) {
      // The folders that are to be made may lie behind a link that leads nowhere yet.
      const realPath = await withoutLinks(whole);
      if (realPath !== whole) await refuseForeign(whole, realPath, bounds);
      return { ...missing, realPath };
    }
    const { folder, name } = place;
    try {
      const realPath = join(folder.realPath, name);
      if (realPath !== whole) await refuseForeign(whole, realPath, bounds);
      const file = await readFileIn(folder, name, maxFileBytes);
      if (file === null) return { ...missing, realPath };
      // Root may write it all the same, so the mode is what says that its owner does not want it.
      if ((file.stats.mode & 0o222) === 0)
        throw new ClientFileProblem(`${whole} is read-only: make it writable, or edit it by hand`);
      const text = decoded(whole, file.bytes);
      const hasMark = text.startsWith(mark);
      return {
        path: whole,
        realPath,
        mode: file.stats.mode & 0o777,
        text: hasMark ? text.slice(1) : text,
        hasMark,
        hash: sha256Hex(text),
      };
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

const mostLinks = 20;

/** Where a path leads, also where its end is missing. */
async function withoutLinks(path: string): Promise<string> {
  let wanted = path;
  for (let links = 0; links <= mostLinks; links++) {
    const target = await firstTarget(wanted);
    if (target === null) return wanted;
    wanted = target;
  }
  throw new ClientFileProblem(`${path} leads through too many links`);
}

/** The path with its first link replaced by what it says; null: there is none. */
async function firstTarget(path: string): Promise<string | null> {
  const top = parse(path).root;
  const names = path.slice(top.length).split(sep);
  for (const at of names.keys()) {
    const place = join(top, ...names.slice(0, at + 1));
    const found = await lstat(place).catch((error: unknown) => {
      if (errorCode(error) === "ENOENT") return null;
      throw error;
    });
    if (found === null) return null;
    if (found.isSymbolicLink())
      return resolve(dirname(place), await readlink(place), names.slice(at + 1).join(sep) || ".");
  }
  return null;
}

const isInner = (path: string): boolean =>
  !["", ".."].includes(path.split(sep)[0] ?? "") && !isAbsolute(path);

async function refuseForeign(path: string, realPath: string, { homes, called }: LinkBounds): Promise<void> {
  for (const home of homes) {
    const real = await realpath(home).catch(() => home);
    // A home folder that is itself reached by a link counts under both names.
    const inner = [real, resolve(home)].map((each) => relative(each, realPath)).find(isInner);
    // What git keeps for itself is no part of a project.
    if (inner !== undefined && !(called === "the project" && inner.split(sep).includes(".git"))) return;
  }
  const instead =
    called === "the project" ? "remove the link, or connect without --scope project" : "edit it by hand";
  throw new ClientFileProblem(
    `${path} leads by a link to ${realPath}, outside ${called}: nothing is written there; ${instead}`,
  );
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
  const bounds: LinkBounds = { homes: [dirname(file.realPath)], called: "your folders" };
  const now = await readClientFile(file.realPath, bounds);
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
