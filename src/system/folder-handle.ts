// Folders held open and reached one component at a time, without following a link that another user may have made. On Linux their
// content is reached through the open folder itself, so that replacing it by a link cannot make us read or write elsewhere.
// It must never open a link below a given root, nor a path that was only checked.

import { constants } from "node:fs";
import type { Stats } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, readlink } from "node:fs/promises";
import { basename, join, parse, resolve, sep } from "node:path";

/** The message is for the person at the terminal: it names the path and says what to do. */
export class PathProblem extends Error {
  override readonly name = "PathProblem";
}

export type FolderHandle = {
  /** Valid for paths below it until it is closed. */
  readonly path: string;
  /** The path as the user knows it. */
  readonly displayPath: string;
  /** The path without links. */
  readonly realPath: string;
  /** As of its opening. */
  readonly stats: Stats;
  /** Throws PathProblem if the path no longer leads to it: except on Linux, only the path identifies it. */
  assertUnchanged(): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
};

export type OpenFolderOptions = {
  /**
   * The folder up to which paths are the operator's (a container's mount, a state directory): below it no link is followed,
   * whoever made it. Default: the folder itself.
   */
  readonly below?: string | undefined;
  /** Mode of missing folders that are created; they get the owner of their parent. */
  readonly make?: number | undefined;
};

const isLinux = process.platform === "linux";
/** Windows opens no folder: there it is known by its path alone, and compared before each change. */
const isWindows = process.platform === "win32";
/** Not in Node's constants. Linux: a path without its content, so that neither a FIFO nor a device is ever opened. macOS: no link anywhere in the path. */
const O_PATH = 0o10000000;
const O_NOFOLLOW_ANY = process.platform === "darwin" ? 0x2000_0000 : 0;
const maxLinks = 20;

const currentUser = (): number | undefined => process.geteuid?.();
const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException | null)?.code;

/** Null: there is no such folder. Throws PathProblem. */
export async function openFolder(
  path: string,
  options: OpenFolderOptions = {},
): Promise<FolderHandle | null> {
  const whole = plainPath(path);
  const root = plainPath(options.below ?? whole);
  const prefix = root.endsWith(sep) ? root : `${root}${sep}`;
  if (whole !== root && !whole.startsWith(prefix)) throw new PathProblem(`${whole} is not below ${root}`);
  const rest = whole.slice(prefix.length);
  let folder = await openRoot(root, options.make);
  for (const name of partsOf(rest)) {
    if (folder === null) return null;
    const parent: FolderHandle = folder;
    try {
      folder = await openChildFolder(parent, name, options.make);
    } finally {
      await parent.close();
    }
  }
  return folder;
}

/** How a missing folder is created; as root it gets its parent's owner, or stays ours. */
export type FolderCreation = { readonly mode: number; readonly owner: "parent" | "ours" };

/** A folder in a folder; null: there is none. Throws PathProblem if it is a link, or not a folder. */
export async function openChildFolder(
  folder: FolderHandle,
  name: string,
  make?: number | FolderCreation,
): Promise<FolderHandle | null> {
  const place = await openEntry(folder, name);
  if (place === null) {
    if (make === undefined) return null;
    return createFolderIn(folder, name, typeof make === "number" ? { mode: make, owner: "parent" } : make);
  }
  if (place.stats.isDirectory()) return folderOfEntry(place, folder, name);
  await place.close();
  const shown = join(folder.displayPath, name);
  throw new PathProblem(
    place.stats.isSymbolicLink() ? linkMessage(shown, "folder") : `${shown} is not a folder`,
  );
}

/** A name in a folder, held so that it cannot be swapped and never blocks. Linux: an open path; elsewhere the result of lstat. */
export type EntryHandle = { readonly path: string | null; readonly stats: Stats; close(): Promise<void> };

/** Null: nothing has this name. */
export async function openEntry(
  folder: Pick<FolderHandle, "path">,
  name: string,
): Promise<EntryHandle | null> {
  const path = join(folder.path, name);
  try {
    if (!isLinux) return { path: null, stats: await lstat(path), close: () => Promise.resolve() };
    const handle = await open(path, O_PATH | constants.O_NOFOLLOW);
    return {
      path: `/proc/self/fd/${handle.fd}`,
      stats: await statOrClose(handle),
      close: () => handle.close(),
    };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

export type FileInFolder = { readonly folder: FolderHandle; readonly name: string };

/**
 * The folder that contains a file, and its name there: links on the way, and the file itself if it is one, are followed if they
 * are the operator's own. Null: there is no such folder. Throws PathProblem.
 */
export async function openFileFolder(path: string): Promise<FileInFolder | null> {
  let wanted = plainPath(path);
  for (let links = 0; ; links++) {
    const name = basename(wanted);
    const folder = await openFolder(resolve(wanted, ".."));
    if (folder === null) return null;
    const target = await targetIn(folder, name).catch(async (error: unknown) => {
      await folder.close();
      throw error;
    });
    if (target === null) return { folder, name };
    await folder.close();
    if (links === maxLinks) throw new PathProblem(`${path} leads through too many links`);
    wanted = resolve(folder.realPath, target);
  }
}

/** Characters that no path of ours contains: they would end it early, or separate it in a list. */
function plainPath(path: string): string {
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(path)) throw new PathProblem("a path contains a control character");
  return resolve(path);
}

const partsOf = (path: string): readonly string[] => path.split(sep).filter((part) => part !== "");

const linkMessage = (shown: string, what: string): string =>
  `${shown} is a link, and links are not followed here: replace it with a ${what === "file" ? "regular file" : what}`;

/** Follows links of the operator, and of root, in folders that are theirs: any other user could choose the target of a link. */
async function openRoot(root: string, make: number | undefined): Promise<FolderHandle | null> {
  let wanted = root;
  for (let links = 0; links <= maxLinks; links++) {
    const at = await openUntilLink(wanted, make);
    if (!("target" in at)) return at.folder;
    wanted = at.target;
  }
  throw new PathProblem(`${root} leads through too many links`);
}

type WalkResult = { readonly folder: FolderHandle | null } | { readonly target: string };

async function openUntilLink(wanted: string, make: number | undefined): Promise<WalkResult> {
  const top = parse(wanted).root;
  const names = partsOf(wanted.slice(top.length));
  let folder = isWindows ? await openDrive(top) : await openFileSystemRoot();
  for (const [at, name] of names.entries()) {
    let next: FolderHandle | null;
    try {
      const target = await targetIn(folder, name);
      if (target !== null)
        return { target: resolve(folder.realPath, target, names.slice(at + 1).join(sep) || ".") };
      next = await openChildFolder(folder, name, make);
    } finally {
      await folder.close();
    }
    if (next === null) return { folder: null };
    folder = next;
  }
  return { folder };
}

/** The target of a link that may be followed; null: it is not a link. Throws PathProblem if it may not be followed. */
async function targetIn(folder: FolderHandle, name: string): Promise<string | null> {
  const place = await openEntry(folder, name);
  if (place === null) return null;
  await place.close();
  const { stats } = place;
  if (!stats.isSymbolicLink()) return null;
  const shown = join(folder.displayPath, name);
  const isOurs = ({ uid }: Stats): boolean =>
    uid === 0 || uid === currentUser() || currentUser() === undefined;
  if (!isOurs(folder.stats) || !isOurs(stats))
    throw new PathProblem(
      `${linkMessage(shown, "folder or file")} (${isOurs(stats) ? "its folder" : "it"} belongs to user ${isOurs(stats) ? folder.stats.uid : stats.uid})`,
    );
  const target = await readlink(join(folder.path, name));
  const again = await openEntry(folder, name);
  await again?.close();
  if (again === null || again.stats.ino !== stats.ino || again.stats.ctimeMs !== stats.ctimeMs)
    throw new PathProblem(`${shown} changed while it was being read`);
  return target;
}

async function openDrive(path: string): Promise<FolderHandle> {
  const place = { path: null, stats: await lstat(path), close: () => Promise.resolve() };
  return handleOfPath(path, place, path, path);
}

async function openFileSystemRoot(): Promise<FolderHandle> {
  const handle = await open(
    "/",
    (isLinux ? O_PATH : constants.O_RDONLY) | constants.O_DIRECTORY | constants.O_NOFOLLOW,
  );
  const found = await statOrClose(handle);
  const top = handleOfDescriptor(handle, "/", "/", found);
  // Without /proc everything would seem to be missing, and would be created again.
  const seen = await lstat(`${top.path}/.`).catch(() => null);
  if (seen?.ino === found.ino && seen.dev === found.dev) return top;
  await handle.close();
  throw new PathProblem("/proc is not mounted: folders cannot be opened safely without it");
}

async function statOrClose(handle: FileHandle): Promise<Stats> {
  try {
    return await handle.stat();
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Opens the folder behind the path. */
async function folderOfEntry(place: EntryHandle, folder: FolderHandle, name: string): Promise<FolderHandle> {
  const [displayPath, realPath] = [join(folder.displayPath, name), join(folder.realPath, name)];
  if (place.path !== null) return handleOfPath(place.path, place, displayPath, realPath);
  if (isWindows) return handleOfPath(realPath, place, displayPath, realPath);
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_NOFOLLOW_ANY;
  const handle = await open(realPath, flags).catch((error: unknown) => {
    // A folder with search but no read permission: compared later with the result of lstat.
    if (codeOf(error) === "EACCES") return null;
    throw error;
  });
  if (handle === null) return handleOfPath(realPath, place, displayPath, realPath);
  const found = await statOrClose(handle);
  if (found.ino === place.stats.ino && found.dev === place.stats.dev)
    return handleOfDescriptor(handle, displayPath, realPath, found);
  await handle.close();
  throw new PathProblem(`${displayPath} changed while it was being read`);
}

function handleOfDescriptor(handle: FileHandle, shown: string, real: string, stats: Stats): FolderHandle {
  const path = isLinux ? `/proc/self/fd/${handle.fd}` : real;
  return handleOfPath(path, { path, stats, close: () => handle.close() }, shown, real);
}

function handleOfPath(path: string, place: EntryHandle, displayPath: string, realPath: string): FolderHandle {
  const { stats } = place;
  return {
    path,
    displayPath,
    realPath,
    stats,
    async assertUnchanged() {
      if (isLinux) return;
      const now = await lstat(realPath).catch(() => null);
      if (now?.ino !== stats.ino || now.dev !== stats.dev)
        throw new PathProblem(`${displayPath} was replaced in the meantime`);
    },
    async sync() {
      if (isWindows) return;
      try {
        const handle = await open(`${path}/.`, constants.O_RDONLY | constants.O_DIRECTORY);
        try {
          await handle.sync();
        } finally {
          await handle.close();
        }
      } catch (error) {
        // Some network and container file systems cannot sync a folder, and a folder may be unreadable: the rename is done all the
        // same.
        if (!["EINVAL", "ENOTSUP", "EACCES"].includes(String(codeOf(error)))) throw error;
      }
    },
    close: () => place.close(),
  };
}

/** People know a folder by its name, not by our descriptor. */
function withDisplayPath(error: unknown, { path, displayPath }: FolderHandle): unknown {
  if (error instanceof Error)
    error.message = error.message.replace(`'${path}/`, `'${join(displayPath, "/")}`);
  return error;
}

/** A new folder; its owner is set by descriptor. */
async function createFolderIn(
  folder: FolderHandle,
  name: string,
  { mode, owner }: FolderCreation,
): Promise<FolderHandle | null> {
  await folder.assertUnchanged();
  let isNew = true;
  try {
    await mkdir(join(folder.path, name), { mode });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw withDisplayPath(error, folder);
    isNew = false;
  }
  const made = await openChildFolder(folder, name);
  const { uid, gid } = folder.stats;
  if (made === null || !isNew || currentUser() !== 0 || uid === 0 || owner === "ours") return made;
  const handle = await open(
    `${made.path}/.`,
    constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW,
  );
  try {
    // The owner of the folder may have put another one there since: only one as new as ours is given away.
    if (made.stats.uid !== 0 || (await readdir(`${made.path}/.`)).length > 0)
      throw new PathProblem(`${made.displayPath} was replaced in the meantime`);
    await handle.chown(uid, gid);
    return { ...made, stats: await handle.stat() };
  } catch (error) {
    await made.close();
    throw error;
  } finally {
    await handle.close();
  }
}
