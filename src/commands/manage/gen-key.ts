// `clawgate manage gen-key`: a key for a config that the user edits by hand. Nothing is stored.

import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { readOptions } from "../options.ts";
import { hashOf, newKey } from "./keys.ts";

const help = `Usage: clawgate manage gen-key [options]

Prints a new random key (256 bits). --hash also prints its hash, which a config may contain instead of the key.

Options:
  --hash          print sha256:<hex> on a second line
  --json          key and hash as JSON
  -h, --help      this text
`;

function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "manage gen-key", {
    hash: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  });
  if ("usage" in read) return Promise.resolve(read.usage);
  const key = newKey();
  const words = read.values.hash ? `${key}\n${hashOf(key)}\n` : `${key}\n`;
  context.stdout.write(read.values.json ? `${JSON.stringify({ key, hash: hashOf(key) })}\n` : words);
  return Promise.resolve(exitCodes.ok);
}

export const genKey: Command = { name: "gen-key", summary: "print a new key", help, run };
