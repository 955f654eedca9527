import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  openStateDirectory,
  readRunFile,
  removeRunFile,
  stateDirectory,
  writeRunFile,
} from "../../src/system/state-directory.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clawgate-state-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("its own variable, then XDG's, then the home folder", () => {
  const home = { HOME: "/home/u" };
  expect(stateDirectory({ ...home, CLAWGATE_STATE_DIR: "/s", XDG_STATE_HOME: "/x" })).toBe("/s");
  expect(stateDirectory({ ...home, CLAWGATE_STATE_DIR: "rel" })).toBe(resolve("rel"));
  expect(stateDirectory({ ...home, CLAWGATE_STATE_DIR: "", XDG_STATE_HOME: "/x" })).toBe("/x/clawgate");
  expect(stateDirectory({ ...home, XDG_STATE_HOME: "relative" })).toBe("/home/u/.local/state/clawgate");
  expect(stateDirectory(home)).toBe("/home/u/.local/state/clawgate");
});

test("the run file is private and comes back as it was written", async () => {
  const directory = await openStateDirectory({ XDG_STATE_HOME: folder });
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(await readRunFile(directory)).toBeNull();
  const run = { pid: 4242, url: "http://127.0.0.1:8090", token: "t" };
  await writeRunFile(directory, run);
  expect(statSync(join(directory, "run.json")).mode & 0o777).toBe(0o600);
  expect(await readRunFile(directory)).toEqual(run);
});

test("only the gateway that wrote the run file removes it", async () => {
  const first = { pid: 1, url: "http://a", token: "one" };
  const second = { pid: 2, url: "http://b", token: "two" };
  await writeRunFile(folder, first);
  await writeRunFile(folder, second);
  expect(await removeRunFile(folder, first)).toBe(false);
  expect(await readRunFile(folder)).toEqual(second);
  expect(await removeRunFile(folder, second)).toBe(true);
  expect(existsSync(join(folder, "run.json"))).toBe(false);
  expect(await removeRunFile(folder, second)).toBe(false);
});

test.each([
  "",
  "{",
  "null",
  "[]",
  '{"pid":"1","url":"u","token":"t"}',
  '{"pid":-1,"url":"u","token":"t"}',
  '{"pid":1}',
])("an unusable run file is none: %p", async (text) => {
  writeFileSync(join(folder, "run.json"), text);
  expect(await readRunFile(folder)).toBeNull();
});
