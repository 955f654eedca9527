// Skills in a folder of this machine: read without following a link, replaced one at a time and whole. Whoever is killed
// in the middle leaves the old skill or the new one, and the next to come tidies up. It must never merge two skills.

import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { lstat, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCode } from "../system/files.ts";
import { type PinnedFolder, pinFolder } from "./pinned-folder.ts";
import { filesOf } from "./skill-reading.ts";
import {
  nameProblem,
  type RefusedSkill,
  SkillProblem,
  type SkillSet,
  skillSetOf,
  type SkillTree,
  treeOf,
} from "./skill-tree.ts";

/** Where skills lie, here or in an instance. */
export type SkillPlace = {
  /** For a person: a path, or a container. */
  readonly label: string;
  /** Throws SkillProblem when the place cannot be read at all. */
  read(onSkill?: (name: string) => void): Promise<SkillSet>;
  /**
   * Puts the skill there in one step. `expected` is the hash that it has there now (null: none); throws SkillProblem
   * when it has another one.
   */
  replace(tree: SkillTree, expected: string | null): Promise<void>;
  /** Ends what a killed run began. */
  recover(): Promise<void>;
};

export type FolderOptions = {
  readonly root: string;
  /** On the same file system as `root`, and nobody looks for skills in it. */
  readonly staging: string;
  /** Of the folders that are made. */
  readonly mode: number;
  /** Called before each step that changes something; for tests. */
  readonly onStep?: (step: string) => void;
};

type Entry = SkillTree | RefusedSkill;

export function skillFolder({ root, staging, mode, onStep = () => undefined }: FolderOptions): SkillPlace {
  const readOne = async (folder: PinnedFolder, name: string): Promise<Entry> => {
    try {
      const files = await filesOf(join(folder.path, name));
      return typeof files === "string" ? { name, why: files } : treeOf(name, files);
    } catch (error) {
      return { name, why: `it cannot be read (${errorCode(error) ?? "unknown"})` };
    }
  };

  const fresh = (name: string): string => join(staging, `new--${name}`);
  const old = (name: string): string => join(staging, `old--${name}`);

  return {
    label: root,
    async read(onSkill) {
      const folder = await pin(root);
      if (folder === null) return { skills: new Map(), refused: [] };
      const found: Entry[] = [];
      try {
        const names = (await readdir(folder.path)).filter((name) => !name.startsWith(".")).toSorted();
        for (const name of names) {
          const kind = await lstat(join(folder.path, name));
          if (kind.isFile()) continue;
          const problem = kind.isDirectory() ? nameProblem(name) : "it is a link or no folder";
          onSkill?.(name);
          found.push(problem === null ? await readOne(folder, name) : { name, why: problem });
        }
      } finally {
        await folder.close();
      }
      return skillSetOf(found);
    },
    async replace(tree, expected) {
      const problem = nameProblem(tree.name);
      if (problem !== null) throw new SkillProblem(`${tree.name}: ${problem}`);
      await mkdir(root, { recursive: true, mode });
      await mkdir(staging, { recursive: true, mode: 0o700 });
      const folder = await pin(root);
      const stage = await pin(staging);
      if (folder === null || stage === null) throw new SkillProblem(`${root} went away`);
      try {
        const owner = process.getuid?.() === 0 ? await lstat(`${folder.path}/.`) : null;
        const made = join(stage.path, `new--${tree.name}`);
        onStep("stage");
        await rm(made, { recursive: true, force: true });
        await writeSkill(made, tree, mode, owner, onStep);
        const target = join(folder.path, tree.name);
        const now = await existing(target);
        const standing = now === null ? null : await readOne(folder, tree.name);
        const hash = standing === null ? null : "hash" in standing ? standing.hash : "refused";
        if (hash !== expected) {
          await rm(made, { recursive: true, force: true });
          throw new SkillProblem(`${tree.name} was changed in ${root} meanwhile; nothing was written`);
        }
        const aside = join(stage.path, `old--${tree.name}`);
        if (now !== null) {
          onStep("set aside");
          await rename(target, aside);
        }
        onStep("put in place");
        await rename(made, target);
        onStep("sync");
        await folder.sync();
        onStep("remove the old one");
        await rm(aside, { recursive: true, force: true });
      } finally {
        await folder.close();
        await stage.close();
      }
    },
    async recover() {
      const stage = await pin(staging);
      if (stage === null) return;
      await stage.close();
      for (const name of await readdir(staging)) {
        const skill = /^(?:new|old)--(.+)$/.exec(name)?.[1];
        if (skill === undefined || nameProblem(skill) !== null) continue;
        if (name.startsWith("old--") && (await existing(join(root, skill))) === null) {
          onStep("give back");
          await mkdir(root, { recursive: true, mode });
          await rename(old(skill), join(root, skill));
        } else {
          onStep("tidy");
          await rm(name.startsWith("old--") ? old(skill) : fresh(skill), { recursive: true, force: true });
        }
      }
    },
  };
}

async function pin(path: string): Promise<PinnedFolder | null> {
  try {
    return await pinFolder(path);
  } catch (error) {
    const code = errorCode(error);
    const why =
      code === "ELOOP" || code === "ENOTDIR"
        ? "is a link or no folder"
        : `cannot be read (${code ?? "unknown"})`;
    throw new SkillProblem(`${path} ${why}`);
  }
}

async function existing(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
}

async function writeSkill(
  root: string,
  tree: SkillTree,
  mode: number,
  owner: { readonly uid: number; readonly gid: number } | null,
  onStep: (step: string) => void,
): Promise<void> {
  const folders = new Set([root]);
  for (const { path } of tree.files)
    for (let slash = path.indexOf("/"); slash > 0; slash = path.indexOf("/", slash + 1))
      folders.add(join(root, path.slice(0, slash)));
  for (const folder of folders) await mkdir(folder, { mode });
  for (const file of tree.files) {
    onStep(`write ${file.path}`);
    const handle = await open(join(root, file.path), "wx", 0o600);
    try {
      await handle.writeFile(file.bytes);
      if (owner !== null) await handle.chown(owner.uid, owner.gid);
      await handle.chmod((file.isExecutable ? 0o777 : 0o666) & mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
  for (const path of folders) {
    const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      if (owner !== null) await folder.chown(owner.uid, owner.gid);
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

/** Removes a skill in one step: it is gone before its files are. */
export async function removeSkill(
  place: { readonly root: string; readonly staging: string },
  name: string,
): Promise<void> {
  if (nameProblem(name) !== null) throw new SkillProblem(`${name} is no skill's name`);
  await mkdir(place.staging, { recursive: true, mode: 0o700 });
  const folder = await pin(place.root);
  if (folder === null) return;
  try {
    const aside = join(place.staging, `new--gone-${randomBytes(6).toString("hex")}`);
    await rename(join(folder.path, name), aside);
    await rm(aside, { recursive: true, force: true });
  } finally {
    await folder.close();
  }
}

/** Beside the skills of an OpenClaw instance, not among them: it would find half a skill. */
export function stagingBeside(root: string): string {
  return join(dirname(root), ".clawgate-skills");
}
