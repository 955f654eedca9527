// `clawgate manage add <name>`: adds a tenant to the config file and keeps every comment.

import { resolve } from "node:path";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { changeOptions, readOptions, refuseUsage } from "../options.ts";
import { showPlan } from "../setup-text.ts";
import { terminalStyle, plain } from "../terminal.ts";
import {
  followUpText,
  asPlanned,
  requireContainer,
  outcomesText,
  outcomesAsJson,
  planApplyTo,
  writeAfterConfig,
} from "./instance-changes.ts";
import { checkedConfig, openConfig, writeAndReload, reloadText, withProblems } from "./config-file.ts";
import { hashOf, newKey, shownKey } from "./keys.ts";

const help = `Usage: clawgate manage add <name> [options]

Writes a tenant into the config file; the running gateway uses it immediately. Without --key a key is created and shown
once. The old file is kept as <file>.bak.

Options:
  --key K          its key: plain (at least 16 characters) or sha256:<hex>
  --hash           write only the hash of the key into the file
  --docker C       the Docker container of its OpenClaw
  --working-dir D  working directory of its Claude Code processes
  --apply          also write address and key into its OpenClaw, as manage apply does
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
      docker: { type: "string" },
      "working-dir": { type: "string" },
      apply: { type: "boolean", default: false },
      ...changeOptions,
    },
    1,
  );
  if ("usage" in read) return Promise.resolve(read.usage);
  const [name] = read.positionals;
  const { key: given, hash: isHashed, docker: container, apply: isApplied, json: isJson } = read.values;
  const isDryRun = read.values["dry-run"];
  const refuse = (why: string): Promise<number> =>
    Promise.resolve(refuseUsage(context, "manage add", why).usage);
  if (name === undefined) return refuse("it needs a tenant's name");
  if (given?.startsWith("sha256:") === true && (isHashed || isApplied))
    return refuse(`${isHashed ? "--hash" : "--apply"} needs a plain key`);
  const workingDir = read.values["working-dir"];
  const key = given ?? newKey();
  return withProblems(context, async () => {
    const opened = openConfig(context, read.values.config);
    opened.edit.addTenant({
      name,
      api_key: isHashed ? hashOf(key) : key,
      ...(container === undefined ? {} : { container }),
      ...(workingDir === undefined ? {} : { working_dir: resolve(context.workingDirectory, workingDir) }),
    });
    const config = await checkedConfig(opened);
    if (container !== undefined) await requireContainer(context, container);
    const applyOptions = { isPrimary: false, api: null, input: opened.input, key };
    const plan = isApplied ? await planApplyTo(context, config, name, applyOptions) : null;
    const reloaded = await writeAndReload(context, opened, isDryRun);
    const outcomes = plan === null || isDryRun ? [] : await writeAfterConfig(context, plan.planned);
    const isWell = outcomes.every((each) => each.isWell);
    const shown = given === undefined ? (isDryRun ? null : key) : shownKey(given);
    if (isJson)
      context.stdout.write(
        `${JSON.stringify({
          ok: isWell,
          tenant: name,
          key: shown,
          config: opened.path,
          state: reloaded,
          ...(plan === null
            ? {}
            : {
                instances: outcomesAsJson(isDryRun ? plan.planned.map(asPlanned) : outcomes),
                notes: plan.notes,
              }),
        })}\n`,
      );
    else {
      const style = terminalStyle(context);
      const made = given === undefined && shown !== null ? `Its key (shown only now): ${shown}\n` : "";
      const applied =
        plan === null
          ? ""
          : isDryRun
            ? showPlan(plan.planned, plan.notes, style)
            : `${outcomesText(outcomes, style)}${showPlan([], plan.notes, style)}${followUpText(outcomes)}`;
      context.stdout.write(
        `The tenant ${plain(name)} ${isDryRun ? "would be" : "was"} added to ${plain(opened.path)}.\n${made}${applied}${reloadText(reloaded)}`,
      );
    }
    return isWell ? exitCodes.ok : exitCodes.failed;
  });
}

export const add: Command = { name: "add", summary: "add a tenant", help, run };
