// The manual's list of commands and the help of each, taken from the program itself.

import type { Command } from "../src/commands/command.ts";
import { commands } from "../src/commands/command-table.ts";

type Typed = { readonly words: string; readonly command: Command };

const withVerbs = (command: Command, group: string): readonly Typed[] => {
  const words = `${group} ${command.name}`;
  return [{ words, command }, ...(command.verbs ?? []).flatMap((verb) => withVerbs(verb, words))];
};
const everyCommand = (): readonly Typed[] => commands.flatMap((command) => withVerbs(command, "clawgate"));
const anchorOf = (words: string): string => words.replaceAll(" ", "-");

export function commandTable(): string {
  const rows = everyCommand().map(
    ({ words, command }) =>
      `| [\`${words}\`](#${anchorOf(words)}) | ${command.summary.replaceAll("|", "\\|")} |`,
  );
  return ["| command | does |", "| --- | --- |", ...rows].join("\n");
}

export function commandHelp(): string {
  const parts = everyCommand().map(
    ({ words, command }) => `### ${words}\n\n\`\`\`text\n${command.help.trimEnd()}\n\`\`\``,
  );
  return parts.join("\n\n");
}
