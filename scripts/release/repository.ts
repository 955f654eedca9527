// What a release asks of git: is the tree what its commit says, which commit, and (only when asked) a new version in it.

import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { chartFile, chartWithVersion } from "./chart.ts";
import { replaceFile } from "./files.ts";

/** Without variables that name another repository. */
function git(root: string, words: readonly string[]): string {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith("GIT_DIR"),
    ),
  );
  const ran = Bun.spawnSync(["git", "-c", "safe.directory=*", "-c", "core.quotePath=false", ...words], {
    cwd: root,
    env: environment,
    stdout: "pipe",
    stderr: "pipe",
  });
  if (!ran.success) throw new Error(`git ${words[0]} failed: ${ran.stderr.toString().trim()}`);
  return ran.stdout.toString().trimEnd();
}

/** Changed and untracked files, as `git status` prints them. Ignored ones are no part of a build. */
export const uncommittedFiles = (root: string): readonly string[] =>
  git(root, ["status", "--porcelain", "--untracked-files=all"])
    .split("\n")
    .filter((line) => line !== "");

export type Commit = { readonly id: string; readonly time: Date };

export function currentCommit(root: string): Commit {
  const [id = "", seconds = ""] = git(root, ["log", "-1", "--format=%H %ct"]).split(" ");
  return { id, time: new Date(Number(seconds) * 1_000) };
}

export const hasTag = (root: string, tag: string): boolean => git(root, ["tag", "--list", tag]) !== "";

/** The id of the commit that a tag names; null: there is no such tag. */
export const commitOfTag = (root: string, tag: string): string | null =>
  hasTag(root, tag) ? git(root, ["rev-list", "-n", "1", `refs/tags/${tag}`]) : null;

/** package.json, the chart and the changelog's heading, in a commit of their own; nothing where both say so already. */
export function commitVersion(root: string, version: string): void {
  const manifestPath = join(root, "package.json");
  const manifest = readFileSync(manifestPath, "utf8");
  const changed = manifest.replace(/^(\s*"version": )"[^"]*"/m, `$1${JSON.stringify(version)}`);
  const changelogPath = join(root, "CHANGELOG.md");
  const changelog = readFileSync(changelogPath, "utf8");
  const titled = changelog.replace(/^## \[?Unreleased\]?[ \t]*$/m, `## ${version}`);
  const chartPath = chartFile(root);
  const chart = readFileSync(chartPath, "utf8");
  const numbered = chartWithVersion(chart, version);
  if (changed === manifest && titled === changelog && numbered === chart) return;
  if (changed !== manifest) replaceFile(manifestPath, changed);
  if (titled !== changelog) replaceFile(changelogPath, titled);
  if (numbered !== chart) replaceFile(chartPath, numbered);
  const paths = [manifestPath, changelogPath, chartPath].map((path) => relative(root, path));
  git(root, ["commit", "--quiet", "--message", `Version ${version}`, "--", ...paths]);
}

export function tagVersion(root: string, version: string): void {
  git(root, ["tag", "--annotate", "--message", `ClawGate ${version}`, `v${version}`]);
}
