// Skills in a folder of this machine: read without following a link, replaced one at a time and as a whole. A process killed in
// the middle leaves the old skill or the new one, and the next one cleans up. It must never merge two skills.

import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCode } from "../system/files.ts";
import { statIn, listNamesIn, removeTreeIn } from "../system/folder-files.ts";
import { PathProblem, openChildFolder, type FolderHandle, openFolder } from "../system/folder-handle.ts";
import { filesIn } from "./skill-reading.ts";
import {
  maxTotalBytes,
  maxSkills,
  nameProblem,
  type RefusedSkill,
  SkillProblem,
  type SkillSet,
  skillSetOf,
  type SkillTree,
  treeOf,
} from "./skill-tree.ts";

/** A place with skills, here or in an instance. */
export type SkillStore = {
  /** For a person: a path, or a container. */
  readonly label: string;
  /** Throws SkillProblem if the place cannot be read at all. */
  read(onSkill?: (name: string) => void): Promise<SkillSet>;
  /**
   * Replaces the skill there in one step. `expected` is the hash that it has there now (null: none); throws SkillProblem if it has
   * another one.
   */
  replace(tree: SkillTree, expected: string | null): Promise<void>;
  /** Completes what a killed run began. */
  recover(): Promise<void>;
};

export type FolderOptions = {
  readonly root: string;
  /** No link is followed below it. Default: below the root. */
  readonly below?: string | undefined;
  /** As root: the required owner of the root, if its path comes from another user. */
  readonly owner?: number | null | undefined;
  /** On the same file system as `root`, and no program looks for skills in it. */
  readonly staging: string;
  /** Mode of created folders. */
  readonly mode: number;
  /** Called before each step that changes something; for tests. */
  readonly onStep?: (step: string) => void;
};

type Entry = SkillTree | RefusedSkill;

/** Files next to the skills count as well. */
const maxEntries = 10_000;
const newName = (name: string): string => `new--${name}`;
const oldName = (name: string): string => `old--${name}`;

export function folderSkillStore(options: FolderOptions): SkillStore {
  const { root, mode, onStep = () => undefined } = options;
  const { rootOf, stagingOf } = skillFoldersOf(options);

  return {
    label: root,
    async read(onSkill) {
      const folder = await rootOf();
      if (folder === null) return { skills: new Map(), refused: [] };
      try {
        return skillSetOf(await readAll(folder, onSkill));
      } finally {
        await folder.close();
      }
    },
    async replace(tree, expected) {
      const problem = nameProblem(tree.name);
      if (problem !== null) throw new SkillProblem(`${tree.name}: ${problem}`);
      const { folder, stage } = await openBoth(await rootOf(mode), () => stagingOf(0o700), root);
      try {
        onStep("stage");
        await removeTreeIn(stage, newName(tree.name));
        await writeSkill({ stage, folder, mode, onStep }, tree);
        const now = await statIn(folder, tree.name);
        const standing = now === null ? null : await readOne(folder, tree.name);
        const hash = standing === null ? null : "hash" in standing ? standing.hash : "refused";
        if (hash !== expected) {
          await removeTreeIn(stage, newName(tree.name));
          throw new SkillProblem(`${tree.name} was changed in ${root} in the meantime; nothing was written`);
        }
        const target = join(folder.path, tree.name);
        await stage.assertUnchanged();
        await folder.assertUnchanged();
        if (now !== null) {
          onStep("set aside");
          await rename(target, join(stage.path, oldName(tree.name)));
        }
        onStep("put in place");
        await rename(join(stage.path, newName(tree.name)), target);
        onStep("sync");
        await folder.sync();
        onStep("remove the old one");
        await removeTreeIn(stage, oldName(tree.name));
      } finally {
        await folder.close();
        await stage.close();
      }
    },
    async recover() {
      const stage = await stagingOf();
      if (stage === null) return;
      try {
        for (const name of await listNamesIn(stage, maxEntries)) {
          const skill = /^(?:new|old)--(.+)$/.exec(name)?.[1];
          if (skill === undefined || nameProblem(skill) !== null) continue;
          if (name.startsWith("old--") && (await giveBack(stage, skill))) continue;
          onStep("tidy");
          await removeTreeIn(stage, name);
        }
      } finally {
        await stage.close();
      }
    },
  };

  /** False: another one is at its place. */
  async function giveBack(stage: FolderHandle, skill: string): Promise<boolean> {
    const folder = await rootOf(mode);
    if (folder === null) throw new SkillProblem(`${root} was removed in the meantime`);
    try {
      if ((await statIn(folder, skill)) !== null) return false;
      onStep("give back");
      await rename(join(stage.path, oldName(skill)), join(folder.path, skill));
      return true;
    } finally {
      await folder.close();
    }
  }
}

type SkillFolders = {
  rootOf(make?: number): Promise<FolderHandle | null>;
  stagingOf(make?: number): Promise<FolderHandle | null>;
};

/** Both are opened again for each use. They throw SkillProblem. */
function skillFoldersOf({
  root,
  below,
  owner = null,
  staging,
}: Omit<FolderOptions, "mode" | "onStep">): SkillFolders {
  return {
    async rootOf(make) {
      const folder = await openSkillFolder(root, below, make);
      if (folder === null || owner === null || folder.stats.uid === owner) return folder;
      await folder.close();
      throw new SkillProblem(`${root} belongs to user ${folder.stats.uid}, its OpenClaw to user ${owner}`);
    },
    stagingOf: (make) => openSkillFolder(staging, below, make),
  };
}

async function openBoth(
  folder: FolderHandle | null,
  open: () => Promise<FolderHandle | null>,
  root: string,
): Promise<{ readonly folder: FolderHandle; readonly stage: FolderHandle }> {
  const stage =
    folder === null
      ? null
      : await open().catch(async (error: unknown) => {
          await folder.close();
          throw error;
        });
  if (folder !== null && stage !== null) return { folder, stage };
  await folder?.close();
  throw new SkillProblem(`${root} was removed in the meantime`);
}

async function openSkillFolder(
  path: string,
  below: string | undefined,
  make: number | undefined,
): Promise<FolderHandle | null> {
  try {
    return await openFolder(path, { below, make });
  } catch (error) {
    throw error instanceof PathProblem
      ? new SkillProblem(error.message)
      : new SkillProblem(`${path} cannot be read (${errorCode(error) ?? "unknown"})`);
  }
}

/** Nothing is read beyond the limits of one side. Throws SkillProblem. */
async function readAll(folder: FolderHandle, onSkill?: (name: string) => void): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  let skills = 0;
  let bytes = 0;
  const names = await listNamesIn(folder, maxEntries).catch((error: unknown) => {
    throw error instanceof PathProblem ? new SkillProblem(error.message) : error;
  });
  for (const name of names) {
    if (name.startsWith(".")) continue;
    const kind = await statIn(folder, name);
    if (kind === null || kind.isFile()) continue;
    const problem = kind.isDirectory() ? nameProblem(name) : "it is a link or not a folder";
    onSkill?.(name);
    const tooMuch =
      skills >= maxSkills
        ? `there are more than ${maxSkills}`
        : bytes > maxTotalBytes
          ? "the skills are too large in total"
          : null;
    const why = problem ?? tooMuch;
    const entry = why === null ? await readOne(folder, name) : { name, why };
    found.push(entry);
    if (!("files" in entry)) continue;
    skills += 1;
    bytes += entry.files.reduce((sum, file) => sum + file.bytes.length, 0);
  }
  return found;
}

async function readOne(folder: FolderHandle, name: string): Promise<Entry> {
  try {
    const files = await filesIn(folder, name);
    return typeof files === "string" ? { name, why: files } : treeOf(name, files);
  } catch (error) {
    const why = error instanceof PathProblem ? error.message : (errorCode(error) ?? "unknown");
    return { name, why: `it cannot be read (${why})` };
  }
}

/** Under its new name in the staging folder; as root it gets the owner of the target folder. */
type SkillWriting = {
  readonly stage: FolderHandle;
  /** Its owner becomes the owner of the files. */
  readonly folder: FolderHandle;
  readonly mode: number;
  readonly onStep: (step: string) => void;
};

async function writeSkill({ stage, folder, mode, onStep }: SkillWriting, tree: SkillTree): Promise<void> {
  const made = await openChildFolder(stage, newName(tree.name), mode);
  if (made === null) throw new SkillProblem(`${stage.displayPath} was removed in the meantime`);
  const folders = new Map([["", made]]);
  try {
    const within = async (path: string): Promise<FolderHandle> => {
      const known = folders.get(path);
      if (known !== undefined) return known;
      const inner = await openChildFolder(
        await within(parentOf(path)),
        path.slice(path.lastIndexOf("/") + 1),
        mode,
      );
      if (inner === null) throw new SkillProblem(`${stage.displayPath} was removed in the meantime`);
      folders.set(path, inner);
      return inner;
    };
    for (const file of tree.files) {
      onStep(`write ${file.path}`);
      const inner = await within(parentOf(file.path));
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      const name = file.path.slice(file.path.lastIndexOf("/") + 1);
      const handle = await open(join(inner.path, name), flags, 0o600);
      try {
        await handle.writeFile(file.bytes);
        if (process.geteuid?.() === 0) await handle.chown(folder.stats.uid, folder.stats.gid);
        await handle.chmod((file.isExecutable ? 0o777 : 0o666) & mode);
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
    for (const each of folders.values()) await each.sync();
  } finally {
    for (const each of folders.values()) await each.close();
  }
}

const parentOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf("/"), 0));

/** Removes a skill in one step: it is gone before its files are. */
export async function removeSkill(
  place: Pick<FolderOptions, "root" | "below" | "staging">,
  name: string,
): Promise<void> {
  if (nameProblem(name) !== null) throw new SkillProblem(`${name} is not a valid skill name`);
  const { rootOf, stagingOf } = skillFoldersOf(place);
  const root = await rootOf();
  if (root === null) return;
  const { folder, stage } = await openBoth(root, () => stagingOf(0o700), place.root);
  try {
    const aside = `new--gone-${randomBytes(6).toString("hex")}`;
    await rename(join(folder.path, name), join(stage.path, aside));
    await removeTreeIn(stage, aside);
  } finally {
    await folder.close();
    await stage.close();
  }
}

/** Next to the skills of an OpenClaw instance, not among them: it would find half a skill. */
export function stagingFolderOf(root: string): string {
  return join(dirname(root), ".clawgate-skills");
}
