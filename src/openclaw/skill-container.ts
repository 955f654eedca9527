// Skills in a container: fetched and sent as tar archives through `docker cp`, moved into place by `docker exec`. Arguments are literal,
// without a shell. It must never trust what a container sends, nor accept a link from it.

import { posix } from "node:path";
import type { BinaryResult } from "../system/process.ts";
import type { SkillStore } from "./skill-folder.ts";
import { readTar, type TarEntry, type TarFile, writeTar } from "./skill-tar.ts";
import {
  maxTotalBytes,
  maxFiles,
  nameProblem,
  type RefusedSkill,
  type SkillFile,
  SkillProblem,
  skillSetOf,
  type SkillTree,
  treeOf,
} from "./skill-tree.ts";

/** Runs `docker` with these arguments. Throws if it cannot be started. */
export type DockerForSkills = (
  args: readonly string[],
  options: { readonly timeoutMs: number; readonly maxOutputBytes: number; readonly input?: Uint8Array },
) => Promise<BinaryResult>;

const copyMs = 60_000;
const execMs = 15_000;
const maxMessageBytes = 64 * 1024;
/** Owner of the sent files: the user `node` of OpenClaw's images. */
const nodeUser = 1000;
const leftover = /^\.clawgate-(new|old)--(.+)$/;

export function containerSkillStore(
  container: string,
  root: string,
  docker: DockerForSkills,
  onStep: (step: string) => void = () => undefined,
): SkillStore {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/.test(container))
    throw new SkillProblem(`"${container}" is not a valid container name`);
  if (!posix.isAbsolute(root) || posix.normalize(root) !== root)
    throw new SkillProblem(`"${root}" is not an absolute path in a container`);
  const folder = new ContainerFolder(container, root, docker, onStep);
  return {
    label: folder.label,
    async read(onSkill) {
      const entries = await folder.fetch(root);
      if (entries === null) return { skills: new Map(), refused: [] };
      return skillsOf(grouped(entries, posix.basename(root), folder.label), onSkill);
    },
    replace: (tree, expected) => replaceSkill(folder, tree, expected),
    async recover() {
      const entries = await folder.fetch(root);
      if (entries === null) return;
      for (const { name, lost } of leftoversIn(topNames(entries, posix.basename(root))))
        if (lost !== null) await folder.exec("give back", ["mv", "--", folder.at(name), folder.at(lost)]);
        else await folder.exec("tidy", ["rm", "-rf", "--", folder.at(name)]);
    },
  };
}

/** The folder of skills, as `docker` reaches it. */
class ContainerFolder {
  readonly label: string;

  constructor(
    readonly container: string,
    readonly root: string,
    private readonly docker: DockerForSkills,
    private readonly onStep: (step: string) => void,
  ) {
    this.label = `${container}:${root}`;
  }

  at(name: string): string {
    return posix.join(this.root, name);
  }

  /** The content at `path`; null: none. */
  async fetch(path: string): Promise<readonly TarEntry[] | null> {
    const args = ["cp", `${this.container}:${path}`, "-"];
    const said = await this.docker(args, { timeoutMs: copyMs, maxOutputBytes: maxTotalBytes });
    if (said.code !== 0) {
      if (/could not find the file|no such file/i.test(said.stderr)) return null;
      throw new SkillProblem(`${this.label}: ${errorTextOf(said)}`);
    }
    if (said.wasCut) throw new SkillProblem(`${this.label}: larger than ${maxTotalBytes / 1024 / 1024} MB`);
    try {
      return await readTar(said.stdoutBytes);
    } catch (error) {
      throw new SkillProblem(`${this.label}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async exec(step: string, args: readonly string[]): Promise<void> {
    this.onStep(step);
    const said = await this.docker(["exec", this.container, ...args], {
      timeoutMs: execMs,
      maxOutputBytes: maxMessageBytes,
    });
    if (said.code !== 0) throw new SkillProblem(`${this.label}: ${errorTextOf(said)}`);
  }

  async send(tree: SkillTree, name: string): Promise<void> {
    this.onStep("send");
    const sent = await this.docker(["cp", "-", this.label], {
      timeoutMs: copyMs,
      maxOutputBytes: maxMessageBytes,
      input: await writeTar(filesFor(tree, name), nodeUser),
    });
    if (sent.code !== 0) throw new SkillProblem(`${this.label}: ${errorTextOf(sent)}`);
  }
}

async function replaceSkill(
  folder: ContainerFolder,
  tree: SkillTree,
  expected: string | null,
): Promise<void> {
  const problem = nameProblem(tree.name);
  if (problem !== null) throw new SkillProblem(`${tree.name}: ${problem}`);
  const fresh = `.clawgate-new--${tree.name}`;
  const place = folder.at(tree.name);
  const old = folder.at(`.clawgate-old--${tree.name}`);
  await folder.exec("make the folder", ["mkdir", "-p", "--", folder.root]);
  await folder.exec("clear", ["rm", "-rf", "--", folder.at(fresh), old]);
  await folder.send(tree, fresh);
  const standing = await folder.fetch(place);
  const now =
    standing === null ? null : skillOf(tree.name, grouped(standing, "", folder.label).get(tree.name) ?? []);
  const hash = now === null ? null : "hash" in now ? now.hash : "refused";
  if (hash !== expected) {
    await folder.exec("take back", ["rm", "-rf", "--", folder.at(fresh)]);
    throw new SkillProblem(
      `${tree.name} was changed in ${folder.container} in the meantime; nothing was written`,
    );
  }
  if (now !== null) await folder.exec("set aside", ["mv", "--", place, old]);
  await folder.exec("put in place", ["mv", "--", folder.at(fresh), place]);
  if (now !== null) await folder.exec("remove the old one", ["rm", "-rf", "--", old]);
}

function skillsOf(groups: Map<string, TarEntry[]>, onSkill: ((name: string) => void) | undefined) {
  const sorted = [...groups].toSorted(([left], [right]) => (left < right ? -1 : 1));
  return skillSetOf(
    sorted.map(([name, inside]) => {
      onSkill?.(name);
      return skillOf(name, inside);
    }),
  );
}

type Leftover = {
  readonly name: string;
  /** The skill that it is the backup of, if that skill is missing now. */
  readonly lost: string | null;
};

/** The leftovers of an interrupted replacement. */
function leftoversIn(found: readonly string[]): readonly Leftover[] {
  const names = new Set(found);
  return [...names].flatMap((name) => {
    const [, kind, skill] = leftover.exec(name) ?? [];
    if (skill === undefined || nameProblem(skill) !== null) return [];
    return [{ name, lost: kind === "old" && !names.has(skill) ? skill : null }];
  });
}

function errorTextOf({ code, stderr, timedOut }: BinaryResult): string {
  if (timedOut) return "docker did not answer in time";
  const line = stderr.trim().split("\n").at(-1) ?? "";
  return line === "" ? `docker exited with ${code ?? "a signal"}` : line.slice(0, 300);
}

function topNames(entries: readonly TarEntry[], root: string): readonly string[] {
  return entries.flatMap(({ path }) => {
    const parts = path.replace(/\/+$/, "").split("/");
    const name = parts[0] === root ? parts[1] : undefined;
    return name === undefined ? [] : [name];
  });
}

/** Entries of each skill, with paths relative to it. `root` is the folder in the archive; "": the skill itself. */
function grouped(entries: readonly TarEntry[], root: string, label: string): Map<string, TarEntry[]> {
  const groups = new Map<string, TarEntry[]>();
  const depth = root === "" ? 0 : 1;
  for (const entry of entries) {
    const parts = entry.path.replace(/\/+$/, "").split("/");
    if (depth === 1 && parts[0] !== root)
      throw new SkillProblem(`${label}: the archive contains "${entry.path.slice(0, 80)}"`);
    const name = parts[depth];
    if (name === undefined) {
      if (entry.kind !== "folder") throw new SkillProblem(`${label} is a link or not a folder`);
      continue;
    }
    // Regular files next to the skills, and our own leftovers.
    if (name.startsWith(".") && name !== "." && name !== "..") continue;
    const path = parts.slice(depth + 1).join("/");
    if (path === "" && entry.kind === "file") continue;
    const group = groups.get(name) ?? [];
    group.push({ ...entry, path });
    groups.set(name, group);
  }
  return groups;
}

function skillOf(name: string, entries: readonly TarEntry[]): SkillTree | RefusedSkill {
  const files: SkillFile[] = [];
  for (const { path, kind, mode, bytes } of entries) {
    if (kind === "folder") continue;
    if (kind === "other") return { name, why: `${path === "" ? "it" : path} is a link or a device` };
    if (files.length > maxFiles) break;
    files.push({ path, isExecutable: (mode & 0o111) !== 0, bytes });
  }
  return treeOf(name, files);
}

function filesFor(tree: SkillTree, folder: string): readonly TarFile[] {
  const folders = new Set([folder]);
  for (const { path } of tree.files)
    for (let slash = path.indexOf("/"); slash > 0; slash = path.indexOf("/", slash + 1))
      folders.add(`${folder}/${path.slice(0, slash)}`);
  return [
    ...[...folders].map((path) => ({ path: `${path}/`, mode: 0o755, bytes: null })),
    ...tree.files.map(({ path, isExecutable, bytes }) => ({
      path: `${folder}/${path}`,
      mode: isExecutable ? 0o755 : 0o644,
      bytes,
    })),
  ];
}
