// Sockets of other programs in the folders that a jail shows: each must be covered, because a read-only folder does not
// prevent connecting. It must never open one, nor search a whole tree: it runs at each start.

import { lstat, readdir, readFile, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isWithin } from "./path-policy.ts";
import { systemFolders } from "./system-folders.ts";

export type SocketQuery = {
  readonly writable: readonly string[];
  readonly readable: readonly string[];
  /** The user that the program runs as. */
  readonly uid: number;
};

/** A socket answers any process that sees its folder, even read-only: sockets of other programs are covered. */
export async function socketsIn(query: SocketQuery): Promise<readonly string[]> {
  const folders = [...query.writable, ...query.readable, ...systemFolders];
  const table = await readFile("/proc/net/unix", "utf8").catch(() => "");
  const found = new Set<string>();
  const places = await Promise.all(
    folders.map(async (folder) => [folder, await realpath(folder).catch(() => folder)] as const),
  );
  for (const line of table.split("\n")) {
    const name = /^(?:\S+\s+){6}\s*\d+\s+(\S.*)$/.exec(line)?.[1];
    if (name === undefined || name.startsWith("@")) continue;
    // For a socket bound by a relative path, only its name is known.
    const paths = name.startsWith("/")
      ? [name, join(await realpath(dirname(name)).catch(() => dirname(name)), basename(name))]
      : folders.map((folder) => join(folder, name));
    for (const path of paths)
      for (const [folder, real] of places) {
        if (isWithin(path, folder)) found.add(path);
        else if (isWithin(path, real)) found.add(join(folder, path.slice(real.length)));
      }
  }
  for (const path of await unlistedSockets(query)) found.add(path);
  const there = await Promise.all(
    [...found].map(async (path) =>
      (await lstat(path).catch(() => null))?.isSocket() === true ? [path] : [],
    ),
  );
  return there.flat();
}

/** A folder with more entries than this is not a place for sockets. */
const maxLookedAt = 1_000;

/**
 * The table covers only this network namespace: neither a container's socket in a shared folder nor a mounted one. Sockets
 * that the program's own user made in writable folders are left, because they may belong to another jail of the same
 * owner.
 */
async function unlistedSockets({ writable, readable, uid }: SocketQuery): Promise<readonly string[]> {
  const mounts = await readFile("/proc/self/mountinfo", "utf8").catch(() => "");
  const mounted = mounts.split("\n").flatMap((line) => {
    const point = line
      .split(" ")[4]
      ?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    const isShown = [...writable, ...readable, ...systemFolders].some((folder) =>
      isWithin(point ?? "", folder),
    );
    return point !== undefined && isShown ? [point] : [];
  });
  const [open, closed] = await Promise.all([socketsBelow(writable), socketsBelow(readable)]);
  const ofOthers = await Promise.all(
    open.map(async (path) => ((await lstat(path).catch(() => null))?.uid === uid ? [] : [path])),
  );
  return [...mounted, ...closed, ...ofOthers.flat()];
}

/** In the folders and their direct subfolders. */
async function socketsBelow(folders: readonly string[]): Promise<readonly string[]> {
  const entriesOf = async (folder: string) =>
    (await readdir(folder, { withFileTypes: true }).catch(() => [])).slice(0, maxLookedAt);
  const found = await Promise.all(
    folders.map(async (folder) => {
      const entries = await entriesOf(folder);
      const inner = entries.filter((each) => each.isDirectory()).slice(0, maxLookedAt / 10);
      const below = await Promise.all(inner.map(({ name }) => entriesOf(join(folder, name))));
      return [...entries, ...below.flat()].filter((each) => each.isSocket());
    }),
  );
  return found.flat().map(({ parentPath, name }) => join(parentPath, name));
}
