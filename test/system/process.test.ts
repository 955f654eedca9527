import { expect, test } from "bun:test";
import { chmodSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/system/clock.ts";
import {
  childEnvironment,
  type CommandOptions,
  findOnPath,
  inheritedEnvironment,
  isAlive,
  runCommand,
} from "../../src/system/process.ts";

const limit = { timeoutMs: 20_000 };
const shell = (script: string): string[] => ["/bin/sh", "-c", script];

/** The system clock with every wait divided, so that real processes meet short deadlines. */
const quickClock = {
  ...systemClock,
  setTimer: (delayMs: number, run: () => void) => systemClock.setTimer(delayMs / 20, run),
};

/**
 * Runs `script` with a pipe that every process it starts inherits. `allGone` ends when the last of them has died:
 * process ids cannot tell, because a container's init may leave the dead unreaped.
 */
async function runWatched(script: string, options: CommandOptions) {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-process-"));
  const pipe = join(folder, "pipe");
  Bun.spawnSync(["mkfifo", pipe]);
  const watcher = Bun.spawn(["cat", pipe], { stdout: "ignore" });
  const result = await runCommand(shell(`exec 9>'${pipe}'; ${script}`), options);
  const allGone = watcher.exited.finally(() => rmSync(folder, { recursive: true, force: true }));
  return { result, allGone };
}

test("code, both outputs, input, folder and environment", async () => {
  const result = await runCommand(shell('cat; echo "$WORD in $(pwd)"; echo no >&2; exit 3'), {
    ...limit,
    input: "typed\n",
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", WORD: "here" },
  });
  expect(result).toEqual({
    code: 3,
    stdout: "typed\nhere in /\n",
    stderr: "no\n",
    timedOut: false,
    wasCut: false,
  });
});

test("without input there is nothing to read, and keys are not inherited", async () => {
  process.env["CLAWGATE_TEST_API_KEY"] = "canary";
  try {
    const result = await runCommand(shell("cat; env"), limit);
    expect(result.code).toBe(0);
    expect(result.stdout).toContain("PATH=");
    expect(result.stdout).not.toContain("canary");
  } finally {
    delete process.env["CLAWGATE_TEST_API_KEY"];
  }
});

test("output beyond the limit is dropped, and the command still ends by itself", async () => {
  const result = await runCommand(shell("head -c 300000 /dev/zero | tr '\\0' x; echo end >&2"), {
    ...limit,
    maxOutputBytes: 1_000,
  });
  expect(result.stdout).toBe("x".repeat(1_000));
  expect(result).toMatchObject({ code: 0, stderr: "end\n", wasCut: true });
});

test("past its time the whole group ends, even one that ignores TERM", async () => {
  const script = "trap '' TERM; sleep 300 & while true; do sleep 1; done";
  const { result, allGone } = await runWatched(script, { timeoutMs: 6_000, clock: quickClock });
  expect(result).toMatchObject({ code: null, timedOut: true });
  expect(await allGone).toBe(0);
});

test("a grandchild that holds the pipe does not hold us", async () => {
  const { result, allGone } = await runWatched("sleep 300 & echo done", { ...limit, clock: quickClock });
  expect(result).toMatchObject({ code: 0, stdout: "done\n", timedOut: false });
  expect(await allGone).toBe(0);
});

test("an abort ends it at once, also one that came before", async () => {
  const abort = new AbortController();
  const running = runCommand(shell("sleep 300"), { ...limit, signal: abort.signal });
  abort.abort();
  expect(await running).toMatchObject({ code: null, timedOut: false });
  expect(await runCommand(shell("sleep 300"), { ...limit, signal: abort.signal })).toMatchObject({
    code: null,
  });
});

test("a program that does not exist is an error", async () => {
  await expect(runCommand(["clawgate-no-such-program"], limit)).rejects.toThrow("clawgate-no-such-program");
});

test("children inherit by allow-list; the operator's words win but cannot load code", () => {
  const ours = {
    PATH: "/bin",
    HOME: "/h",
    LC_ALL: "C",
    OPENAI_API_KEY: "k",
    LD_PRELOAD: "x",
    BUN_OPTIONS: "x",
    NODE_OPTIONS: "x",
  };
  expect(inheritedEnvironment(ours)).toEqual({ PATH: "/bin", HOME: "/h", LC_ALL: "C" });
  const said = {
    HOME: "/other",
    MY_TOKEN: "t",
    PATH: "/evil",
    LD_PRELOAD: "e",
    DYLD_INSERT_LIBRARIES: "e",
    NODE_OPTIONS: "e",
    BUN_X: "e",
  };
  expect(childEnvironment(ours, said)).toEqual({ PATH: "/bin", HOME: "/other", LC_ALL: "C", MY_TOKEN: "t" });
});

test("programs are found on the path: files that may run, in absolute folders", () => {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-path-"));
  try {
    for (const name of ["first", "second"]) mkdirSync(join(folder, name));
    writeFileSync(join(folder, "first", "tool"), "");
    writeFileSync(join(folder, "second", "tool"), "");
    chmodSync(join(folder, "second", "tool"), 0o755);
    mkdirSync(join(folder, "first", "dir"));
    const path = `:.:relative:${folder}/first:${folder}/second`;
    expect(findOnPath("tool", path)).toBe(join(folder, "second", "tool"));
    expect(findOnPath("dir", path)).toBeNull();
    expect(findOnPath("", path)).toBeNull();
    expect(findOnPath("tool", undefined)).toBeNull();
    expect(findOnPath(join(folder, "second", "tool"), "")).toBe(join(folder, "second", "tool"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("this process is alive, an impossible one is not", () => {
  expect(isAlive(process.pid)).toBe(true);
  expect(isAlive(2 ** 30)).toBe(false);
});
