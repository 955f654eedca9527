// The completion script for bash, from 3.2 (macOS) on: it needs no package of completions.

import type { ListedCommand } from "./command-tree.ts";
import { type Source, sourceOf } from "./option-list.ts";

/** What `_clawgate_source` prints for a value; "none": any text. */
function sourceWords(source: Source): string {
  if (source.kind === "words") return `words ${source.words.join(" ")}`;
  return source.kind === "names" ? `names ${source.of}` : source.kind;
}

/** The patterns of a `case`, and what is printed for each of them. */
function casesOf(rows: readonly (readonly [string, string])[]): string {
  const printed = Map.groupBy(rows, ([, text]) => text);
  return [...printed]
    .map(
      ([text, alike]) =>
        `    ${alike.map(([key]) => JSON.stringify(key)).join(" | ")})\n      echo "${text}" ;;\n`,
    )
    .join("");
}

const flagsOf = ({ options }: ListedCommand): readonly string[] =>
  options.flatMap(({ name, short }) => [`--${name}`, ...(short === null ? [] : [`-${short}`])]);

/** What does not depend on the commands. */
const functions = `# Adds the lines of standard input that begin with $1.
_clawgate_add() {
  local line
  while IFS= read -r line; do
    if [[ -n $line && $line == "$1"* ]]; then COMPREPLY+=("$line"); fi
  done
}

_clawgate_offer() {
  local current=$1 kind=\${2%% *} list=\${2#* }
  case "$kind" in
    words) _clawgate_add "$current" <<< "\${list// /$'\\n'}" ;;
    names) _clawgate_add "$current" < <("\${words[0]/#\\~/$HOME}" __complete "$list" "\${words[@]:1}" 2> /dev/null) ;;
    files)
      compopt -o filenames 2> /dev/null
      _clawgate_add "$current" < <(compgen -f -- "$current")
      ;;
    folders)
      compopt -o filenames 2> /dev/null
      _clawgate_add "$current" < <(compgen -d -- "$current")
      ;;
  esac
}

_clawgate() {
  local -a words
  local word current option path="" skip="" count=0 index prefix="" options=""
  COMPREPLY=()
  # Bash splits a word at = and :, so its parts are put together again.
  for ((index = 0; index <= COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if ((count > 1)) && [[ $word == [=:]* || \${words[count - 1]} == *[=:] ]]; then
      words[count - 1]+=$word
    else
      words[count]=$word
      ((count += 1))
    fi
  done
  current=\${words[count - 1]}
  for ((index = 1; index < count - 1; index++)); do
    word=\${words[index]}
    if [[ -n $skip ]]; then
      skip=""
    elif [[ $word == -* ]]; then
      options=yes
      if [[ $word != *=* && -n $(_clawgate_source "$path" "$word") ]]; then skip=$word; fi
    elif [[ -z $options && " $(_clawgate_commands "$path") " == *" $word "* ]]; then
      path=\${path:+$path }$word
    fi
  done
  if [[ -n $skip ]]; then
    _clawgate_offer "$current" "$(_clawgate_source "$path" "$skip")"
  elif [[ $current == --*=* ]]; then
    option=\${current%%=*}
    current=\${current#*=}
    if [[ $COMP_WORDBREAKS != *=* ]]; then prefix=$option=; fi
    _clawgate_offer "$current" "$(_clawgate_source "$path" "$option")"
  elif [[ $current == -* ]]; then
    word=$(_clawgate_options "$path")
    _clawgate_offer "$current" "words $word"
  elif word=$(_clawgate_commands "$path") && [[ -n $word ]]; then
    # Behind an option no command is taken.
    if [[ -z $options ]]; then _clawgate_offer "$current" "words $word"; fi
  else
    _clawgate_offer "$current" "$(_clawgate_argument "$path")"
  fi
  # Only what stands behind the last colon of the word is replaced.
  if [[ $COMP_WORDBREAKS == *:* && $current == *:* ]]; then
    word=\${current%"\${current##*:}"}
    for ((index = 0; index < \${#COMPREPLY[@]}; index++)); do COMPREPLY[index]=\${COMPREPLY[index]#"$word"}; done
  fi
  if [[ -n $prefix ]]; then
    for ((index = 0; index < \${#COMPREPLY[@]}; index++)); do COMPREPLY[index]=$prefix\${COMPREPLY[index]}; done
  fi
}

complete -F _clawgate clawgate
`;

export function bashScript(tree: readonly ListedCommand[]): string {
  const words = tree.map(
    ({ path, subcommands }) => [path, subcommands.map(({ name }) => name).join(" ")] as const,
  );
  const flags = tree.map((each) => [each.path, flagsOf(each).join(" ")] as const);
  const values = tree.flatMap(({ path, options }) =>
    options.flatMap((option) => {
      if (option.value === null) return [];
      const names = [`--${option.name}`, ...(option.short === null ? [] : [`-${option.short}`])];
      return names.map((name) => [`${path} ${name}`, sourceWords(sourceOf(option))] as const);
    }),
  );
  const operands = tree.flatMap(({ path, argument }) =>
    argument.kind === "none" ? [] : [[path, sourceWords(argument)] as const],
  );
  return `# bash completion for clawgate, written by \`clawgate completions bash\`

_clawgate_commands() {
  case "$1" in
${casesOf(words.filter(([, text]) => text !== ""))}  esac
}

_clawgate_options() {
  case "$1" in
${casesOf(flags)}  esac
}

# Where the value of an option comes from; nothing for an option without one.
_clawgate_source() {
  case "$1 $2" in
${casesOf(values)}  esac
}

_clawgate_argument() {
  case "$1" in
${casesOf(operands)}  esac
}

${functions}`;
}
