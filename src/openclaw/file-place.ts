// Where an instance's files are read and replaced: on this disk, or inside a container through `docker cp` and `docker exec`,
// arguments as they are. It must never follow a link inside a container, nor write a file there in place.

import { chown, mkdir, rm, stat } from "node:fs/promises";
import { dirname, posix } from "node:path";
import { errorCode, readTextIfExists, replaceFile } from "../system/files.ts";
import type { BinaryResult } from "../system/process.ts";
import type { DockerForSkills } from "./skill-container.ts";
import { readTar, type TarEntry, writeTar } from "./skill-tar.ts";

export type FilePlace = {
  /** Null: there is no such file. Throws FileProblem, and the system's errors. */
  read(path: string): Promise<string | null>;
  /** Whole or not at all; owner and mode stay, a new file is its folder's owner's alone. Throws FileProblem. */
  replace(path: string, text: string): Promise<void>;
  remove(path: string): Promise<void>;
};

/** Its message is for the person at the terminal. */
export class FileProblem extends Error {
  override readonly name = "FileProblem";
}

/** Null stands for this machine. */
export type PlaceOf = (container: string | null) => FilePlace;

export const hostPlace: FilePlace = {
  read: readTextIfExists,
  async replace(path, text) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const isNew = (await readTextIfExists(path)) === null;
    await replaceFile(path, text);
    if (isNew) await giveToFolderOwner(path);
  },
  remove: (path) => rm(path, { force: true }),
};

/** A file made by root in somebody's folder (a container's mount) would be closed to whoever lives there. */
async function giveToFolderOwner(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(dirname(path));
  await chown(path, uid, gid);
}

const mostBytes = 24 * 1024 * 1024;
const copyMs = 20_000;
const execMs = 15_000;
const wordsBytes = 64 * 1024;

export function containerPlace(container: string, docker: DockerForSkills): FilePlace {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/.test(container))
    throw new FileProblem(`"${container}" is no name of a container`);
  const named = (path: string): string => `${container}:${path}`;

  const entryAt = async (path: string): Promise<TarEntry | null> => {
    const limits = { timeoutMs: copyMs, maxOutputBytes: mostBytes };
    const said = await docker(["cp", named(path), "-"], limits);
    if (said.code !== 0) {
      if (/could not find the file|no such file/i.test(said.stderr)) return null;
      throw new FileProblem(`${named(path)}: ${wordsOf(said)}`);
    }
    if (said.wasCut) throw new FileProblem(`${named(path)} is larger than ${mostBytes / 1024 / 1024} MB`);
    const [entry, ...others] = archiveOf(named(path), said.stdoutBytes);
    if (entry === undefined || others.length > 0 || entry.kind !== "file")
      throw new FileProblem(`${named(path)} is a link or no file`);
    return entry;
  };
  const exec = async (args: readonly string[]): Promise<string> => {
    const limits = { timeoutMs: execMs, maxOutputBytes: wordsBytes };
    const said = await docker(["exec", container, ...args], limits);
    if (said.code !== 0) throw new FileProblem(`${container}: ${wordsOf(said)}`);
    return Buffer.from(said.stdoutBytes).toString("utf8").trim();
  };
  const ownerOfFolder = async (folder: string) => {
    const [, uid, gid] = /^(\d+) (\d+)$/.exec(await exec(["stat", "-c", "%u %g", "--", folder])) ?? [];
    if (uid === undefined || gid === undefined)
      throw new FileProblem(`${named(folder)}: its owner is not known`);
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
      // One name for ever: what a killed run left is replaced by the next one.
      const name = `.${posix.basename(path)}.clawgate.tmp`;
      const fresh = posix.join(folder, name);
      const file = { path: name, mode: mode & 0o7777, bytes: Buffer.from(text) };
      try {
        const limits = { timeoutMs: copyMs, maxOutputBytes: wordsBytes };
        const sent = await docker(["cp", "-", named(folder)], {
          ...limits,
          input: writeTar([file], uid, gid),
        });
        if (sent.code !== 0) throw new FileProblem(`${container}: ${wordsOf(sent)}`);
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

function archiveOf(label: string, bytes: Uint8Array): readonly TarEntry[] {
  try {
    return readTar(bytes);
  } catch (error) {
    throw new FileProblem(`${label}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function wordsOf({ code, stderr, timedOut }: BinaryResult): string {
  if (timedOut) return "docker did not answer in time";
  const line = stderr.trim().split("\n").at(-1) ?? "";
  return line === "" ? `docker ended with ${code ?? "a signal"}` : line.slice(0, 300);
}

/** In words, for a person: the system's code where there is one. */
export function reasonOf(error: unknown): string {
  return errorCode(error) ?? (error instanceof Error ? error.message : String(error));
}
