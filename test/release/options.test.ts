// The command of a release: a wrong option, a tree that is not what its commit says, or nothing to say of a version: nothing is made.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { chartFile, chartWithVersion } from "../../scripts/release/chart.ts";
import { parseReleaseOptions } from "../../scripts/release/options.ts";
import {
  commitOfTag,
  commitVersion,
  currentCommit,
  hasTag,
  tagVersion,
  uncommittedFiles,
} from "../../scripts/release/repository.ts";
import { releaseTargets } from "../../src/updates/release-files.ts";
import { formatOf } from "../../scripts/trials/targets.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";

const atEnd = cleanupsAfterEach();

test("options are read, targets in the order of the list", () => {
  const options = parseReleaseOptions([
    "--version",
    "v1.2.0-rc.1",
    "--targets",
    "windows-x64, linux-x64",
    "--sign",
    "k",
    "--tag",
  ]);
  expect(options).toMatchObject({
    version: "1.2.0-rc.1",
    targets: ["linux-x64", "windows-x64"],
    signKey: "k",
    tags: true,
  });
  expect(parseReleaseOptions([])).toMatchObject({
    version: null,
    targets: releaseTargets,
    action: "release",
    skipsTests: false,
  });
});

test.each([
  [["--version", "1.2"], "three numbers"],
  [["--version", "1.2.0/../x"], "three numbers"],
  [["--targets", "linux-x86"], 'no target "linux-x86"'],
  [["--sing", "key"], "--sing"],
  [["1.2.0"], "1.2.0"],
])("%p is refused", (args, words) => {
  expect(() => parseReleaseOptions(args)).toThrow(words);
});

function repository(): string {
  const root = atEnd.folder("clawgate-repository-");
  const git = (...words: readonly string[]): void => {
    const settings = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"];
    expect(Bun.spawnSync(["git", ...settings, ...words], { cwd: root }).exitCode).toBe(0);
  };
  git("init", "--quiet");
  git("config", "user.name", "a");
  git("config", "user.email", "a@example.invalid");
  writeFileSync(
    join(root, "package.json"),
    '{\n  "name": "a",\n  "version": "1.0.0",\n  "dependencies": {}\n}\n',
  );
  writeFileSync(join(root, "CHANGELOG.md"), "# Changelog\n\n## Unreleased\n\n- new\n\n## 1.0.0\n");
  mkdirSync(dirname(chartFile(root)), { recursive: true });
  writeFileSync(chartFile(root), 'apiVersion: v2\nversion: 1.0.0\nappVersion: "1.0.0"\n');
  git("add", "--all");
  git("commit", "--quiet", "--message", "first");
  return root;
}

test("changed and new files are named, also below new folders; a clean tree has none", () => {
  const root = repository();
  expect(uncommittedFiles(root)).toEqual([]);
  mkdirSync(join(root, "new"));
  writeFileSync(join(root, "new", "ä b.ts"), "");
  writeFileSync(join(root, "CHANGELOG.md"), "");
  expect(uncommittedFiles(root)).toEqual([" M CHANGELOG.md", '?? "new/ä b.ts"']);
});

test("a version is written once, committed and tagged; a second time changes nothing", () => {
  const root = repository();
  const before = currentCommit(root);
  commitVersion(root, "1.1.0");
  const after = currentCommit(root);
  expect(after.id).not.toBe(before.id);
  expect(JSON.parse(readFileSync(join(root, "package.json"), "utf8"))).toEqual({
    name: "a",
    version: "1.1.0",
    dependencies: {},
  });
  expect(readFileSync(join(root, "CHANGELOG.md"), "utf8")).toBe(
    "# Changelog\n\n## 1.1.0\n\n- new\n\n## 1.0.0\n",
  );
  expect(readFileSync(chartFile(root), "utf8")).toBe('apiVersion: v2\nversion: 1.1.0\nappVersion: "1.1.0"\n');
  expect(uncommittedFiles(root)).toEqual([]);
  commitVersion(root, "1.1.0");
  expect(currentCommit(root).id).toBe(after.id);
  expect(hasTag(root, "v1.1.0")).toBe(false);
  tagVersion(root, "1.1.0");
  expect(hasTag(root, "v1.1.0")).toBe(true);
  expect(commitOfTag(root, "v1.1.0")).toBe(after.id);
  expect(commitOfTag(root, "v1.2.0")).toBeNull();
  expect(() => tagVersion(root, "1.1.0")).toThrow("already exists");
});

test("the chart has the version of package.json, and takes that of a release", () => {
  const root = join(import.meta.dir, "..", "..");
  const chart = readFileSync(chartFile(root), "utf8");
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  expect(chartWithVersion(chart, version)).toBe(chart);
  expect(chartWithVersion(chart, "9.0.0-rc.1")).toContain(
    '\nversion: 9.0.0-rc.1\nappVersion: "9.0.0-rc.1"\n',
  );
  expect(() => chartWithVersion("name: clawgate\n", version)).toThrow("version once");
});

test("the command refuses a version that is none, and makes nothing", () => {
  const out = join(atEnd.folder("clawgate-out-"), "out");
  const command = join(import.meta.dir, "..", "..", "scripts", "release", "run.ts");
  const ran = Bun.spawnSync([process.execPath, "--no-env-file", command, "--version", "1", "--out", out]);
  expect(ran.exitCode).toBe(1);
  expect(ran.stderr.toString()).toBe("--version 1: a version is three numbers, as 1.2.0 or 1.2.0-rc.1\n");
  expect(existsSync(out)).toBe(false);
});

test("a program's header tells its system and processor, and whether a Mach-O is signed", () => {
  const elf = new Uint8Array(64);
  elf.set([0x7f, 0x45, 0x4c, 0x46]);
  elf[18] = 0xb7;
  expect(formatOf(elf)).toBe("ELF arm64");
  const pe = new Uint8Array(256);
  pe.set([0x4d, 0x5a]);
  pe[0x3c] = 0x80;
  pe.set([0x50, 0x45, 0, 0, 0x64, 0x86], 0x80);
  expect(formatOf(pe)).toBe("PE x64");
  const mach = new DataView(new ArrayBuffer(64));
  mach.setUint32(0, 0xfeed_facf, true);
  mach.setUint32(4, 0x0100_000c, true);
  expect(formatOf(new Uint8Array(mach.buffer))).toBe("Mach-O arm64");
  mach.setUint32(16, 1, true);
  mach.setUint32(32, 0x1d, true);
  mach.setUint32(36, 16, true);
  mach.setUint32(40, 52, true);
  mach.setUint32(52, 0xfade_0cc0);
  expect(formatOf(new Uint8Array(mach.buffer))).toBe("Mach-O, signed arm64");
  expect(formatOf(new TextEncoder().encode("#!/bin/sh\n".repeat(20)))).toBe("unknown");
});
