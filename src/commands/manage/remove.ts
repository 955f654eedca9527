// `clawgate manage remove <name>`: the tenant goes out of the config file; its folders and skills stay.

import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { readOptions, refuseUsage } from "../options.ts";
import { plain } from "../terminal.ts";
import { openConfig, putIntoForce, reloadedWords, unknownTenant, withProblems } from "./config-file.ts";

const help = `Usage: clawgate manage remove <name> [options]

Takes a tenant out of the config file: its key opens nothing any more as soon as the running gateway has read it. Its
folders, its login and its skills stay where they are. The old file is kept as <file>.bak.

Options:
  --dry-run       check and show, write nothing
  --json          the result as JSON
  --config FILE   config file, as for serve
  -h, --help      this text
`;

function run(context: CommandContext): Promise<number> {
  const read = readOptions(
    context,
    "manage remove",
    {
      "dry-run": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      config: { type: "string" },
    },
    1,
  );
  if ("usage" in read) return Promise.resolve(read.usage);
  const [name] = read.positionals;
  if (name === undefined)
    return Promise.resolve(refuseUsage(context, "manage remove", "it needs a tenant's name").usage);
  return withProblems(context, async () => {
    const opened = openConfig(context, read.values.config);
    if (!opened.edit.removeTenant(name)) throw unknownTenant(opened.edit, name);
    const reloaded = await putIntoForce(context, opened, read.values["dry-run"]);
    context.stdout.write(
      read.values.json
        ? `${JSON.stringify({ ok: true, tenant: name, config: opened.path, state: reloaded })}\n`
        : `The tenant ${plain(name)} is taken out of ${plain(opened.path)}.\n${reloadedWords(reloaded)}`,
    );
    return exitCodes.ok;
  });
}

export const remove: Command = { name: "remove", summary: "take a tenant out", help, run };
