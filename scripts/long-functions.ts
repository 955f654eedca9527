// `bun scripts/long-functions.ts`: updates the list of functions of more than 80 lines (test/support/long-functions.json).
// Reasons are kept, rows of functions that are gone or short are removed, a new row has an empty reason, which the architecture test
// refuses until it is filled in.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { treeOf } from "../test/support/architecture-rules.ts";
import { listedFunctions, listPath, longFunctionsIn } from "../test/support/long-function-rule.ts";

const root = dirname(import.meta.dir);
const codeBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:ts|tsx|mjs)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));

const paths = [
  ...codeBelow("src"),
  ...codeBelow("scripts"),
  ...(existsSync(join(root, listPath)) ? [listPath] : []),
];
const tree = treeOf(new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")])));
const listed = listedFunctions(tree);
const rows: Record<string, Record<string, string>> = {};
for (const { path, name, lines } of longFunctionsIn(tree)) {
  const reason = listed[path]?.[name] ?? "";
  rows[path] = { ...rows[path], [name]: reason };
  if (reason === "") console.log(`${path} ${name}: ${lines} lines, no reason yet`);
}
writeFileSync(join(root, listPath), `${JSON.stringify(rows, null, 2)}\n`);
