import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensurePrivateDirectory, readTextIfExists, replaceFile } from "../../src/system/files.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clawgate-files-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const modeOf = (path: string): number => statSync(path).mode & 0o777;

test("a new file is private, holds the data, and nothing else is left in the folder", async () => {
  const path = join(folder, "a.json");
  await replaceFile(path, "one");
  expect(readFileSync(path, "utf8")).toBe("one");
  expect(modeOf(path)).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["a.json"]);
});

test("an old file's mode is kept, a named one wins", async () => {
  const path = join(folder, "config.yaml");
  writeFileSync(path, "old");
  chmodSync(path, 0o640);
  await replaceFile(path, "new");
  expect(modeOf(path)).toBe(0o640);
  await replaceFile(path, new Uint8Array([104, 105]), { mode: 0o644 });
  expect(modeOf(path)).toBe(0o644);
  expect(readFileSync(path, "utf8")).toBe("hi");
});

test("the old file is kept as .bak when asked, with its mode", async () => {
  const path = join(folder, "config.yaml");
  await replaceFile(path, "first", { keepOld: true });
  expect(readdirSync(folder)).toEqual(["config.yaml"]);
  chmodSync(path, 0o640);
  await replaceFile(path, "second", { keepOld: true });
  await replaceFile(path, "third", { keepOld: true });
  expect(readFileSync(`${path}.bak`, "utf8")).toBe("second");
  expect(modeOf(`${path}.bak`)).toBe(0o640);
});

test("a symbolic link stays one and its target is replaced; a planted .bak link is not followed", async () => {
  const real = join(folder, "real.yaml");
  const link = join(folder, "link.yaml");
  const victim = join(folder, "victim");
  writeFileSync(real, "old");
  writeFileSync(victim, "untouched");
  symlinkSync(real, link);
  symlinkSync(victim, `${real}.bak`);
  await replaceFile(link, "new", { keepOld: true });
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(real, "utf8")).toBe("new");
  expect(readFileSync(victim, "utf8")).toBe("untouched");
  expect(readFileSync(`${real}.bak`, "utf8")).toBe("old");
});

test("a failure leaves the old file and no temporary one", async () => {
  const path = join(folder, "taken");
  mkdirSync(join(path, "inner"), { recursive: true });
  await expect(replaceFile(path, "x")).rejects.toThrow();
  expect(readdirSync(folder)).toEqual(["taken"]);
  await expect(replaceFile(join(folder, "nowhere", "a"), "x")).rejects.toThrow("ENOENT");
});

test("a private directory is made with its parents, and an open one is closed", async () => {
  const made = join(folder, "a", "b");
  await ensurePrivateDirectory(made);
  expect(modeOf(made)).toBe(0o700);
  chmodSync(made, 0o755);
  await ensurePrivateDirectory(made);
  expect(modeOf(made)).toBe(0o700);
});

test("a link or a file in the place of a private directory is refused", async () => {
  const link = join(folder, "link");
  symlinkSync(folder, link);
  await expect(ensurePrivateDirectory(link)).rejects.toThrow("symbolic link");
  const file = join(folder, "file");
  writeFileSync(file, "");
  await expect(ensurePrivateDirectory(file)).rejects.toThrow();
});

test("text of a file, or null where there is none; any other trouble is an error", async () => {
  const path = join(folder, "x");
  expect(await readTextIfExists(path)).toBeNull();
  writeFileSync(path, "é");
  expect(await readTextIfExists(path)).toBe("é");
  expect(await readTextIfExists(join(path, "below"))).toBeNull();
  await expect(readTextIfExists(folder)).rejects.toThrow();
});
