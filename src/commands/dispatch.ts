// argv -> command. Without a name it is `serve`; an unknown name is an error that names the nearest one.

import { nearest } from "../canon/nearest.ts";
import { fullVersion, programName } from "../system/identity.ts";
import { runtimeWarnings } from "../system/runtime-variables.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { commands } from "./command-table.ts";

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`);
  return [
    `${programName} ${fullVersion}: one local endpoint between AI clients and AI models.`,
    "",
    "Usage: clawgate [command] [options]        (no command: serve)",
    "",
    "Commands:",
    ...lines,
    "",
    "clawgate <command> --help shows a command's options.",
    "",
  ].join("\n");
}

export async function dispatch(context: CommandContext): Promise<number> {
  const [first, ...rest] = context.args;
  if (first === "--help" || first === "-h" || first === "help") {
    const names = rest.filter((name) => !name.startsWith("-"));
    if (names.length > 0) return run(names, context, true);
    warn(context);
    context.stdout.write(overview());
    return exitCodes.ok;
  }
  if (first === "--version" || first === "-v" || first === "-V") return run(["version", ...rest], context);
  if (first === undefined || first.startsWith("-")) return run(["serve", ...context.args], context);
  return run(context.args, context);
}

function warn({ environment, stderr }: CommandContext): void {
  for (const warning of runtimeWarnings(environment)) stderr.write(`clawgate: warning: ${warning}.\n`);
}

type Found = { readonly command: Command; readonly args: readonly string[] };

type Unknown = {
  readonly group: readonly string[];
  readonly unknown: string;
  readonly known: readonly string[];
};

/** Follows the words down the table while they name a group's verbs. */
function find(words: readonly string[]): Found | Unknown {
  let known: readonly Command[] = commands;
  const path: string[] = [];
  for (;;) {
    const word = words[path.length] ?? "";
    const command = known.find((each) => each.name === word);
    if (command === undefined) return { group: path, unknown: word, known: known.map((each) => each.name) };
    path.push(word);
    const next = words[path.length];
    if (command.verbs === undefined || next === undefined || next.startsWith("-"))
      return { command, args: words.slice(path.length) };
    known = command.verbs;
  }
}

function run(typed: readonly string[], context: CommandContext, isHelp = false): Promise<number> {
  const found = find(typed);
  if ("unknown" in found) {
    const { group, unknown, known } = found;
    const near = nearest(unknown, known);
    const words = (name: string): string => [...group, name].join(" ");
    context.stderr.write(
      `clawgate: there is no command "${words(unknown)}".${near === null ? "" : ` Did you mean "${words(near)}"?`}\n`,
    );
    context.stderr.write(`clawgate ${words("--help")} lists them.\n`);
    return Promise.resolve(exitCodes.usage);
  }
  const { command, args } = found;
  const dashes = args.indexOf("--");
  const options = dashes < 0 ? args : args.slice(0, dashes);
  if (isHelp || options.includes("--help") || options.includes("-h")) {
    warn(context);
    context.stdout.write(command.help);
    return Promise.resolve(exitCodes.ok);
  }
  // The gateway logs it, and doctor reports it.
  if (command.name !== "serve" && command.name !== "doctor") warn(context);
  return command.run({ ...context, args });
}
