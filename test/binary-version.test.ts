// A build of its own, from a commit that is old: what version, doctor and the start say of it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../src/system/identity.ts";
import { binaryPath, cleanEnvironment, startBinary } from "./support/binary.ts";
import { type Finished, runProgram } from "./support/program-run.ts";

const dir = mkdtempSync(join(tmpdir(), "clawgate-version-"));
const old = join(dir, "clawgate-old");
afterAll(() => rmSync(dir, { recursive: true, force: true }));

beforeAll(() => {
  const root = new URL("..", import.meta.url).pathname;
  const identity = {
    VERSION: "9.9.9",
    COMMIT: "abcdef123456",
    COMMIT_TIME: "2024-01-02T03:04:05.000Z",
    TARGET: "test-x64",
  };
  const defines = Object.entries({ ...identity, RELEASE_KEY: "" }).flatMap(([name, value]) => [
    "--define",
    `CLAWGATE_${name}=${JSON.stringify(value)}`,
  ]);
  const threads = ["records-worker.ts", "config-worker.ts"].map((name) => join(root, "src", name));
  const built = Bun.spawnSync(
    [
      process.execPath,
      "build",
      "--compile",
      "--format=esm",
      ...defines,
      join(root, "src/main.ts"),
      ...threads,
      "--outfile",
      old,
    ],
    { cwd: root, stdout: "ignore", stderr: "pipe" },
  );
  expect(built.stderr.toString()).not.toContain("error:");
}, 120_000);

const run = (program: string, args: readonly string[], env: Record<string, string> = {}): Promise<Finished> =>
  runProgram([program, ...args], { cwd: dir, env: { ...cleanEnvironment(dir), ...env }, timeoutMs: 30_000 });

const hint = /this build is \d+ days old; clawgate update --check/g;

describe("an old build", () => {
  test("version says what it is on one line, and its age beside it", async () => {
    const { code, stdout, stderr } = await run(old, ["--version"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "clawgate 9.9.9 (abcdef123456) test-x64\n" });
    expect(stderr.match(hint)).toHaveLength(1);
    expect((await run(old, ["version"], { NO_UPDATE_NOTIFIER: "1" })).stderr).toBe("");
  });

  test("as JSON, without the hint", async () => {
    const { stdout, stderr } = await run(old, ["version", "--json"]);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      name: "clawgate",
      version: "9.9.9",
      commit: "abcdef123456",
      commit_time: "2024-01-02T03:04:05.000Z",
      target: "test-x64",
    });
  });

  test("doctor and the start say it once", async () => {
    expect((await run(old, ["doctor", "--quick"])).stdout.match(hint)).toHaveLength(1);
    const gateway = await startBinary({ config: null, args: ["--demo"], program: old });
    try {
      await gateway.waitForOutput("this build is");
      expect(gateway.output().match(hint)).toHaveLength(1);
    } finally {
      await gateway.stop();
    }
  });
});

test("this build tells commit, time and target, and says nothing of its age", async () => {
  const { stdout, stderr } = await run(binaryPath(), ["version", "--json"]);
  expect(stderr).toBe("");
  const facts = JSON.parse(stdout) as Record<string, string>;
  expect(facts).toMatchObject({ name: "clawgate", version });
  expect(facts["commit"]).toMatch(/^[0-9a-f]{12}$/);
  expect(facts["commit_time"]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  expect(facts["target"]).toContain(process.arch);
});

test.each([[["version", "--jsno"]], [["version", "now"]]])("%j is refused", async (args) => {
  expect((await run(binaryPath(), args)).code).toBe(64);
});
