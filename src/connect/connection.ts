// Connecting a client and taking it back: plans what a file becomes, writes it with a journal, undoes it edit by edit. What a client
// wants to be told is in its row; this file knows no client.

import { sha256Hex } from "../system/secret.ts";
import type { Client, Gateway, Scope, Surroundings } from "./client.ts";
import {
  type ClientFile,
  ClientFileProblem,
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
  readonly now: string;
};

export const homesOf = ({ homeDirectory, workingDirectory }: Surroundings): readonly string[] => [
  homeDirectory,
  workingDirectory,
];

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
  const { client, around, scope, gateway, made, now } = input;
  const homes = homesOf(around);
  const plans = client.files(around, scope, gateway);
  const files = await Promise.all(plans.map(({ path }) => readClientFile(path, homes)));
  const before = input.old === null ? null : await undoPlan(input.old, homes);
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
  const project = scope === "project" ? around.workingDirectory : null;
  const entry: Connection = {
    client: client.id,
    scope,
    project,
    at: now,
    url: gateway.url,
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
  const done: FileChange[] = [];
  try {
    for (const change of changes) {
      await writeChange(change, old === null, []);
      done.push(change);
    }
  } catch (error) {
    // A client is connected in all of its files or in none.
    for (const { file, after } of done) {
      const now = { ...file, text: after, hash: after === null ? null : textHash(file, after) };
      await (file.text === null ? removeClientFile(now, []) : writeClientFile(now, file.text, false));
      if (old === null) await removeBackup(file.realPath);
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
  readonly changes: readonly FileChange[];
  readonly left: readonly (Left & { readonly path: string })[];
  /** Files that are gone. */
  readonly gone: readonly string[];
};

/** Nothing is written. Throws ClientFileProblem. */
export async function undoPlan(entry: Connection, homes: readonly string[]): Promise<UndoPlan> {
  const { files, written } = await filesOf(entry, homes);
  const changes: FileChange[] = [];
  const left: UndoPlan["left"][number][] = [];
  const gone: string[] = [];
  for (const [at, { path, format, hashBefore, edits }] of written.entries()) {
    const file = files[at];
    if (file === undefined || file.text === null) {
      gone.push(path);
      continue;
    }
    const { text } = file;
    const undone = inFile(path, () => undoEdits(formats[format], text, edits));
    left.push(...undone.left.map((each) => ({ ...each, path })));
    const isEmpty = [formats[format].blank.trim(), ""].includes(undone.text.trim());
    changes.push({ file, format, after: hashBefore === null && isEmpty ? null : undone.text });
  }
  return { changes, left, gone };
}

async function filesOf(entry: Connection, homes: readonly string[]) {
  const files = await Promise.all(entry.files.map(({ realPath }) => readClientFile(realPath, homes)));
  const known = withKeyFrom(
    entry,
    files.map(({ text }) => text ?? ""),
  );
  return { files, written: known.files };
}

/** Throws ClientFileProblem. */
export async function undoConnection(
  stateDirectory: string,
  entry: Connection,
  plan: UndoPlan,
): Promise<void> {
  for (const change of plan.changes) {
    const written = entry.files.find(({ realPath }) => realPath === change.file.realPath);
    await writeChange(change, false, written?.madeFolders ?? []);
    const { after, file } = change;
    const isAsBefore = after !== null && textHash(file, after) === written?.hashBefore;
    if (isAsBefore || after === null) await removeBackup(file.realPath);
  }
  await writeJournal(stateDirectory, entry, null);
}

/** The key that the client has; null: it has none of ours any more, or only the word. */
export async function keyOf(entry: Connection, homes: readonly string[]): Promise<string | null> {
  const files = await Promise.all(entry.files.map(({ realPath }) => readClientFile(realPath, homes)));
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

export async function stateOf(entry: Connection, homes: readonly string[]): Promise<ConnectionState> {
  const changes: string[] = [];
  try {
    const { files, written } = await filesOf(entry, homes);
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
