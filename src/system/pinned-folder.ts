// Folders held open, reached one component after the other without following a link that somebody else may have made. On Linux
// what lies in one is reached through the open folder itself, so that nobody who swaps it for a link meanwhile can make us read
// or write elsewhere. It must never open a link below a root that was named, nor a path that was only checked.

import { constants } from "node:fs";
import type { Stats } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, readlink } from "node:fs/promises";
import { join, resolve } from "node:path";

/** Its message is for the person at the terminal: it names the path and says what to do. */
export class PathProblem extends Error {
  override readonly name = "PathProblem";
}

export type PinnedFolder = {
  /** Good for paths below it until it is closed. */
  readonly path: string;
  /** As a person knows it. */
  readonly shown: string;
  /** Where it lies, no link in it. */
  readonly real: string;
  /** As it was when it was opened. */
  readonly found: Stats;
  /** Throws PathProblem where the path no longer leads to it: elsewhere than on Linux a path is all there is. */
  demandSame(): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
};

export type PinOptions = {
  /**
   * The folder up to which paths are the operator's (a container's mount, a state directory): below it no link is followed,
   * whoever made it. Default: the folder itself.
   */
  readonly below?: string | undefined;
  /** Mode of the folders that are made where they are missing; they belong to whoever their parent does. */
  readonly make?: number | undefined;
};

const isLinux = process.platform === "linux";
/** Not in Node's constants. Linux: a place without its content, so that neither a FIFO nor a device is ever opened. macOS: no link anywhere in the path. */
const O_PATH = 0o10000000;
const O_NOFOLLOW_ANY = process.platform === "darwin" ? 0x2000_0000 : 0;
const mostLinks = 20;

const me = (): number | undefined => process.geteuid?.();
const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException | null)?.code;

/** Null: there is no such folder. Throws PathProblem. */
export async function pinFolder(path: string, options: PinOptions = {}): Promise<PinnedFolder | null> {
  const whole = plainPath(path);
  const root = plainPath(options.below ?? whole);
  const rest = root === "/" ? whole.slice(1) : whole.slice(root.length + 1);
  if (whole !== root && !whole.startsWith(root === "/" ? "/" : `${root}/`))
    throw new PathProblem(`${whole} does not lie below ${root}`);
  let folder = await pinRoot(root, options.make);
  for (const name of partsOf(rest)) {
    if (folder === null) return null;
    const parent: PinnedFolder = folder;
    try {
      folder = await pinChild(parent, name, options.make);
    } finally {
      await parent.close();
    }
  }
  return folder;
}

/** How a folder is made that is missing; as root it goes to its parent's owner, or stays ours. */
export type Making = { readonly mode: number; readonly owner: "parent" | "ours" };

/** A folder in a folder; null: there is none. Throws PathProblem where it is a link, or no folder. */
export async function pinChild(
  folder: PinnedFolder,
  name: string,
  make?: number | Making,
): Promise<PinnedFolder | null> {
  const place = await placeIn(folder, name);
  if (place === null) {
    if (make === undefined) return null;
    return makeIn(folder, name, typeof make === "number" ? { mode: make, owner: "parent" } : make);
  }
  if (place.found.isDirectory()) return pinned(place, folder, name);
  await place.close();
  const shown = join(folder.shown, name);
  throw new PathProblem(place.found.isSymbolicLink() ? linkWords(shown, "folder") : `${shown} is no folder`);
}

/** A name in a folder, held so that it can be neither swapped nor waited for. Linux: an open place; elsewhere what lstat said. */
export type Place = { readonly path: string | null; readonly found: Stats; close(): Promise<void> };

/** Null: there is nothing of this name. */
export async function placeIn(folder: Pick<PinnedFolder, "path">, name: string): Promise<Place | null> {
  const path = join(folder.path, name);
  try {
    if (!isLinux) return { path: null, found: await lstat(path), close: () => Promise.resolve() };
    const handle = await open(path, O_PATH | constants.O_NOFOLLOW);
    return {
      path: `/proc/self/fd/${handle.fd}`,
      found: await closedOnError(handle),
      close: () => handle.close(),
    };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

export type LinkedFile = { readonly folder: PinnedFolder; readonly name: string };

/**
 * The folder that holds a file, and its name there: links on the way and the file itself, where it is one, are followed if
 * they are the operator's own. Null: there is no such folder. Throws PathProblem.
 */
export async function pinFile(path: string): Promise<LinkedFile | null> {
  let wanted = plainPath(path);
  for (let links = 0; ; links++) {
    const name = wanted.slice(wanted.lastIndexOf("/") + 1);
    const folder = await pinFolder(resolve(wanted, ".."));
    if (folder === null) return null;
    const target = await targetIn(folder, name).catch(async (error: unknown) => {
      await folder.close();
      throw error;
    });
    if (target === null) return { folder, name };
    await folder.close();
    if (links === mostLinks) throw new PathProblem(`${path} leads through too many links`);
    wanted = resolve(folder.real, target);
  }
}

/** What no path of ours holds: it would end early, or be another one in a list. */
function plainPath(path: string): string {
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(path)) throw new PathProblem("a path holds a control character");
  return resolve(path);
}

const partsOf = (path: string): readonly string[] => path.split("/").filter((part) => part !== "");

const linkWords = (shown: string, what: string): string =>
  `${shown} is a link, and it is not followed: put a plain ${what} in its place`;

/** Follows the links of the operator, and of root, in folders that are theirs: whoever else could set one would choose the place. */
async function pinRoot(root: string, make: number | undefined): Promise<PinnedFolder | null> {
  let wanted = partsOf(root);
  for (let links = 0; links <= mostLinks; links++) {
    const at = await pinUntilLink(wanted, make);
    if (!("target" in at)) return at.folder;
    wanted = partsOf(at.target);
  }
  throw new PathProblem(`${root} leads through too many links`);
}

type Walked = { readonly folder: PinnedFolder | null } | { readonly target: string };

async function pinUntilLink(wanted: readonly string[], make: number | undefined): Promise<Walked> {
  let folder = await pinTop();
  for (const [at, name] of wanted.entries()) {
    let next: PinnedFolder | null;
    try {
      const target = await targetIn(folder, name);
      if (target !== null)
        return { target: resolve(folder.real, target, wanted.slice(at + 1).join("/") || ".") };
      next = await pinChild(folder, name, make);
    } finally {
      await folder.close();
    }
    if (next === null) return { folder: null };
    folder = next;
  }
  return { folder };
}

/** Where a link leads that may be followed; null: it is none. Throws PathProblem where it may not. */
async function targetIn(folder: PinnedFolder, name: string): Promise<string | null> {
  const place = await placeIn(folder, name);
  if (place === null) return null;
  await place.close();
  const { found } = place;
  if (!found.isSymbolicLink()) return null;
  const shown = join(folder.shown, name);
  const isOurs = ({ uid }: Stats): boolean => uid === 0 || uid === me() || me() === undefined;
  if (!isOurs(folder.found) || !isOurs(found))
    throw new PathProblem(
      `${linkWords(shown, "folder or file")} (${isOurs(found) ? "the folder it lies in" : "it"} belongs to user ${isOurs(found) ? folder.found.uid : found.uid})`,
    );
  const target = await readlink(join(folder.path, name));
  const again = await placeIn(folder, name);
  await again?.close();
  if (again === null || again.found.ino !== found.ino || again.found.ctimeMs !== found.ctimeMs)
    throw new PathProblem(`${shown} changed while it was looked at`);
  return target;
}

async function pinTop(): Promise<PinnedFolder> {
  const handle = await open(
    "/",
    (isLinux ? O_PATH : constants.O_RDONLY) | constants.O_DIRECTORY | constants.O_NOFOLLOW,
  );
  const found = await closedOnError(handle);
  const top = pinnedAt(handle, "/", "/", found);
  // Without /proc everything would seem to be missing, and be made anew.
  const seen = await lstat(`${top.path}/.`).catch(() => null);
  if (seen?.ino === found.ino && seen.dev === found.dev) return top;
  await handle.close();
  throw new PathProblem("/proc is not there: without it folders cannot be held open");
}

async function closedOnError(handle: FileHandle): Promise<Stats> {
  try {
    return await handle.stat();
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The place becomes a folder held open. */
async function pinned(place: Place, folder: PinnedFolder, name: string): Promise<PinnedFolder> {
  const [shown, real] = [join(folder.shown, name), join(folder.real, name)];
  if (place.path !== null) return pinnedThrough(place.path, place, shown, real);
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_NOFOLLOW_ANY;
  const handle = await open(real, flags).catch((error: unknown) => {
    // One that may be passed through and not read: what lstat said is held against it later.
    if (codeOf(error) === "EACCES") return null;
    throw error;
  });
  if (handle === null) return pinnedThrough(real, place, shown, real);
  const found = await closedOnError(handle);
  if (found.ino === place.found.ino && found.dev === place.found.dev)
    return pinnedAt(handle, shown, real, found);
  await handle.close();
  throw new PathProblem(`${shown} changed while it was looked at`);
}

function pinnedAt(handle: FileHandle, shown: string, real: string, found: Stats): PinnedFolder {
  const path = isLinux ? `/proc/self/fd/${handle.fd}` : real;
  return pinnedThrough(path, { path, found, close: () => handle.close() }, shown, real);
}

function pinnedThrough(path: string, place: Place, shown: string, real: string): PinnedFolder {
  const { found } = place;
  return {
    path,
    shown,
    real,
    found,
    async demandSame() {
      if (isLinux) return;
      const now = await lstat(real).catch(() => null);
      if (now?.ino !== found.ino || now.dev !== found.dev)
        throw new PathProblem(`${shown} was replaced meanwhile`);
    },
    async sync() {
      try {
        const handle = await open(`${path}/.`, constants.O_RDONLY | constants.O_DIRECTORY);
        try {
          await handle.sync();
        } finally {
          await handle.close();
        }
      } catch (error) {
        // Some network and container file systems cannot sync a folder, and one may be closed to reading: what was renamed in
        // it is renamed.
        if (!["EINVAL", "ENOTSUP", "EACCES"].includes(String(codeOf(error)))) throw error;
      }
    },
    close: () => place.close(),
  };
}

/** People know a folder by its name, not by our descriptor. */
function inShownWords(error: unknown, { path, shown }: PinnedFolder): unknown {
  if (error instanceof Error) error.message = error.message.replace(`'${path}/`, `'${join(shown, "/")}`);
  return error;
}

/** A new folder; the owner is set by its descriptor. */
async function makeIn(
  folder: PinnedFolder,
  name: string,
  { mode, owner }: Making,
): Promise<PinnedFolder | null> {
  await folder.demandSame();
  let isNew = true;
  try {
    await mkdir(join(folder.path, name), { mode });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw inShownWords(error, folder);
    isNew = false;
  }
  const made = await pinChild(folder, name);
  const { uid, gid } = folder.found;
  if (made === null || !isNew || me() !== 0 || uid === 0 || owner === "ours") return made;
  const handle = await open(
    `${made.path}/.`,
    constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW,
  );
  try {
    // Whoever owns the folder may have put another one there since: only what is as new as ours is given away.
    if (made.found.uid !== 0 || (await readdir(`${made.path}/.`)).length > 0)
      throw new PathProblem(`${made.shown} was replaced meanwhile`);
    await handle.chown(uid, gid);
    return { ...made, found: await handle.stat() };
  } catch (error) {
    await made.close();
    throw error;
  } finally {
    await handle.close();
  }
}
