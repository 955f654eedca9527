// A skill as its content: files, their bytes and whether they are executable, and the hash of it all. Two skills are equal if their
// hashes are. Pure; it must never accept a path that could lead out of the skill's folder.

import { createHash } from "node:crypto";

export type SkillFile = {
  /** Relative, with `/`. */
  readonly path: string;
  readonly isExecutable: boolean;
  readonly bytes: Uint8Array;
};

export type SkillTree = {
  readonly name: string;
  readonly hash: string;
  readonly files: readonly SkillFile[];
};

/** The name of a refused skill, and why: half a sentence for a person. */
export type RefusedSkill = { readonly name: string; readonly why: string };

/** The skills of one side. A refused one is neither present nor absent: nothing is done with it. */
export type SkillSet = {
  readonly skills: ReadonlyMap<string, SkillTree>;
  readonly refused: readonly RefusedSkill[];
};

/** The same limits as for skills that the Claude Code backend loads. */
export const maxSkills = 200;
export const maxFiles = 200;
export const maxBytes = 2 * 1024 * 1024;
/** For all skills of one side together: they are held in memory during the comparison. */
export const maxTotalBytes = 64 * 1024 * 1024;
export const maxDepth = 5;

/** The message is for the person at the terminal. */
export class SkillProblem extends Error {
  override readonly name = "SkillProblem";
}

// Windows opens a device under these names, whatever follows the dot.
const deviceName = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** Why a folder of this name cannot be a skill; null: it can. */
export function nameProblem(name: string): string | null {
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/i.test(name))
    return "its name may contain only letters, digits, dot, dash and underscore, at most 64";
  return deviceName.test(name) || name.endsWith(".") ? "its name cannot be a folder name" : null;
}

function pathProblem(path: string): string | null {
  const parts = path.split("/");
  if (parts.length > maxDepth) return "its folders are nested too deeply";
  const isPlain = (part: string): boolean =>
    // oxlint-disable-next-line no-control-regex
    part !== "" && part !== "." && part !== ".." && !/[\u0000-\u001f\u007f\\]/.test(part);
  if (!parts.every(isPlain)) return "it contains an invalid path, or one that leads outside";
  return parts.some((part) => Buffer.byteLength(part) > 200) ? "a file name in it is too long" : null;
}

/** The form in which some file systems treat names as equal. */
const folded = (path: string): string => path.normalize("NFC").toLowerCase();

function filesProblem(files: readonly SkillFile[]): string | null {
  if (files.length > maxFiles) return `it has more than ${maxFiles} files`;
  if (files.reduce((sum, { bytes }) => sum + bytes.length, 0) > maxBytes)
    return `it is larger than ${maxBytes / 1024 / 1024} MB`;
  const names = new Set<string>();
  for (const { path } of files) {
    const problem = pathProblem(path);
    if (problem !== null) return problem;
    if (names.has(folded(path))) return "two of its files have the same name";
    names.add(folded(path));
  }
  for (const name of names)
    for (let slash = name.indexOf("/"); slash > 0; slash = name.indexOf("/", slash + 1))
      if (names.has(name.slice(0, slash))) return "a file and a folder in it have the same name";
  return files.some(({ path }) => path === "SKILL.md") ? null : "it has no SKILL.md";
}

export function treeOf(name: string, files: readonly SkillFile[]): SkillTree | RefusedSkill {
  const why = nameProblem(name) ?? filesProblem(files);
  if (why !== null) return { name, why };
  const sorted = files.toSorted((left, right) => (left.path < right.path ? -1 : 1));
  const hash = createHash("sha256");
  for (const { path, isExecutable, bytes } of sorted) {
    // Lengths come first, so that no content can pass for another file's name.
    hash.update(`${Buffer.byteLength(path)}:${path}:${isExecutable ? "x" : "-"}:${bytes.length}:`);
    hash.update(bytes);
  }
  return { name, hash: hash.digest("hex"), files: sorted };
}

/** The first of two with the same name counts; a skill above the limits is refused by name. */
export function skillSetOf(found: Iterable<SkillTree | RefusedSkill>): SkillSet {
  const skills = new Map<string, SkillTree>();
  const refused: RefusedSkill[] = [];
  const names = new Map<string, string>();
  let bytes = 0;
  for (const each of found) {
    const taken = names.get(folded(each.name));
    // A skill of the same name in a folder of lower precedence is not the one that OpenClaw uses.
    if (taken === each.name) continue;
    if (taken !== undefined) {
      refused.push({ name: each.name, why: `its name differs from ${taken} only in letter case` });
      continue;
    }
    names.set(folded(each.name), each.name);
    if ("why" in each) {
      refused.push(each);
      continue;
    }
    bytes += each.files.reduce((sum, file) => sum + file.bytes.length, 0);
    if (skills.size >= maxSkills) refused.push({ name: each.name, why: `there are more than ${maxSkills}` });
    else if (bytes > maxTotalBytes)
      refused.push({ name: each.name, why: "the skills are too large in total" });
    else skills.set(each.name, each);
  }
  return { skills, refused };
}
