// `clawgate manage skills list` and `clean`: the local skills, without asking an instance.

import { join } from "node:path";
import { loadOffline } from "../../app/offline/offline-config.ts";
import { skillsDirectoryOf } from "../../operator/skills-directory.ts";
import { risksOf } from "../../openclaw/skill-risks.ts";
import { cleanSkills, localSkills } from "../../openclaw/skill-sync.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { changeOptions, readOptions } from "../options.ts";
import { terminalStyle, plain } from "../terminal.ts";
import { textTable } from "../text-table.ts";
import { openConfig, unknownTenant, withProblems } from "./config-file.ts";

const common = `  --json          as JSON
  --config FILE   config file, as for serve
  -h, --help      this text
`;

type Chosen = { readonly directory: string; readonly tenants: readonly string[] };

/** Throws ManageProblem, EditProblem, ConfigProblem. */
async function choose(
  context: CommandContext,
  config: string | undefined,
  name: string | undefined,
): Promise<Chosen> {
  const { edit, input } = openConfig(context, config);
  const names = edit.tenants().map((each) => each.name);
  if (name !== undefined && !names.includes(name)) throw unknownTenant(edit, name);
  return {
    directory: skillsDirectoryOf(await loadOffline(input)),
    tenants: name === undefined ? names : [name],
  };
}

function runList(context: CommandContext): Promise<number> {
  const read = readOptions(
    context,
    "manage skills list",
    { json: { type: "boolean", default: false }, config: { type: "string" } },
    1,
  );
  if ("usage" in read) return Promise.resolve(read.usage);
  return withProblems(context, async () => {
    const { directory, tenants } = await choose(context, read.values.config, read.positionals[0]);
    const listed = [];
    for (const tenant of tenants) {
      const { skills, refused } = await localSkills(join(directory, tenant));
      listed.push({
        tenant,
        skills: [...skills.values()].map((tree) => ({
          skill: tree.name,
          files: tree.files.length,
          bytes: tree.files.reduce((sum, { bytes }) => sum + bytes.length, 0),
          hash: tree.hash,
          risks: risksOf(tree),
        })),
        refused,
      });
    }
    if (read.values.json) {
      context.stdout.write(`${JSON.stringify({ directory, tenants: listed }, null, 2)}\n`);
      return exitCodes.ok;
    }
    const style = terminalStyle(context);
    const rows = listed.flatMap(({ tenant, skills, refused }) => [
      ...skills.map((each) => [
        plain(tenant),
        { text: plain(each.skill), paint: style.bold },
        String(each.files),
        String(each.bytes),
        plain(each.risks.join(", ")),
      ]),
      ...refused.map(({ name, why }) => [plain(tenant), plain(name), "", "", `left out: ${plain(why)}`]),
    ]);
    const columns = [
      { title: "tenant" },
      { title: "skill" },
      { title: "files", isNumber: true },
      { title: "bytes", isNumber: true },
      { title: "to review", shrinks: true },
    ];
    context.stdout.write(
      rows.length === 0 ? `No skills in ${plain(directory)}.\n` : textTable(columns, rows, style),
    );
    return exitCodes.ok;
  });
}

function runClean(context: CommandContext): Promise<number> {
  const read = readOptions(
    context,
    "manage skills clean",
    {
      all: { type: "boolean", default: false },
      ...changeOptions,
    },
    1,
  );
  if ("usage" in read) return Promise.resolve(read.usage);
  const { all: isAll, "dry-run": isDryRun, json: isJson, config } = read.values;
  return withProblems(context, async () => {
    const { directory, tenants } = await choose(context, config, read.positionals[0]);
    const cleaned = [];
    for (const tenant of tenants)
      cleaned.push({ tenant, ...(await cleanSkills({ folder: join(directory, tenant), isAll, isDryRun })) });
    if (isJson) context.stdout.write(`${JSON.stringify({ tenants: cleaned }, null, 2)}\n`);
    else
      for (const { tenant, removed, kept } of cleaned)
        context.stdout.write(
          `${plain(tenant)}: ${isDryRun ? "would remove" : "removed"} ${removed.length}${
            kept.length === 0
              ? ""
              : `, kept ${plain(kept.join(", "))} (changed here, or never synced; --all removes those that can be read)`
          }\n`,
        );
    return exitCodes.ok;
  });
}

export const listCommand: Command = {
  name: "list",
  summary: "show the skills here",
  help: `Usage: clawgate manage skills list [tenant] [options]

Shows each tenant's local skills, and what in them would run something by itself.

Options:
${common}`,
  run: runList,
};

export const cleanCommand: Command = {
  name: "clean",
  summary: "remove a tenant's skills here",
  help: `Usage: clawgate manage skills clean [tenant] [options]

Removes local skills that are unchanged since their last sync: their instance has them. Others are kept
and listed. Nothing is removed from an instance.

Options:
  --all           also those that were changed here or never synced
  --dry-run       show what would be removed
${common}`,
  run: runClean,
};
