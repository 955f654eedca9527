// How several files are changed together: backups and a manifest first, then one replacement after another, so that a stop at
// any point loses nothing and can be undone. It must never overwrite what somebody else wrote meanwhile.

import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { ensurePrivateDirectory, errorCode, readTextIfExists, replaceFile } from "../system/files.ts";
import { LockProblem, lockFolder } from "./lock.ts";
import { FileProblem, hostPlace, type PlaceOf, reasonOf } from "./file-place.ts";

export type FileKind = "config" | "openclaw" | "env";

export type FileChange = {
  readonly path: string;
  /** In which the path lies; absent or null: on this machine. */
  readonly container?: string | null;
  readonly kind: FileKind;
  /** Null: there is no such file yet. */
  readonly before: string | null;
  readonly after: string;
};

type Entry = {
  readonly path: string;
  readonly container?: string | null;
  readonly kind: FileKind;
  readonly isNew: boolean;
};
type Run = { readonly id: string; readonly files: readonly Entry[] };

/** So many can be undone one after another; what is older is forgotten. */
const mostRuns = 20;

export const onThisMachine: PlaceOf = () => hostPlace;

export function labelOfFile({ path, container }: Pick<FileChange, "path" | "container">): string {
  return container === null || container === undefined ? path : `${container}:${path}`;
}

const manifestPath = (folder: string): string => join(folder, "manifest.json");
const keptPath = (folder: string, id: string, index: number, when: "before" | "after"): string =>
  join(folder, `${id}-${index}.${when}`);

async function readRuns(folder: string): Promise<readonly Run[]> {
  const text = await readTextIfExists(manifestPath(folder));
  return text === null ? [] : (JSON.parse(text) as { readonly runs: readonly Run[] }).runs;
}

function writeRuns(folder: string, runs: readonly Run[]): Promise<void> {
  return replaceFile(manifestPath(folder), `${JSON.stringify({ runs }, null, 2)}\n`, { mode: 0o600 });
}

export type Applying = {
  readonly changes: readonly FileChange[];
  /** Keeps the old contents and the manifest; 0700, ours. */
  readonly folder: string;
  /** Names this run; no other has it. */
  readonly id: string;
  readonly placeOf?: PlaceOf;
};

/** Two at once would each write a manifest without the other's run. */
async function alone<T>(folder: string, work: () => Promise<T>): Promise<T> {
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

/** Writes what `changes` say. Throws FileProblem that names the file; what was replaced until then is put back. */
export function applyChanges(applying: Applying): Promise<void> {
  return alone(applying.folder, () => applyAlone(applying));
}

async function applyAlone(applying: Applying): Promise<void> {
  const { changes, folder, id, placeOf = onThisMachine } = applying;
  for (const change of changes) await demandUnchanged(change, placeOf);
  for (const [index, { before, after }] of changes.entries()) {
    await replaceFile(keptPath(folder, id, index, "after"), after, { mode: 0o600 });
    if (before !== null) await replaceFile(keptPath(folder, id, index, "before"), before, { mode: 0o600 });
  }
  const files = changes.map(({ path, container = null, kind, before }) => ({
    path,
    ...(container === null ? {} : { container }),
    kind,
    isNew: before === null,
  }));
  const runs = await readRuns(folder);
  const run: Run = { id, files };
  await writeRuns(folder, [...runs, run]);
  const done: FileChange[] = [];
  for (const change of changes) {
    try {
      // Once more: writing the ones before took its time.
      await demandUnchanged(change, placeOf);
      await placeOf(change.container ?? null).replace(change.path, change.after);
      done.push(change);
    } catch (error) {
      const stuck: string[] = [];
      for (const each of done.toReversed())
        if (!(await putBack(each, placeOf).catch(() => false))) stuck.push(labelOfFile(each));
      if (stuck.length > 0)
        throw new FileProblem(
          `${labelOfFile(change)} cannot be written (${reasonOf(error)}), and ${stuck.join(", ")} could not be put back; ` +
            "`clawgate setup --undo` tries it again",
          { cause: error },
        );
      await forget(folder, runs, [run]);
      if (error instanceof ChangedMeanwhile) throw error;
      throw new FileProblem(
        `${labelOfFile(change)} cannot be written (${reasonOf(error)}); nothing was changed`,
        {
          cause: error,
        },
      );
    }
  }
  const kept = [...runs, run].slice(-mostRuns);
  const old = [...runs, run].slice(0, -mostRuns);
  if (old.length > 0) await forget(folder, kept, old);
}

class ChangedMeanwhile extends FileProblem {}

async function demandUnchanged(change: FileChange, placeOf: PlaceOf): Promise<void> {
  if ((await placeOf(change.container ?? null).read(change.path)) === change.before) return;
  throw new ChangedMeanwhile(
    `${labelOfFile(change)} was changed by somebody else in the meantime; nothing was written. Try again`,
  );
}

/** Puts one file back if it still is as we left it. */
export async function putBack(change: FileChange, placeOf: PlaceOf = onThisMachine): Promise<boolean> {
  const { path, container = null, before, after } = change;
  const place = placeOf(container);
  if ((await place.read(path)) !== after) return false;
  await (before === null ? place.remove(path) : place.replace(path, before));
  return true;
}

async function forget(folder: string, remaining: readonly Run[], gone: readonly Run[]): Promise<void> {
  await writeRuns(folder, remaining);
  for (const run of gone)
    for (const index of run.files.keys())
      for (const when of ["before", "after"] as const)
        await rm(keptPath(folder, run.id, index, when), { force: true });
}

/** Takes our keys out of what a file holds now; gets its text before and after the run. */
export type TakeOut = (text: string, run: Pick<FileChange, "kind" | "before" | "after">) => string;

export type Undone = {
  readonly path: string;
  readonly how: "restored" | "removed" | "our keys taken out" | "unchanged";
};

/** Undoes the last run; null when there is none. Files that others changed since lose our keys only. Throws FileProblem. */
export function undoLast(
  folder: string,
  takeOut: TakeOut,
  placeOf: PlaceOf = onThisMachine,
): Promise<readonly Undone[] | null> {
  return alone(folder, () => undoAlone(folder, takeOut, placeOf));
}

async function undoAlone(
  folder: string,
  takeOut: TakeOut,
  placeOf: PlaceOf,
): Promise<readonly Undone[] | null> {
  const runs = await readRuns(folder);
  const run = runs.at(-1);
  if (run === undefined) return null;
  const undone: Undone[] = [];
  for (const [index, { path, container = null, kind, isNew }] of [...run.files.entries()].toReversed()) {
    const place = placeOf(container);
    const before = isNew ? null : await readFile(keptPath(folder, run.id, index, "before"), "utf8");
    const after = await readFile(keptPath(folder, run.id, index, "after"), "utf8");
    const current = await place.read(path);
    const say = (how: Undone["how"]): void =>
      void undone.push({ path: labelOfFile({ path, container }), how });
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

/** The newest text that is kept of a file and fits; null when none does. */
export async function keptText(
  folder: string,
  file: Pick<FileChange, "path" | "container">,
  fits: (text: string) => boolean,
): Promise<string | null> {
  for (const { id, files } of (await readRuns(folder)).toReversed())
    for (const [index, { path, container = null, isNew }] of files.entries()) {
      if (isNew || path !== file.path || container !== (file.container ?? null)) continue;
      const text = await readFile(keptPath(folder, id, index, "before"), "utf8").catch((error: unknown) => {
        // A run that was stopped while it was forgotten.
        if (errorCode(error) === "ENOENT") return null;
        throw error;
      });
      if (text !== null && fits(text)) return text;
    }
  return null;
}
