// The diff that a person is shown: `patch` applies it, whatever the texts.

import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { unifiedDiff } from "../../src/connect/unified-diff.ts";

test("what changed, with three lines around it", () => {
  const before = ["a", "b", "c", "d", "e", "f", "g", "h", "i"].join("\n");
  expect(unifiedDiff("f", `${before}\n`, `${before.replace("e", "E")}\n`)).toEqual([
    "--- f",
    "+++ f",
    "@@ -2,7 +2,7 @@",
    " b",
    " c",
    " d",
    "-e",
    "+E",
    " f",
    " g",
    " h",
  ]);
  expect(unifiedDiff("f", null, "x")).toEqual([
    "--- /dev/null",
    "+++ f",
    "@@ -0,0 +1,1 @@",
    "+x",
    "\\ No newline at end of file",
  ]);
  expect(unifiedDiff("f", "same", "same")).toEqual([]);
});

const lines = fc
  .array(fc.constantFrom("a", "b", "c", ""), { maxLength: 30 })
  .map((each) => each.map((line) => `${line}\n`).join(""));

test.if(Bun.which("patch") !== null)("patch turns the old text into the new one", () => {
  const dir = mkdtempSync(join(tmpdir(), "clawgate-diff-"));
  try {
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        fc.pre(before !== after && before !== "");
        const path = join(dir, "text");
        writeFileSync(path, before);
        const input = Buffer.from(`${unifiedDiff("text", before, after).join("\n")}\n`);
        const done = Bun.spawnSync(["patch", "-s", "--no-backup-if-mismatch", path], {
          stdin: input,
          stderr: "pipe",
        });
        expect(done.stderr.toString()).toBe("");
        expect(readFileSync(path, "utf8")).toBe(after);
      }),
      { numRuns: 60 },
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
