// Builds a plugin folder of a tenant's skills, the only layout that Claude Code loads without reading a user's
// settings. Links and devices are refused, and no part of a skill may run by itself: the skills come from the tenant's
// OpenClaw.

import { lstat, mkdir, open, readdir, rm } from "node:fs/promises";
import { constants } from "node:fs";
import { join } from "node:path";
import type { UserIds } from "../../../system/accounts.ts";
import { isScarcity } from "../../../system/descriptors.ts";
import { ensurePrivateDirectory, errorCode, replaceFile } from "../../../system/files.ts";
import { sha256Hex } from "../../../system/secret.ts";
import { giveTo, type SharedFolder } from "../../agent-process/other-user.ts";
import { type Skill, skillList, skillOf } from "./skill-text.ts";
import { tenantFolderName } from "../workspace.ts";

export type SkillPlugin = {
  /** The plugin's folder. */
  readonly path: string;
  /** Text that lists the skills for the model. */
  readonly list: string;
};

export type SkillPlugins = {
  /** The plugin of the tenant's skills, created or rebuilt when they have changed; null: it has none. Never rejects. */
  of(tenant: string, user?: UserIds | null): Promise<SkillPlugin | null>;
};

export type SkillOptions = {
  /** `skills.dir`: a folder of each tenant, with a folder of each skill in it. Null: no skills are loaded. */
  readonly skillsDirectory: () => string | null;
  /** Where the plugin folders are created. */
  readonly pluginsDirectory: string;
  /** Folder for files that other users must be able to read. */
  readonly sharedFolder: SharedFolder;
  readonly warn: (message: string) => void;
};

/** A tenant's name comes from the config and is also a folder name. */
const tenantName = /^[a-z0-9][a-z0-9._-]{0,63}$/i;
/** Prefix of each skill's name. */
const pluginName = "openclaw";
const maxSkills = 200;
const maxFiles = 200;
const maxBytes = 2 * 1024 * 1024;
const deepest = 4;

type FileFound = {
  readonly path: string;
  readonly inside: string;
  readonly size: number;
  readonly stamp: string;
};
type SkillFound = { readonly folder: string; readonly files: readonly FileFound[] };

export function createSkillPlugins(options: SkillOptions): SkillPlugins {
  const { pluginsDirectory } = options;
  /** Per tenant: the skills' state and its plugin's path; and the previous one, which may still be in use. */
  const made = new Map<
    string,
    { readonly print: string; readonly plugin: SkillPlugin | null; readonly old: string | null }
  >();
  const working = new Map<string, Promise<SkillPlugin | null>>();
  const told = new Set<string>();
  const warn = (message: string): void => {
    if (told.has(message)) return;
    told.add(message);
    options.warn(message);
  };

  const refresh = async (tenant: string, from: string, user: UserIds | null): Promise<SkillPlugin | null> => {
    const found = await findSkills(join(from, tenant), (what) => warn(`skills of ${tenant}: ${what}`));
    const before = made.get(tenant);
    const print = sha256Hex(
      JSON.stringify([user, ...found.map(({ folder, files }) => [folder, files.map((file) => file.stamp)])]),
    );
    if (before?.print === print) return before.plugin;
    const plugin = found.length === 0 ? null : await build(tenant, found, print, user);
    const [path, oldPath] = [plugin?.path ?? null, before?.plugin?.path ?? null];
    if (before?.old != null && before.old !== path) await rm(before.old, { recursive: true, force: true });
    made.set(tenant, { print, plugin, old: oldPath === path ? null : oldPath });
    return plugin;
  };

  const build = async (
    tenant: string,
    found: readonly SkillFound[],
    print: string,
    user: UserIds | null,
  ): Promise<SkillPlugin | null> => {
    const parent = user === null ? pluginsDirectory : options.sharedFolder.path;
    const root = join(parent, `${tenantFolderName(tenant)}-${print.slice(0, 12)}`);
    await (user === null ? ensurePrivateDirectory(pluginsDirectory) : options.sharedFolder.make());
    await rm(root, { recursive: true, force: true });
    await mkdir(join(root, ".claude-plugin"), { recursive: true, mode: 0o700 });
    const taken = new Map<string, Skill>();
    for (const each of found) {
      const skill = await readSkill(each);
      if (skill === null || taken.has(skill.name)) {
        warn(
          `skills of ${tenant}: ${each.folder} is left out, ${skill === null ? "it cannot be read" : "its name is taken"}`,
        );
        continue;
      }
      taken.set(skill.name, skill);
      await writeSkill(join(root, "skills", skill.name), skill, each.files);
    }
    if (taken.size === 0) return null;
    const manifest = { name: pluginName, version: "1.0.0", description: `Skills of ${tenant}` };
    await replaceFile(join(root, ".claude-plugin", "plugin.json"), `${JSON.stringify(manifest)}\n`);
    if (user !== null) await giveTo(root, user);
    return { path: root, list: skillList(pluginName, [...taken.values()]) };
  };

  return {
    async of(tenant, user = null) {
      const skillsDirectory = options.skillsDirectory();
      if (skillsDirectory === null || !tenantName.test(tenant)) return null;
      const running = working.get(tenant);
      if (running !== undefined) return running;
      const work = refresh(tenant, skillsDirectory, user)
        .catch((error: unknown) => {
          // Temporarily unopenable is not unreadable: a turn without the skills would get a different answer.
          if (isScarcity(error)) throw error;
          warn(`skills of ${tenant} are not used: ${errorCode(error) ?? "they cannot be read"}`);
          return null;
        })
        .finally(() => working.delete(tenant));
      working.set(tenant, work);
      return work;
    },
  };
}

/** The tenant's folder and each skill's in it must be real folders; a skill that contains anything but files is left out. */
async function findSkills(root: string, refuse: (what: string) => void): Promise<readonly SkillFound[]> {
  const top = await lstat(root).catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  });
  if (top === null) return [];
  if (!top.isDirectory()) {
    refuse("their folder is a link or not a folder");
    return [];
  }
  const entries = await readdir(root, { withFileTypes: true });
  const found: SkillFound[] = [];
  for (const entry of entries.toSorted((left, right) => (left.name < right.name ? -1 : 1))) {
    if (entry.name.startsWith(".") || entry.isFile()) continue;
    if (found.length >= maxSkills) {
      refuse(`only the first ${maxSkills} are used`);
      break;
    }
    const folder = join(root, entry.name);
    const files = entry.isDirectory() ? await filesOf(folder, "", 0) : "it is a link";
    if (typeof files === "string") refuse(`${entry.name} is left out, ${files}`);
    else if (files.some((file) => file.inside === "SKILL.md")) found.push({ folder: entry.name, files });
  }
  return found;
}

/** Files of a skill, or why it cannot be used. */
async function filesOf(
  folder: string,
  inside: string,
  depth: number,
): Promise<readonly FileFound[] | string> {
  if (depth > deepest) return "its folders are nested too deeply";
  const files: FileFound[] = [];
  let bytes = 0;
  for (const name of (await readdir(folder)).toSorted()) {
    const path = join(folder, name);
    const found = await lstat(path);
    const place = inside === "" ? name : `${inside}/${name}`;
    if (found.isDirectory()) {
      const below = await filesOf(path, place, depth + 1);
      if (typeof below === "string") return below;
      files.push(...below);
    } else if (found.isFile()) {
      const stamp = [place, found.ino, found.size, found.mtimeMs, found.ctimeMs].join(":");
      files.push({ path, inside: place, size: found.size, stamp });
    } else return "it holds a link or a device";
  }
  for (const { size } of files) bytes += size;
  if (files.length > maxFiles || bytes > maxBytes) return "it is too large";
  return files;
}

async function readSkill({ folder, files }: SkillFound): Promise<Skill | null> {
  const file = files.find((each) => each.inside === "SKILL.md");
  return file === undefined ? null : skillOf((await readPlain(file)).toString("utf8"), folder);
}

async function writeSkill(root: string, skill: Skill, files: readonly FileFound[]): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  for (const file of files) {
    const target = join(root, ...file.inside.split("/"));
    await mkdir(join(target, ".."), { recursive: true, mode: 0o700 });
    await replaceFile(target, file.inside === "SKILL.md" ? skill.text : await readPlain(file), {
      mode: 0o600,
    });
  }
}

/** A file that has become a link or grown since it was checked is not followed. */
async function readPlain(file: FileFound): Promise<Buffer> {
  const handle = await open(file.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (!found.isFile() || found.size > maxBytes)
      throw new Error("a file of a skill changed while it was read");
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
