// `clawgate completions <shell>`: the script that teaches a shell the commands, options and names of this program.

import { bashScript } from "./completion/bash-script.ts";
import { commandTree } from "./completion/command-tree.ts";
import { fishScript } from "./completion/fish-script.ts";
import { zshScript } from "./completion/zsh-script.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { readOptions, refuseUsage } from "./options.ts";

const shells = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

const isShell = (word: string): word is keyof typeof shells => Object.hasOwn(shells, word);

const help = `Usage: clawgate completions bash|zsh|fish [options]

Prints the shell's completions: commands, options, their values, and the config's providers, models and tenants.
No request is sent, and no gateway is needed.

For every shell that you open from now on:

  bash   clawgate completions bash > ~/.local/share/bash-completion/completions/clawgate
         (without the package bash-completion: source <(clawgate completions bash) in ~/.bashrc)
  zsh    source <(clawgate completions zsh)     in ~/.zshrc, after compinit
  fish   clawgate completions fish > ~/.config/fish/completions/clawgate.fish

Options:
  -h, --help       this text
`;

function run(context: CommandContext, commands: readonly Command[]): number {
  const read = readOptions(context, "completions", {}, 1);
  if ("usage" in read) return read.usage;
  const [shell = ""] = read.positionals;
  if (!isShell(shell)) {
    const which =
      shell === "" ? "it needs the name of a shell" : `there are none for "${shell.slice(0, 100)}"`;
    return refuseUsage(context, "completions", `${which}: bash, zsh or fish`).usage;
  }
  context.stdout.write(shells[shell](commandTree(commands)));
  return exitCodes.ok;
}

/** `table` is a function because the table contains this command. */
export function completionsCommand(table: () => readonly Command[]): Command {
  return {
    name: "completions",
    summary: "print the completions for bash, zsh or fish",
    help,
    run: (context) => Promise.resolve(run(context, table())),
  };
}
