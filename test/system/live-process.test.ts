import { expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { systemClock } from "../../src/system/clock.ts";
import { type LiveProcess, ProcessGone, startProcess } from "../../src/system/live-process.ts";
import { fakeClock, settleQueues } from "../support/clock.ts";

const env = { PATH: "/usr/bin:/bin" };
const cwd = "/";
const shell = (script: string, options: Partial<Parameters<typeof startProcess>[1]> = {}): LiveProcess =>
  startProcess(["/bin/sh", "-c", script], { env, cwd, ...options });
const kill = { graceMs: 0 };

async function readAll(child: LiveProcess): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await child.read(); chunk !== null; chunk = await child.read()) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

async function readUntil(child: LiveProcess, text: string): Promise<string> {
  let seen = "";
  while (!seen.includes(text)) {
    const chunk = await child.read();
    if (chunk === null) throw new Error(`ended before ${text}: ${seen}`);
    seen += Buffer.from(chunk).toString("utf8");
  }
  return seen;
}

test("what is written comes back, and the end of the input ends it", async () => {
  const child = shell("cat; echo end >&2; exit 3");
  expect(child.isAlive()).toBe(true);
  await child.write("one\n");
  await child.write(Buffer.from("two\n"));
  await child.closeInput();
  expect(await readAll(child)).toBe("one\ntwo\n");
  expect(await child.exited).toEqual({ code: 3, signal: null });
  await child.stderrEnded;
  expect(child.stderr()).toBe("end\n");
  expect(child.isAlive()).toBe(false);
  expect(await child.read()).toBeNull();
});

test("5 MB go in and come out whole, in order, while nobody reads at first", async () => {
  const child = shell("cat");
  const text = Array.from({ length: 500_000 }, (_, i) => `${i}`.padStart(9, "0")).join("\n");
  const written = child.write(text).then(() => child.closeInput());
  expect(await readAll(child)).toBe(text);
  await written;
});

test("a program that does not read its input makes the writer wait, and its end rejects all that wait", async () => {
  const child = shell("echo ready; sleep 300");
  await readUntil(child, "ready");
  let isDone = false;
  const first = child.write(Buffer.alloc(4 * 1024 * 1024));
  const second = child.write("behind");
  void first.then(
    () => (isDone = true),
    () => undefined,
  );
  await settleQueues();
  expect(isDone).toBe(false);
  await child.stop(kill);
  await expect(first).rejects.toThrow(ProcessGone);
  await expect(second).rejects.toThrow(ProcessGone);
  await expect(child.write("late")).rejects.toThrow(ProcessGone);
});

test("a closed pipe rejects the write and nothing else notices", async () => {
  const unhandled: unknown[] = [];
  const listen = (error: unknown): void => void unhandled.push(error);
  process.on("unhandledRejection", listen);
  try {
    const child = shell("exec 0<&-; echo ready; sleep 300");
    await readUntil(child, "ready");
    await expect(child.write("hello")).rejects.toThrow(ProcessGone);
    // Nobody listens to this one.
    void child.write("again").catch(() => undefined);
    expect(child.isAlive()).toBe(true);
    await child.stop(kill);
    await settleQueues();
    expect(unhandled).toEqual([]);
  } finally {
    process.off("unhandledRejection", listen);
  }
});

test("a reader that does not read makes the program wait", async () => {
  const child = shell("head -c 50000000 /dev/zero; echo done >&2");
  const first = await child.read();
  await settleQueues();
  // It could not have come to its end: what was printed does not fit into any pipe.
  expect(first?.length).toBeGreaterThan(0);
  expect(child.stderr()).toBe("");
  let bytes = first?.length ?? 0;
  for (let chunk = await child.read(); chunk !== null; chunk = await child.read()) bytes += chunk.length;
  expect(bytes).toBe(50_000_000);
});

test("of standard error the newest whole lines are kept", async () => {
  const child = shell("i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i+1)); done", {
    maxStderrBytes: 1_000,
  });
  await child.exited;
  await child.stderrEnded;
  expect(child.stderr().length).toBeLessThanOrEqual(1_000);
  expect(child.stderr()).toMatch(/^line \d+\n[^]*line 1999\n$/);
});

test("stop: TERM first, and a program that obeys it may write its last words", async () => {
  const child = shell("trap 'exit 7' TERM; echo ready; while true; do sleep 0.01; done");
  await readUntil(child, "ready");
  await child.stop({ graceMs: 60_000 });
  expect(await child.exited).toEqual({ code: 7, signal: null });
  await child.stop(kill);
});

test("stop: KILL by the clock for one that ignores TERM, and its whole group goes", async () => {
  const clock = fakeClock();
  const child = shell("trap '' TERM; sleep 300 & echo $!; while true; do sleep 0.01; done", { clock });
  const grandchild = Number(await readUntil(child, "\n"));
  const stopped = child.stop({ graceMs: 2_000 });
  await clock.advance(1_999);
  expect(child.isAlive()).toBe(true);
  await clock.advance(1);
  await stopped;
  expect(await child.exited).toEqual({ code: null, signal: "SIGKILL" });
  // A dead one that init has not collected yet counts as gone.
  await until(() => !isRunning(grandchild));
});

test("what a program leaves in its group goes with it", async () => {
  const child = shell("sleep 300 & echo $!");
  const grandchild = Number(await readUntil(child, "\n"));
  expect(await child.exited).toEqual({ code: 0, signal: null });
  await until(() => !isRunning(grandchild));
});

test("one that left the group and holds the pipe does not hold the reader", async () => {
  const quick = {
    ...systemClock,
    setTimer: (ms: number, run: () => void) => systemClock.setTimer(ms / 20, run),
  };
  const child = shell("setsid sleep 300 & echo $!; exec sleep 0.05", { clock: quick });
  const escaped = Number(await readUntil(child, "\n"));
  expect(await child.read()).toBeNull();
  await child.stderrEnded;
  process.kill(escaped, "SIGKILL");
});

test("a program or a folder that does not exist is an error at once", () => {
  expect(() => startProcess(["/no/such/program"], { env, cwd })).toThrow();
  expect(() => startProcess(["/bin/sh"], { env, cwd: "/no/such/folder" })).toThrow();
});

test("200 starts and stops leave no descriptor and no process", async () => {
  const descriptors = (): number =>
    readdirSync(existsSync("/proc/self/fd") ? "/proc/self/fd" : "/dev/fd").length;
  const one = async (index: number): Promise<number> => {
    const child = shell(index % 2 === 0 ? "cat" : "head -c 200000 /dev/zero; exec cat");
    // Half of them are stopped with output unread and a write under way.
    const written = child.write(Buffer.alloc(index % 3 === 0 ? 300_000 : 10)).catch(() => undefined);
    if (index % 4 === 0) await child.read();
    await child.stop(kill);
    await written;
    return child.pid;
  };
  for (let i = 0; i < 10; i++) await one(i);
  const before = descriptors();
  const pids: number[] = [];
  for (let i = 0; i < 200; i += 4)
    pids.push(...(await Promise.all([0, 1, 2, 3].map((offset) => one(i + offset)))));
  await until(() => descriptors() <= before);
  expect(descriptors()).toBeLessThanOrEqual(before);
  expect(pids.filter(isRunning)).toEqual([]);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const status = Bun.spawnSync([
    "/bin/sh",
    "-c",
    `cat /proc/${pid}/status 2>/dev/null || ps -o stat= -p ${pid}`,
  ]);
  return !/^(?:State:\s+)?Z/m.test(status.stdout.toString());
}

/** Lets the kernel finish what was asked of it; the test's own time limit ends a wait in vain. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
