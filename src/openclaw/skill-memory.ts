// What each skill of a tenant was when both sides were last the same, kept beside the skills; and the lock that lets one
// command at a time change them. It must never be needed: without it a difference is a conflict, and nothing is lost.

import { readIn, replaceIn } from "../system/pinned-files.ts";
import { PathProblem, pinFolder } from "../system/pinned-folder.ts";
import { LockProblem, lockFolder } from "./lock.ts";
import { nameProblem, SkillProblem } from "./skill-tree.ts";

export type SkillMemory = {
  /** The hash that both sides had last; null: they never were the same. */
  last(name: string): string | null;
  remember(name: string, hash: string): Promise<void>;
};

const file = "synced.json";
const mostFileBytes = 4 * 1024 * 1024;

/**
 * `source` names the other side: what is known of another container says nothing of this one. Null: whichever it was. `below`: no
 * link is followed below it. Throws SkillProblem.
 */
export async function openSkillMemory(
  folder: string,
  source: string | null,
  below?: string,
): Promise<SkillMemory> {
  const known = await readKnown(folder, source, below).catch(asSkillProblem);
  return {
    last: (name) => known.get(name) ?? null,
    async remember(name, hash) {
      if (known.get(name) === hash) return;
      known.set(name, hash);
      const sorted = Object.fromEntries([...known].toSorted(([left], [right]) => (left < right ? -1 : 1)));
      const text = `${JSON.stringify({ version: 1, source, skills: sorted }, null, 2)}\n`;
      const pinned = await pinFolder(folder, { below, make: 0o700 });
      if (pinned === null) throw new SkillProblem(`${folder} went away`);
      try {
        await replaceIn(pinned, file, text, { mode: 0o600, newOwner: "folder" });
      } finally {
        await pinned.close();
      }
    },
  };
}

function asSkillProblem(error: unknown): never {
  throw error instanceof PathProblem ? new SkillProblem(error.message) : error;
}

async function textIn(folder: string, below: string | undefined): Promise<string | null> {
  const pinned = await pinFolder(folder, { below });
  if (pinned === null) return null;
  try {
    return (await readIn(pinned, file, mostFileBytes))?.bytes.toString("utf8") ?? null;
  } finally {
    await pinned.close();
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
export async function lockSkills(folder: string, below: string): Promise<() => Promise<void>> {
  try {
    return await lockFolder(folder, below);
  } catch (error) {
    throw error instanceof LockProblem ? new SkillProblem(error.message) : asSkillProblem(error);
  }
}
