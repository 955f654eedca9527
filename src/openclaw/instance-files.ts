// The files of an OpenClaw instance, and how several files are changed together: backups and a manifest first, then one
// replacement after another, so that a stop at any point loses nothing and can be undone.

import { chown, mkdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ensurePrivateDirectory, errorCode, readTextIfExists, replaceFile } from "../system/files.ts";
import { readJson5, removeFromJson5, setInJson5 } from "./json5-text.ts";
import { providerId } from "./provider-entry.ts";

const entryPath = ["models", "providers", providerId] as const;
const modelPath = ["agents", "defaults", "model"] as const;
export const primaryModel = `${providerId}/auto`;

/** What skills and scripts of the instance find the gateway by. */
export const variableNames = ["CLAWGATE_BASE_URL", "CLAWGATE_API_KEY"] as const;

export type OpenclawEdit = {
  readonly provider: object;
  /** Whether the instance's main model becomes the gateway's `auto`. */
  readonly isPrimary: boolean;
  readonly variables: Readonly<Record<string, string>>;
};

/** openclaw.json with our keys in it. Throws Json5Problem. */
export function withGateway(text: string | null, edit: OpenclawEdit): string {
  const source = text === null || text.trim() === "" ? "{}\n" : text;
  const before = readJson5(source);
  let edited = source;
  // Written only where it says something else: a second set-up changes no byte.
  if (!Bun.deepEquals(at(before, entryPath), edit.provider))
    edited = setInJson5(edited, entryPath, edit.provider);
  if (edit.isPrimary) {
    const model = at(before, modelPath);
    if (typeof model === "object" && model !== null) {
      if (at(model, ["primary"]) !== primaryModel)
        edited = setInJson5(edited, [...modelPath, "primary"], primaryModel);
    } else if (model !== primaryModel) edited = setInJson5(edited, modelPath, primaryModel);
  }
  return withVariables(edited, before, edit.variables);
}

/** Names of ours that stand in `env` already, flat (older OpenClaw) or in `vars`, are kept true, in `vars`. */
function withVariables(text: string, before: unknown, values: Readonly<Record<string, string>>): string {
  let edited = text;
  for (const [name, value] of Object.entries(values)) {
    const isFlat = at(before, ["env", name]) !== undefined;
    const inVars = at(before, ["env", "vars", name]);
    if (isFlat) edited = removeFromJson5(edited, ["env", name]);
    if ((isFlat || inVars !== undefined) && inVars !== value)
      edited = setInJson5(edited, ["env", "vars", name], value);
  }
  return edited;
}

/** Takes our keys out of a file that was changed by others since; what stood in their place before comes back. */
export function withoutGateway(text: string, original: string | null): string {
  const before = original === null || original.trim() === "" ? {} : readJson5(original);
  const put = (source: string, path: readonly string[]): string => {
    const old = at(before, path);
    return old === undefined ? removeFromJson5(source, path) : setInJson5(source, path, old);
  };
  let edited = put(text, entryPath);
  const model = at(readJson5(edited), modelPath);
  if (model === primaryModel) edited = put(edited, modelPath);
  else if (at(model, ["primary"]) === primaryModel) edited = put(edited, [...modelPath, "primary"]);
  for (const path of [
    entryPath.slice(0, 2),
    entryPath.slice(0, 1),
    modelPath,
    modelPath.slice(0, 2),
    ["agents"],
  ])
    if (at(before, path) === undefined && isEmptyMap(at(readJson5(edited), path)))
      edited = removeFromJson5(edited, path);
  return edited;
}

/** The variables of an instance's config: `env.vars`, and the flat form of older versions below them. */
export function variablesOf(text: string): Readonly<Record<string, string>> {
  const env = at(readJson5(text), ["env"]);
  const texts = (value: unknown): [string, string][] =>
    Object.entries(typeof value === "object" && value !== null ? value : {}).filter(
      (pair): pair is [string, string] => typeof pair[1] === "string" && pair[0] !== "__proto__",
    );
  return Object.fromEntries([...texts(env), ...texts(at(env, ["vars"]))]);
}

/** The key that our entry holds now; null when there is none. */
export function keyInEntry(text: string): string | null {
  const key = at(readJson5(text), [...entryPath, "apiKey"]);
  return typeof key === "string" ? key : null;
}

function at(value: unknown, path: readonly string[]): unknown {
  let node = value;
  for (const name of path) {
    if (typeof node !== "object" || node === null || !Object.hasOwn(node, name)) return undefined;
    node = (node as Record<string, unknown>)[name];
  }
  return node;
}

const isEmptyMap = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;

export type FileKind = "config" | "openclaw" | "env";

export type FileChange = {
  readonly path: string;
  readonly kind: FileKind;
  /** Null: there is no such file yet. */
  readonly before: string | null;
  readonly after: string;
};

type Entry = { readonly path: string; readonly kind: FileKind; readonly isNew: boolean };
type Run = { readonly id: string; readonly files: readonly Entry[] };

export type Replace = typeof replaceFile;

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

/**
 * Writes what `changes` say. `folder` (0700, ours) keeps the old contents and the manifest. Throws an Error that names the
 * file; what was replaced until then is put back.
 */
export async function applyChanges(
  changes: readonly FileChange[],
  folder: string,
  id: string,
  replace: Replace = replaceFile,
): Promise<void> {
  await ensurePrivateDirectory(folder);
  for (const change of changes)
    if ((await readTextIfExists(change.path)) !== change.before)
      throw new Error(`${change.path} was changed by somebody else in the meantime; nothing was written`);
  for (const [index, { before, after }] of changes.entries()) {
    await replaceFile(keptPath(folder, id, index, "after"), after, { mode: 0o600 });
    if (before !== null) await replaceFile(keptPath(folder, id, index, "before"), before, { mode: 0o600 });
  }
  const files = changes.map(({ path, kind, before }) => ({ path, kind, isNew: before === null }));
  const runs = await readRuns(folder);
  await writeRuns(folder, [...runs, { id, files }]);
  const done: FileChange[] = [];
  for (const change of changes) {
    try {
      await mkdir(dirname(change.path), { recursive: true, mode: 0o700 });
      await replace(change.path, change.after);
      done.push(change);
      if (change.before === null) await giveToFolderOwner(change.path);
    } catch (error) {
      for (const each of done.toReversed()) await putBack(each);
      await forget(folder, runs, { id, files });
      const reason = errorCode(error) ?? (error instanceof Error ? error.message : String(error));
      throw new Error(`${change.path} cannot be written (${reason}); nothing was changed`, { cause: error });
    }
  }
}

/** A file made by root in somebody's folder (a container's mount) would be closed to whoever lives there. */
async function giveToFolderOwner(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(dirname(path));
  await chown(path, uid, gid);
}

/** Puts one file back if it still is as we left it. */
export async function putBack({ path, before, after }: FileChange): Promise<boolean> {
  if ((await readTextIfExists(path)) !== after) return false;
  if (before === null) await rm(path, { force: true });
  else await replaceFile(path, before);
  return true;
}

async function forget(folder: string, runs: readonly Run[], run: Run): Promise<void> {
  await writeRuns(folder, runs);
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

/** Undoes the last run; null when there is none. Files that others changed since lose our keys only. Throws an Error. */
export async function undoLast(folder: string, takeOut: TakeOut): Promise<readonly Undone[] | null> {
  const runs = await readRuns(folder);
  const run = runs.at(-1);
  if (run === undefined) return null;
  const undone: Undone[] = [];
  for (const [index, { path, kind, isNew }] of [...run.files.entries()].toReversed()) {
    const kept = (when: "before" | "after") => readFile(keptPath(folder, run.id, index, when), "utf8");
    const before = isNew ? null : await kept("before");
    const after = await kept("after");
    const current = await readTextIfExists(path);
    const say = (how: Undone["how"]): void => void undone.push({ path, how });
    if (current === before || current === null) say("unchanged");
    else if (current === after) {
      if (before === null) await rm(path, { force: true });
      else await replaceFile(path, before);
      say(before === null ? "removed" : "restored");
    } else {
      const text = takeOut(current, { kind, before, after });
      if (text !== current) await replaceFile(path, text);
      say(text === current ? "unchanged" : "our keys taken out");
    }
  }
  await forget(folder, runs.slice(0, -1), run);
  return undone;
}
