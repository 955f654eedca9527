import { afterEach, expect, test } from "bun:test";
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createNeutralFolders,
  neutralFolderPaths,
  removeOwnFolder,
} from "../../../src/backends/agent-process/neutral-folders.ts";

const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function made(places: (dir: string) => readonly string[], beforehand = () => Promise.resolve()) {
  const dir = mkdtempSync(join(tmpdir(), "neutral-"));
  dirs.push(dir);
  const warnings: unknown[] = [];
  const folders = createNeutralFolders({
    places: places(dir),
    beforehand,
    onNone: (error) => void warnings.push(error),
  });
  return { dir, folders, warnings };
}

test("every tenant has one of its own, whose name says nothing; no tenant is none of them", async () => {
  const { dir, folders } = made((each) => [join(each, "w")]);
  const paths = await Promise.all(
    ["alice", "bob", "alice", null, "null"].map((each) => folders.of(each, null)),
  );
  expect(paths).toEqual([1, 2, 1, 3, 4].map((number) => join(dir, "w", String(number))));
  expect(lstatSync(join(dir, "w")).mode & 0o777).toBe(0o711);
  expect(lstatSync(join(dir, "w", "1")).mode & 0o777).toBe(0o700);
  await folders.close();
  expect(existsSync(join(dir, "w"))).toBe(false);
});

test("another user of the same tenant has another one", async () => {
  const { folders } = made((each) => [join(each, "w")]);
  const ids = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  expect(await folders.of("alice", ids)).not.toBe(await folders.of("alice", null));
});

test("what another user put there is not used, and the next place is", async () => {
  const { dir, folders, warnings } = made((each) => {
    mkdirSync(join(each, "elsewhere"));
    symlinkSync(join(each, "elsewhere"), join(each, "link"));
    writeFileSync(join(each, "file"), "");
    return [join(each, "link"), join(each, "file"), join(each, "absent", "deep"), join(each, "good")];
  });
  expect(await folders.of(null, null)).toBe(join(dir, "good", "1"));
  expect(warnings).toEqual([]);
});

test("without any place there is none, and it is said once", async () => {
  const { folders, warnings } = made((dir) => [join(dir, "absent", "deep")]);
  expect([await folders.of("a", null), await folders.of("b", null)]).toEqual([null, null]);
  expect(warnings).toHaveLength(1);
});

test("nothing is made before the run can be found by its successor, and a trouble there is not for ever", async () => {
  let isFull = true;
  const { dir, folders } = made(
    (each) => [join(each, "w")],
    () => (isFull ? Promise.reject(new Error("no space")) : Promise.resolve()),
  );
  const refused: unknown = await folders.of("a", null).catch((error: unknown) => error);
  expect(String(refused)).toContain("no space");
  expect(existsSync(join(dir, "w"))).toBe(false);
  isFull = false;
  expect(await folders.of("a", null)).toBe(join(dir, "w", "1"));
});

test("one that was cleaned up is made again; what another user put there is not used, and it is reported once", async () => {
  const { dir, folders, warnings } = made((each) => [join(each, "w")]);
  const path = (await folders.of("a", null)) ?? "";
  rmSync(join(dir, "w"), { recursive: true });
  expect(await folders.renew(path)).toBe(path);
  expect(lstatSync(path).isDirectory()).toBe(true);
  rmSync(path, { recursive: true });
  symlinkSync(dir, path);
  expect([await folders.renew(path), await folders.renew(path)]).toEqual([null, null]);
  expect(await folders.of("a", null)).toBeNull();
  expect(warnings).toHaveLength(1);
  rmSync(path);
  expect([await folders.renew(path), await folders.of("a", null)]).toEqual([path, path]);
  // Folders of others are none of its business.
  expect(await folders.renew(join(dir, "elsewhere"))).toBe(join(dir, "elsewhere"));
  expect(existsSync(join(dir, "elsewhere"))).toBe(false);
});

test.skipIf(process.getuid?.() !== 0)(
  "another user's folder in that place is let be, and the next place taken",
  async () => {
    const { dir, folders, warnings } = made((each) => [join(each, "w"), join(each, "v")]);
    const path = (await folders.of("a", null)) ?? "";
    const place = join(dir, "w");
    rmSync(place, { recursive: true });
    mkdirSync(place);
    chownSync(place, 65_534, 65_534);
    expect([await folders.renew(path), warnings.length]).toEqual([join(dir, "v", "1"), 0]);
    await folders.close();
    await removeOwnFolder(place);
    expect(existsSync(join(dir, "v"))).toBe(false);
    expect(existsSync(place)).toBe(true);
    chownSync(place, 0, 0);
    await removeOwnFolder(place);
    await removeOwnFolder(place);
    expect(existsSync(place)).toBe(false);
  },
);

test("the places of a run follow from its id alone, and do not show it", () => {
  expect(neutralFolderPaths("abc")).toEqual(neutralFolderPaths("abc"));
  expect(neutralFolderPaths("abc")).not.toEqual(neutralFolderPaths("abd"));
  for (const place of neutralFolderPaths("abc")) expect(place).toMatch(/\/work-[0-9a-f]{10}$/);
});
