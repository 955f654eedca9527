// The trial of restarts in its small form: requests without a pause over two restarts of the compiled program.

import { expect, test } from "bun:test";
import { join } from "node:path";

test.skipIf(process.platform !== "linux")(
  "no request is lost over two restarts, and every one is counted once",
  async () => {
    const trial = Bun.spawn([process.execPath, "scripts/trials/run.ts", "restarts", "--rows", "3000"], {
      cwd: join(import.meta.dir, ".."),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [said, complaints, code] = await Promise.all([
      new Response(trial.stdout).text(),
      new Response(trial.stderr).text(),
      trial.exited,
    ]);
    expect([complaints, code, said]).toEqual(["", 0, expect.stringContaining("\nheld\n")]);
    expect(said).toMatch(/^3000 requests in [\d.]+ s over 2 restarts, 64 at a time: .*large.*stream/m);
    for (const line of ["lost: 0", "recorded: 3000", "spent: 60 USD of 60"]) expect(said).toContain(line);
  },
  180_000,
);
