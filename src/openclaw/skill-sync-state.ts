// The content of each skill of a tenant when both sides were last equal, kept next to the skills; and the lock that lets one
// command at a time change them. It must never be required: without it a difference is a conflict, and nothing is lost.

import { readFileIn, replaceFileIn } from "../system/folder-files.ts";
import { PathProblem, openFolder } from "../system/folder-handle.ts";
import { LockProblem, lockFolder } from "./lock.ts";
import { nameProblem, SkillProblem } from "./skill-tree.ts";

export type SkillSyncState = {
  /** The hash when both sides were last equal; null: they never were. */
  lastHash(name: string): string | null;
  save(name: string, hash: string): Promise<void>;
};

const file = "synced.json";
const maxFileBytes = 4 * 1024 * 1024;

/**
 * `source` identifies the other side: the state of another container does not apply here. Null: any. `below`: no link is followed
 * below it. Throws SkillProblem.
 */
export async function openSkillSyncState(
  folder: string,
  source: string | null,
  below?: string,
): Promise<SkillSyncState> {
  const known = await readKnown(folder, source, below).catch(asSkillProblem);
  return {
    lastHash: (name) => known.get(name) ?? null,
    async save(name, hash) {
      if (known.get(name) === hash) return;
      known.set(name, hash);
      const sorted = Object.fromEntries([...known].toSorted(([left], [right]) => (left < right ? -1 : 1)));
      const text = `${JSON.stringify({ version: 1, source, skills: sorted }, null, 2)}\n`;
      const handle = await openFolder(folder, { below, make: 0o700 });
      if (handle === null) throw new SkillProblem(`${folder} was removed in the meantime`);
      try {
        await replaceFileIn(handle, file, text, { mode: 0o600, newOwner: "folder" });
      } finally {
        await handle.close();
      }
    },
  };
}

function asSkillProblem(error: unknown): never {
  throw error instanceof PathProblem ? new SkillProblem(error.message) : error;
}

async function textIn(folder: string, below: string | undefined): Promise<string | null> {
  const handle = await openFolder(folder, { below });
  if (handle === null) return null;
  try {
    return (await readFileIn(handle, file, maxFileBytes))?.bytes.toString("utf8") ?? null;
  } finally {
    await handle.close();
  }
}

async function readKnown(
  folder: string,
  source: string | null,
  below: string | undefined,
): Promise<Map<string, string>> {
  const text = await textIn(folder, below);
  let value: unknown = null;
  try {
    value = text === null ? null : JSON.parse(text);
  } catch {
    // A damaged file counts as empty; the comparison then reports conflicts that the file would have resolved.
  }
  if (typeof value !== "object" || value === null) return new Map();
  const { source: written, skills } = value as Readonly<Record<string, unknown>>;
  if ((source !== null && written !== source) || typeof skills !== "object" || skills === null)
    return new Map();
  return new Map(
    Object.entries(skills).filter(
      (entry): entry is [string, string] =>
        nameProblem(entry[0]) === null && /^[0-9a-f]{64}$/.test(String(entry[1])),
    ),
  );
}

/** Throws SkillProblem while another live process holds it. Returns the release function. */
export async function lockSkills(folder: string, below: string): Promise<() => Promise<void>> {
  try {
    return await lockFolder(folder, below);
  } catch (error) {
    throw error instanceof LockProblem ? new SkillProblem(error.message) : asSkillProblem(error);
  }
}
