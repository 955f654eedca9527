// Rows as a table of aligned columns or, if the terminal is too narrow, one short paragraph per row.

import { cut, type Paint, type TerminalStyle } from "./terminal.ts";

export type Cell = string | { readonly text: string; readonly paint: Paint };

export type Column = {
  readonly title: string;
  /** The column that shrinks if the line is too long; at most one. */
  readonly shrinks?: boolean;
  readonly isNumber?: boolean;
};

const gap = 2;
/** If the column that shrinks were narrower than this, it would be useless. */
const leastWidth = 12;

const textOf = (cell: Cell): string => (typeof cell === "string" ? cell : cell.text);
const painted = (cell: Cell, text: string): string => (typeof cell === "string" ? text : cell.paint(text));

/** Every line ends with a line break. Texts must already be free of control characters. */
export function textTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  style: TerminalStyle,
): string {
  const widths = columns.map(({ title }, at) =>
    Math.max(Bun.stringWidth(title), ...rows.map((row) => Bun.stringWidth(textOf(row[at] ?? "")))),
  );
  const total = widths.reduce((sum, width) => sum + width, gap * (columns.length - 1));
  const shrinking = columns.findIndex((column) => column.shrinks === true);
  if (style.columns !== null && total > style.columns) {
    const left = shrinking < 0 ? 0 : (widths[shrinking] ?? 0) - (total - style.columns);
    if (left < leastWidth) return paragraphs(columns, rows, style, style.columns);
    widths[shrinking] = left;
  }
  const line = (cells: readonly Cell[]): string =>
    columns
      .map(({ isNumber }, at) => {
        const cell = cells[at] ?? "";
        const width = widths[at] ?? 0;
        const shown = cut(textOf(cell), width);
        const blanks = " ".repeat(Math.max(0, width - Bun.stringWidth(shown)));
        return isNumber === true ? blanks + painted(cell, shown) : painted(cell, shown) + blanks;
      })
      .join(" ".repeat(gap))
      .trimEnd();
  const head = columns.map(({ title }) => ({ text: title, paint: style.dim }));
  return [head, ...rows].map((row) => `${line(row)}\n`).join("");
}

function paragraphs(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  style: TerminalStyle,
  width: number,
): string {
  return rows
    .map((row) => {
      const lines = row.flatMap((cell, at) => {
        const text = textOf(cell);
        const title = columns[at]?.title ?? "";
        if (at === 0 || text === "") return at === 0 ? [painted(cell, cut(text, width))] : [];
        const label = title === "" ? "  " : `  ${title}: `;
        return [`${style.dim(label)}${painted(cell, cut(text, Math.max(8, width - label.length)))}`];
      });
      return `${lines.join("\n")}\n`;
    })
    .join("");
}
