// The completion script for fish: to be sourced, or kept as clawgate.fish in a folder of $fish_complete_path.

import type { ListedCommand } from "./command-tree.ts";
import { type ListedOption, type Source, sourceOf } from "./option-list.ts";

const quoted = (text: string): string => `'${text.replaceAll(/[\\']/g, "\\$&")}'`;

function choices(source: Source): string {
  switch (source.kind) {
    case "files":
      return " -r -F";
    case "folders":
      return " -x -a '(__fish_complete_directories)'";
    case "words":
      return ` -x -a ${quoted(source.words.join(" "))}`;
    case "names":
      return ` -x -a '(__clawgate_names ${source.of})'`;
    case "none":
      return " -x";
  }
}

const at = (path: string): string => `complete -c clawgate -n ${quoted(`__clawgate_at '${path}'`)}`;

function optionLine(path: string, option: ListedOption): string {
  const { name, short, value, text } = option;
  const letter = short === null ? "" : ` -s ${short}`;
  return `${at(path)} -l ${name}${letter}${value === null ? "" : choices(sourceOf(option))} -d ${quoted(text)}`;
}

function linesOf({ path, subcommands, options, argument }: ListedCommand): readonly string[] {
  return [
    ...subcommands.map(
      ({ name, summary }) =>
        `${at(path).replace("__clawgate_at", "__clawgate_before")} -a ${name} -d ${quoted(summary)}`,
    ),
    ...options.map((option) => optionLine(path, option)),
    ...(argument.kind === "none" ? [] : [`${at(path)}${choices(argument).replace(" -r -F", " -F")}`]),
  ];
}

export function fishScript(tree: readonly ListedCommand[]): string {
  const commands = tree.flatMap(({ path, subcommands }) =>
    subcommands.map(({ name }) => quoted(path === "" ? name : `${path} ${name}`)),
  );
  const valued = tree.flatMap(({ path, options }) =>
    options.flatMap(({ name, short, value }) =>
      value === null
        ? []
        : [`--${name}`, ...(short === null ? [] : [`-${short}`])].map((each) => quoted(`${path} ${each}`)),
    ),
  );
  return `# fish completion for clawgate, written by \`clawgate completions fish\`

set -g __clawgate_commands ${commands.join(" ")}
set -g __clawgate_valued ${valued.join(" ")}

# The words of the command line that name a command: behind an option none is taken.
function __clawgate_path
    set -l path ''
    set -l options 0
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if string match -q -- '-*' $word
            set options 1
            contains -- "$path $word" $__clawgate_valued; and set skip 1
        else if test $options = 0
            set -l longer (string trim -- "$path $word")
            contains -- $longer $__clawgate_commands; and set path $longer
        end
    end
    echo $path
end

function __clawgate_at
    test (__clawgate_path) = "$argv[1]"
end

# The same, where a command may come.
function __clawgate_before
    __clawgate_at $argv[1]; and not string match -q -- '-*' (commandline -opc)[2..-1]
end

function __clawgate_names
    set -l typed (commandline -opc)
    set -l program (string replace -r '^~/' "$HOME/" -- $typed[1])
    $program __complete $argv[1] $typed[2..-1] 2>/dev/null
end

complete -c clawgate -e
complete -c clawgate -f
${tree.flatMap(linesOf).join("\n")}
`;
}
