// Commands and options that the documents name exist.

import { describe, expect, test } from "bun:test";
import { findCommand } from "../../src/commands/find-command.ts";
import { commands } from "../../src/commands/command-table.ts";
import { topicNamed } from "../../src/manual/topics.ts";
import { contentsOf, documents, textOf } from "./documents.ts";

/** Options of other programs that the documents name by themselves. */
const foreign = new Set(["--only", "--skip-trust", "--dir", "--uninstall", "--checksum-only"]);

const optionsIn = (text: string): readonly string[] =>
  Array.from(text.matchAll(/(?<![\w-])(--?[a-z][\w-]*)/g), ([, option = ""]) => option);

/** The words of each call of the program in a piece of code, up to a comment or the next command. */
function callsIn(code: string): readonly (readonly string[])[] {
  return code
    .replaceAll(/\\\n\s*/g, " ")
    .split("\n")
    .flatMap((line) => {
      const [, words] =
        /^\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\.\/dist\/)?clawgate(?:\s+([^#|;&]*))?(?:$|[#|;&])/.exec(line) ?? [];
      return words === undefined
        ? []
        : [
            words
              .trim()
              .split(/\s+/)
              .filter((word) => word !== ""),
          ];
    });
}

/** What is wrong with a call; null: nothing. */
function faultOf(words: readonly string[]): string | null {
  const typed = words.join(" ");
  const [first = "-"] = words;
  // `clawgate manage <command>` stands for many.
  if (words.slice(0, 2).some((word) => /^(?:<command>|\[command\]|…)$/.test(word))) return null;
  if (first === "help" && words[1] !== undefined && topicNamed(words[1]) !== null) return null;
  if (["--version", "--help"].includes(first)) return null;
  const found = findCommand(commands, first.startsWith("-") ? ["serve", ...words] : words);
  if ("unknown" in found) return `no command: ${typed}`;
  const known = new Set([...optionsIn(found.command.help), "--help", "-h"]);
  const unknown = optionsIn(found.args.join(" ").replaceAll(/"[^"]*"|'[^']*'/g, "")).find(
    (option) => !known.has(option),
  );
  return unknown === undefined ? null : `no option ${unknown}: ${typed}`;
}

const everyHelp = commands.flatMap(({ help, verbs = [] }) => [
  help,
  ...verbs.flatMap((verb) => [verb.help, ...(verb.verbs ?? []).map((each) => each.help)]),
]);
const everyOption = new Set(everyHelp.flatMap(optionsIn));

test.each([
  ["clawgate stauts", "no command: stauts"],
  ["$ clawgate manage skills pul alice", "no command: manage skills pul alice"],
  ["PORT=1 ./dist/clawgate --prot 8181 # the port", "no option --prot: --prot 8181"],
  ["clawgate doctor --jsn && x", "no option --jsn"],
  ["clawgate manage add bob --hash \\\n  --dokcer c", "no option --dokcer"],
])("%j is a fault", (code, fault) => {
  expect(
    callsIn(code)
      .flatMap((words) => faultOf(words) ?? [])
      .join(),
  ).toStartWith(fault);
});

describe.each(documents)("%s", (document) => {
  const { code } = contentsOf(textOf(document));

  test("calls commands with options that they have", () => {
    const calls = code.filter(({ language }) => language === null || ["", "sh"].includes(language));
    expect(calls.flatMap(({ text }) => callsIn(text)).flatMap((words) => faultOf(words) ?? [])).toEqual([]);
  });

  test("names options that some command has", () => {
    const named = code
      .filter(({ language, text }) => language === null && /^--[a-z]/.test(text))
      .map(({ text }) => text.split(/[\s=]/)[0] ?? "");
    expect(named.filter((option) => !everyOption.has(option) && !foreign.has(option))).toEqual([]);
  });
});
