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

Takes a tenant out of the config file: its key opens nothing any more as soon as the running gateway has read it. Its
folders, its login and its skills stay where they are, and so does what its OpenClaw was told of the gateway, unless --apply
takes that out as well. The old file is kept as <file>.bak.

Options:
  --apply         also take the provider "clawgate" and the CLAWGATE_ variables out of its OpenClaw
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
        : `The tenant ${plain(name)} ${isDryRun ? "would be" : "is"} taken out of ${plain(opened.path)}.\n${outcomesText(outcomes, terminalStyle(context))}${reloadText(reloaded)}`,
    );
    return isWell ? exitCodes.ok : exitCodes.failed;
  });
}

export const remove: Command = { name: "remove", summary: "take a tenant out", help, run };
