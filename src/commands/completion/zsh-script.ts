// The completion script for zsh: to be sourced after compinit, or kept as `_clawgate` in a folder of $fpath.

import type { ListedCommand } from "./command-tree.ts";
import { type ListedOption, type Source, sourceOf } from "./option-list.ts";

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
/** Inside [...] of _arguments, or behind the colon of _describe. */
const described = (text: string): string => text.replaceAll(/[\\[\]:]/g, "\\$&");
const functionOf = (path: string): string =>
  `_clawgate${path === "" ? "_program" : `_${path.replaceAll(/\W/g, "_")}`}`;

function action(source: Source): string {
  switch (source.kind) {
    case "files":
      return "_files";
    case "folders":
      return "_files -/";
    case "words":
      return `(${source.words.join(" ")})`;
    case "names":
      // The blank keeps _arguments from putting arguments of its own before ours.
      return ` _clawgate_names ${source.of}`;
    case "none":
      return " ";
  }
}

function specOf(option: ListedOption): readonly string[] {
  const { name, short, value, text } = option;
  const tail = `[${described(text)}]${value === null ? "" : `:${described(value)}:${action(sourceOf(option))}`}`;
  return [
    quoted(`*--${name}${value === null ? "" : "="}${tail}`),
    ...(short === null ? [] : [quoted(`*-${short}${tail}`)]),
  ];
}

function functionText({ path, options, subcommands, argument }: ListedCommand): string {
  const specs = options.flatMap(specOf);
  const name = functionOf(path);
  if (subcommands.length === 0) {
    // Without the last one nothing is completed behind a second argument.
    const first = argument.kind === "none" ? [] : [quoted(`1:argument:${action(argument)}`)];
    const operands = [...first, quoted("*:argument:()")];
    return `${name}() {\n  _arguments -s -S \\\n    ${[...specs, ...operands].join(" \\\n    ")}\n}\n`;
  }
  const rows = subcommands.map((each) => quoted(`${each.name}:${described(each.summary)}`));
  const cases = subcommands.map((each) => {
    const whole = path === "" ? each.name : `${path} ${each.name}`;
    return `        ${each.name}) ${functionOf(whole)} ;;`;
  });
  return `${name}() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  local -a commands
  _arguments -C -S \\
    ${specs.join(" \\\n    ")} \\
    '1: :->command' '*:: :->rest'
  case $state in
    command)
      # Behind an option no command is taken.
      (( CURRENT == 2 )) || return 1
      commands=(
        ${rows.join("\n        ")}
      )
      _describe -t commands command commands
      ;;
    rest)
      case $line[1] in
${cases.join("\n")}
      esac
      ;;
  esac
}
`;
}

export function zshScript(tree: readonly ListedCommand[]): string {
  return `#compdef clawgate
# zsh completion for clawgate, written by \`clawgate completions zsh\`

_clawgate_names() {
  local -a names
  names=(\${(f)"$(\${~_clawgate_words[1]} __complete $1 \${_clawgate_words[2,-1]} 2> /dev/null)"})
  compadd -a names
}

${tree.map(functionText).join("\n")}
_clawgate() {
  local -a _clawgate_words
  _clawgate_words=("\${words[@]}")
  _clawgate_program
}

if [[ $funcstack[1] == _clawgate ]]; then
  _clawgate "$@"
elif (( $+functions[compdef] )); then
  compdef _clawgate clawgate
else
  print -u2 'clawgate: run "autoload -U compinit && compinit" before this.'
fi
`;
}
