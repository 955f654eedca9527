// The diff of two texts, checked by applying it.

import { expect, test } from "bun:test";
import { unifiedDiff } from "../../../src/operator/config-editor/unified-diff.ts";

const lines = (...all: string[]): string => all.map((each) => `${each}\n`).join("");

test("one change in the middle has three lines around it", () => {
  const before = lines("1", "2", "3", "4", "5", "6", "7", "8", "9");
  expect(unifiedDiff(before, before.replace("5", "five"), "c.yaml")).toBe(
    lines(
      "--- c.yaml",
      "+++ c.yaml (edited)",
      "@@ -2,7 +2,7 @@",
      " 2",
      " 3",
      " 4",
      "-5",
      "+five",
      " 6",
      " 7",
      " 8",
    ),
  );
  expect(unifiedDiff(before, before, "c.yaml")).toBe("");
});

test("a missing line end is told", () => {
  expect(unifiedDiff("a", "a\n", "c")).toContain("-a\n\\ No newline at end of file\n+a\n");
});

test("texts that share nothing end soon", () => {
  const many = (word: string): string => lines(...Array.from({ length: 30_000 }, (_, at) => `${word}${at}`));
  const started = performance.now();
  expect(unifiedDiff(many("a"), many("b"), "c")).toContain("(the rest is not shown)");
  expect(performance.now() - started).toBeLessThan(10_000);
});

/** As `patch` does it: hunks at their lines, and every line of the old text as it is there. */
function applied(before: readonly string[], diff: string): readonly string[] {
  const after: string[] = [];
  let at = 0;
  for (const row of diff.split("\n").slice(2, -1)) {
    const hunk = /^@@ -(\d+),(\d+) \+(\d+),(\d+) @@$/.exec(row);
    if (hunk !== null) {
      const start = Number(hunk[1]) - (hunk[2] === "0" ? 0 : 1);
      after.push(...before.slice(at, start));
      expect(after.length).toBe(Number(hunk[3]) - (hunk[4] === "0" ? 0 : 1));
      at = start;
    } else if (row.startsWith("+")) after.push(row.slice(1));
    else expect(before[at++]).toBe(row.slice(1));
    if (row.startsWith(" ")) after.push(row.slice(1));
  }
  return [...after, ...before.slice(at)];
}

test("applied to the first text it gives the second", () => {
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 500; round++) {
    const before = Array.from({ length: random(40) }, () => `line ${random(8)}`);
    const after = [...before];
    for (let edits = random(6); edits >= 0; edits--)
      after.splice(
        random(after.length + 1),
        random(3),
        ...Array.from({ length: random(3) }, () => `new ${random(8)}`),
      );
    const diff = unifiedDiff(lines(...before), lines(...after), "file");
    expect(diff === "" ? before : applied(before, diff)).toEqual(after);
  }
});
