// `clawgate manage add <name>`: one more tenant in the config file, every comment kept.

import { resolve } from "node:path";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { readOptions, refuseUsage } from "../options.ts";
import { plain } from "../terminal.ts";
import { openConfig, putIntoForce, reloadedWords, withProblems } from "./config-file.ts";
import { hashOf, newKey, shownKey } from "./keys.ts";

const help = `Usage: clawgate manage add <name> [options]

Writes a tenant into the config file and puts it into force in the running gateway. Without --key a key is made and shown
once. The old file is kept as <file>.bak.

Options:
  --key K          its key: plain (at least 16 characters) or sha256:<hex>
  --hash           write only the hash of the key into the file
  --working-dir D  folder in which its Claude Code processes run
  --dry-run        check and show, write nothing
  --json           the result as JSON
  --config FILE    config file, as for serve
  -h, --help       this text
`;

function run(context: CommandContext): Promise<number> {
  const read = readOptions(
    context,
    "manage add",
    {
      key: { type: "string" },
      hash: { type: "boolean", default: false },
      "working-dir": { type: "string" },
      "dry-run": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      config: { type: "string" },
    },
    1,
  );
  if ("usage" in read) return Promise.resolve(read.usage);
  const [name] = read.positionals;
  const { key: given, hash: isHashed, json: isJson, config } = read.values;
  if (name === undefined)
    return Promise.resolve(refuseUsage(context, "manage add", "it needs a tenant's name").usage);
  if (isHashed && given?.startsWith("sha256:") === true)
    return Promise.resolve(refuseUsage(context, "manage add", "--hash needs a plain key").usage);
  const workingDir = read.values["working-dir"];
  const key = given ?? newKey();
  return withProblems(context, async () => {
    const opened = openConfig(context, config);
    opened.edit.addTenant({
      name,
      api_key: isHashed ? hashOf(key) : key,
      ...(workingDir === undefined ? {} : { working_dir: resolve(context.workingDirectory, workingDir) }),
    });
    const reloaded = await putIntoForce(context, opened, read.values["dry-run"]);
    const shown = given === undefined ? key : shownKey(given);
    if (isJson)
      context.stdout.write(
        `${JSON.stringify({ ok: true, tenant: name, key: shown, config: opened.path, state: reloaded })}\n`,
      );
    else
      context.stdout.write(
        `The tenant ${plain(name)} stands in ${plain(opened.path)}.\n${given === undefined ? `Its key (shown only now): ${key}\n` : ""}${reloadedWords(reloaded)}`,
      );
    return exitCodes.ok;
  });
}

export const add: Command = { name: "add", summary: "add a tenant", help, run };
