// One update at a time, and what a broken-off one left: the step is on the disk before it is taken, so that the next `update` can undo it.
// It must never touch a path that this program did not make itself.

import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { lockDirectory } from "../system/directory-lock.ts";
import { ensurePrivateDirectory, readTextIfExists, replaceFile } from "../system/files.ts";
import { UpdateProblem } from "./update-problem.ts";

export const workPrefix = ".clawgate-update-";

const entrySchema = z.object({
  /** The file that is replaced. */
  program: z.string(),
  /** The folder beside it with what belongs to this update alone. */
  work: z.string(),
  from: z.string(),
  to: z.string(),
  started_at: z.string(),
});

export type JournalEntry = z.infer<typeof entrySchema>;

const folderOf = (stateDirectory: string): string => join(stateDirectory, "update");
const fileOf = (stateDirectory: string): string => join(folderOf(stateDirectory), "journal.json");

export type UpdateJournal = {
  /** What an update that did not end left; null: nothing. */
  unfinished(): Promise<JournalEntry | null>;
  begin(entry: JournalEntry): Promise<void>;
  end(): Promise<void>;
  close(): void;
};

/** Throws UpdateProblem while another update runs. */
export async function openJournal(stateDirectory: string): Promise<UpdateJournal> {
  const folder = folderOf(stateDirectory);
  await ensurePrivateDirectory(stateDirectory);
  await ensurePrivateDirectory(folder);
  const result = lockDirectory(folder);
  if (result.kind === "taken") throw new UpdateProblem("another update is running");
  return {
    unfinished: () => unfinishedUpdate(stateDirectory),
    begin: (entry) => replaceFile(fileOf(stateDirectory), `${JSON.stringify(entry)}\n`, { mode: 0o600 }),
    end: () => rm(fileOf(stateDirectory), { force: true }),
    close() {
      if (result.kind === "held") result.lock.release();
    },
  };
}

/** For readers without the lock: it may also be one that runs now. */
export async function unfinishedUpdate(stateDirectory: string): Promise<JournalEntry | null> {
  const text = await readTextIfExists(fileOf(stateDirectory));
  if (text === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const read = entrySchema.safeParse(value);
  if (!read.success) return null;
  const { work, program } = read.data;
  const isOurs = dirname(work) === dirname(program) && basename(work).startsWith(workPrefix);
  return isOurs ? read.data : null;
}
