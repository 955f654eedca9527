// Every way in which the program is not available, in words, without starting it.

import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, realpathSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createProgramStatus } from "../../../src/backends/agent-process/program-status.ts";
import { cleanupsAfterEach } from "../../support/cleanups.ts";

const cleanups = cleanupsAfterEach();

function openStartable() {
  const dir = cleanups.folder("clawgate-startable-");
  let nowMs = 0;
  let news = 0;
  const programStatus = createProgramStatus({
    clock: { monotonicMs: () => nowMs },
    onNews: () => void (news += 1),
  });
  const bin = join(dir, "claude");
  return {
    dir,
    bin,
    programStatus,
    ask: (name = bin, PATH = "/usr/bin:/bin") =>
      programStatus.problem({ bin: name, environment: { PATH, HOME: dir } }),
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
  type Opened = ReturnType<typeof openStartable>;
  const cases: readonly (readonly [string, (app: Opened) => void, string])[] = [
    ["no file", () => undefined, "is not there (ENOENT)"],
    ["a folder", ({ bin }) => mkdirSync(bin), "is not a file"],
    ["no right to execute", ({ write }) => write("#!/bin/sh\n", 0o644), "may not be executed"],
    ["a link that leads nowhere", ({ bin }) => symlinkSync("/nonexistent/claude", bin), "is a broken link"],
    ["a link to a folder", ({ bin, dir }) => symlinkSync(dir, bin), "is not a file"],
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
    const at = openStartable();
    prepare(at);
    expect(await at.ask()).toBe(`${at.bin} ${words}`);
  });

  test("not on PATH", async () => {
    expect(await openStartable().ask("claude", "/nonexistent:/bin")).toBe(
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
    const at = openStartable();
    at.write(text);
    expect(await at.ask()).toBe(`${at.bin} ${words}`);
  });

  test.each([
    ["a script", "#!/bin/sh\nexit 0\n"],
    ["a script found by env", "#!/usr/bin/env sh\n"],
    ["a program of whatever kind", "\u007fELF and more"],
    ["a script without a word on its interpreter", "echo hello\n"],
  ])("%s: nothing speaks against it, and nothing is started to find out", async (_, text) => {
    const at = openStartable();
    at.write(text);
    expect(await at.ask()).toBeNull();
  });
});

describe("how its starts went", () => {
  test("one that has never answered is judged by its first end, and by its next answer", async () => {
    const at = openStartable();
    at.write("#!/bin/sh\n");
    at.programStatus.failed(at.stamp(), "ends with exit code 3");
    expect(await at.ask()).toBe("ends with exit code 3");
    at.programStatus.worked(at.stamp());
    expect(await at.ask()).toBeNull();
    expect(at.news()).toBe(2);
  });

  test("one that has answered may fail twice in a row, a third time it is down", async () => {
    const at = openStartable();
    at.write("#!/bin/sh\n");
    at.programStatus.worked(at.stamp());
    for (let round = 0; round < 5; round++) {
      at.programStatus.failed(at.stamp(), "x");
      at.programStatus.failed(at.stamp(), "x");
      expect(await at.ask()).toBeNull();
      at.programStatus.worked(at.stamp());
    }
    for (let i = 0; i < 3; i++) at.programStatus.failed(at.stamp(), "x");
    expect(await at.ask()).toBe("x");
  });

  test("another build is another program", async () => {
    const at = openStartable();
    at.write("#!/bin/sh\n");
    at.programStatus.failed(at.stamp(), "x");
    at.write("#!/bin/sh\n# newer\n");
    expect(await at.ask()).toBeNull();
  });

  test("it may be started again after a minute, once a minute", () => {
    const at = openStartable();
    at.write("#!/bin/sh\n");
    expect(at.programStatus.mayRetry()).toBe(false);
    at.programStatus.failed(at.stamp(), "x");
    const tries = Array.from({ length: 12 }, () => {
      at.later(10_000);
      return at.programStatus.mayRetry();
    });
    expect(tries.filter(Boolean)).toHaveLength(2);
    at.programStatus.worked(at.stamp());
    at.later(600_000);
    expect(at.programStatus.mayRetry()).toBe(false);
  });
});
