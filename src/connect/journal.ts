// What connecting has written, edit by edit, in the state directory: disconnecting takes exactly that back. A key that was made for a
// client is not in it: it is found again in the client's own file by its hash.

import { join } from "node:path";
import { z } from "zod";
import { lockFolder, LockProblem } from "../openclaw/lock.ts";
import { readTextIfExists, replaceFile } from "../system/files.ts";
import { sha256Hex } from "../system/secret.ts";
import { formatNames } from "./texts/format-table.ts";

const step = z.union([
  z.string(),
  z.strictObject({ where: z.string(), is: z.string(), isFirst: z.boolean().optional() }),
]);

const edit = z.object({
  path: z.array(step).min(1),
  put: z.unknown(),
  was: z.object({ value: z.unknown() }).nullable(),
  depth: z.number().int(),
  hunk: z.object({
    at: z.number().int(),
    removed: z.string(),
    inserted: z.string(),
    left: z.string(),
    right: z.string(),
  }),
});

const connection = z.object({
  client: z.string(),
  scope: z.enum(["user", "project"]),
  /** The project's folder; null with the scope of the user. */
  project: z.string().nullable(),
  at: z.string(),
  url: z.string(),
  /** Of the client's program then; null or absent: unknown. */
  version: z.string().nullish(),
  /** Of the key that was made for it; null: it has the word that only names it. */
  keyHash: z.string().nullable(),
  /** What was written into the gateway's config for it, and where that is. */
  keyEdit: z.object({ name: z.string(), path: z.string(), edit }).nullable(),
  files: z.array(
    z.object({
      path: z.string(),
      realPath: z.string(),
      format: z.enum(formatNames),
      /** Null: there was no such file. */
      hashBefore: z.string().nullable(),
      hashAfter: z.string(),
      madeFolders: z.array(z.string()),
      edits: z.array(edit),
    }),
  ),
});

const journal = z.object({ version: z.literal(1), connections: z.array(connection) });

export type Connection = z.infer<typeof connection>;
export type WrittenFile = Connection["files"][number];

/** The message is for the person at the terminal. */
export class JournalProblem extends Error {
  override readonly name = "JournalProblem";
}

const pathIn = (stateDirectory: string): string => join(stateDirectory, "connections.json");

/** Throws JournalProblem for a file that is not one. */
export async function readJournal(stateDirectory: string): Promise<readonly Connection[]> {
  const path = pathIn(stateDirectory);
  const text = await readTextIfExists(path);
  if (text === null) return [];
  try {
    return journal.parse(JSON.parse(text)).connections;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
    throw new JournalProblem(
      `${path} is not readable as the list of connections: move it away, and take the values out of the clients' files by hand (a copy is beside each)`,
    );
  }
}

export const isSameConnection = (
  one: Pick<Connection, "client" | "scope" | "project">,
  other: Pick<Connection, "client" | "scope" | "project">,
): boolean => one.client === other.client && one.scope === other.scope && one.project === other.project;

/** Puts `fresh` in the place of `old`; null: none. */
export async function writeJournal(
  stateDirectory: string,
  old: Connection | null,
  fresh: Connection | null,
): Promise<void> {
  const others = (await readJournal(stateDirectory)).filter(
    (each) =>
      !(old !== null && isSameConnection(each, old)) && !(fresh !== null && isSameConnection(each, fresh)),
  );
  const connections = fresh === null ? others : [...others, fresh];
  const text = `${JSON.stringify({ version: 1, connections }, null, 1)}\n`;
  await replaceFile(pathIn(stateDirectory), text, { mode: 0o600 });
}

const retries = 50;
const retryMs = 100;

/** One command at a time writes clients' files and the list. Throws JournalProblem while another one does. */
export async function holdingJournal<T>(stateDirectory: string, work: () => Promise<T>): Promise<T> {
  const folder = join(stateDirectory, "connect");
  for (let turn = 0; ; turn++) {
    let release: () => Promise<void>;
    try {
      release = await lockFolder(folder, stateDirectory);
    } catch (error) {
      if (!(error instanceof LockProblem)) throw error;
      if (turn >= retries) throw new JournalProblem(error.message);
      await Bun.sleep(retryMs);
      continue;
    }
    try {
      return await work();
    } finally {
      await release();
    }
  }
}

const keyPlace = "{{clawgate-key}}";

/** As it is kept: without the key itself. */
export function withoutKey(entry: Connection, key: string): Connection {
  if (entry.keyHash === null) return entry;
  return JSON.parse(JSON.stringify(entry).replaceAll(key, keyPlace)) as Connection;
}

/** The key that was made for a client, if it still stands in one of these texts. */
export function keyIn({ keyHash }: Pick<Connection, "keyHash">, texts: readonly string[]): string | null {
  if (keyHash === null) return null;
  const candidates = texts.flatMap((text) => text.match(/[0-9a-f]{64}/g) ?? []);
  return candidates.find((each) => sha256Hex(each) === keyHash) ?? null;
}

/** With the key that is found in the client's files, so that what was put there is recognised. */
export function withKeyFrom(entry: Connection, texts: readonly string[]): Connection {
  const key = keyIn(entry, texts);
  return key === null ? entry : (JSON.parse(JSON.stringify(entry).replaceAll(keyPlace, key)) as Connection);
}
