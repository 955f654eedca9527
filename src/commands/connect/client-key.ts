// The key of one client in the gateway's config, which gets only its hash: planned, added, and taken out again. It must never replace
// an entry that somebody else wrote, put one back, or write over a change that was made meanwhile.

import { examinationInput, withFileText } from "../../app/offline/offline-config.ts";
import { asksForKeys } from "../../config/client-keys.ts";
import { EditProblem, writeConfig } from "../../config/edit.ts";
import { ConfigProblem } from "../../config/problems.ts";
import type { Connection } from "../../connect/journal.ts";
import { type AppliedEdit, applyEdits, undoEdits } from "../../connect/texts/edit-text.ts";
import { formats } from "../../connect/texts/format-table.ts";
import { type Path, TextProblem, valueAt } from "../../connect/texts/text-format.ts";
import { randomKey, sha256Hex } from "../../system/secret.ts";
import { errorMessage, GatewayProblem } from "../running-gateway.ts";
import type { ClientGateway } from "./client-gateway.ts";

type KeyEdit = NonNullable<Connection["keyEdit"]>;

export type ClientKey = {
  readonly key: string;
  readonly hash: string;
  /** What the config file has for it, or gets. */
  readonly edit: KeyEdit;
};

/** A key that the config does not have yet. */
export type PlannedKey = ClientKey & {
  /** The whole config as it was read, and as it is to be. */
  readonly before: string;
  readonly after: string;
};

const keyPath = (name: string): Path => ["auth", "clients", { where: "name", is: name }];

/**
 * Nothing is written. `old`: what an earlier connection has there, which is replaced. Where somebody else has an entry with the wanted
 * name, another program may use it: the key gets another name then. Throws EditProblem.
 */
export function planClientKey(gateway: ClientGateway, wanted: string, old: KeyEdit | null): PlannedKey {
  const { path } = gateway.loaded;
  if (path === null)
    throw new EditProblem(
      "the gateway asks for a key and has no config file that could hold one for this client: create one first",
    );
  const before = textOf(gateway, path);
  if (before === null) throw new EditProblem(`${path} is gone`);
  const key = randomKey();
  const hash = sha256Hex(key);
  return inConfig(path, () => {
    const base = old === null || old.path !== path ? before : withoutEdit(before, old.edit).text;
    const name = freeName(base, wanted);
    const put = { path: keyPath(name), value: { name, key: `sha256:${hash}` } };
    const { text: after, applied } = applyEdits(formats.yaml, base, [put]);
    const [edit] = applied;
    if (edit === undefined) throw new EditProblem(`${path} cannot hold a key for ${name}`);
    return { key, hash, edit: { name, path, edit: { ...edit, path: [...edit.path] } }, before, after };
  });
}

function freeName(config: string, wanted: string): string {
  const value = formats.yaml.read(config);
  for (let at = 1; ; at++) {
    const name = at === 1 ? wanted : `${wanted}-${at}`;
    if (valueAt(value, keyPath(name)) === undefined) return name;
  }
}

/** Whatever stood there before is not put back: it would let in a key that nobody knows of any more. */
const withoutEdit = (config: string, edit: AppliedEdit) =>
  undoEdits(formats.yaml, config, [{ ...edit, was: null }]);

const textOf = ({ input }: ClientGateway, path: string): string | null => input.readFile(path);

/**
 * Writes it, and lets the running gateway read it. Throws EditProblem, GatewayProblem and ConfigProblem: it may be written then, and
 * takeBackClientKey takes it back.
 */
export async function addClientKey(gateway: ClientGateway, planned: PlannedKey): Promise<void> {
  const { path } = planned.edit;
  await examine(gateway, path, planned.after);
  await writeOver(gateway, path, { expected: planned.before, text: planned.after });
  await reload(gateway);
}

/** `left`: what stays, in words; null: nothing. */
export async function takeBackClientKey(
  gateway: ClientGateway,
  { hash, edit, before, after }: PlannedKey,
): Promise<{ readonly left: string | null; readonly isInFile: boolean }> {
  const { path, name } = edit;
  const isInFile = (): boolean => textOf(gateway, path)?.includes(hash) === true;
  try {
    if (textOf(gateway, path) === after) {
      await writeOver(gateway, path, { expected: after, text: before });
      await reload(gateway);
      return { left: null, isInFile: false };
    }
    // Somebody has edited it since: only what is ours goes.
    const left = sentenceOf(await removeEntry(gateway, edit), edit);
    return { left, isInFile: isInFile() };
  } catch (thrown) {
    if (!isProblem(thrown)) throw thrown;
    if (isInFile()) {
      const left = `the key ${name} that was made is still in auth.clients of ${path} (${thrown.message})`;
      return { left, isInFile: true };
    }
    const left = `the key ${name} that was made is out of ${path}, but the gateway may accept it until it reads that again (${thrown.message})`;
    return { left: thrown instanceof GatewayProblem ? left : null, isInFile: false };
  }
}

/** `left`: what stays, in words; null: nothing. Throws EditProblem, GatewayProblem and ConfigProblem. */
export async function dropClientKey(
  gateway: ClientGateway,
  edit: KeyEdit,
): Promise<{ readonly left: string | null; readonly isGone: boolean }> {
  const { auth, tenants } = gateway.loaded.config;
  const isOurs = auth.clients.some(({ name }) => name === edit.name);
  // The last key of all would open the gateway to every program, or keep it from starting.
  if (isOurs && auth.keys.length + auth.clients.length + tenants.length === 1)
    return { left: sentenceOf("last", edit), isGone: false };
  // The config may have been moved since.
  const places = [edit.path, ...(gateway.loaded.path === null ? [] : [gateway.loaded.path])];
  const ends: { readonly end: Removal; readonly path: string }[] = [];
  for (const path of new Set(places)) ends.push({ end: await removeEntry(gateway, { ...edit, path }), path });
  const left = ends.map(({ end, path }) => sentenceOf(end, { ...edit, path })).find((each) => each !== null);
  return { left: left ?? null, isGone: ends.every(({ end }) => end !== "last") };
}

/** `changed`: somebody has written another key there. */
type Removal = "gone" | "changed" | "last";

function sentenceOf(end: Removal, { name, path }: Pick<KeyEdit, "name" | "path">): string | null {
  switch (end) {
    case "gone":
      return null;
    case "changed":
      return `${name} in auth.clients of ${path} was changed since and is left`;
    case "last":
      return `its key stays in auth.clients of ${path}: it is the gateway's last one`;
  }
}

async function removeEntry(gateway: ClientGateway, { path, edit }: KeyEdit): Promise<Removal> {
  const before = textOf(gateway, path);
  if (before === null) return "gone";
  const { text, left } = inConfig(path, () => withoutEdit(before, edit));
  if (text !== before) {
    const { config } = await examine(gateway, path, text);
    if (!asksForKeys(config)) return "last";
    await writeOver(gateway, path, { expected: before, text });
    await reload(gateway);
  }
  return left.some(({ why }) => why === "changed") ? "changed" : "gone";
}

const isProblem = (thrown: unknown): thrown is Error =>
  thrown instanceof EditProblem || thrown instanceof GatewayProblem || thrown instanceof ConfigProblem;

function inConfig<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TextProblem) throw new EditProblem(`${path}: ${error.message}`);
    throw error;
  }
}

/** Throws ConfigProblem if the gateway would not take it. */
const examine = ({ input }: ClientGateway, path: string, text: string) =>
  examinationInput(withFileText({ ...input, argvConfigPath: path }, path, text)).load();

async function writeOver(
  gateway: ClientGateway,
  path: string,
  { expected, text }: { readonly expected: string; readonly text: string },
): Promise<void> {
  if (textOf(gateway, path) !== expected)
    throw new EditProblem(`${path} was changed while this was running: try again`);
  await writeConfig(path, text);
}

async function reload({ running }: ClientGateway): Promise<void> {
  if (running === null) return;
  const { status, body } = await running.ask({ method: "POST", path: "/api/reload", timeoutMs: 30_000 });
  if (status >= 300)
    throw new GatewayProblem(errorMessage(body) ?? "The gateway did not read its config again.");
}
