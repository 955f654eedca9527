// A page of the manual for a terminal: wrapped to its width, with the links that it names listed at the end.

import { pageLink } from "./page-text.ts";

export type TerminalPage = {
  readonly columns: number;
  readonly hasColour: boolean;
  /** The command that shows a page of that name; null: there is none. */
  typed(page: string): string | null;
};

/** Longer lines are hard to read. */
const mostColumns = 100;
const row = /^\|.*\|\s*$/;
const rule = /^\|(?:\s*:?-+:?\s*\|)+\s*$/;
// OSC 8, by which Bun's renderer marks a link: opened with an address, closed without one.
// oxlint-disable-next-line no-control-regex
const links = /\u001b\]8;;([^\u001b]+)\u001b\\([\s\S]*?)\u001b\]8;;\u001b\\/g;

export function terminalPage(markdown: string, page: TerminalPage): string {
  const columns = Math.min(page.columns, mostColumns);
  const shown = Bun.markdown.ansi(withNarrowTables(markdown, columns), { columns, hyperlinks: true });
  const named = new Map<string, string>();
  const body = shown.replace(links, (_whole, address: string, label: string) => {
    const inside = pageLink(address);
    const text = Bun.stripANSI(label).replace(/\s+/g, " ");
    if (inside !== null) {
      const typed = page.typed(inside.page);
      if (typed !== null) named.set(typed, typed);
    } else if (/^https?:/.test(address) && address !== text) named.set(address, `${text}: ${address}`);
    return label;
  });
  const list = [...named.values()].map((line) => `  ${line}\n`).join("");
  const whole = `${body.trimEnd()}\n${list === "" ? "" : `\nNamed on this page:\n${list}`}`;
  return page.hasColour ? whole : Bun.stripANSI(whole);
}

/** A table that is too wide becomes a list if its columns would be too narrow for the names in them. */
function withNarrowTables(markdown: string, columns: number): string {
  const shown: string[] = [];
  const lines = markdown.split("\n");
  let isCode = false;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (/^\s*```/.test(line)) isCode = !isCode;
    if (isCode || !row.test(line) || !rule.test(lines[at + 1] ?? "")) {
      shown.push(line);
      continue;
    }
    const titles = cellsOf(line);
    const rows: string[][] = [];
    const first = at;
    for (at += 2; row.test(lines[at] ?? ""); at++) rows.push(cellsOf(lines[at] ?? ""));
    if (fits([titles, ...rows], columns)) shown.push(...lines.slice(first, at));
    else shown.push(...rows.map((cells) => listItem(titles, cells)));
    at--;
  }
  return shown.join("\n");
}

const cellsOf = (line: string): string[] =>
  line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());

/** As Bun draws it: a border and a blank on each side of a cell. Columns that are too wide get about equal shares. */
function fits([titles = [], ...rows]: readonly (readonly string[])[], columns: number): boolean {
  const room = columns - 3 * titles.length - 1;
  const widest = (measure: (cell: string) => number, cells: readonly (readonly string[])[]): number[] =>
    titles.map((_title, at) => Math.max(0, ...cells.map((row) => measure(row[at] ?? ""))));
  const whole = widest(shownWidth, [titles, ...rows]).reduce((sum, width) => sum + width, 0);
  return whole <= room || Math.max(...widest(longestWord, rows)) <= room / titles.length;
}

const longestWord = (cell: string): number => Math.max(...cell.split(/\s+/).map(shownWidth));

const shownWidth = (cell: string): number =>
  Bun.stringWidth(cell.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, ""));

function listItem(titles: readonly string[], cells: readonly string[]): string {
  const [name = "", ...others] = cells.map((cell) => cell.replaceAll("\\|", "|"));
  const label = (at: number): string => (titles.length === 2 ? "" : `${titles[at + 1] ?? ""}: `);
  const facts = others.flatMap((cell, at) => (cell === "" ? [] : [`${label(at)}${cell}`]));
  return [`- ${name}`, ...facts].join("\\\n  ");
}
