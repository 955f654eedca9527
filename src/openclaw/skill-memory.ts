// What each skill of a tenant was when both sides were last the same, kept beside the skills; and the lock that lets one
// command at a time change them. It must never be needed: without it a difference is a conflict, and nothing is lost.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { readTextIfExists, replaceFile } from "../system/files.ts";
import { LockProblem, lockFolder } from "./lock.ts";
import { nameProblem, SkillProblem } from "./skill-tree.ts";

export type SkillMemory = {
  /** The hash that both sides had last; null: they never were the same. */
  last(name: string): string | null;
  remember(name: string, hash: string): Promise<void>;
};

/** `source` names the other side: what is known of another container says nothing of this one. Null: whichever it was. */
export async function openSkillMemory(folder: string, source: string | null): Promise<SkillMemory> {
  const path = join(folder, "synced.json");
  const known = await readKnown(path, source);
  return {
    last: (name) => known.get(name) ?? null,
    async remember(name, hash) {
      if (known.get(name) === hash) return;
      known.set(name, hash);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const sorted = Object.fromEntries([...known].toSorted(([left], [right]) => (left < right ? -1 : 1)));
      await replaceFile(path, `${JSON.stringify({ version: 1, source, skills: sorted }, null, 2)}\n`, {
        mode: 0o600,
      });
    },
  };
}

async function readKnown(path: string, source: string | null): Promise<Map<string, string>> {
  const text = await readTextIfExists(path);
  let value: unknown = null;
  try {
    value = text === null ? null : JSON.parse(text);
  } catch {
    // A damaged file knows nothing; the comparison then asks where it would have known.
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

/** Throws SkillProblem while another living process holds it. Returns what gives it back. */
export async function lockSkills(folder: string): Promise<() => Promise<void>> {
  try {
    return await lockFolder(folder);
  } catch (error) {
    throw error instanceof LockProblem ? new SkillProblem(error.message) : error;
  }
}
