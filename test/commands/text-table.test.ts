import { describe, expect, test } from "bun:test";
import { shownMilliseconds, shownSeconds, shownTokens, shownUsd } from "../../src/commands/quantities.ts";
import { cut, type TerminalStyle, plain } from "../../src/commands/terminal.ts";
import { textTable } from "../../src/commands/text-table.ts";

const same = (text: string): string => text;
const style = (columns: number | null): TerminalStyle => ({
  columns,
  bold: same,
  dim: same,
  green: same,
  red: same,
  yellow: same,
});
const columns = [{ title: "id" }, { title: "n", isNumber: true }, { title: "why", shrinks: true }];
const rows = [
  ["one", "7", "because it was so"],
  ["日本", "1000", "short"],
];

describe("a table", () => {
  test("aligns, numbers to the right, wide characters counted", () => {
    expect(textTable(columns, rows, style(null))).toBe(
      ["id       n  why", "one      7  because it was so", "日本  1000  short", ""].join("\n"),
    );
  });

  test("the column that shrinks is cut to the terminal", () => {
    const lines = textTable(columns, rows, style(26)).split("\n");
    expect(lines[1]).toBe("one      7  because it wa…");
    for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(26);
  });

  test("too narrow: a paragraph a row, empty cells left out", () => {
    expect(textTable(columns, [["one", "", "because it was so"]], style(19))).toBe(
      ["one", "  why: because it…", ""].join("\n"),
    );
  });

  test("ink does not count as width", () => {
    const paint = (text: string): string => `\u001b[1m${text}\u001b[0m`;
    const table = textTable(columns, [[{ text: "one", paint }, "7", "x"]], style(40));
    expect(table.split("\n")[1]).toBe("\u001b[1mone\u001b[0m  7  x");
  });
});

test("plain texts move no terminal", () => {
  expect(plain("a\u001b[31mb\r\nc\u202ed\u0007")).toBe("a [31mb c d");
  expect(cut("日本語", 5)).toBe("日本…");
  expect(cut("abc", 3)).toBe("abc");
});

test("quantities", () => {
  expect([shownSeconds(0), shownSeconds(119), shownSeconds(600), shownSeconds(86_400)]).toEqual([
    "0 s",
    "119 s",
    "10 min",
    "24 h",
  ]);
  expect([shownMilliseconds(12.4), shownMilliseconds(12_340)]).toEqual(["12 ms", "12.3 s"]);
  expect([0, 0.000_000_123, 0.000_34, 0.27, 1.5, 30].map(shownUsd)).toEqual([
    "$0",
    "$0.00000012",
    "$0.00034",
    "$0.27",
    "$1.50",
    "$30.00",
  ]);
  expect([512, 8_192, 200_000, 1_048_576, 1_500_000].map(shownTokens)).toEqual([
    "512",
    "8k",
    "200k",
    "1M",
    "1.5M",
  ]);
});
