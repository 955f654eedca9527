// The database while no file can be opened: it is waited for, and not given up for one in memory. In a process of its own,
// because nothing else works in one that has no descriptor left.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const child = `
  import { closeSync, openSync } from "node:fs";
  import { MetricsConnection } from "./src/metrics/connection.ts";
  const path = process.argv.at(-1);
  const told = [];
  const note = (message) => told.push(message);
  const log = { info: note, warn: note, error: note };
  const connection = new MetricsConnection({ paths: [path, path + ".other"], log, clock: { nowMs: Date.now }, maxFileBytes: 1e9, keepsDecisions: true });
  const states = [];
  const look = () => states.push([connection.current() !== null, connection.status().state]);
  const files = [];
  for (let spare = 0; spare < 3; spare++) {
    try { for (;;) files.push(openSync("/dev/null", "r")); } catch {}
    for (let n = 0; n < spare; n++) closeSync(files.pop());
    look();
  }
  for (const file of files) closeSync(file);
  look();
  process.stdout.write(JSON.stringify({ states, told, path: connection.status().path === path }));
`;

test.skipIf(process.platform !== "linux")(
  "a database that cannot be opened is opened when there are descriptors again",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "clawgate-few-"));
    try {
      const argv = [process.execPath, "-e", child, join(folder, "records.db")];
      const run = Bun.spawn(["sh", "-c", 'ulimit -n 64; exec "$0" "$@"', ...argv], {
        cwd: join(import.meta.dir, "..", ".."),
        stdio: ["ignore", "pipe", "pipe"],
      });
      const [said, errors] = await Promise.all([
        new Response(run.stdout).text(),
        new Response(run.stderr).text(),
      ]);
      expect(errors).toBe("");
      const { states, told, path } = JSON.parse(said) as { states: unknown; told: string[]; path: boolean };
      expect(states).toEqual([
        [false, "failed"],
        [false, "failed"],
        [false, "failed"],
        [true, "ok"],
      ]);
      expect(path).toBe(true);
      expect(told.filter((each) => each.includes("stay in memory and will be retried"))).toHaveLength(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
