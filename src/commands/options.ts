// A command's options, read strictly: what is not known is refused and the nearest known option named.

import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { nearest } from "../canon/nearest.ts";
import { type CommandContext, exitCodes } from "./command.ts";

/** `usage` is the exit code; the reason stands on stderr already. */
export type Refused = { readonly usage: number };

/** What every command takes that changes the config or what hangs on it. */
export const changeOptions = {
  "dry-run": { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  config: { type: "string" },
} as const satisfies ParseArgsOptionsConfig;

function read<T extends ParseArgsOptionsConfig>(args: readonly string[], options: T) {
  return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
}

/** `command` as it is typed ("providers list"); at most `mostPositionals` words may stand beside the options. */
export function readOptions<T extends ParseArgsOptionsConfig>(
  context: Pick<CommandContext, "args" | "stderr">,
  command: string,
  options: T,
  mostPositionals = 0,
): ReturnType<typeof read<T>> | Refused {
  const refuse = (why: string): Refused => refuseUsage(context, command, why);
  try {
    const parsed = read(context.args, options);
    const extra = parsed.positionals[mostPositionals];
    return extra === undefined ? parsed : refuse(`unexpected argument "${extra}"`);
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const unknown = /unknown option '(-[^'\s]*)/i.exec(message)?.[1];
    if (unknown === undefined) return refuse(message);
    const near = nearest(
      unknown,
      Object.keys(options).map((name) => `--${name}`),
    );
    return refuse(`unknown option ${unknown}${near === null ? "" : `; did you mean ${near}?`}`);
  }
}

export function refuseUsage(context: Pick<CommandContext, "stderr">, command: string, why: string): Refused {
  context.stderr.write(`clawgate ${command}: ${why}\nclawgate ${command} --help shows the options.\n`);
  return { usage: exitCodes.usage };
}
