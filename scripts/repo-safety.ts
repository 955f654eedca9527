// Keys, databases, logs, environment files and .ssh must be neither in the tree nor anywhere in the history: `node scripts/repo-safety.ts`.
// --allow-shallow: where only a part of the history was fetched, look at that. What is found is never printed, only where it is.
// It must run on Node alone, before anything is installed.

import { spawnSync } from "node:child_process";
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { forbiddenName, secretsIn } from "./secret-patterns.ts";

/** Larger files are data; a secret in one is found by its name, or in the review of such a file. */
const largestBytes = 4 * 1024 * 1024;
const batchBytes = 64 * 1024 * 1024;

type Found = { readonly where: string; readonly what: string };

const { values } = parseArgs({
  options: { "allow-shallow": { type: "boolean", default: false }, repository: { type: "string" } },
});
const repository = values.repository ?? join(import.meta.dirname, "..");

/** Variables of a hook would point it at another repository. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_")),
);

function git(args: readonly string[], input?: string): Buffer {
  const said = spawnSync("git", ["-c", "safe.directory=*", "-c", "core.quotePath=false", ...args], {
    cwd: repository,
    env: environment,
    maxBuffer: 2 ** 31 - 1,
    ...(input === undefined ? {} : { input }),
  });
  if (said.error !== undefined) throw said.error;
  if (said.status !== 0) throw new Error(`git ${args[0]} failed: ${said.stderr.toString().trim()}`);
  return said.stdout;
}

const parts = (output: Buffer, separator: string): string[] =>
  output
    .toString()
    .split(separator)
    .filter((part) => part !== "");

/** What git tracks and what it would track next, as it lies on the disk. */
function treeFindings(): Found[] {
  const listed = parts(git(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]), "\0");
  return [...new Set(listed)].flatMap((path) => {
    const byName = forbiddenName(path);
    const named = byName === null ? [] : [{ where: path, what: byName }];
    const stats = lstatSync(join(repository, path), { throwIfNoEntry: false });
    if (stats === undefined || !stats.isFile() || stats.size > largestBytes) return named;
    const text = readFileSync(join(repository, path), "latin1");
    return [...named, ...secretsIn(text).map(({ what, line }) => ({ where: `${path}:${line}`, what }))];
  });
}

/** Every path that a commit of any branch or tag added or changed; `-m`, because a merge may bring one of its own. */
function historyNames(): Found[] {
  const log = [
    "log",
    "--all",
    "-m",
    "--no-renames",
    "--diff-filter=d",
    "--name-only",
    "--format=%x01%h",
    "-z",
  ];
  const found = new Map<string, Found>();
  let commit = "";
  for (const part of parts(git(log), "\0")) {
    const line = part.replace(/^\n+/, "");
    if (line.startsWith("\u0001")) {
      const [id = "", path] = line.slice(1).split("\n").filter(Boolean);
      commit = id;
      if (path === undefined) continue;
      remember(path);
    } else remember(line);
  }
  function remember(path: string): void {
    const what = forbiddenName(path);
    if (what !== null) found.set(path, { where: `${path} (commit ${commit})`, what });
  }
  return [...found.values()];
}

/** The name of a blob, which the same content may bear in other commits too. */
type Blob = { readonly id: string; readonly path: string; readonly bytes: number };

function historyBlobs(): Blob[] {
  const paths = new Map<string, string>();
  for (const line of parts(git(["rev-list", "--objects", "--all"]), "\n")) {
    const space = line.indexOf(" ");
    if (space > 0) paths.set(line.slice(0, space), line.slice(space + 1));
  }
  const asked = `${[...paths.keys()].join("\n")}\n`;
  const sizes = git(["cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)"], asked);
  return parts(sizes, "\n").flatMap((line) => {
    const [id = "", type, size] = line.split(" ");
    return type === "blob" || type === "tag" ? [{ id, path: paths.get(id) ?? "", bytes: Number(size) }] : [];
  });
}

/** Groups whose content fits into memory at once. */
function batchesOf(blobs: readonly Blob[]): Blob[][] {
  const batches: Blob[][] = [];
  let bytes = batchBytes;
  for (const blob of blobs) {
    if (bytes + blob.bytes > batchBytes) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)?.push(blob);
    bytes += blob.bytes;
  }
  return batches;
}

function historyContents(): { found: Found[]; read: number } {
  const blobs = historyBlobs().filter(({ bytes }) => bytes > 0 && bytes <= largestBytes);
  const found = batchesOf(blobs).flatMap((batch) => {
    const output = git(["cat-file", "--batch"], `${batch.map(({ id }) => id).join("\n")}\n`);
    let at = 0;
    return batch.flatMap(({ id, path, bytes }) => {
      const begin = output.indexOf(10, at) + 1;
      at = begin + bytes + 1;
      return secretsIn(output.toString("latin1", begin, begin + bytes)).map(({ what, line }) => ({
        where: `${path}:${line} (blob ${id.slice(0, 12)}; git log --all --find-object=${id.slice(0, 12)})`,
        what,
      }));
    });
  });
  return { found, read: blobs.length };
}

/** A secret can be in the text of a commit or a tag too. */
function messageFindings(): Found[] {
  const messages = parts(git(["log", "--all", "--format=%h%n%an <%ae>%n%B%x00"]), "\0");
  return messages.flatMap((message) => {
    const id = message.trim().split("\n")[0] ?? "";
    return secretsIn(message).map(({ what }) => ({ where: `the message of commit ${id}`, what }));
  });
}

function report(title: string, found: readonly Found[]): void {
  if (found.length === 0) return;
  console.error(`${title}:`);
  // A name may hold anything, and this is shown on a terminal.
  for (const { where, what } of found) console.error(`  ${what}: ${where.replaceAll(/\p{Cc}/gu, "?")}`);
}

const isShallow = git(["rev-parse", "--is-shallow-repository"]).toString().trim() === "true";
if (isShallow && !values["allow-shallow"]) {
  console.error(
    "Only a part of the history is here: fetch all of it (git fetch --unshallow), or pass --allow-shallow.",
  );
  process.exit(1);
}
const tree = treeFindings();
const contents = historyContents();
const history = [...historyNames(), ...contents.found, ...messageFindings()];
report("In the tree; remove these, and ignore them in .gitignore", tree);
report(
  "In the history; revoke what was in it first, since it has been seen, and then rewrite the history (git filter-repo)",
  history,
);
if (tree.length + history.length > 0) process.exit(1);
const extent = isShallow ? "the part of the history that was fetched" : "the whole history";
console.log(
  `No key, database, log or environment file in the tree and in ${extent} (${contents.read} contents).`,
);
