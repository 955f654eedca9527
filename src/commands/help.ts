// `clawgate help`: the commands and the pages of the manual; the help of a command, or a page.

import { nearestNames } from "../canon/nearest.ts";
import { pageText, sectionsWith } from "../manual/page-text.ts";
import { type Topic, topicGroups, topicNamed, topics } from "../manual/topics.ts";
import { terminalPage } from "../manual/terminal-page.ts";
import { fullVersion, programName } from "../system/identity.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { commandTree } from "./completion/command-tree.ts";
import { manPage } from "./completion/man-page.ts";
import { findCommand, refuseUnknown } from "./find-command.ts";
import { readOptions, refuseUsage } from "./options.ts";
import { hasColour, terminalStyle } from "./terminal.ts";

const help = `Usage: clawgate help [topic] [options]
       clawgate help <command>

Shows a page of the manual, or a command's options. Without a name it lists both. On a terminal a page is laid out for its
width; elsewhere it is the plain markdown. A running gateway shows the same pages at /docs.

Options:
  --man            the man page of all commands, as roff: clawgate help --man > clawgate.1
  --json           the list, or the page with its text, as JSON
  -h, --help       this text
`;

const mostSections = 5;

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** The commands, one line each, and how to call them. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`);
  return [
    `${programName} ${fullVersion}`,
    "One local endpoint between AI clients and AI models.",
    "",
    "Usage: clawgate [command] [options]        (no command: serve)",
    "",
    "New here? clawgate init looks at this machine and writes a config; clawgate alone",
    "starts with what it finds; clawgate help start is the first page of the manual.",
    "",
    "Commands:",
    ...lines,
    "",
    "clawgate <command> --help shows a command's options.",
    "clawgate help lists the pages of the manual.",
    "",
  ].join("\n");
}

/** A command takes precedence over a page of the same name; such a page is reached by its file name. */
const typedName = (commands: readonly Command[], { name }: Topic): string =>
  commands.some((command) => command.name === name) ? `${name}.md` : name;

function pages(commands: readonly Command[]): string {
  const width = Math.max(...topics.map((topic) => typedName(commands, topic).length)) + 2;
  const groups = topicGroups.map((group) => {
    const lines = group.topics.map(
      (topic) => `  ${typedName(commands, topic).padEnd(width)}${topic.summary}\n`,
    );
    return lines.join("");
  });
  return `\nManual (clawgate help <topic>):\n${groups.join("\n")}`;
}

function listAll({ stdout }: CommandContext, commands: readonly Command[], isJson: boolean): number {
  const list = {
    commands: commands.map(({ name, summary }) => ({ name, summary })),
    topics: topics.map((topic) => ({
      name: typedName(commands, topic),
      title: topic.title,
      summary: topic.summary,
    })),
  };
  stdout.write(isJson ? json(list) : overview(commands) + pages(commands));
  return exitCodes.ok;
}

function showCommand(
  context: CommandContext,
  commands: readonly Command[],
  words: readonly string[],
  isJson: boolean,
): number {
  const found = findCommand(commands, words);
  if ("unknown" in found) return refuseUnknown(context, found);
  const { summary, help: text } = found.command;
  context.stdout.write(isJson ? json({ name: words.join(" "), summary, help: text }) : text);
  return exitCodes.ok;
}

async function showPage(
  context: CommandContext,
  commands: readonly Command[],
  topic: Topic,
  isJson: boolean,
): Promise<number> {
  const { stdout } = context;
  const { columns } = terminalStyle(context);
  const text = await pageText(topic);
  const { name, title, summary } = topic;
  const typed = (page: string): string | null => {
    const found = topicNamed(page);
    return found === null ? null : `clawgate help ${typedName(commands, found)}`;
  };
  if (isJson) stdout.write(json({ name, title, summary, text }));
  else
    stdout.write(
      columns === null ? text : terminalPage(text, { columns, hasColour: hasColour(context), typed }),
    );
  return exitCodes.ok;
}

/** Pages that have a section of that name. */
async function sectionsNamed(commands: readonly Command[], words: string): Promise<readonly string[]> {
  const found = await Promise.all(
    topics.map(async (topic) => {
      const sections = await sectionsWith(topic, words);
      return sections.map(
        (section) => `clawgate help ${typedName(commands, topic)} has a section "${section}".\n`,
      );
    }),
  );
  return found.flat().slice(0, mostSections);
}

async function refuseName(
  { stderr }: CommandContext,
  commands: readonly Command[],
  name: string,
): Promise<number> {
  const names = [...commands, ...topics].map((each) => each.name);
  const near = nearestNames(name, names, 3).map((each) => `"${each}"`);
  const question = near.length === 0 ? "" : ` Did you mean ${near.join(" or ")}?`;
  stderr.write(`clawgate: there is no command and no page "${name}".${question}\n`);
  for (const line of await sectionsNamed(commands, name)) stderr.write(line);
  stderr.write("clawgate help lists all commands and pages.\n");
  return exitCodes.usage;
}

async function run(context: CommandContext, commands: readonly Command[]): Promise<number> {
  const options = {
    json: { type: "boolean", default: false },
    man: { type: "boolean", default: false },
  } as const;
  const read = readOptions(context, "help", options, Number.POSITIVE_INFINITY);
  if ("usage" in read) return read.usage;
  const { json: isJson, man: isMan } = read.values;
  const [name, extra] = read.positionals;
  if (isMan && (isJson || name !== undefined))
    return refuseUsage(context, "help", "--man is the page of all commands: it takes nothing else").usage;
  if (isMan) {
    context.stdout.write(manPage(commandTree(commands)));
    return exitCodes.ok;
  }
  if (name === undefined) return listAll(context, commands, isJson);
  if (commands.some((command) => command.name === name))
    return showCommand(context, commands, read.positionals, isJson);
  const topic = topicNamed(name);
  if (topic === null) return refuseName(context, commands, name);
  if (extra !== undefined) return refuseUsage(context, "help", `unexpected argument "${extra}"`).usage;
  return showPage(context, commands, topic, isJson);
}

/** `table` is a function because the table contains this command. */
export function helpCommand(table: () => readonly Command[]): Command {
  return {
    name: "help",
    summary: "show a page of the manual, or a command's options",
    help,
    run: (context) => run(context, table()),
  };
}
