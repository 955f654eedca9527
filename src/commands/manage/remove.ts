// `clawgate manage remove <name>`: removes the tenant from the config file; its folders and skills stay.

import { loadOffline } from "../../app/offline/offline-config.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { changeOptions, readOptions, refuseUsage } from "../options.ts";
import { terminalStyle, plain } from "../terminal.ts";
import {
  asPlanned,
  outcomesText,
  outcomesAsJson,
  planRemoval,
  writeAfterConfig,
} from "./instance-changes.ts";
import { openConfig, writeAndReload, reloadText, unknownTenant, withProblems } from "./config-file.ts";

const help = `Usage: clawgate manage remove <name> [options]

Removes a tenant from the config file: its key is refused as soon as the running gateway has read the file. Its
folders, its login and its skills stay where they are, and its OpenClaw keeps the gateway's address and key unless --apply
removes them as well. Its texts in the request log stay until they are deleted (clawgate request-log --delete --tenant <name>)
or too old; new ones are not kept. The old file is kept as <file>.bak.

Options:
  --apply         also remove the provider "clawgate" and the CLAWGATE_ variables from its OpenClaw
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
      apply: { type: "boolean", default: false },
      ...changeOptions,
    },
    1,
  );
  if ("usage" in read) return Promise.resolve(read.usage);
  const [name] = read.positionals;
  if (name === undefined)
    return Promise.resolve(refuseUsage(context, "manage remove", "it needs a tenant's name").usage);
  const { apply: isApplied, json: isJson, config: named, "dry-run": isDryRun } = read.values;
  return withProblems(context, async () => {
    const opened = openConfig(context, named);
    const { config } = await loadOffline(opened.input);
    if (!opened.edit.removeTenant(name)) throw unknownTenant(opened.edit, name);
    const planned = isApplied ? [await planRemoval(context, config, name)] : [];
    const reloaded = await writeAndReload(context, opened, isDryRun);
    const outcomes = isDryRun
      ? planned.map(asPlanned)
      : await writeAfterConfig(context, planned, "our keys are removed");
    const isWell = outcomes.every((each) => each.isWell);
    context.stdout.write(
      isJson
        ? `${JSON.stringify({
            ok: isWell,
            tenant: name,
            config: opened.path,
            state: reloaded,
            ...(isApplied ? { instances: outcomesAsJson(outcomes) } : {}),
          })}\n`
        : `The tenant ${plain(name)} ${isDryRun ? "would be" : "was"} removed from ${plain(opened.path)}.\n${outcomesText(outcomes, terminalStyle(context))}${reloadText(reloaded)}`,
    );
    return isWell ? exitCodes.ok : exitCodes.failed;
  });
}

export const remove: Command = { name: "remove", aliases: ["rm"], summary: "remove a tenant", help, run };
