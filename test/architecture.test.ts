// The rules of the sources (the map is src/README.md), applied to the repository; and each is given trees that break it, because
// a rule that cannot fail is none. A failure names the file and the rule.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { type Rule, architectureRules, type Tree, treeOf } from "./support/architecture-rules.ts";
import { documentRules } from "./support/document-rules.ts";
import { formRules, repositoryRules } from "./support/form-rules.ts";
import { longFunctionRule } from "./support/long-function-rule.ts";
import { wordRules } from "./support/word-rules.ts";

const root = dirname(import.meta.dir);
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const lies = (path: string): boolean => existsSync(join(root, path));

/** What the repository holds. A file that nobody tracks is nobody's breach. */
function trackedFiles(): string[] {
  const git = Bun.spawnSync(["git", "-c", "safe.directory=*", "ls-files", "-z"], { cwd: root });
  if (!git.success) throw new Error(`git ls-files failed: ${git.stderr.toString()}`);
  const names = git.stdout.toString().split("\0");
  return names.filter((name) => name !== "" && lies(name));
}

/** Files below a folder as they lie on the disk: a new one is under the rules before it is committed. */
function filesBelow(folder: string): string[] {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

const sourceRules = [...architectureRules, ...formRules, longFunctionRule, ...wordRules];
const treeRules = [...repositoryRules, ...documentRules];

const treeFrom = (paths: readonly string[]): Tree =>
  treeOf(new Map(paths.map((path) => [path, read(path)])), lies);
const working = treeFrom([...filesBelow("src"), ...filesBelow("scripts"), ...filesBelow("test")]);
const tracked = treeFrom(trackedFiles());

function isHeld({ meaning, violations }: Rule, tree: Tree): void {
  const found = violations(tree);
  expect(found, `${meaning}\n  ${found.join("\n  ")}\n`).toEqual([]);
}

const byName = (each: readonly Rule[]): [string, Rule][] => each.map((rule) => [rule.name, rule]);

describe("the sources", () => {
  test.each(byName(sourceRules))("%s", (_name, rule) => isHeld(rule, working));
});

describe("the repository", () => {
  test.each(byName(treeRules))("%s", (_name, rule) => isHeld(rule, tracked));
});

describe("a rule that is broken says so", () => {
  test.each(byName([...sourceRules, ...treeRules]))("%s", (_name, { violations, counterexamples }) => {
    expect(counterexamples.length).toBeGreaterThan(0);
    for (const texts of counterexamples)
      expect(violations(treeOf(new Map(Object.entries(texts)))), JSON.stringify(texts)).not.toEqual([]);
  });
});
