// The man page, clawgate(1), from the command table: for man, mandoc and groff alike.

import { commitTime, homepage, version } from "../../system/identity.ts";
import type { ListedCommand } from "./command-tree.ts";
import type { ListedOption } from "./option-list.ts";

/** A text of any kind as roff: a line that begins with a dot or a quote would be a request. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("`", "\\(ga")
    .replaceAll("'", "\\(aq")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replaceAll("…", "...")
    .replaceAll(/^(?=\.)/gm, "\\&");
}

/** As one argument of a request. */
const argument = (text: string): string => `"${roff(text).replaceAll('"', "\\(dq")}"`;

function optionText({ name, short, value, text }: ListedOption): string {
  const letter = short === null ? "" : `\\fB\\-${short}\\fR, `;
  const word = value === null ? "" : ` \\fI${roff(value)}\\fR`;
  return `.TP\n${letter}\\fB\\-\\-${roff(name)}\\fR${word}\n${roff(text)}\n`;
}

/** "  word   what it means" */
const row = /^ {2}(\S.*?) {2,}(\S.*)$/;

/** A list with a title stays a list; other lines with an indent keep their layout. */
function blockText(block: string): string {
  const [title = "", ...rows] = block.split("\n");
  if (rows.length > 0 && title.endsWith(":") && rows.every((line) => row.test(line)))
    return `.PP\n${roff(title)}\n${listText(rows.map((line) => [line.replace(row, "$1"), line.replace(row, "$2")]))}`;
  return /^ /m.test(block) ? `.PP\n.nf\n${roff(block)}\n.fi\n` : `.PP\n${roff(block)}\n`;
}

/** A command's help: usage and paragraphs as they are, options as a list. */
function commandText({ path, help, options }: ListedCommand): string {
  const [usage = "", ...blocks] = help.trimEnd().split(/\n{2,}/);
  const calls = usage.replace(/^Usage: /, "").replaceAll(/^ +/gm, "");
  const body = blocks.filter((block) => !block.startsWith("Options:")).map(blockText);
  const own = help.includes("\nOptions:\n") ? options.map(optionText) : [];
  return [`.SS ${argument(`clawgate ${path}`)}\n.nf\n\\fB${roff(calls)}\\fR\n.fi\n`, ...body, ...own].join(
    "",
  );
}

const files: readonly (readonly [string, string])[] = [
  ["./config.yaml", "the config file, if it is yours and only you can write it"],
  ["$XDG_CONFIG_HOME/clawgate/config.yaml", "the config file otherwise (~/.config/clawgate/config.yaml)"],
  [".env", "next to the config file: variables such as keys"],
  ["$CLAWGATE_STATE_DIR", "what survives a restart, and where the running gateway is found"],
];

const variables: readonly (readonly [string, string])[] = [
  ["CLAWGATE_CONFIG", "the config file, as --config names it"],
  ["CLAWGATE_STATE_DIR", "the state directory"],
  ["HOST, PORT, LOG_LEVEL", "as in the section server of the config, over which they win"],
  ["NO_COLOR", "no colours on a terminal"],
  ["NO_UPDATE_NOTIFIER", "no line about a build that is older than 90 days"],
];

const codes: readonly (readonly [string, string])[] = [
  ["0", "done"],
  ["1", "it failed"],
  ["64", "the command line is wrong"],
  ["78", "the config is wrong"],
];

const listText = (rows: readonly (readonly [string, string])[]): string =>
  rows.map(([term, text]) => `.TP\n.B ${argument(term)}\n${roff(text)}\n`).join("");

export function manPage(tree: readonly ListedCommand[]): string {
  const named = tree.filter(({ path }) => path !== "");
  return `.\\" Written by "clawgate help --man".
.TH CLAWGATE 1 ${argument(commitTime?.slice(0, 10) ?? "")} ${argument(`clawgate ${version}`)} "User Commands"
.SH NAME
clawgate \\- one local endpoint between AI clients and AI models
.SH SYNOPSIS
.B clawgate
.RI [ command ]
.RI [ options ]
.SH DESCRIPTION
ClawGate is a local router. Clients talk to it in the format of OpenAI, Anthropic or Google. It sends each request to one of
the configured providers, by rules that can be read and tested, and records what happened.
.PP
Without a command it is
.BR "clawgate serve" .
The manual is part of the program:
.B "clawgate help"
lists its pages.
.SH COMMANDS
${named.map(commandText).join("")}.SH EXIT STATUS
${listText(codes)}.SH FILES
${listText(files)}.SH ENVIRONMENT
${listText(variables)}${homepage === "" ? "" : `.SH SEE ALSO\n${roff(homepage)}\n`}`;
}
