import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AgentProcess,
  type AgentProcessOptions,
  startAgentProcess,
} from "../../../src/backends/agent-process/child-process.ts";
import type { Launch } from "../../../src/backends/agent-process/launch.ts";
import { childMark, createMarks } from "../../../src/backends/agent-process/child-register.ts";
import { Failure } from "../../../src/canon/failure.ts";
import { portionBytes } from "../../../src/wire/loop-pacer.ts";
import { inheritedMarkIn } from "../../../src/system/inherited-mark.ts";
import { startProcess } from "../../../src/system/live-process.ts";
import { markedProcesses } from "../../../src/system/process-table.ts";

const shell = (script: string, launch: Partial<Launch> = {}): Launch => ({
  bin: "/bin/sh",
  argv: ["-c", script],
  env: { PATH: "/usr/bin:/bin", [childMark]: "test" },
  cwd: "/",
  jail: null,
  program: "test program",
  ...launch,
});

async function withChild(
  launch: Launch,
  use: (child: AgentProcess) => Promise<void>,
  options: AgentProcessOptions = {},
): Promise<void> {
  const child = await startAgentProcess(launch, { graceMs: 0, ...options });
  try {
    await use(child);
  } finally {
    await child.stop();
  }
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

test("lines in, lines out, in order, to the end", () =>
  withChild(shell("cat; exit 4"), async (child) => {
    expect(child.isAlive()).toBe(true);
    const sent = [{ n: 1, text: "é✓🦞\n" }, { n: 2 }, { n: 3, big: "x".repeat(300_000) }];
    const writing = Promise.all(sent.map((line) => child.send(line)));
    for (const line of sent) expect(await child.next()).toEqual(line);
    await writing;
  }));

test("what is not an object is skipped and counted; a last line needs no end", () =>
  withChild(
    shell(`printf 'Warning: x\\n{"a":1}\\n[1]\\n\\n{"broken\\n\\033[31m{}\\n{"b":2}'; exit 1`),
    async (child) => {
      expect(await child.next()).toEqual({ a: 1 });
      expect(await child.next()).toEqual({ b: 2 });
      expect(await child.next()).toBeNull();
      expect(await child.next()).toBeNull();
      expect(child.skippedLines()).toBe(4);
      expect(await child.exited).toEqual({ code: 1, signal: null });
      expect(child.isAlive()).toBe(false);
    },
  ));

test("a character cut between two chunks is whole", () =>
  // The second half is printed only when a line was read.
  withChild(
    shell(`printf '{"a":1}\\n{"t":"\\360\\237'; read x; printf '\\246\\236"}\\n'; read x`),
    async (child) => {
      expect(await child.next()).toEqual({ a: 1 });
      await child.send({});
      expect(await child.next()).toEqual({ t: "🦞" });
    },
  ));

test("a line over the limit ends the program with a failure, after the lines before it", () =>
  withChild(
    shell(`echo '{"a":1}'; head -c 100000 /dev/zero | tr '\\0' x; sleep 300`),
    async (child) => {
      expect(await child.next()).toEqual({ a: 1 });
      const failure = await failureOf(child.next());
      expect(failure.kind).toBe("bad-output");
      expect(failure.message).not.toContain("xxx");
      expect((await child.exited).signal).not.toBeNull();
    },
    { maxLineBytes: 10_000 },
  ));

test("a reader that is slow makes the program wait and loses nothing", () =>
  withChild(
    shell(
      `i=0; while [ $i -lt 3000 ]; do echo "{\\"n\\":$i,\\"t\\":\\"${"t".repeat(200)}\\"}"; i=$((i+1)); done`,
    ),
    async (child) => {
      for (let n = 0; n < 3000; n++) expect((await child.next())?.["n"]).toBe(n);
      expect(await child.next()).toBeNull();
    },
    { maxUnreadBytes: 2_000 },
  ));

test(
  "a flood of lines that say nothing leaves everybody else their turn",
  () =>
    withChild(shell(`yes | head -c 4000000; echo '{"a":1}'`), async (child) => {
      let turns = 0;
      let isOver = false;
      const beat = (): void => {
        turns++;
        if (!isOver) setImmediate(beat);
      };
      setImmediate(beat);
      expect(await child.next()).toEqual({ a: 1 });
      isOver = true;
      expect(child.skippedLines()).toBe(2_000_000);
      expect(turns).toBeGreaterThan(4_000_000 / portionBytes);
    }),
  30_000,
);

test("a line that would take a thousand times its size to parse ends it", () =>
  withChild(
    shell(`printf '{"a":['; yes '{},' | head -c 6000000 | tr -d '\\n'; echo '0]}'`),
    async (child) => {
      expect((await failureOf(child.next())).kind).toBe("bad-output");
    },
  ));

test("a program that prints before it reads does not lock up with a writer that waits", () =>
  // Far more than any pipe holds, and no line is read before the writing is done.
  withChild(
    shell(
      `i=0; while [ $i -lt 3000 ]; do echo '{"t":"${"y".repeat(300)}"}'; i=$((i+1)); done; exec cat >/dev/null`,
    ),
    async (child) => {
      await child.send({ big: "x".repeat(2_000_000) });
      expect(await child.next()).toEqual({ t: "y".repeat(300) });
    },
  ));

test("standard error is capped and redacted", () =>
  withChild(
    shell(`i=0; while [ $i -lt 3000 ]; do echo "noise $i" >&2; i=$((i+1)); done
      echo "key sk-ant-api03-abcdefgh12345678 and hidden-word" >&2; exit 1`),
    async (child) => {
      await child.exited;
      expect(child.stderr().length).toBeLessThanOrEqual(8 * 1024);
      expect(child.stderr()).toContain("noise 2999");
      expect(child.stderr()).toEndWith("key sk-ant-*** and ***\n");
    },
    { redact: (text) => text.replace("hidden-word", "***").replace(/sk-ant-[a-z0-9-]+/, "sk-ant-***") },
  ));

test("a program that is gone takes no line", () =>
  withChild(shell("exit 0"), async (child) => {
    await child.exited;
    expect((await failureOf(child.send({ a: 1 }))).kind).toBe("bad-output");
  }));

test("stop ends a waiting reader and writer and may be called again", () =>
  withChild(shell("trap '' TERM; echo '{}'; while true; do sleep 1; done"), async (child) => {
    expect(await child.next()).toEqual({});
    const reading = child.next();
    const writing = failureOf(child.send({ big: "x".repeat(1_000_000) }));
    const stopped = child.stop();
    expect(child.isAlive()).toBe(false);
    await Promise.all([stopped, child.stop()]);
    expect(await reading).toBeNull();
    expect((await writing).kind).toBe("bad-output");
    expect(await child.exited).toEqual({ code: null, signal: "SIGKILL" });
  }));

test("one that must not do another thing is killed without a word, and its owner may take away what it left", async () => {
  const home = mkdtempSync(join(tmpdir(), "clawgate-child-"));
  try {
    const left: number[] = [];
    const script = "trap 'touch $HOME/heard' TERM; echo '{}'; while true; do sleep 0.1; done";
    const launch = shell(script, { env: { PATH: "/usr/bin:/bin", HOME: home, [childMark]: "test" } });
    const use = async (child: AgentProcess): Promise<void> => {
      await child.next();
      await child.stop({ atOnce: true });
      expect(await child.exited).toEqual({ code: null, signal: "SIGKILL" });
      expect(existsSync(join(home, "heard"))).toBe(false);
      expect(left).toEqual([child.pid]);
    };
    const afterKill = async (of: Launch, pid: number): Promise<void> => {
      expect(of).toBe(launch);
      left.push(pid);
    };
    await withChild(launch, use, { graceMs: 5_000, afterKill });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

test("a program that does not exist is a failure without its path", async () => {
  const failure = await failureOf(startAgentProcess(shell("", { bin: "/no/such/claude" })));
  expect(failure.kind).toBe("unreachable");
  expect(failure.message).not.toContain("/no/such");
});

test.if(process.platform === "linux")(
  "what its tools left in a session of their own is gone by its exit, and of no other child",
  async () => {
    // The line comes from the one that left.
    const own = `test-of-${process.pid}`;
    const launch = shell("setsid sh -c 'echo {}; exec sleep 300' & wait", {
      env: { PATH: "/usr/bin:/bin", [childMark]: own },
    });
    const other = await startAgentProcess(launch, { graceMs: 0 });
    const child = await startAgentProcess(launch, { graceMs: 0 });
    expect([await child.next(), await other.next()]).toEqual([{}, {}]);
    const marks = async (): Promise<number> =>
      (await markedProcesses(childMark)).filter(({ value }) => value?.startsWith(`${own}.`)).length;
    // While one of them is replaced by the next program its variables cannot be read.
    while ((await marks()) < 4) await Bun.sleep(5);
    expect(await marks()).toBe(4);
    await child.stop();
    expect(await marks()).toBe(2);
    await other.stop();
    expect(await marks()).toBe(0);
  },
);

const nobody = { uid: 65534, gid: 65534 };
const alone = join(import.meta.dir, "refused-kill.ts");
const canBeNobody =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  existsSync("/usr/bin/prlimit") &&
  Bun.spawnSync(["test", "-r", alone], nobody).success &&
  Bun.spawnSync(["test", "-x", process.execPath], nobody).success;

test.if(canBeNobody)("what is another user's by now is reported, and not waited for", async () => {
  const gateway = Bun.spawn([process.execPath, alone], {
    ...nobody,
    cwd: "/",
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
    env: { PATH: "/usr/bin:/bin", HOME: "/nonexistent" },
  });
  const output = gateway.stdout.getReader();
  const read = async (): Promise<string> => Buffer.from((await output.read()).value ?? []).toString("utf8");
  const pid = Number(await read());
  const digits = inheritedMarkIn(readFileSync(`/proc/${pid}/limits`, "utf8"));
  // Root's, as what a program with root's rights leaves.
  const left = startProcess(["/usr/bin/prlimit", `--locks=${digits}:`, "/bin/sleep", "300"], {
    env: {},
    cwd: "/",
  });
  while (inheritedMarkIn(readFileSync(`/proc/${left.pid}/limits`, "utf8")) === null) await Bun.sleep(5);
  try {
    gateway.stdin.write("end\n");
    gateway.stdin.flush();
    let said = "";
    while (!said.includes("stopped")) said += await read();
    expect(said).toBe(`left ${left.pid}\nleft at the end ${left.pid}\nstopped\n`);
    expect(left.isAlive()).toBe(true);
  } finally {
    await left.stop({ graceMs: 0 });
    gateway.kill("SIGKILL");
  }
});

test("the register gets every start and every end", async () => {
  const told: string[] = [];
  const register = {
    gatewayId: "test",
    newMark: createMarks("test"),
    add: (_: number, program: string) => void told.push(`add ${program}`),
    remove: () => void told.push("remove"),
    unstoppable: (pids: readonly number[]) => void told.push(`left ${pids.join(" ")}`),
    searchFailed: (error: unknown) => void told.push(`not searched: ${error}`),
    saved: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  await withChild(shell("exit 0"), async (child) => void (await child.exited), { register });
  expect(told).toEqual(["add /bin/sh", "remove"]);
});
