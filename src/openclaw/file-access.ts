// Reads and replaces an instance's files: on this disk, through folders held open, or inside a container through `docker cp` and
// `docker exec`, with literal arguments. It must never follow a link that another user can have set, nor write a file in place.

import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { basename, dirname, posix } from "node:path";
import { errorCode } from "../system/files.ts";
import { statIn, readFileIn, removeFileIn, replaceFileIn } from "../system/folder-files.ts";
import { PathProblem, openFileFolder, openFolder, type FileInFolder } from "../system/folder-handle.ts";
import type { BinaryResult } from "../system/process.ts";
import type { DockerForSkills } from "./skill-container.ts";
import { readTar, type TarEntry, writeTar } from "./skill-tar.ts";

export type FileAccess = {
  /** Null: there is no such file. Throws FileProblem, PathProblem, and the system's errors. */
  read(path: string): Promise<string | null>;
  /** Replaces the whole file or nothing; owner and mode stay, a new file is readable only by its folder's owner. Throws FileProblem, PathProblem. */
  replace(path: string, text: string): Promise<void>;
  remove(path: string): Promise<void>;
};

/** The message is for the person at the terminal. */
export class FileProblem extends Error {
  override readonly name = "FileProblem";
}

/** The gateway's own config, or one of an instance's two files. */
export type FileKind = "config" | "openclaw" | "env";

export type LocatedFile = {
  /** The container that the path is in; absent or null: on this machine. */
  readonly container?: string | null;
  readonly kind: FileKind;
  /** The folder below which no link is followed. Absent or null: the file's own folder, so that the file must not be a link. */
  readonly below?: string | null;
};

export type FileAccessFor = (file: LocatedFile) => FileAccess;

/** Limit for an instance's file: its user decides its size, and each byte costs time to parse as JSON5. */
const maxBytes = 1024 * 1024;
const maxOwnBytes = 16 * 1024 * 1024;
/** An archive of one file. */
const maxArchiveBytes = maxBytes + 64 * 1024;

/** The file, and every folder below `below`, must not be links. */
function accessBelow(below: string | null): FileAccess {
  return accessThrough(maxBytes, async (path, make) => {
    const folder = await openFolder(dirname(path), { below: below ?? undefined, make });
    return folder === null ? null : { folder, name: basename(path) };
  });
}

/** The operator's own file: a link of the operator stays, and its target is read and replaced. */
const linkedFileAccess: FileAccess = accessThrough(maxOwnBytes, async (path, make) => {
  const found = await openFileFolder(path);
  if (found !== null || make === undefined) return found;
  const folder = await openFolder(dirname(path), { make });
  return folder === null ? null : { folder, name: basename(path) };
});

function accessThrough(
  most: number,
  find: (path: string, make?: number) => Promise<FileInFolder | null>,
): FileAccess {
  const within = async <T>(
    found: FileInFolder | null,
    work: (file: FileInFolder) => Promise<T>,
  ): Promise<T | null> => {
    if (found === null) return null;
    try {
      return await work(found);
    } finally {
      await found.folder.close();
    }
  };
  return {
    async read(path) {
      const file = await within(await find(path), ({ folder, name }) => readFileIn(folder, name, most));
      return file === null ? null : file.bytes.toString("utf8");
    },
    async replace(path, text) {
      await within(await find(path, 0o700), ({ folder, name }) =>
        // A folder made by root in a user's folder (a container's mount) would be closed to that user.
        replaceFileIn(folder, name, text, { newOwner: "folder" }),
      );
    },
    async remove(path) {
      await within(await find(path), ({ folder, name }) => removeFileIn(folder, name));
    },
  };
}

export function hostFileAccessFor({ kind, below }: LocatedFile): FileAccess {
  return kind === "config" ? linkedFileAccess : accessBelow(below ?? null);
}

/** Whether we may replace the file here without changing its owner. Throws PathProblem. */
export async function mayReplaceHere(path: string, below: string | null): Promise<boolean> {
  const user = process.geteuid?.();
  const isOurs = ({ uid }: { readonly uid: number }): boolean =>
    user === undefined || user === 0 || uid === user;
  try {
    const folder = await openFolder(dirname(path), { below: below ?? undefined });
    if (folder === null) return false;
    try {
      await access(`${folder.path}/.`, constants.R_OK | constants.W_OK | constants.X_OK);
      const file = await statIn(folder, basename(path));
      return isOurs(folder.stats) && (file === null || isOurs(file));
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (error instanceof PathProblem) throw error;
    return false;
  }
}

const copyMs = 20_000;
const execMs = 15_000;
const maxMessageBytes = 64 * 1024;

export function containerFileAccess(container: string, docker: DockerForSkills): FileAccess {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/.test(container))
    throw new FileProblem(`"${container}" is not a valid container name`);
  const named = (path: string): string => `${container}:${path}`;

  const entryAt = async (path: string): Promise<TarEntry | null> => {
    const limits = { timeoutMs: copyMs, maxOutputBytes: maxArchiveBytes };
    const said = await docker(["cp", named(path), "-"], limits);
    if (said.code !== 0) {
      if (/could not find the file|no such file/i.test(said.stderr)) return null;
      throw new FileProblem(`${named(path)}: ${errorTextOf(said)}`);
    }
    if (said.wasCut) throw new FileProblem(`${named(path)} is larger than ${maxBytes / 1024 / 1024} MB`);
    const [entry, ...others] = await archiveOf(named(path), said.stdoutBytes);
    if (entry === undefined || others.length > 0 || entry.kind !== "file")
      throw new FileProblem(`${named(path)} is a link or not a file`);
    return entry;
  };
  const exec = async (args: readonly string[]): Promise<string> => {
    const limits = { timeoutMs: execMs, maxOutputBytes: maxMessageBytes };
    const said = await docker(["exec", container, ...args], limits);
    if (said.code !== 0) throw new FileProblem(`${container}: ${errorTextOf(said)}`);
    return Buffer.from(said.stdoutBytes).toString("utf8").trim();
  };
  const ownerOfFolder = async (folder: string) => {
    const [, uid, gid] = /^(\d+) (\d+)$/.exec(await exec(["stat", "-c", "%u %g", "--", folder])) ?? [];
    if (uid === undefined || gid === undefined)
      throw new FileProblem(`${named(folder)}: its owner is unknown`);
    // Larger than a field of the archive allows.
    if (Math.max(Number(uid), Number(gid)) > 0o7777777)
      throw new FileProblem(`${named(folder)}: its owner's user id is too large`);
    return { uid: Number(uid), gid: Number(gid), mode: 0o600 };
  };

  return {
    async read(path) {
      const entry = await entryAt(path);
      return entry === null ? null : Buffer.from(entry.bytes).toString("utf8");
    },
    async replace(path, text) {
      const folder = posix.dirname(path);
      const old = await entryAt(path);
      const { uid, gid, mode } = old ?? (await ownerOfFolder(folder));
      // Always the same name: the leftover of a killed run is replaced by the next one.
      const name = `.${posix.basename(path)}.clawgate.tmp`;
      const fresh = posix.join(folder, name);
      const file = { path: name, mode: mode & 0o777, bytes: Buffer.from(text) };
      try {
        const limits = { timeoutMs: copyMs, maxOutputBytes: maxMessageBytes };
        const sent = await docker(["cp", "-", named(folder)], {
          ...limits,
          input: await writeTar([file], uid, gid),
        });
        if (sent.code !== 0) throw new FileProblem(`${container}: ${errorTextOf(sent)}`);
        await exec(["sync", "--", fresh]);
        await exec(["mv", "-f", "--", fresh, path]);
      } catch (error) {
        await exec(["rm", "-f", "--", fresh]).catch(() => undefined);
        throw error;
      }
    },
    async remove(path) {
      await exec(["rm", "-f", "--", path]);
    },
  };
}

async function archiveOf(label: string, bytes: Uint8Array): Promise<readonly TarEntry[]> {
  try {
    return await readTar(bytes);
  } catch (error) {
    throw new FileProblem(`${label}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function errorTextOf({ code, stderr, timedOut }: BinaryResult): string {
  if (timedOut) return "docker did not answer in time";
  const line = stderr.trim().split("\n").at(-1) ?? "";
  return line === "" ? `docker exited with ${code ?? "a signal"}` : line.slice(0, 300);
}

/** In words, for a person: the system's code if there is one. */
export function reasonOf(error: unknown): string {
  if (error instanceof PathProblem) return error.message;
  return errorCode(error) ?? (error instanceof Error ? error.message : String(error));
}
