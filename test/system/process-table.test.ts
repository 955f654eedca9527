import { expect, test } from "bun:test";
import {
  type MarkedProcess,
  markedProcesses,
  readListing,
  signalThose,
  startTimeOf,
} from "../../src/system/process-table.ts";

test("what ps prints is read: the second, and the program with blanks in its name", () => {
  const startedMs = Date.UTC(2026, 10, 21, 7, 46, 50);
  expect(readListing("Sat Nov 21 07:46:50 2026     /usr/local/bin/claude\n")).toEqual({
    startedMs,
    program: "/usr/local/bin/claude",
  });
  expect(readListing("  Sat Nov  1 07:46:50 2026 /Users/a b/claude  \n")).toEqual({
    startedMs: Date.UTC(2026, 10, 1, 7, 46, 50),
    program: "/Users/a b/claude",
  });
  for (const other of ["", "\n", "STARTED COMM", "Sat Nov 21 2026 claude"])
    expect(readListing(other)).toBeNull();
});

test.if(process.platform === "linux")(
  "a living process has a start, an impossible and a dead one have none",
  async () => {
    expect(await startTimeOf(process.pid)).toMatch(/^\d+$/);
    expect(await startTimeOf(2 ** 30)).toBeNull();
    const child = Bun.spawn(["/bin/sh", "-c", "exit 0"]);
    await child.exited;
    expect(await startTimeOf(child.pid)).toBeNull();
  },
);

test.if(process.platform === "linux")("processes are found by a variable, by its whole name", async () => {
  const child = Bun.spawn(["/bin/sh", "-c", "echo ready; exec sleep 300"], {
    stdout: "pipe",
    env: { PATH: "/usr/bin:/bin", CLAWGATE_TEST_MARK: "a=b", X_CLAWGATE_TEST: "no" },
  });
  try {
    await child.stdout.getReader().read();
    const found = await namedBy("CLAWGATE_TEST_MARK");
    expect(found).toMatchObject([{ pid: child.pid, value: "a=b", inherited: null }]);
    expect(await namedBy("CLAWGATE_TEST")).toEqual([]);
    // The number alone names nobody.
    const another = { pid: child.pid, startTime: "1" };
    expect(await signalThose([another], "SIGKILL")).toEqual({ reached: [], refused: [] });
    expect(await signalThose(found, "SIGKILL")).toEqual({ reached: [child.pid], refused: [] });
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
  const gone = { pid: child.pid, startTime: "1" };
  expect(await signalThose([gone], "SIGKILL")).toEqual({ reached: [], refused: [] });
});

async function namedBy(name: string): Promise<readonly MarkedProcess[]> {
  return (await markedProcesses(name)).filter(({ value }) => value !== null);
}
