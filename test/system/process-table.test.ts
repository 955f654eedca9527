import { expect, test } from "bun:test";
import { processesWith, readListing, signalProcess, startTimeOf } from "../../src/system/process-table.ts";

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
    const found = await processesWith("CLAWGATE_TEST_MARK", (value) => value === "a=b");
    expect(found.map((each) => each.pid)).toEqual([child.pid]);
    expect(await processesWith("CLAWGATE_TEST", () => true)).toEqual([]);
  } finally {
    expect(signalProcess(child.pid, "SIGKILL")).toBe(true);
    await child.exited;
  }
  expect(signalProcess(2 ** 30, "SIGKILL")).toBe(false);
});
