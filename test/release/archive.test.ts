// The archives of a release: read by the programs that users have, and the same bytes whatever the order and the zone.

import { expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";
import { packTarGz, packZip, type PackedFile } from "../../scripts/release/archive.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";

const atEnd = cleanupsAfterEach();
const time = new Date("2026-11-30T19:12:34Z");
const program = new TextEncoder().encode("#!/bin/sh\necho it runs\n".repeat(5_000));
const files: readonly PackedFile[] = [
  { name: "clawgate", bytes: program, isProgram: true },
  { name: "README.md", bytes: new TextEncoder().encode("läs mig\n"), isProgram: false },
];

test("a tar.gz unpacks to the same files, with their modes, the time of the commit and root as owner", async () => {
  const folder = atEnd.folder("clawgate-archive-");
  writeFileSync(join(folder, "a.tar.gz"), await packTarGz(files, time));
  const listing = Bun.spawnSync(["tar", "--utc", "--numeric-owner", "-tvzf", "a.tar.gz"], {
    cwd: folder,
  }).stdout.toString();
  expect(listing).toMatch(/-rw-r--r-- 0\/0 +9 2026-11-30 19:12 README\.md/);
  expect(listing).toMatch(/-rwxr-xr-x 0\/0 +\d+ 2026-11-30 19:12 clawgate/);
  expect(Bun.spawnSync(["tar", "-xzf", "a.tar.gz"], { cwd: folder }).exitCode).toBe(0);
  expect(readFileSync(join(folder, "clawgate"))).toEqual(Buffer.from(program));
  expect(statSync(join(folder, "clawgate")).mode & 0o777).toBe(0o755);
});

test("an archive does not depend on the order of its files, and a gzip holds no time", async () => {
  const [one, other] = await Promise.all([packTarGz(files, time), packTarGz(files.toReversed(), time)]);
  expect(other).toEqual(one);
  expect([...one.subarray(4, 8)]).toEqual([0, 0, 0, 0]);
  expect(packZip(files.toReversed(), time)).toEqual(packZip(files, time));
});

test("a zip has the files, their checksums, modes and UTC time in its directory", () => {
  const zip = Buffer.from(packZip(files, time));
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  expect(zip.readUInt16LE(end + 10)).toBe(2);
  let at = zip.readUInt32LE(end + 16);
  expect(at + zip.readUInt32LE(end + 12)).toBe(end);
  for (const wanted of [files[1], files[0]]) {
    if (wanted === undefined) throw new Error("no file");
    expect(zip.readUInt32LE(at)).toBe(0x0201_4b50);
    const nameSize = zip.readUInt16LE(at + 28);
    expect(zip.toString("utf8", at + 46, at + 46 + nameSize)).toBe(wanted.name);
    expect(zip.readUInt32LE(at + 38) >>> 16).toBe(wanted.isProgram ? 0o100_755 : 0o100_644);
    expect(zip.readUInt32LE(at + 24)).toBe(wanted.bytes.byteLength);
    expect(zip.readUInt32LE(at + 16)).toBe(Bun.hash.crc32(wanted.bytes));
    // 19:12:34, in steps of two seconds; 2026-11-30.
    expect(zip.readUInt16LE(at + 12)).toBe((19 << 11) | (12 << 5) | 17);
    expect(zip.readUInt16LE(at + 14)).toBe((46 << 9) | (11 << 5) | 30);
    const local = zip.readUInt32LE(at + 42);
    const body = local + 30 + zip.readUInt16LE(local + 26);
    const packed = zip.subarray(body, body + zip.readUInt32LE(at + 20));
    expect(inflateRawSync(packed)).toEqual(Buffer.from(wanted.bytes));
    at += 46 + nameSize;
  }
});
