// The archives of `docker cp`: what is written is read again, by us and by tar, and nothing broken is taken for an archive.

import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTar, type TarFile, writeTar } from "../../src/openclaw/skill-tar.ts";

const files: readonly TarFile[] = [
  { path: "weather", mode: 0o755, bytes: null },
  { path: "weather/SKILL.md", mode: 0o644, bytes: Buffer.from("# Weather\n") },
  { path: "weather/empty", mode: 0o600, bytes: Buffer.alloc(0) },
  { path: `weather/${"long".repeat(50)}/${"é🦞".repeat(20)}`, mode: 0o755, bytes: Buffer.alloc(700, 1) },
];

test("what is written is read as it was, names of any length too", async () => {
  const entries = await readTar(await writeTar(files, 1000, 1001));
  expect(entries).toEqual(
    files.map(({ path, mode, bytes }) => ({
      path,
      kind: bytes === null ? "folder" : "file",
      mode,
      uid: 1000,
      gid: 1001,
      bytes: new Uint8Array(bytes ?? []),
    })),
  );
});

test("the machine's tar reads what is written, and a link that it writes is neither file nor folder", async () => {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-tar-"));
  try {
    writeFileSync(join(folder, "a.tar"), await writeTar(files, 0));
    expect(Bun.spawnSync(["tar", "-xf", "a.tar"], { cwd: folder }).exitCode).toBe(0);
    for (const { path, mode, bytes } of files) {
      expect(statSync(join(folder, path)).mode & 0o777).toBe(mode);
      if (bytes !== null) expect(readFileSync(join(folder, path))).toEqual(Buffer.from(bytes));
    }
    symlinkSync("SKILL.md", join(folder, "weather", "link"));
    const { stdout } = Bun.spawnSync(["tar", "-cf", "-", "weather"], { cwd: folder });
    const kinds = new Map((await readTar(stdout)).map(({ path, kind }) => [path, kind]));
    expect(kinds.get("weather/link")).toBe("other");
    expect(kinds.get("weather/SKILL.md")).toBe("file");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("an archive that was cut off or damaged is refused", async () => {
  const whole = await writeTar(files, 0);
  for (let at = 0; at < whole.length; at += 256)
    await expect(readTar(whole.subarray(0, at))).rejects.toThrow();
  const damaged = Buffer.from(whole);
  damaged[0] = 0x58;
  await expect(readTar(damaged)).rejects.toThrow();
  await expect(readTar(Buffer.from("no archive".repeat(200)))).rejects.toThrow();
});

test("more entries than any set of skills has are refused", async () => {
  const one = Buffer.from(await writeTar([{ path: "x", mode: 0o644, bytes: null }], 0)).subarray(0, 512);
  const many = Buffer.concat([...Array.from({ length: 20_001 }, () => one), Buffer.alloc(1_024)]);
  await expect(readTar(many)).rejects.toThrow("too many entries");
});
