// The runtime that each target's program is made of: Bun's own executable, taken from its npm package and accepted only with the
// digest that base-executables.json has for it. `npm run release -- --pin-runtime` writes that list for the Bun of package.json.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unpackTar } from "modern-tar";
import type { ReleaseTarget } from "../../src/updates/release-files.ts";
import { replaceFile } from "./files.ts";

/** Where there is one build for a system, it must run on every processor of it. */
const packages: Readonly<Record<ReleaseTarget, string>> = {
  "linux-x64": "@oven/bun-linux-x64",
  "linux-x64-baseline": "@oven/bun-linux-x64-baseline",
  "linux-x64-musl": "@oven/bun-linux-x64-musl",
  "linux-x64-musl-baseline": "@oven/bun-linux-x64-musl-baseline",
  "linux-arm64": "@oven/bun-linux-aarch64",
  "linux-arm64-musl": "@oven/bun-linux-aarch64-musl",
  "darwin-x64": "@oven/bun-darwin-x64-baseline",
  "darwin-arm64": "@oven/bun-darwin-aarch64",
  "windows-x64": "@oven/bun-windows-x64-baseline",
};

export type PinnedRuntime = { readonly version: string; readonly packages: Readonly<Record<string, string>> };

export const pinnedPath = (root: string): string => join(root, "scripts", "release", "base-executables.json");

/** Throws when the list is of another Bun than the one that builds. */
export function readPinned(root: string): PinnedRuntime {
  const pinned = JSON.parse(readFileSync(pinnedPath(root), "utf8")) as PinnedRuntime;
  if (pinned.version !== Bun.version)
    throw new Error(
      `base-executables.json is of Bun ${pinned.version}, this is ${Bun.version}: npm run release -- --pin-runtime`,
    );
  return pinned;
}

/** The path of the verified executable, below `folder`. The package is kept in `cache`, and verified again at every use. */
export async function baseExecutable(
  target: ReleaseTarget,
  pinned: PinnedRuntime,
  places: { readonly cache: string; readonly folder: string },
): Promise<string> {
  const name = packages[target];
  const integrity = pinned.packages[name];
  if (integrity === undefined) throw new Error(`base-executables.json has no digest of ${name}`);
  const kept = join(places.cache, `${name.replace(/^@/, "").replace("/", "-")}-${pinned.version}.tgz`);
  if (!existsSync(kept)) fetchPackage(`${name}@${pinned.version}`, kept);
  const bytes = readFileSync(kept);
  if (integrityOf(bytes) !== integrity) {
    rmSync(kept, { force: true });
    throw new Error(
      `${name}@${pinned.version} is not the package that base-executables.json names: ${integrityOf(bytes)}`,
    );
  }
  const program = await programIn(bytes, name);
  const path = join(places.folder, target, target.startsWith("windows") ? "bun.exe" : "bun");
  mkdirSync(join(places.folder, target), { recursive: true });
  writeFileSync(path, program, { mode: 0o755 });
  return path;
}

export const integrityOf = (bytes: Uint8Array): string =>
  `sha512-${createHash("sha512").update(bytes).digest("base64")}`;

async function programIn(archive: Uint8Array, name: string): Promise<Uint8Array> {
  const entries = await unpackTar(Bun.gunzipSync(archive as Uint8Array<ArrayBuffer>), {
    filter: ({ name: path }) => /^package\/bin\/bun(?:\.exe)?$/.test(path),
  });
  const [program] = entries;
  if (entries.length !== 1 || program?.data === undefined) throw new Error(`${name} holds no bin/bun`);
  return program.data;
}

/** By npm itself: the user's proxy, mirror and credentials count. */
function fetchPackage(wanted: string, path: string): void {
  const folder = `${path}.fetch`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const file = runNpm(["pack", "--silent", "--ignore-scripts", "--pack-destination", folder, wanted]);
  renameSync(join(folder, file.split("\n").at(-1) ?? ""), path);
  rmSync(folder, { recursive: true, force: true });
}

/** Takes the digests that npm's registry states today: the change is for a person to look at before it is committed. */
export function pinRuntime(root: string, version: string): PinnedRuntime {
  const names = [...new Set(Object.values(packages))];
  const digests = names.map((name) => {
    const integrity = runNpm(["view", `${name}@${version}`, "dist.integrity"]);
    if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity))
      throw new Error(`npm knows no digest of ${name}@${version}`);
    return [name, integrity] as const;
  });
  const pinned = { version, packages: Object.fromEntries(digests) };
  replaceFile(pinnedPath(root), `${JSON.stringify(pinned, null, 2)}\n`);
  return pinned;
}

function runNpm(words: readonly string[]): string {
  const npm = Bun.spawnSync(["npm", ...words], { stdout: "pipe", stderr: "pipe" });
  if (!npm.success) throw new Error(`npm ${words[0]} failed: ${npm.stderr.toString().trim().slice(-500)}`);
  return npm.stdout.toString().trim();
}
