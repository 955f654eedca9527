// Every command with its words, options and arguments, in one list: what the scripts of the shells are written from.

import type { Command } from "../command.ts";
import { argumentOf, type ListedOption, optionsIn, type Source } from "./option-list.ts";

export type ListedCommand = {
  /** The words after the program's name; "" is the program itself. */
  readonly path: string;
  readonly summary: string;
  readonly help: string;
  readonly subcommands: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly ListedOption[];
  readonly argument: Source;
};

const help: ListedOption = { name: "help", short: "h", value: null, text: "this text" };
const version: ListedOption = { name: "version", short: "V", value: null, text: "print the version" };

/** A group takes the options of the command that it stands for, if it has none of its own. */
function optionsOf(command: Command): readonly ListedOption[] {
  const own = optionsIn(command.help);
  const usual = command.verbs?.find((verb) => verb.run === command.run);
  const options = own.length === 0 && usual !== undefined ? optionsIn(usual.help) : own;
  return options.some(({ name }) => name === "help") ? options : [...options, help];
}

function listed(command: Command, group: string): readonly ListedCommand[] {
  const path = group === "" ? command.name : `${group} ${command.name}`;
  const verbs = command.verbs ?? [];
  return [
    {
      path,
      summary: command.summary,
      help: command.help,
      subcommands: verbs,
      options: optionsOf(command),
      argument: verbs.length > 0 ? { kind: "none" } : argumentOf(path, command),
    },
    ...verbs.flatMap((verb) => listed(verb, path)),
  ];
}

/** The program first: without a command it is `serve`. */
export function commandTree(commands: readonly Command[]): readonly ListedCommand[] {
  const usual = commands.find(({ name }) => name === "serve");
  const root: ListedCommand = {
    path: "",
    summary: "",
    help: "",
    subcommands: commands,
    options: [...(usual === undefined ? [help] : optionsOf(usual)), version],
    argument: { kind: "none" },
  };
  return [root, ...commands.flatMap((command) => listed(command, ""))];
}
