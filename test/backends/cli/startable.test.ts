// Every way in which the program is not to be had, told in words, without starting it.

import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createStartable } from "../../../src/backends/cli/startable.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

function house() {
  const dir = mkdtempSync(join(tmpdir(), "clawgate-startable-"));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  let nowMs = 0;
  let news = 0;
  const startable = createStartable({ clock: { monotonicMs: () => nowMs }, onNews: () => void (news += 1) });
  const bin = join(dir, "claude");
  return {
    dir,
    bin,
    startable,
    ask: (name = bin, PATH = "/usr/bin:/bin") =>
      startable.trouble({ bin: name, environment: { PATH, HOME: dir } }),
    later(ms: number) {
      nowMs += ms;
    },
    news: () => news,
    write(text: string, mode = 0o755) {
      writeFileSync(bin, text);
      chmodSync(bin, mode);
    },
    stamp() {
      const { size, mtimeMs } = statSync(bin);
      return `${realpathSync(bin)}:${size}:${mtimeMs}`;
    },
  };
}

describe("not there, or not to be executed", () => {
  type House = ReturnType<typeof house>;
  const cases: readonly (readonly [string, (house: House) => void, string])[] = [
    ["no file", () => undefined, "is not there (ENOENT)"],
    ["a folder", ({ bin }) => mkdirSync(bin), "is no file"],
    ["no right to execute", ({ write }) => write("#!/bin/sh\n", 0o644), "may not be executed"],
    [
      "a link that leads nowhere",
      ({ bin }) => symlinkSync("/nonexistent/claude", bin),
      "is a link that leads nowhere",
    ],
    ["a link to a folder", ({ bin, dir }) => symlinkSync(dir, bin), "is no file"],
    [
      "a link to what may not be executed",
      ({ bin, dir }) => {
        writeFileSync(join(dir, "text"), "", { mode: 0o644 });
        symlinkSync(join(dir, "text"), bin);
      },
      "may not be executed",
    ],
  ];
  test.each(cases)("%s", async (_, prepare, words) => {
    const at = house();
    prepare(at);
    expect(await at.ask()).toBe(`${at.bin} ${words}`);
  });

  test("not on PATH", async () => {
    expect(await house().ask("claude", "/nonexistent:/bin")).toBe(
      'there is no program "claude" on PATH (/nonexistent:/bin)',
    );
  });
});

describe("there, but it does not start", () => {
  test.each([
    [
      "its interpreter is missing",
      "#!/nonexistent/node\n",
      "cannot be started: its interpreter /nonexistent/node is not there",
    ],
    [
      "its interpreter is not on PATH",
      "#!/usr/bin/env -S no-such-node --flag\n",
      'cannot be started: its interpreter "no-such-node" is not on PATH (/usr/bin:/bin)',
    ],
    ["it is empty", "", "is empty"],
  ])("%s", async (_, text, words) => {
    const at = house();
    at.write(text);
    expect(await at.ask()).toBe(`${at.bin} ${words}`);
  });

  test.each([
    ["a script", "#!/bin/sh\nexit 0\n"],
    ["a script found by env", "#!/usr/bin/env sh\n"],
    ["a program of whatever kind", "\u007fELF and more"],
    ["a script without a word on its interpreter", "echo hello\n"],
  ])("%s: nothing speaks against it, and nothing is started to find out", async (_, text) => {
    const at = house();
    at.write(text);
    expect(await at.ask()).toBeNull();
  });
});

describe("how its starts went", () => {
  test("one that has never answered is judged by its first end, and by its next answer", async () => {
    const at = house();
    at.write("#!/bin/sh\n");
    at.startable.failed(at.stamp(), "ends with exit code 3");
    expect(await at.ask()).toBe("ends with exit code 3");
    at.startable.proved(at.stamp());
    expect(await at.ask()).toBeNull();
    expect(at.news()).toBe(2);
  });

  test("one that has answered may fail twice in a row, a third time it is down", async () => {
    const at = house();
    at.write("#!/bin/sh\n");
    at.startable.proved(at.stamp());
    for (let round = 0; round < 5; round++) {
      at.startable.failed(at.stamp(), "x");
      at.startable.failed(at.stamp(), "x");
      expect(await at.ask()).toBeNull();
      at.startable.proved(at.stamp());
    }
    for (let i = 0; i < 3; i++) at.startable.failed(at.stamp(), "x");
    expect(await at.ask()).toBe("x");
  });

  test("another build is another program", async () => {
    const at = house();
    at.write("#!/bin/sh\n");
    at.startable.failed(at.stamp(), "x");
    at.write("#!/bin/sh\n# newer\n");
    expect(await at.ask()).toBeNull();
  });

  test("it is tried again after a minute, once a minute", () => {
    const at = house();
    at.write("#!/bin/sh\n");
    expect(at.startable.mayTryAgain()).toBe(false);
    at.startable.failed(at.stamp(), "x");
    const tries = Array.from({ length: 12 }, () => {
      at.later(10_000);
      return at.startable.mayTryAgain();
    });
    expect(tries.filter(Boolean)).toHaveLength(2);
    at.startable.proved(at.stamp());
    at.later(600_000);
    expect(at.startable.mayTryAgain()).toBe(false);
  });
});
