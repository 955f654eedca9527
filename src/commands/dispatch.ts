// argv -> command. Without a name it is `serve`; an unknown name is an error that suggests the nearest one.

import { runtimeWarnings } from "../system/runtime-variables.ts";
import { type CommandContext, exitCodes } from "./command.ts";
import { commands } from "./command-table.ts";
import { completeWord, printNames } from "./completion/names.ts";
import { findCommand, refuseUnknown } from "./find-command.ts";
import { overview } from "./help.ts";
import { withNpmSwitches } from "./manage/npm-options.ts";

export async function dispatch(context: CommandContext): Promise<number> {
  const [first, ...rest] = context.args;
  if (first === "--help" || first === "-h") {
    const names = rest.filter((name) => !name.startsWith("-"));
    if (names.length > 0) return run(["help", ...names], context);
    warn(context);
    context.stdout.write(overview(commands));
    return exitCodes.ok;
  }
  if (first === "--version" || first === "-v" || first === "-V") return run(["version", ...rest], context);
  if (first === completeWord) return printNames({ ...context, args: rest }, commands);
  if (first === undefined || first.startsWith("-")) return run(["serve", ...context.args], context);
  return run(context.args, context);
}

function warn({ environment, stderr }: CommandContext): void {
  for (const warning of runtimeWarnings(environment)) stderr.write(`clawgate: warning: ${warning}.\n`);
}

function run(words: readonly string[], context: CommandContext): Promise<number> {
  const typed = words[0] === "manage" ? withNpmSwitches(words, context.environment) : words;
  const found = findCommand(commands, typed);
  if ("unknown" in found) return Promise.resolve(refuseUnknown(context, found));
  const { command, args } = found;
  const dashes = args.indexOf("--");
  const options = dashes < 0 ? args : args.slice(0, dashes);
  if (options.includes("--help") || options.includes("-h")) {
    warn(context);
    context.stdout.write(command.help);
    return Promise.resolve(exitCodes.ok);
  }
  // The gateway logs it, and doctor reports it.
  if (command.name !== "serve" && command.name !== "doctor") warn(context);
  return command.run({ ...context, args });
}
