// Reads a command's options strictly: an unknown one is refused, and the nearest known one suggested.

import { isIP } from "node:net";
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { maxModelLength } from "../canon/bounds.ts";
import { nearest } from "../canon/nearest.ts";
import { isStrongKey, keyRequirements } from "../config/client-keys.ts";
import { apis } from "../openclaw/provider-entry.ts";
import { oneLineJson } from "../system/log.ts";
import { maxLines } from "../system/log-tail.ts";
import { type CommandContext, exitCodes } from "./command.ts";

/** `usage` is the exit code; the reason was written to stderr. */
export type Refused = { readonly usage: number };

/** The options of every command that changes the config or what depends on it. */
export const changeOptions = {
  "dry-run": { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  config: { type: "string" },
} as const satisfies ParseArgsOptionsConfig;

/** The values that an option takes, as words and as a test. */
type OptionValue = { readonly takes: string; readonly fits: (text: string) => boolean };

const isWholeNumber = (least: number, most: number) => (text: string) =>
  /^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most;

const containerName: OptionValue = {
  takes: "the name of a container",
  fits: (text) => /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/.test(text),
};
const modelName: OptionValue = {
  takes: "the name of a model",
  fits: (text) => text.length <= maxModelLength && !/\p{Cc}/u.test(text),
};

const maxSeconds = 3_600;

const anyText: OptionValue = { takes: "a non-empty text", fits: () => true };

/** One name means one thing in all commands. An option that is not listed takes any non-empty text. */
const optionValues: Readonly<Record<string, OptionValue>> = {
  port: { takes: "a whole number from 0 to 65535", fits: isWholeNumber(0, 65_535) },
  host: {
    takes: "an address or a host name, without scheme, port and path",
    fits: (text) => isIP(text.replace(/^\[(.*)\]$/, "$1")) !== 0 || isHostName(text),
  },
  api: { takes: `one of ${apis.join(", ")}`, fits: (text) => apis.some((each) => each === text) },
  docker: containerName,
  container: containerName,
  model: modelName,
  key: { takes: keyRequirements, fits: isStrongKey },
  lines: { takes: `a whole number from 0 to ${maxLines}`, fits: isWholeNumber(0, maxLines) },
  days: { takes: "a whole number of days from 1 to 3660", fits: isWholeNumber(1, 3_660) },
  top: { takes: "a whole number from 1 to 1000", fits: isWholeNumber(1, 1_000) },
  timeout: {
    takes: `a number of seconds from 0 to ${maxSeconds}`,
    fits: (text) => /^\d{1,15}(?:\.\d+)?$/.test(text) && Number(text) <= maxSeconds,
  },
};

/** A name of digits and dots only is a mistyped address. */
const isHostName = (text: string): boolean =>
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?\.?$/.test(text) && !/^[\d.]+$/.test(text);

/** Options whose values are secrets. */
const secretOptions: ReadonlySet<string> = new Set(["key"]);

/** What is wrong with the values; null: nothing. */
function wrongValue(values: Readonly<Record<string, unknown>>): string | null {
  for (const [name, value] of Object.entries(values)) {
    for (const text of [value].flat()) {
      if (typeof text !== "string") continue;
      const { takes, fits } = optionValues[name] ?? anyText;
      if (text.trim() !== "" && fits(text)) continue;
      const shown = secretOptions.has(name) ? "" : `, not ${oneLineJson(text.slice(0, 100))}`;
      return `--${name} must be ${takes}${shown}`;
    }
  }
  return null;
}

function read<T extends ParseArgsOptionsConfig>(args: readonly string[], options: T) {
  return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
}

/** `command` as it is typed ("providers list"); at most `maxPositionals` words may accompany the options. */
export function readOptions<T extends ParseArgsOptionsConfig>(
  context: Pick<CommandContext, "args" | "stderr">,
  command: string,
  options: T,
  maxPositionals = 0,
): ReturnType<typeof read<T>> | Refused {
  const refuse = (why: string): Refused => refuseUsage(context, command, why);
  try {
    const parsed = read(context.args, options);
    const extra = parsed.positionals[maxPositionals];
    if (extra !== undefined) return refuse(`unexpected argument "${extra}"`);
    const wrong = wrongValue(parsed.values);
    return wrong === null ? parsed : refuse(wrong);
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const unknown = /unknown option '(-[^'\s]*)/i.exec(message)?.[1];
    if (unknown === undefined) return refuse(parseErrorText(message));
    const near = nearest(
      unknown,
      Object.keys(options).map((name) => `--${name}`),
    );
    return refuse(`unknown option ${unknown}${near === null ? "" : `; did you mean ${near}?`}`);
  }
}

/** The message of `parseArgs` about a missing or superfluous value, in the words of a wrong one. */
function parseErrorText(message: string): string {
  const [, name = "", hasNone] = /^Option '(?:-\w, )?--([\w-]+)[^']*' (does not take)?/.exec(message) ?? [];
  if (name === "") return message;
  return hasNone === undefined
    ? `--${name} needs a value: ${(optionValues[name] ?? anyText).takes}`
    : `--${name} takes no value`;
}

export function refuseUsage(context: Pick<CommandContext, "stderr">, command: string, why: string): Refused {
  context.stderr.write(`clawgate ${command}: ${why}\nclawgate ${command} --help shows the options.\n`);
  return { usage: exitCodes.usage };
}
