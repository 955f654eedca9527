// `npm run migrations <metrics or state> <name>`: writes the changes of the folder's tables.ts since its last migration as the next one
// in its migrations/. It must never touch an existing one; a new one is added to the folder's migrations.ts by hand.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = dirname(import.meta.dir);
const [home = "", name = ""] = process.argv.slice(2);
if (!["metrics", "state"].includes(home) || !/^[a-z][a-z0-9_]*$/.test(name)) {
  console.error("Name the tables, and in a word or two the change: npm run migrations metrics add_region");
  process.exit(64);
}
const folder = join("src", home, "migrations");
mkdirSync(join(root, folder), { recursive: true });

const sqlFiles = (): string[] => readdirSync(join(root, folder)).filter((name) => name.endsWith(".sql"));

/** drizzle does not support such tables: one whose key is its columns needs no row numbers. */
function withoutRowNumbers(sql: string): string {
  return sql.replace(/(\n\tPRIMARY KEY\([^)]*\)\n\));/g, "$1 WITHOUT ROWID;");
}

function run(argv: readonly string[]): void {
  const { exitCode } = Bun.spawnSync([process.execPath, ...argv], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (exitCode !== 0) process.exit(1);
}

const before = new Set(sqlFiles());
const schema = join("src", home, "tables.ts");
const kit = join("node_modules", "drizzle-kit", "bin.cjs");
run([kit, "generate", "--dialect=sqlite", `--schema=${schema}`, `--out=${folder}`, `--name=${name}`]);
for (const made of sqlFiles().filter((each) => !before.has(each))) {
  const path = join(root, folder, made);
  writeFileSync(path, withoutRowNumbers(readFileSync(path, "utf8")));
  console.log(`${join(folder, made)}: add it to ${join("src", home, "migrations.ts")}`);
}
run(["fmt", folder]);
