// The appearance of a command's text: colour only on a terminal, and no control characters.

import type { CommandContext } from "./command.ts";

export type Paint = (text: string) => string;

export type TerminalStyle = {
  /** Columns of a line; null without a terminal (a pipe, a file). */
  readonly columns: number | null;
  readonly bold: Paint;
  readonly dim: Paint;
  readonly green: Paint;
  readonly red: Paint;
  readonly yellow: Paint;
};

const narrowest = 20;
/** For terminals that do not report their width. */
const usual = 80;

type TerminalContext = Pick<CommandContext, "stdout" | "environment">;

export function hasColour({ stdout, environment }: TerminalContext): boolean {
  return stdout.isTTY && !environment["NO_COLOR"] && environment["TERM"] !== "dumb";
}

export function terminalStyle(context: TerminalContext): TerminalStyle {
  const { stdout } = context;
  const isColoured = hasColour(context);
  const paint =
    (code: number): Paint =>
    (text) =>
      isColoured ? `\u001b[${code}m${text}\u001b[0m` : text;
  return {
    columns: stdout.isTTY ? Math.max(narrowest, stdout.columns || usual) : null,
    bold: paint(1),
    dim: paint(2),
    green: paint(32),
    red: paint(31),
    yellow: paint(33),
  };
}

/** On one line and without control characters: texts of vendors and of the config are shown on a terminal. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").trim();
}

/** For a command that somebody copies: nothing in it is expanded. */
export const shellWord = (text: string): string =>
  /^[\w./:@+=-]+$/.test(text) ? text : `'${plain(text).replaceAll("'", "'\\''")}'`;

/** At most `columns` wide; what is cut off is marked. */
export function cut(text: string, columns: number): string {
  if (Bun.stringWidth(text) <= columns) return text;
  let shown = "";
  for (const character of text) {
    if (Bun.stringWidth(shown + character) > columns - 1) break;
    shown += character;
  }
  return `${shown.trimEnd()}…`;
}
