// One commit is one program: built in another folder, by another user's settings, on another day, it has the same bytes, and
// so no path of the machine that built it.

import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { tmpdir } from "node:os";

const root = dirname(import.meta.dir);
const above = mkdtempSync(join(tmpdir(), "clawgate-build-"));
afterAll(() => rmSync(above, { recursive: true, force: true }));

const scalar = "node_modules/@scalar/api-reference/dist/browser/standalone.js";

/** The packages that the program is made of, with theirs. */
function packages(): ReadonlySet<string> {
  const seen = new Set<string>();
  const walk = (name: string): void => {
    const path = join(root, "node_modules", name, "package.json");
    if (seen.has(name) || !existsSync(path)) return;
    seen.add(name);
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(path, "utf8")) as Manifest;
    for (const each of Object.keys({ ...dependencies, ...peerDependencies })) walk(each);
  };
  const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
  // Of that one the program holds one file, which is placed below.
  for (const name of Object.keys(own.dependencies ?? {})) if (!scalar.includes(`/${name}/`)) walk(name);
  return seen;
}
type Manifest = {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
};

/** Links where the file system lets it: a copy would be hundreds of megabytes. */
function place(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to);
  }
}

function placeFolder(from: string, to: string): void {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) placeFolder(source, target);
    else if (entry.isFile()) place(source, target);
  }
}

function checkout(folder: string): string {
  for (const name of ["src", "skills", "scripts"])
    if (existsSync(join(root, name))) cpSync(join(root, name), join(folder, name), { recursive: true });
  for (const name of ["package.json", "tsconfig.json", "bunfig.toml", "bun.lock"])
    cpSync(join(root, name), join(folder, name));
  for (const name of packages())
    placeFolder(join(root, "node_modules", name), join(folder, "node_modules", name));
  place(join(root, scalar), join(folder, scalar));
  return folder;
}

function build(folder: string, cwd: string, env: Readonly<Record<string, string>>): string {
  const output = join(folder, "out", "clawgate");
  const made = Bun.spawnSync([process.execPath, join(folder, "scripts", "build.ts"), "--outfile", output], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  expect([made.exitCode, made.stderr.toString()]).toEqual([0, ""]);
  return createHash("sha256").update(readFileSync(output)).digest("hex");
}

test("two builds of the same sources are the same, wherever and whenever they are made", () => {
  const one = checkout(join(above, "one"));
  const two = checkout(join(above, "a-much-longer-name", "deeper", "two"));
  for (const path of readdirSync(join(two, "src"), { recursive: true, encoding: "utf8" }))
    utimesSync(join(two, "src", path), new Date("2001-02-03"), new Date("2001-02-03"));
  const first = build(one, one, { HOME: above, TZ: "UTC", LANG: "C" });
  const second = build(two, above, {
    HOME: two,
    TZ: "Asia/Tokyo",
    LANG: "de_DE.UTF-8",
    NODE_ENV: "development",
    USER: "somebody",
    GIT_DIR: join(root, ".git"),
    BUN_BYTECODE_ORDER_OUT: join(above, "order"),
  });
  expect(second).toBe(first);
}, 180_000);
