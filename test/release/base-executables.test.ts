// The executables that programs are made of: only those whose digests are noted, for the Bun that package.json names.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packTarGz } from "../../scripts/release/archive.ts";
import { baseExecutable, integrityOf, readPinned } from "../../scripts/release/base-executables.ts";
import manifest from "../../package.json";
import { releaseTargets } from "../../src/updates/release-files.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";

const atEnd = cleanupsAfterEach();
const root = join(import.meta.dir, "..", "..");

test("the list is of package.json's Bun and has a digest for each target", () => {
  const pinned = readPinned(root);
  expect(pinned.version).toBe(manifest.engines.bun);
  const digests = Object.values(pinned.packages);
  expect(digests).toHaveLength(releaseTargets.length);
  expect(new Set(digests).size).toBe(digests.length);
  for (const digest of digests) expect(digest).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
});

test("a list of another Bun is refused", () => {
  const other = atEnd.folder("clawgate-bases-");
  mkdirSync(join(other, "scripts", "release"), { recursive: true });
  const path = join(other, "scripts", "release", "base-executables.json");
  writeFileSync(path, JSON.stringify({ version: "0.0.1", packages: {} }));
  expect(() => readPinned(other)).toThrow("--pin-runtime");
});

async function keptPackage(name: string) {
  const folder = atEnd.folder("clawgate-bases-");
  const cache = join(folder, "cache");
  mkdirSync(cache);
  const program = new TextEncoder().encode("a program");
  const archive = await packTarGz([{ name, bytes: program, isProgram: true }], new Date(0));
  const path = join(cache, "oven-bun-linux-x64-1.4.5.tgz");
  writeFileSync(path, archive);
  const pinned = { version: "1.4.5", packages: { "@oven/bun-linux-x64": integrityOf(archive) } };
  return { pinned, path, places: { cache, folder: join(folder, "bases") } };
}

test("a kept package with the noted digest gives its program", async () => {
  const { pinned, places } = await keptPackage("package/bin/bun");
  const path = await baseExecutable("linux-x64", pinned, places);
  expect(readFileSync(path, "utf8")).toBe("a program");
});

test("one with a byte more is refused and thrown away", async () => {
  const { pinned, path, places } = await keptPackage("package/bin/bun");
  writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from([0])]));
  await expect(baseExecutable("linux-x64", pinned, places)).rejects.toThrow("is not the package");
  expect(existsSync(path)).toBe(false);
  expect(existsSync(join(places.folder, "linux-x64"))).toBe(false);
});

test("one without the program is refused", async () => {
  const { pinned, places } = await keptPackage("package/bin/other");
  await expect(baseExecutable("linux-x64", pinned, places)).rejects.toThrow("holds no bin/bun");
});

test("a target whose package has no digest is refused", async () => {
  const { pinned, places } = await keptPackage("package/bin/bun");
  await expect(baseExecutable("linux-arm64", pinned, places)).rejects.toThrow("has no digest");
});
