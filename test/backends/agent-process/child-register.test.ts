import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  childMark,
  gatewayMark,
  newGatewayId,
  openRegister,
  stopMarked,
  stopOrphans,
} from "../../../src/backends/agent-process/child-register.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { type LiveProcess, startProcess } from "../../../src/system/live-process.ts";
import { bootId, markedProcesses, startTimeOf } from "../../../src/system/process-table.ts";

const isLinux = process.platform === "linux";
let stateDirectory = "";
let started: LiveProcess[] = [];
beforeEach(() => {
  stateDirectory = mkdtempSync(join(tmpdir(), "clawgate-sweep-"));
});
afterEach(async () => {
  await Promise.all(started.map((each) => each.stop({ graceMs: 0 })));
  started = [];
  rmSync(stateDirectory, { recursive: true, force: true });
});

const folder = (): string => join(stateDirectory, "cli", "gateways");
const throwing = (error: unknown): void => {
  throw error;
};
const register = (gatewayId = newGatewayId(), gatewayPid = process.pid) =>
  openRegister({ stateDirectory, gatewayId, gatewayPid, onTrouble: throwing });
const marked = async (gatewayId: string) =>
  (await markedProcesses(childMark)).filter(({ value }) => value?.startsWith(gatewayId));

/** A program that says `ready`, so that its environment is its own by then. */
async function running(script: string, mark: string): Promise<LiveProcess> {
  const child = startProcess(["/bin/sh", "-c", `echo ready; ${script}`], {
    env: { PATH: "/usr/bin:/bin", [childMark]: mark },
    cwd: "/",
  });
  started.push(child);
  await child.read();
  return child;
}

test("the list is private, follows every change, and goes at the end with the processes on it", async () => {
  const list = await register("0123456789abcdef");
  const path = join(folder(), "0123456789abcdef.json");
  const read = () => JSON.parse(readFileSync(path, "utf8"));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(read()).toMatchObject({ pid: process.pid, children: [] });
  const child = await running("exec sleep 300", "0123456789abcdef.1");
  const other = await running("exec sleep 300", "0123456789abcdef.2");
  list.add(child.pid, "/opt/claude");
  list.add(other.pid, "/opt/claude");
  await list.saved();
  expect(read().children).toMatchObject([
    { pid: child.pid, program: "/opt/claude", startTime: await startTimeOf(child.pid) },
    { pid: other.pid },
  ]);
  list.remove(other.pid);
  await list.saved();
  expect(read().children).toMatchObject([{ pid: child.pid }]);
  await list.close();
  expect(existsSync(path)).toBe(false);
  expect((await child.exited).signal).toBe("SIGTERM");
});

test.if(isLinux)(
  "kill -9 of a gateway with 10 running: the next one leaves none of them",
  async () => {
    // Each has a shell that ignores TERM and a child in a session of its own.
    const script = "trap '' TERM; setsid sleep 300 & echo '{}'; while true; do sleep 1; done";
    const gateway = Bun.spawn(
      [process.execPath, join(import.meta.dir, "gateway-with-children.ts"), stateDirectory, "10", script],
      { stdout: "pipe", stderr: "inherit", env: { PATH: process.env["PATH"] ?? "" } },
    );
    const { value } = await gateway.stdout.getReader().read();
    const gatewayId = Buffer.from(value ?? [])
      .toString("utf8")
      .trim();
    expect(gatewayId).toMatch(/^[0-9a-f]{16}$/);
    // While it lives, no other gateway touches its children.
    expect(await stopOrphans({ stateDirectory })).toBe(0);
    gateway.kill("SIGKILL");
    await gateway.exited;
    expect((await marked(gatewayId)).length).toBeGreaterThanOrEqual(20);
    expect(await stopOrphans({ stateDirectory })).toBeGreaterThanOrEqual(10);
    expect(await marked(gatewayId)).toEqual([]);
    expect(readdirSync(folder())).toEqual([]);
    expect(await stopOrphans({ stateDirectory })).toBe(0);
  },
  30_000,
);

test.if(isLinux)("processes of another gateway and of other programs are left alone", async () => {
  const [dead, living] = [newGatewayId(), newGatewayId()];
  await withList(await register(living), async () => {
    const mine = await running("exec sleep 300", `${living}.1`);
    const similar = await running("exec sleep 300", `${dead}0.1`);
    const left = await running("exec sleep 300", `${dead}.1`);
    // The number of the dead gateway, and that of a child of it, belong to others by now.
    const gone = { pid: process.pid, startTime: "1", startedMs: 0, program: "" };
    const reused = { pid: similar.pid, startTime: "1", startedMs: 0, program: "/bin/sh" };
    const unknown = { ...reused, startTime: null };
    const list = { ...gone, bootId: await bootId(), children: [reused, unknown, { pid: 1 }, 7, null] };
    writeFileSync(join(folder(), `${dead}.json`), JSON.stringify(list));
    writeFileSync(join(folder(), "notes.txt"), "not a list");
    expect(await stopOrphans({ stateDirectory })).toBe(1);
    await left.exited;
    expect([mine.isAlive(), similar.isAlive()]).toEqual([true, true]);
    expect(readdirSync(folder()).toSorted()).toEqual([`${living}.json`, "notes.txt"].toSorted());
  });
});

test.if(isLinux)("lists of an earlier boot and broken ones stop nothing and go", async () => {
  const [old, broken] = [newGatewayId(), newGatewayId()];
  await stopOrphans({ stateDirectory });
  const child = await running("exec sleep 300", "someone.1");
  const listed = { pid: child.pid, startTime: await startTimeOf(child.pid), startedMs: 0, program: "" };
  const head = { pid: 2 ** 22 + 1, startTime: "1", startedMs: 0, program: "", bootId: "another" };
  writeFileSync(join(folder(), `${old}.json`), JSON.stringify({ ...head, children: [listed] }));
  writeFileSync(join(folder(), `${broken}.json`), '{"pid":');
  expect(await stopOrphans({ stateDirectory })).toBe(0);
  expect(child.isAlive()).toBe(true);
  expect(readdirSync(folder())).toEqual([]);
});

test.if(isLinux)("a mark stops its own and what that started, TERM first", async () => {
  const mark = newGatewayId();
  const polite = await running("trap 'exit 7' TERM; while true; do sleep 0.01; done", `${mark}.1`);
  const parent = await running("setsid sh -c 'echo up; exec sleep 300' & wait", `${mark}.2`);
  // Its child has a session of its own by now.
  await parent.read();
  const { met: stopped, unstoppable } = await stopMarked(gatewayMark(mark), {
    clock: systemClock,
    graceMs: 20_000,
  });
  expect(stopped.has(polite.pid)).toBe(true);
  expect(stopped.size).toBeGreaterThanOrEqual(3);
  expect(unstoppable.size).toBe(0);
  await parent.exited;
  expect(await polite.exited).toEqual({ code: 7, signal: null });
  expect(await marked(mark)).toEqual([]);
});

async function withList(list: { close(): Promise<void> }, use: () => Promise<void>): Promise<void> {
  try {
    await use();
  } finally {
    await list.close();
  }
}
