// Words of a command line -> the command that they name, down into groups; unknown words are reported.

import { nearest } from "../canon/nearest.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";

type Found = { readonly command: Command; readonly args: readonly string[] };

export type UnknownCommand = {
  readonly group: readonly string[];
  readonly unknown: string;
  readonly known: readonly string[];
};

/** Walks down from `table` as long as the words name subcommands. */
export function findCommand(table: readonly Command[], words: readonly string[]): Found | UnknownCommand {
  let known = table;
  const path: string[] = [];
  for (;;) {
    const word = words[path.length] ?? "";
    const command = known.find((each) => each.name === word || each.aliases?.includes(word) === true);
    if (command === undefined) return { group: path, unknown: word, known: known.map((each) => each.name) };
    path.push(word);
    const next = words[path.length];
    if (command.verbs === undefined || next === undefined || next.startsWith("-"))
      return { command, args: words.slice(path.length) };
    known = command.verbs;
  }
}

export function refuseUnknown({ stderr }: CommandContext, { group, unknown, known }: UnknownCommand): number {
  const near = nearest(unknown, known);
  const words = (name: string): string => [...group, name].join(" ");
  stderr.write(
    `clawgate: there is no command "${words(unknown)}".${near === null ? "" : ` Did you mean "${words(near)}"?`}\n`,
  );
  stderr.write(`clawgate ${words("--help")} lists them.\n`);
  return exitCodes.usage;
}
