// Changes several files together: backups and a manifest first, then one replacement after another, so that a stop at any point
// loses nothing and can be undone. It must never overwrite what another program wrote in the meantime.

import { join } from "node:path";
import { ensurePrivateDirectory, replaceFile } from "../system/files.ts";
import { readFileIn, removeFileIn } from "../system/folder-files.ts";
import { openFolder } from "../system/folder-handle.ts";
import { LockProblem, lockFolder } from "./lock.ts";
import {
  FileProblem,
  hostFileAccessFor,
  type LocatedFile,
  type FileAccessFor,
  reasonOf,
} from "./file-access.ts";

export type FileChange = LocatedFile & {
  readonly path: string;
  /** Null: there is no such file yet. */
  readonly before: string | null;
  readonly after: string;
};

type Entry = LocatedFile & { readonly path: string; readonly isNew: boolean };
type Run = { readonly id: string; readonly files: readonly Entry[] };

/** This many runs can be undone one after another; older ones are deleted. */
const maxRuns = 20;
const maxKeptBytes = 64 * 1024 * 1024;

const hostAccess: FileAccessFor = hostFileAccessFor;

export function labelOfFile({ path, container }: Pick<FileChange, "path" | "container">): string {
  return container === null || container === undefined ? path : `${container}:${path}`;
}

const manifest = "manifest.json";
const keptName = (id: string, index: number, when: "before" | "after"): string => `${id}-${index}.${when}`;

/** Null: no backup has this name. Throws PathProblem. */
async function readKept(folder: string, name: string): Promise<string | null> {
  const handle = await openFolder(folder);
  if (handle === null) return null;
  try {
    return (await readFileIn(handle, name, maxKeptBytes))?.bytes.toString("utf8") ?? null;
  } finally {
    await handle.close();
  }
}

async function readRuns(folder: string): Promise<readonly Run[]> {
  const text = await readKept(folder, manifest);
  return text === null ? [] : (JSON.parse(text) as { readonly runs: readonly Run[] }).runs;
}

function writeRuns(folder: string, runs: readonly Run[]): Promise<void> {
  return replaceFile(join(folder, manifest), `${JSON.stringify({ runs }, null, 2)}\n`, { mode: 0o600 });
}

export type ApplyOptions = {
  readonly changes: readonly FileChange[];
  /** Keeps the old contents and the manifest; 0700, ours. */
  readonly folder: string;
  /** Identifies this run; no other has it. */
  readonly id: string;
  readonly accessFor?: FileAccessFor;
};

/** Two parallel runs would each write a manifest without the other's run. */
async function withLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  await ensurePrivateDirectory(folder);
  const unlock = await lockFolder(folder).catch((error: unknown) => {
    throw error instanceof LockProblem ? new FileProblem(error.message) : error;
  });
  try {
    return await work();
  } finally {
    await unlock();
  }
}

/** Writes `changes`. Throws FileProblem that names the file; files replaced before it are restored. */
export function applyChanges(applying: ApplyOptions): Promise<void> {
  return withLock(applying.folder, () => applyAlone(applying));
}

async function applyAlone(applying: ApplyOptions): Promise<void> {
  const { changes, folder, id, accessFor = hostAccess } = applying;
  for (const change of changes) await demandUnchanged(change, accessFor);
  for (const [index, { before, after }] of changes.entries()) {
    await replaceFile(join(folder, keptName(id, index, "after")), after, { mode: 0o600 });
    if (before !== null)
      await replaceFile(join(folder, keptName(id, index, "before")), before, { mode: 0o600 });
  }
  const files = changes.map(({ path, container = null, kind, below = null, before }) => ({
    path,
    ...(container === null ? {} : { container }),
    kind,
    ...(below === null ? {} : { below }),
    isNew: before === null,
  }));
  const runs = await readRuns(folder);
  const run: Run = { id, files };
  await writeRuns(folder, [...runs, run]);
  const done: FileChange[] = [];
  for (const change of changes) {
    try {
      // Checked again: writing the previous ones took time.
      await demandUnchanged(change, accessFor);
      await accessFor(change).replace(change.path, change.after);
      done.push(change);
    } catch (error) {
      const stuck: string[] = [];
      for (const each of done.toReversed())
        if (!(await putBack(each, accessFor).catch(() => false))) stuck.push(labelOfFile(each));
      if (stuck.length > 0)
        throw new FileProblem(
          `${labelOfFile(change)} cannot be written (${reasonOf(error)}), and ${stuck.join(", ")} could not be restored; ` +
            "run `clawgate setup --undo` to try again",
          { cause: error },
        );
      await forget(folder, runs, [run]);
      if (error instanceof ChangedByOthers) throw error;
      throw new FileProblem(
        `${labelOfFile(change)} cannot be written (${reasonOf(error)}); nothing was changed`,
        {
          cause: error,
        },
      );
    }
  }
  const kept = [...runs, run].slice(-maxRuns);
  const old = [...runs, run].slice(0, -maxRuns);
  if (old.length > 0) await forget(folder, kept, old);
}

class ChangedByOthers extends FileProblem {}

async function demandUnchanged(change: FileChange, placeOf: FileAccessFor): Promise<void> {
  const now = await placeOf(change)
    .read(change.path)
    .catch((error: unknown) => {
      throw new ChangedByOthers(
        `${labelOfFile(change)} cannot be read (${reasonOf(error)}); nothing was changed`,
      );
    });
  if (now === change.before) return;
  throw new ChangedByOthers(
    `${labelOfFile(change)} was changed by another program in the meantime; nothing was written. Try again`,
  );
}

/** Restores one file if it is still as we left it. */
export async function putBack(change: FileChange, placeOf: FileAccessFor = hostAccess): Promise<boolean> {
  const { path, before, after } = change;
  const place = placeOf(change);
  if ((await place.read(path)) !== after) return false;
  await (before === null ? place.remove(path) : place.replace(path, before));
  return true;
}

async function forget(folder: string, remaining: readonly Run[], gone: readonly Run[]): Promise<void> {
  await writeRuns(folder, remaining);
  const pinned = await openFolder(folder);
  if (pinned === null) return;
  try {
    for (const run of gone)
      for (const index of run.files.keys())
        for (const when of ["before", "after"] as const)
          await removeFileIn(pinned, keptName(run.id, index, when));
  } finally {
    await pinned.close();
  }
}

/** Removes our keys from a file's current text; gets its text before and after the run. */
export type RemoveKeys = (text: string, run: Pick<FileChange, "kind" | "before" | "after">) => string;

export type Undone = {
  readonly path: string;
  readonly how: "restored" | "removed" | "our keys taken out" | "unchanged";
};

/** Undoes the last run; null if there is none. Files that others changed since only lose our keys. Throws FileProblem. */
export function undoLast(
  folder: string,
  takeOut: RemoveKeys,
  placeOf: FileAccessFor = hostAccess,
): Promise<readonly Undone[] | null> {
  return withLock(folder, () => undoAlone(folder, takeOut, placeOf));
}

async function undoAlone(
  folder: string,
  takeOut: RemoveKeys,
  placeOf: FileAccessFor,
): Promise<readonly Undone[] | null> {
  const runs = await readRuns(folder);
  const run = runs.at(-1);
  if (run === undefined) return null;
  const undone: Undone[] = [];
  for (const [index, file] of [...run.files.entries()].toReversed()) {
    const { path, kind } = file;
    const place = placeOf(file);
    const before = file.isNew ? null : await demandKept(folder, keptName(run.id, index, "before"));
    const after = await demandKept(folder, keptName(run.id, index, "after"));
    const current = await place.read(path);
    const say = (how: Undone["how"]): void => void undone.push({ path: labelOfFile(file), how });
    if (current === before || current === null) say("unchanged");
    else if (current === after) {
      await (before === null ? place.remove(path) : place.replace(path, before));
      say(before === null ? "removed" : "restored");
    } else {
      const text = takeOut(current, { kind, before, after });
      if (text !== current) await place.replace(path, text);
      say(text === current ? "unchanged" : "our keys taken out");
    }
  }
  await forget(folder, runs.slice(0, -1), [run]);
  return undone;
}

async function demandKept(folder: string, name: string): Promise<string> {
  const text = await readKept(folder, name);
  if (text === null) throw new FileProblem(`${join(folder, name)} is missing, so nothing can be restored`);
  return text;
}

/** The newest backup of a file that fits; null if none does. */
export async function keptText(
  folder: string,
  file: Pick<FileChange, "path" | "container">,
  fits: (text: string) => boolean,
): Promise<string | null> {
  for (const { id, files } of (await readRuns(folder)).toReversed())
    for (const [index, { path, container = null, isNew }] of files.entries()) {
      if (isNew || path !== file.path || container !== (file.container ?? null)) continue;
      // Null: a run that was interrupted while it was being deleted.
      const text = await readKept(folder, keptName(id, index, "before"));
      if (text !== null && fits(text)) return text;
    }
  return null;
}
