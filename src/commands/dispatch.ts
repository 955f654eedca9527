// argv -> command. Without a name it is `serve`; an unknown name is an error that names the nearest one.

import { nearest } from "../canon/nearest.ts";
import { fullVersion, programName } from "../system/identity.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { commands } from "./table.ts";

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
    const named = commands.find(({ name }) => name === rest[0]);
    context.stdout.write(named === undefined ? overview() : named.help);
    return exitCodes.ok;
  }
  if (first === "--version" || first === "-v" || first === "-V") return run("version", context, rest);
  if (first === undefined || first.startsWith("-")) return run("serve", context, context.args);
  return run(first, context, rest);
}

function run(name: string, context: CommandContext, args: readonly string[]): Promise<number> {
  const command: Command | undefined = commands.find((each) => each.name === name);
  if (command === undefined) {
    const near = nearest(
      name,
      commands.map((each) => each.name),
    );
    context.stderr.write(
      `clawgate: there is no command "${name}".${near === null ? "" : ` Did you mean "${near}"?`}\n`,
    );
    context.stderr.write("clawgate --help lists them.\n");
    return Promise.resolve(exitCodes.usage);
  }
  if (args.includes("--help") || args.includes("-h")) {
    context.stdout.write(command.help);
    return Promise.resolve(exitCodes.ok);
  }
  return command.run({ ...context, args });
}
