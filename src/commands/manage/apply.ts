// `clawgate manage apply [name]`: writes the gateway's address and the tenant's key into the OpenClaw instances of tenants.

import { loadOffline } from "../../app/offline/offline-config.ts";
import { apis } from "../../openclaw/provider-entry.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { writeInstances } from "../instance-writing.ts";
import { changeOptions, readOptions } from "../options.ts";
import { showPlan } from "../setup-text.ts";
import { terminalStyle, plain } from "../terminal.ts";
import {
  followUpText,
  asPlanned,
  outcomesText,
  outcomesAsJson,
  planApply,
  unknownInstance,
} from "./instance-changes.ts";
import { openConfig, unknownTenant, withProblems } from "./config-file.ts";

const help = `Usage: clawgate manage apply [name] [options]

Writes the gateway's address and the tenant's key into the OpenClaw instance of a tenant: the provider "clawgate" in its
openclaw.json, CLAWGATE_BASE_URL and CLAWGATE_API_KEY in the .env of its state directory. Everything else in those files stays
as it is. An instance is found by the tenant's \`container\`, else by its name. Without a name: all tenants that have one.

Options:
  --primary       make clawgate/auto the main model of the instance
  --api API       openai-completions, anthropic-messages or openai-responses (default: unchanged, else the first)
  --dry-run       only show what would be written
  --json          the result as JSON
  --config FILE   config file, as for serve
  -h, --help      this text
`;

function run(context: CommandContext): Promise<number> {
  const read = readOptions(
    context,
    "manage apply",
    {
      primary: { type: "boolean", default: false },
      api: { type: "string" },
      ...changeOptions,
    },
    1,
  );
  if ("usage" in read) return Promise.resolve(read.usage);
  const { primary: isPrimary, json: isJson, config: named, "dry-run": isDryRun } = read.values;
  const [name] = read.positionals;
  const api = apis.find((each) => each === read.values.api) ?? null;
  return withProblems(context, async () => {
    const { edit, input } = openConfig(context, named);
    const { config } = await loadOffline(input);
    const names = config.tenants.map((each) => each.name);
    if (name !== undefined && !names.includes(name)) throw unknownTenant(edit, name);
    const asked = name === undefined ? names : [name];
    const { planned, missing, notes } = await planApply(context, config, asked, {
      isPrimary,
      api,
      input,
    });
    if (name !== undefined && missing.length > 0) throw unknownInstance(name, notes);
    const isWell = planned.length > 0 && planned.every(({ leftOut }) => leftOut === null);
    if (isDryRun) {
      if (isJson)
        context.stdout.write(
          `${JSON.stringify({ dry_run: true, tenants: outcomesAsJson(planned.map(asPlanned)), missing, notes }, null, 2)}\n`,
        );
      else
        context.stdout.write(
          `${showPlan(planned, notes, terminalStyle(context))}Nothing was written (--dry-run).\n`,
        );
      return isWell ? exitCodes.ok : exitCodes.failed;
    }
    const outcomes = await writeInstances(context, [], planned);
    if (isJson)
      context.stdout.write(
        `${JSON.stringify({ tenants: outcomesAsJson(outcomes), missing, notes }, null, 2)}\n`,
      );
    else {
      const style = terminalStyle(context);
      for (const note of notes) context.stderr.write(`clawgate: ${plain(note)}\n`);
      context.stdout.write(
        outcomes.length === 0
          ? "No OpenClaw instance was found for any tenant.\n"
          : `${outcomesText(outcomes, style)}${followUpText(outcomes)}`,
      );
    }
    return outcomes.length > 0 && outcomes.every((each) => each.isWell) ? exitCodes.ok : exitCodes.failed;
  });
}

export const apply: Command = {
  name: "apply",
  summary: "connect a tenant's OpenClaw to the gateway",
  help,
  run,
};
