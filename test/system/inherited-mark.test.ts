import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  createInheritedMarks,
  inheritedMarkIn,
  limitPatternOf,
  runNumber,
} from "../../src/system/inherited-mark.ts";
import { startProcess } from "../../src/system/live-process.ts";
import { markedProcesses } from "../../src/system/process-table.ts";

const isLinux = process.platform === "linux";
const run = "0123456789abcdef";
const limitsOf = (pid: number | "self"): string => readFileSync(`/proc/${pid}/limits`, "utf8");

test("a run has one number in every version, and every child another one below it", () => {
  // The next version looks for what this one left.
  expect(runNumber(run)).toBe("706608748466");
  expect(runNumber("another")).not.toBe(runNumber(run));
  const ofRun = createInheritedMarks(run);
  const marks = Array.from({ length: 1_000 }, () => ofRun.next().digits);
  expect(new Set(marks).size).toBe(1_000);
  for (const mark of marks) expect(mark).toMatch(new RegExp(`^${runNumber(run)}\\d{7}$`));
  // What signs numbers takes it as well.
  for (const mark of marks) expect(BigInt(mark)).toBeLessThan(2n ** 63n);
});

test("a mark is read where it stands, and what others set is none", () => {
  const mark = createInheritedMarks(run).next().digits;
  const line = (soft: string): string =>
    `Max pending signals       1 1 signals \nMax file locks            ${soft.padEnd(20)} unlimited            locks     \n`;
  expect(inheritedMarkIn(line(mark))).toBe(mark);
  expect(line(mark)).toMatch(new RegExp(limitPatternOf(run), "m"));
  for (const other of ["unlimited", "0", "7", `${mark}1`, mark.slice(1), `8${mark.slice(1)}`])
    expect(inheritedMarkIn(line(other))).toBeNull();
  for (const text of ["", "Max file locks", `Max locked memory         ${mark} 1 bytes`])
    expect(inheritedMarkIn(text)).toBeNull();
});

test.if(isLinux)(
  "it is borne through a session of its own and an emptied environment, and not by us",
  async () => {
    const before = limitsOf("self");
    const mark = createInheritedMarks(run).next();
    const script = "(setsid env -i sh -c 'echo $$; exec sleep 300' &); exec sleep 300";
    const child = startProcess(["/bin/sh", "-c", script], { env: { PATH: "/usr/bin:/bin" }, cwd: "/", mark });
    let daemon = 0;
    try {
      expect(limitsOf("self")).toBe(before);
      daemon = Number(Buffer.from((await child.read()) ?? []).toString("utf8"));
      const bearing = (await markedProcesses("CLAWGATE_NOBODY")).filter(
        ({ inherited }) => inherited === mark.digits,
      );
      expect(new Set(bearing.map(({ pid }) => pid))).toEqual(new Set([child.pid, daemon]));
      expect(bearing.map(({ value }) => value)).toEqual([null, null]);
    } finally {
      if (daemon > 1) process.kill(daemon, "SIGKILL");
      await child.stop({ graceMs: 0 });
    }
  },
);

test.if(isLinux)("what cannot be started leaves no mark on us", () => {
  const before = limitsOf("self");
  const start = (): never => {
    throw new Error(String(inheritedMarkIn(limitsOf("self"))));
  };
  const mark = createInheritedMarks(run).next();
  expect(() => mark.around(start)).toThrow(mark.digits);
  expect(limitsOf("self")).toBe(before);
});

test.if(isLinux)("where the operator allows no such number it is started all the same", async () => {
  const source = join(import.meta.dir, "..", "..", "src", "system", "inherited-mark.ts");
  const code = `
    import { createInheritedMarks } from ${JSON.stringify(source)};
    const child = createInheritedMarks("x").next().around(() =>
      Bun.spawn(["grep", "Max file locks", "/proc/self/limits"], { stdout: "inherit" }));
    process.exit(await child.exited);`;
  const limited = ["prlimit", "--locks=5:5", process.execPath, "-e", code];
  if (Bun.which("prlimit") === null) return;
  const child = Bun.spawn(limited, { stdout: "pipe", stderr: "inherit" });
  expect(await new Response(child.stdout).text()).toMatch(/^Max file locks +5 +5 /);
  expect(await child.exited).toBe(0);
});
