// The trial of many records in its small form: it runs to its end against the compiled program and measures every page. Its marks are
// for a machine that does nothing else, so they are not asked here.

import { expect, test } from "bun:test";
import { join } from "node:path";

const root = join(import.meta.dir, "..");

test("the trial of records runs to its end", async () => {
  const trial = Bun.spawn([process.execPath, "scripts/trials/run.ts", "records", "--rows", "20000"], {
    cwd: root,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [said, complaints, code] = await Promise.all([
    new Response(trial.stdout).text(),
    new Response(trial.stderr).text(),
    trial.exited,
  ]);
  expect(complaints).toBe("");
  expect(code).toBeLessThanOrEqual(1);
  expect(said).toContain("20000 records of 60 days");
  const pages = said.split("\n").filter((line) => /^(?:held {2}|MISSED) /.test(line));
  expect(pages.length).toBeGreaterThan(20);
  expect(said).toMatch(/overview, 30 d: p50 \d+ ms, max \d+ ms \(\d+ requests, exact\)/);
  expect(said).toMatch(/one request by its id: .*\(found\)/);
  expect(said).toMatch(/longest stall of the loop: [\d.]+ ms/);
  // At least as many as the file has: the gateway reads that file and no other.
  expect(said).toMatch(/GET \/api\/stats: p50 \d+ ms, max \d+ ms \(2\d{4} requests\)$/m);
  expect(said).toMatch(/GET \/api\/series\?from=now-90d&tz=Europe\/Berlin: .* \(2\d{4} requests\)$/m);
}, 300_000);

test("a trial that does not exist is a wrong use, and says which there are", async () => {
  const trial = Bun.spawn([process.execPath, "scripts/trials/run.ts", "nothing"], {
    cwd: root,
    stdout: "pipe",
  });
  const said = await new Response(trial.stdout).text();
  for (const name of ["dashboard", "records"]) expect(said).toContain(`npm run trial -- ${name}:`);
  expect(await trial.exited).toBe(64);
});
