// Connecting a client and taking it back: plans what a file becomes, writes it with a journal, undoes it edit by edit. What a client
// wants to be told is in its row; this file knows no client.

import { resolve } from "node:path";
import { sha256Hex } from "../system/secret.ts";
import type { Client, Gateway, Scope, Surroundings } from "./client.ts";
import {
  type ClientFile,
  ClientFileProblem,
  type LinkBounds,
  missingFolders,
  readClientFile,
  removeBackup,
  removeClientFile,
  writeClientFile,
} from "./client-file.ts";
import {
  type Connection,
  keyIn,
  withKeyFrom,
  withoutKey,
  writeJournal,
  type WrittenFile,
} from "./journal.ts";
import { applyEdits, type Left, undoEdits } from "./texts/edit-text.ts";
import { type FormatName, formats } from "./texts/format-table.ts";
import { meansTheSame, shownPath, TextProblem, valueAt } from "./texts/text-format.ts";

/** What becomes of one file. */
export type FileChange = {
  readonly file: ClientFile;
  readonly format: FormatName;
  /** Null: the file is removed. */
  readonly after: string | null;
};

export type ConnectionPlan = {
  readonly changes: readonly (FileChange & { readonly written: WrittenFile | null })[];
  /** What the user has in its place and keeps. */
  readonly kept: readonly string[];
  readonly entry: Connection;
};

export type PlanInput = {
  readonly client: Client;
  readonly around: Surroundings;
  readonly scope: Scope;
  readonly gateway: Gateway;
  /** A made key's hash and what the config got for it; null: the word. */
  readonly made: { readonly hash: string; readonly edit: Connection["keyEdit"] } | null;
  /** The connection that is to be replaced. */
  readonly old: Connection | null;
  /** Of the client's program; null: unknown. */
  readonly version: string | null;
  readonly now: string;
};

/**
 * `project`: the folder of `--scope project`, which somebody else may have made: a link in it must not lead the key out of it. Those in
 * the user's own folders are the user's.
 */
export const boundsOf = (
  { homeDirectory, workingDirectory }: Surroundings,
  project: string | null,
): LinkBounds =>
  project === null
    ? { homes: [homeDirectory, workingDirectory], called: "your folders" }
    : { homes: [project], called: "the project" };

/** With the place of the mistake. */
function inFile<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TextProblem) throw new ClientFileProblem(`${path}: ${error.message}`);
    throw error;
  }
}

/** Nothing is written. Throws ClientFileProblem. */
export async function planConnection(input: PlanInput): Promise<ConnectionPlan> {
  const { client, around, scope, gateway, made, now, version } = input;
  const project = scope === "project" ? around.workingDirectory : null;
  const bounds = boundsOf(around, project);
  const plans = client.files(around, scope, gateway);
  const files = await Promise.all(plans.map(({ path }) => readClientFile(path, bounds)));
  const before = input.old === null ? null : await undoPlan(input.old, bounds);
  const changes: ConnectionPlan["changes"][number][] = [];
  const kept: string[] = [];
  for (const [at, { format, edits }] of plans.entries()) {
    const file = files[at];
    if (file === undefined) continue;
    const earlier = before?.changes.find((each) => each.file.realPath === file.realPath);
    const base = earlier === undefined ? file.text : earlier.after;
    const applied = inFile(file.path, () => applyEdits(formats[format], base ?? "", edits));
    kept.push(...applied.kept);
    const old = input.old?.files.find((each) => each.realPath === file.realPath);
    const written: WrittenFile = {
      path: file.path,
      realPath: file.realPath,
      format,
      hashBefore: base === null ? null : textHash(file, base),
      hashAfter: textHash(file, applied.text),
      madeFolders: [...(old?.madeFolders ?? (await missingFolders(file.realPath)))],
      edits: applied.applied.map((edit) => ({ ...edit, path: [...edit.path] })),
    };
    changes.push({ file, format, after: applied.text, written });
  }
  const dropped = before?.changes.filter(
    (each) => !files.some(({ realPath }) => realPath === each.file.realPath),
  );
  changes.push(...(dropped ?? []).map((each) => ({ ...each, written: null })));
  const entry: Connection = {
    client: client.id,
    scope,
    project,
    at: now,
    url: gateway.url,
    version,
    keyHash: made?.hash ?? null,
    keyEdit: made?.edit ?? null,
    files: changes.flatMap(({ written }) => (written === null ? [] : [written])),
  };
  return { changes, kept, entry };
}

const textHash = ({ hasMark }: ClientFile, text: string): string =>
  sha256Hex(`${hasMark ? "\uFEFF" : ""}${text}`);

/** The journal is written first: what stands in it and not in a file is passed over later. Throws ClientFileProblem. */
export async function writeConnection(
  stateDirectory: string,
  { changes, entry }: ConnectionPlan,
  { old, key }: { readonly old: Connection | null; readonly key: string },
): Promise<void> {
  await writeJournal(stateDirectory, old, withoutKey(entry, key));
  /** The copy of a file that was connected already is older, and stays. */
  const isNew = ({ file }: Pick<FileChange, "file">): boolean =>
    old === null || !old.files.some(({ realPath }) => realPath === file.realPath);
  const done: FileChange[] = [];
  try {
    for (const change of changes) {
      await writeChange(change, isNew(change), []);
      done.push(change);
    }
  } catch (error) {
    // A client is connected in all of its files or in none.
    for (const { file, after } of done) {
      const now = { ...file, text: after, hash: after === null ? null : textHash(file, after) };
      await (file.text === null ? removeClientFile(now, []) : writeClientFile(now, file.text, false));
      if (isNew({ file })) await removeBackup(file.realPath);
    }
    await writeJournal(stateDirectory, entry, old === null ? null : withoutKey(old, key));
    throw error;
  }
}

async function writeChange(
  { file, after }: FileChange,
  isKept: boolean,
  folders: readonly string[],
): Promise<void> {
  if (after === null) await removeClientFile(file, folders);
  else if (after !== file.text) await writeClientFile(file, after, isKept);
}

export type UndoPlan = {
  /** `origin`: as it was written; its file may have been moved since. */
  readonly changes: readonly (FileChange & { readonly origin: WrittenFile })[];
  readonly left: readonly (Left & { readonly path: string })[];
  /** Files that are gone. */
  readonly gone: readonly string[];
  readonly moved: readonly { readonly from: string; readonly to: string }[];
};

export type Place = { readonly path: string; readonly format: FormatName };

/**
 * Nothing is written. `places`: where the client has its config now, because it may have been moved there with what is ours in it.
 * Throws ClientFileProblem.
 */
export async function undoPlan(
  entry: Connection,
  bounds: LinkBounds,
  places: readonly Place[] = [],
): Promise<UndoPlan> {
  const { files, written } = await filesOf(entry, bounds, places);
  const changes: UndoPlan["changes"][number][] = [];
  const left: UndoPlan["left"][number][] = [];
  const gone: string[] = [];
  const moved: UndoPlan["moved"][number][] = [];
  for (const [at, origin] of written.entries()) {
    const { path, realPath, format, hashBefore, edits } = origin;
    const file = files[at];
    if (file === undefined || file.text === null) {
      gone.push(path);
      continue;
    }
    const { text } = file;
    const place = file.realPath === realPath ? path : file.path;
    if (place !== path) moved.push({ from: path, to: place });
    const undone = inFile(place, () => undoEdits(formats[format], text, edits));
    left.push(...undone.left.map((each) => ({ ...each, path: place })));
    const isEmpty = [formats[format].blank.trim(), ""].includes(undone.text.trim());
    changes.push({ file, format, after: hashBefore === null && isEmpty ? null : undone.text, origin });
  }
  return { changes, left, gone, moved };
}

async function filesOf(entry: Connection, bounds: LinkBounds, places: readonly Place[] = []) {
  const files = await Promise.all(
    entry.files.map(async (each, at) => {
      const file = await readClientFile(each.realPath, bounds);
      return file.text === null ? ((await movedFile(entry, at, { bounds, places })) ?? file) : file;
    }),
  );
  const known = withKeyFrom(
    entry,
    files.map(({ text }) => text ?? ""),
  );
  return { files, written: known.files };
}

/** Of these places the one that holds what was written into the missing file; null: none does. */
async function movedFile(
  entry: Connection,
  at: number,
  { bounds, places }: { readonly bounds: LinkBounds; readonly places: readonly Place[] },
): Promise<ClientFile | null> {
  const known = entry.files.flatMap(({ path, realPath }) => [path, realPath]);
  for (const { path, format } of places) {
    if (format !== entry.files[at]?.format || known.includes(resolve(path))) continue;
    try {
      const file = await readClientFile(path, bounds);
      const { text } = file;
      if (text === null || known.includes(file.realPath)) continue;
      const value = inFile(path, () => formats[format].read(text));
      const edits = withKeyFrom(entry, [text]).files[at]?.edits ?? [];
      if (edits.some((edit) => Bun.deepEquals(valueAt(value, edit.path), edit.put))) return file;
    } catch (error) {
      // It may be a file of the user's with nothing of ours in it: the missing one is told as missing.
      if (!(error instanceof ClientFileProblem)) throw error;
    }
  }
  return null;
}

/** A key that was made for it stays known until it is taken out of the gateway's config. Throws ClientFileProblem. */
export async function undoConnection(
  stateDirectory: string,
  entry: Connection,
  plan: UndoPlan,
): Promise<void> {
  for (const change of plan.changes) {
    const { after, file, origin } = change;
    await writeChange(change, false, origin.realPath === file.realPath ? origin.madeFolders : []);
    const isAsBefore = after !== null && textHash(file, after) === origin.hashBefore;
    if (isAsBefore || after === null) await removeBackup(file.realPath);
  }
  await writeJournal(stateDirectory, entry, entry.keyEdit === null ? null : { ...entry, files: [] });
}

/** The key that the client has; null: it has none of ours any more, or only the word. */
export async function keyOf(entry: Connection, bounds: LinkBounds): Promise<string | null> {
  const files = await Promise.all(entry.files.map(({ realPath }) => readClientFile(realPath, bounds)));
  return keyIn(
    entry,
    files.map(({ text }) => text ?? ""),
  );
}

export type ConnectionState = {
  readonly state: "connected" | "changed";
  /** What is not as it was written, a phrase each. */
  readonly changes: readonly string[];
};

export async function stateOf(entry: Connection, bounds: LinkBounds): Promise<ConnectionState> {
  const changes: string[] = [];
  if (entry.files.length === 0 && entry.keyEdit !== null)
    changes.push(`it is in no config file, but its key ${entry.keyEdit.name} is in ${entry.keyEdit.path}`);
  try {
    const { files, written } = await filesOf(entry, bounds);
    for (const [at, { path, format, edits }] of written.entries()) {
      const text = files[at]?.text ?? null;
      if (text === null) {
        changes.push(`${path} is gone`);
        continue;
      }
      const value = inFile(path, () => formats[format].read(text));
      for (const edit of edits) {
        const now = valueAt(value, edit.path);
        if (!meansTheSame(now, edit.put))
          changes.push(`${shownPath(edit.path)} in ${path} was ${now === undefined ? "removed" : "changed"}`);
      }
    }
  } catch (error) {
    if (!(error instanceof ClientFileProblem)) throw error;
    changes.push(error.message);
  }
  return { state: changes.length === 0 ? "connected" : "changed", changes };
}
