// `clawgate manage rotate-key <name>`: a new key for a tenant; the old one is refused from then on.

import { loadOffline } from "../../app/offline/offline-config.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { changeOptions, readOptions, refuseUsage } from "../options.ts";
import { terminalStyle, plain } from "../terminal.ts";
import {
  followUpText,
  asPlanned,
  outcomesText,
  outcomesAsJson,
  planApplyTo,
  writeAfterConfig,
} from "./instance-changes.ts";
import {
  checkedConfig,
  ManageProblem,
  openConfig,
  writeAndReload,
  reloadText,
  unknownTenant,
  withProblems,
} from "./config-file.ts";
import { hashOf, newKey } from "./keys.ts";

const help = `Usage: clawgate manage rotate-key <name> [options]

Creates a new key for a tenant, writes it into the config file, applies it in the running gateway and shows it once.
The old \`api_key\` is refused from then on; further keys of the tenant (\`keys\`) stay. A hashed key stays hashed. The old
file is kept as <file>.bak.

Options:
  --apply         also write the new key into its OpenClaw, as manage apply does
  --dry-run       check, write nothing
  --json          the result as JSON
  --config FILE   config file, as for serve
  -h, --help      this text
`;

function run(context: CommandContext): Promise<number> {
  const read = readOptions(
    context,
    "manage rotate-key",
    {
      apply: { type: "boolean", default: false },
      ...changeOptions,
    },
    1,
  );
  if ("usage" in read) return Promise.resolve(read.usage);
  const [name] = read.positionals;
  if (name === undefined)
    return Promise.resolve(refuseUsage(context, "manage rotate-key", "it needs a tenant's name").usage);
  return withProblems(context, async () => {
    const opened = openConfig(context, read.values.config);
    const written = opened.edit.tenants().find((each) => each.name === name);
    if (written === undefined) throw unknownTenant(opened.edit, name);
    const old = written.apiKey ?? "";
    // A plain key would replace the variable, and put the key into a file from which it was kept out on purpose.
    if (/(?:^|[^$])\$\{/.test(old))
      throw new ManageProblem(
        `the key of ${plain(name)} comes from a variable (${plain(old.replace(/:-.*\}/, ":-…}"))}); change it there`,
      );
    const key = newKey();
    opened.edit.setTenantKey(name, old.startsWith("sha256:") ? hashOf(key) : key);
    const { config } = await loadOffline(opened.input);
    const keys = config.tenants.find((each) => each.name === name)?.keys ?? [];
    const further = keys.filter(
      ({ expires }) => expires === undefined || Date.parse(expires) > Date.now(),
    ).length;
    const isDryRun = read.values["dry-run"];
    const applyOptions = { isPrimary: false, api: null, input: opened.input, key };
    const plan = read.values.apply
      ? await planApplyTo(context, await checkedConfig(opened), name, applyOptions)
      : null;
    const reloaded = await writeAndReload(context, opened, isDryRun);
    const outcomes =
      plan === null
        ? []
        : isDryRun
          ? plan.planned.map(asPlanned)
          : await writeAfterConfig(context, plan.planned);
    const isWell = outcomes.every((each) => each.isWell);
    const shown = reloaded === "dry run" ? null : key;
    if (read.values.json)
      context.stdout.write(
        `${JSON.stringify({ ok: isWell, tenant: name, key: shown, config: opened.path, state: reloaded, further_keys: further, ...(plan === null ? {} : { instances: outcomesAsJson(outcomes), notes: plan.notes }) })}\n`,
      );
    else
      context.stdout.write(
        `${shown === null ? `The key of ${plain(name)} would be replaced.` : `The new key of ${plain(name)} (shown only now): ${key}`}\n${further === 0 ? "" : `Its ${further} further ${further === 1 ? "key" : "keys"} (tenants[].keys) ${further === 1 ? "is" : "are"} still accepted.\n`}${plan === null ? `An OpenClaw instance that uses it gets the new one with --apply${old.startsWith("sha256:") ? "" : `, or from \`clawgate manage apply ${plain(name)}\``}.\n` : `${outcomesText(outcomes, terminalStyle(context))}${isDryRun ? "" : followUpText(outcomes)}`}${reloadText(reloaded)}`,
      );
    return isWell ? exitCodes.ok : exitCodes.failed;
  });
}

export const rotateKey: Command = { name: "rotate-key", summary: "give a tenant a new key", help, run };
