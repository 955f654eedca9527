// Synchronizes the skills of a tenant here with those of its OpenClaw instance: compares contents, reports differences and their
// cause, copies one whole skill at a time. It must never overwrite a change without the user's choice, and never delete.

import { dirname, join } from "node:path";
import { containerSkillStore, type DockerForSkills } from "./skill-container.ts";
import { removeSkill, folderSkillStore, type SkillStore, stagingFolderOf } from "./skill-folder.ts";
import { lockSkills, openSkillSyncState } from "./skill-sync-state.ts";
import {
  actionOf,
  relationOf,
  type SkillAction,
  type SkillMode,
  type SkillPreference,
  type SkillRelation,
} from "./skill-plan.ts";
import { risksOf } from "./skill-risks.ts";
import { type RefusedSkill, SkillProblem, type SkillSet, skillSetOf, type SkillTree } from "./skill-tree.ts";

/** Where the skills of an instance are. `home` is its state directory, in the container or on this machine. */
export type SkillInstance = {
  readonly container: string | null;
  readonly home: string;
  /** Default: `<home>/workspace`. */
  readonly workspace?: string | null;
  /** On this machine: no link is followed below these. Default: the folders themselves. */
  readonly below?: string | null;
  readonly workspaceBelow?: string | null;
  /** As root: the required owner of a workspace that the instance itself names. Null: any. */
  readonly owner?: number | null;
};

export type SkillRow = {
  readonly skill: string;
  readonly relation: SkillRelation;
  readonly action: SkillAction;
  /** Copied, or would be copied in a dry run. */
  readonly done: boolean;
  /** What would run by itself in a skill that is new or changed here. */
  readonly risks: readonly string[];
  readonly error: string | null;
};

export type SkillReport = {
  readonly source: string;
  readonly rows: readonly SkillRow[];
  readonly refused: readonly (RefusedSkill & { readonly side: "here" | "there" })[];
};

export type SkillSyncOptions = {
  /** `<skills.dir>/<tenant>`. */
  readonly folder: string;
  readonly instance: SkillInstance;
  /** For an instance in a container. */
  readonly docker: DockerForSkills;
  readonly mode: SkillMode;
  readonly preference?: SkillPreference;
  /** Only this skill. */
  readonly only?: string | null;
  readonly isDryRun?: boolean;
  readonly onProgress?: (text: string) => void;
  /** Called before each step that changes something; for tests. */
  readonly onStep?: (step: string) => void;
};

type Root = { readonly root: string; readonly below: string; readonly owner: number | null };

/** In OpenClaw's own order: the first takes precedence. */
function rootsOf({
  home,
  workspace = null,
  below,
  workspaceBelow,
  owner = null,
}: SkillInstance): readonly Root[] {
  const own = { below: below ?? home, owner: null };
  const working = workspace ?? join(home, "workspace");
  const theirs = working.startsWith(`${home}/`) ? own : { below: workspaceBelow ?? working, owner };
  return [
    { root: join(working, "skills"), ...theirs },
    { root: join(working, ".agents", "skills"), ...theirs },
    { root: join(home, "skills"), ...own },
  ];
}

const ownFolder = (folder: string): string => join(folder, ".clawgate");
/** A tenant's skills here: the folder of all tenants is the operator's, its entries must not be links. */
const folderOptions = (folder: string) => ({
  root: folder,
  below: dirname(folder),
  staging: ownFolder(folder),
  mode: 0o700,
});

/** Throws SkillProblem. */
export async function syncSkills(options: SkillSyncOptions): Promise<SkillReport> {
  const { folder, isDryRun = false } = options;
  if (isDryRun) return compareAndCopy(options);
  const unlock = await lockSkills(ownFolder(folder), dirname(folder));
  try {
    return await compareAndCopy(options);
  } finally {
    await unlock();
  }
}

async function compareAndCopy(options: SkillSyncOptions): Promise<SkillReport> {
  const { folder, mode, preference = null, only = null, isDryRun = false, onStep } = options;
  const onProgress = options.onProgress ?? (() => undefined);
  const here = folderSkillStore({
    ...folderOptions(folder),
    ...(onStep === undefined ? {} : { onStep }),
  });
  const there = storeOf(options);
  if (!isDryRun) {
    await here.recover();
    if (mode !== "pull") await there.recover();
  }
  const syncState = await openSkillSyncState(ownFolder(folder), there.label, dirname(folder));
  const theirs = await there.read((name) => onProgress(`reading ${name} of ${there.label}`));
  const ours = await here.read((name) => onProgress(`reading ${name}`));
  const refused = new Set([...ours.refused, ...theirs.refused].map(({ name }) => name));
  const names = [...new Set([...ours.skills.keys(), ...theirs.skills.keys()])].toSorted();
  const chosen = names.filter((name) => !refused.has(name) && (only === null || name === only));
  if (only !== null && chosen.length === 0 && !refused.has(only))
    throw new SkillProblem(`there is no skill "${only}", neither in ${folder} nor in ${there.label}`);

  const rows: SkillRow[] = [];
  for (const [at, skill] of chosen.entries()) {
    const mine = ours.skills.get(skill) ?? null;
    const other = theirs.skills.get(skill) ?? null;
    const hashes = { here: mine?.hash ?? null, there: other?.hash ?? null, last: syncState.lastHash(skill) };
    const relation = relationOf(hashes);
    if (relation === null) continue;
    const action = actionOf(hashes, relation, mode, preference);
    onProgress(`${at + 1} of ${chosen.length}: ${skill}`);
    const copied = action === "pull" ? other : action === "push" ? mine : null;
    let error: string | null = null;
    if (!isDryRun)
      try {
        if (copied !== null)
          await (action === "pull" ? here : there).replace(
            copied,
            action === "pull" ? hashes.here : hashes.there,
          );
        const common = copied ?? (relation === "same" ? mine : null);
        if (common !== null) await syncState.save(skill, common.hash);
      } catch (thrown) {
        // One skill that cannot be written is no reason to skip the others.
        error = thrown instanceof Error ? thrown.message : String(thrown);
      }
    const risks = action === "pull" && other !== null ? risksOf(other) : [];
    rows.push({ skill, relation, action, done: copied !== null && error === null, risks, error });
  }
  return {
    source: there.label,
    rows,
    refused: [
      ...ours.refused.map((each) => ({ ...each, side: "here" as const })),
      ...theirs.refused.map((each) => ({ ...each, side: "there" as const })),
    ].filter(({ name }) => only === null || name === only),
  };
}

/** The local skills of a tenant. Throws SkillProblem. */
export function localSkills(folder: string): Promise<SkillSet> {
  return folderSkillStore(folderOptions(folder)).read();
}

export type Cleaned = { readonly removed: readonly string[]; readonly kept: readonly string[] };

/**
 * Removes the tenant's skills here. Without `isAll` only those that were synced and have not been changed here since: the others
 * may exist nowhere else. Throws SkillProblem.
 */
export async function cleanSkills(options: {
  readonly folder: string;
  readonly isAll: boolean;
  readonly isDryRun: boolean;
}): Promise<Cleaned> {
  const { folder, isAll, isDryRun } = options;
  const work = async (): Promise<Cleaned> => {
    const memory = await openSkillSyncState(ownFolder(folder), null, dirname(folder));
    const { skills, refused } = await localSkills(folder);
    const all = [...skills.values()];
    const going = all
      .filter(({ name, hash }) => isAll || memory.lastHash(name) === hash)
      .map(({ name }) => name);
    if (!isDryRun) for (const name of going) await removeSkill(folderOptions(folder), name);
    const staying = [...all.map(({ name }) => name), ...refused.map(({ name }) => name)];
    return { removed: going, kept: staying.filter((name) => !going.includes(name)) };
  };
  if (isDryRun || (await localSkills(folder)).skills.size === 0) return work();
  const unlock = await lockSkills(ownFolder(folder), dirname(folder));
  try {
    return await work();
  } finally {
    await unlock();
  }
}

/** The name of an instance in the sync state. */
function labelOf({ container, home }: SkillInstance): string {
  return container === null ? home : `${container}:${home}`;
}

function storeOf({ instance, docker, onStep }: SkillSyncOptions): SkillStore {
  const { container } = instance;
  const places = rootsOf(instance).map(({ root, below, owner }) =>
    container === null
      ? folderSkillStore({
          root,
          below,
          owner,
          staging: stagingFolderOf(root),
          mode: 0o755,
          ...(onStep === undefined ? {} : { onStep }),
        })
      : containerSkillStore(container, root, docker, onStep),
  );
  return ranked(labelOf(instance), places);
}

/** Several folders as one: a skill is read from the first that has it, and written where it was read, or to the first. */
function ranked(label: string, places: readonly SkillStore[]): SkillStore {
  const homes = new Map<string, SkillStore>();
  return {
    label,
    async read(onSkill) {
      const found: (SkillTree | RefusedSkill)[] = [];
      for (const place of places) {
        const { skills, refused } = await place.read(onSkill);
        for (const { name } of [...skills.values(), ...refused]) if (!homes.has(name)) homes.set(name, place);
        found.push(...skills.values(), ...refused);
      }
      return skillSetOf(found);
    },
    async replace(tree, expected) {
      const place = homes.get(tree.name) ?? places[0];
      if (place === undefined) throw new SkillProblem(`${label} has no folder for skills`);
      await place.replace(tree, expected);
    },
    async recover() {
      for (const place of places) await place.recover();
    },
  };
}
