import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../pipeline/test-pipeline.ts";
import { type DirectoryLock, lockDirectory, lockHolder } from "../../src/system/directory-lock.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clawgate-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function held(): DirectoryLock {
  const locking = lockDirectory(folder);
  if (locking.kind !== "held") throw new Error(locking.kind);
  return locking.lock;
}

test("one owner at a time, and nothing is left in the directory", () => {
  const lock = held();
  expect(lockDirectory(folder)).toEqual({ kind: "taken" });
  if (process.platform === "linux") expect(lockHolder(folder)).toBe(process.pid);
  lock.release();
  lock.release();
  expect(lockHolder(folder)).toBeNull();
  held().release();
  expect(readdirSync(folder)).toEqual([]);
});

test("a program that we start does not hold it with us", async () => {
  const lock = held();
  const child = Bun.spawn(["cat"], { stdio: ["pipe", "pipe", "ignore"] });
  // Until it is the program that was wanted, it is a copy of us.
  child.stdin.write("hello");
  await child.stdin.flush();
  await child.stdout.getReader().read();
  lock.release();
  // On a busy machine it may not have begun yet: until then it is a copy of us.
  await until("it is free", () => {
    const locking = lockDirectory(folder);
    if (locking.kind === "held") locking.lock.release();
    return locking.kind === "held";
  });
  child.kill("SIGKILL");
  await child.exited;
});

test("it can be handed on: who inherits the descriptor keeps it until it ends, however that comes", async () => {
  const lock = held();
  const successor = Bun.spawn(["sleep", "30"], { stdio: ["ignore", "ignore", "ignore", lock.descriptor] });
  lock.release();
  expect(lockDirectory(folder)).toEqual({ kind: "taken" });
  successor.kill("SIGKILL");
  await successor.exited;
  held().release();
});

test("another directory in its place is noticed", () => {
  const lock = held();
  expect(lock.isInPlace()).toBe(true);
  const moved = `${folder}-moved`;
  renameSync(folder, moved);
  expect(lock.isInPlace()).toBe(false);
  mkdirSync(folder);
  expect(lock.isInPlace()).toBe(false);
  held().release();
  lock.release();
  rmSync(moved, { recursive: true });
});
