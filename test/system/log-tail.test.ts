import { expect, test } from "bun:test";
import fc from "fast-check";
import { createLogTail, maxLines } from "../../src/system/log-tail.ts";

const line = (message: string): string => JSON.stringify({ time: "t", level: "info", message });

test("the newest lines, oldest first, and what came after a cursor", () => {
  const tail = createLogTail();
  expect(tail.read(10, 0)).toEqual({ lines: [], cursor: 0 });
  for (const each of ["a", "b", "c"]) tail.keep(each);
  expect(tail.read(10, 0)).toEqual({ lines: ["a", "b", "c"], cursor: 3 });
  expect(tail.read(2, 0)).toEqual({ lines: ["b", "c"], cursor: 3 });
  expect(tail.read(0, 0)).toEqual({ lines: [], cursor: 3 });
  tail.keep("d");
  expect(tail.read(10, 3)).toEqual({ lines: ["d"], cursor: 4 });
  // Of another run.
  expect(tail.read(10, 999)).toEqual({ lines: [], cursor: 4 });
});

test("it is the last lines of all that was logged, whatever their number and whoever reads", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 5_000 }),
      fc.integer({ min: 0, max: 3_000 }),
      fc.integer({ min: 0, max: 6_000 }),
      (count, limit, cursor) => {
        const tail = createLogTail();
        const all = Array.from({ length: count }, (_, at) => String(at));
        for (const each of all) tail.keep(each);
        const first = Math.max(count - limit, Math.min(cursor, count), count - maxLines, 0);
        expect(tail.read(limit, cursor)).toEqual({ lines: all.slice(first), cursor: count });
      },
    ),
    { numRuns: 100 },
  );
});

test("long lines do not make it grow: the oldest give way, and one that is too long is told in short", () => {
  const tail = createLogTail();
  for (let i = 0; i < maxLines; i++) tail.keep(line(`${i} ${"x".repeat(20_000)}`));
  const { lines } = tail.read(maxLines, 0);
  expect(lines.join("").length).toBeLessThanOrEqual(8 * 1024 * 1024);
  expect(lines.length).toBeGreaterThan(300);
  expect(lines.at(-1)).toContain(`${maxLines - 1} x`);
  tail.keep(JSON.stringify({ time: "t", level: "warn", message: "many fields", more: "y".repeat(100_000) }));
  expect(JSON.parse(tail.read(1, 0).lines[0] ?? "")).toEqual({
    time: "t",
    level: "warn",
    message: "many fields",
    shortened: true,
  });
});
