// `clawgate manage skills`: synchronizes the skills of tenants here with their OpenClaw instances.

import { join } from "node:path";
import { loadOffline } from "../../app/offline/offline-config.ts";
import { skillsDirectoryOf } from "../../operator/skills-directory.ts";
import type { SkillMode, SkillPreference } from "../../openclaw/skill-plan.ts";
import { type SkillReport, syncSkills } from "../../openclaw/skill-sync.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { changeOptions, readOptions, refuseUsage } from "../options.ts";
import { cut, terminalStyle, plain } from "../terminal.ts";
import { ManageProblem, openConfig, unknownTenant, withProblems } from "./config-file.ts";
import { instancesFor } from "./tenant-instances.ts";
import { cleanCommand, listCommand } from "./local-skills.ts";
import { reportWords } from "./skill-report-text.ts";

const options = `  --skill S        only this skill
  --container C    the instance's container, if it is not found by the tenant's name (then --state-dir is inside it)
  --state-dir D    the instance's state directory, if it is not found by the tenant's name
  --json           the result as JSON
  --config FILE    config file, as for serve
  -h, --help       this text
`;

const optionTypes = {
  skill: { type: "string" },
  container: { type: "string" },
  "state-dir": { type: "string" },
  pull: { type: "boolean", default: false },
  push: { type: "boolean", default: false },
  ...changeOptions,
} as const;

type Verb = {
  readonly name: "pull" | "push" | "bisync" | "diff";
  readonly summary: string;
  readonly help: string;
};

function syncCommand({ name: verb, summary, help }: Verb): Command {
  const run = (context: CommandContext): Promise<number> => {
    const typed = `manage skills ${verb}`;
    const read = readOptions(context, typed, optionTypes, 1);
    if ("usage" in read) return Promise.resolve(read.usage);
    const { pull, push, skill, container, json: isJson, config } = read.values;
    const [name] = read.positionals;
    const refuse = (why: string): Promise<number> => Promise.resolve(refuseUsage(context, typed, why).usage);
    if ((pull || push) && verb !== "bisync") return refuse("--pull and --push belong to bisync");
    if (pull && push) return refuse("--pull and --push exclude each other");
    const options = { container, stateDir: read.values["state-dir"] };
    if (name === undefined && (options.container ?? options.stateDir) !== undefined)
      return refuse("--container and --state-dir need a tenant's name");
    const isDryRun = verb === "diff" || read.values["dry-run"];
    const preference: SkillPreference = pull ? "pull" : push ? "push" : null;
    const mode: SkillMode = verb === "diff" ? "bisync" : verb;

    return withProblems(context, async () => {
      const { edit, input } = openConfig(context, config);
      const names = edit.tenants().map((each) => each.name);
      if (name !== undefined && !names.includes(name)) throw unknownTenant(edit, name);
      const loaded = await loadOffline(input);
      if (loaded.config.skills.sync === "disabled" && !isDryRun)
        throw new ManageProblem("skills.sync is `disabled` in the config; set it to auto or manual");
      const instances = instancesFor(context, options, edit.tenants());
      const progress = progressOn(context, isJson);
      const reports: { readonly tenant: string; readonly report: SkillReport }[] = [];
      const missing: string[] = [];
      for (const tenant of name === undefined ? names : [name]) {
        const instance = await instances.of(tenant);
        if (instance === null) {
          missing.push(tenant);
          continue;
        }
        try {
          const report = await syncSkills({
            folder: join(skillsDirectoryOf(loaded), tenant),
            instance,
            docker: instances.docker,
            mode,
            preference,
            only: skill ?? null,
            isDryRun,
            onProgress: progress.show,
          });
          reports.push({ tenant, report });
        } finally {
          progress.clear();
        }
      }
      if (isJson)
        context.stdout.write(
          `${JSON.stringify({ tenants: reports.map(({ tenant, report }) => ({ tenant, ...report })), missing }, null, 2)}\n`,
        );
      else
        for (const { tenant, report } of reports)
          context.stdout.write(reportWords(tenant, report, isDryRun, terminalStyle(context)));
      const trouble = missing.length === 0 ? null : await instances.trouble();
      if (trouble !== null) context.stderr.write(`clawgate: docker was not searched: ${plain(trouble)}\n`);
      for (const tenant of missing)
        context.stderr.write(
          `clawgate: no OpenClaw instance was found by the name ${plain(tenant)}; name it with --container or --state-dir, or as \`container\` of the tenant.\n`,
        );
      // People and agents are tenants too: a tenant that was not named need not have an OpenClaw.
      const isMissing = missing.length > 0 && (name !== undefined || reports.length === 0);
      const isWell = !isMissing && reports.every(({ report }) => isSettled(report, verb));
      return isWell ? exitCodes.ok : exitCodes.failed;
    });
  };
  return { name: verb, summary, help, run };
}

/** A diff succeeds if nothing differs, any other action if everything requested was done. */
function isSettled({ rows, refused }: SkillReport, verb: Verb["name"]): boolean {
  if (refused.length > 0) return false;
  if (verb === "diff") return rows.every(({ relation }) => relation === "same");
  return rows.every(({ action, error }) => error === null && action !== "conflict");
}

function progressOn({ stderr }: CommandContext, isJson: boolean) {
  const isShown = stderr.isTTY && !isJson;
  const clear = (): void => {
    if (isShown) stderr.write("\r\u001b[2K");
  };
  return {
    clear,
    show(text: string) {
      clear();
      if (isShown) stderr.write(cut(plain(text), Math.max(20, (stderr.columns || 80) - 1)));
    },
  };
}

const pull = syncCommand({
  name: "pull",
  summary: "fetch skills from the OpenClaw instance",
  help: `Usage: clawgate manage skills pull [tenant] [options]

Copies skills that are new or changed in the tenant's OpenClaw instance to <skills.dir>/<tenant>. Skills changed here, or
on both sides, are reported and not touched; nothing is deleted. Without a tenant: all of them.

Options:
  --dry-run        show what would be done
${options}`,
});

const push = syncCommand({
  name: "push",
  summary: "send skills to the OpenClaw instance",
  help: `Usage: clawgate manage skills push [tenant] [options]

Copies skills that are new or changed here into the tenant's OpenClaw instance. Skills changed there, or on both sides, are
reported and not touched; nothing is deleted. Without a tenant: all of them.

Options:
  --dry-run        show what would be done
${options}`,
});

const bisync = syncCommand({
  name: "bisync",
  summary: "sync in both directions",
  help: `Usage: clawgate manage skills bisync [tenant] [--pull|--push] [options]

Pulls skills that are new or changed there and pushes those that are new or changed here. A change on both sides is a
conflict: it is reported and not touched, unless --pull or --push decides which side wins. Nothing is deleted.

Options:
  --pull           if both changed, keep the remote version (and restore what was removed here)
  --push           if both changed, keep the local version
  --dry-run        show what would be done
${options}`,
});

const diff = syncCommand({
  name: "diff",
  summary: "show what differs, by content",
  help: `Usage: clawgate manage skills diff [tenant] [options]

Compares the local skills with those of the tenant's OpenClaw instance by content, and shows which side changed since they
were last equal. Changes nothing. The exit code is 1 if something differs.

Options:
${options}`,
});

const groupHelp = `Usage: clawgate manage skills <command> [tenant] [options]

Commands:
  list      the skills of each tenant here (the default)
  pull      fetch skills from the tenant's OpenClaw instance
  push      send skills to it
  diff      show what differs, by content
  bisync    sync in both directions
  clean     remove a tenant's skills here

Skills are kept in <skills.dir>/<tenant>/<skill>. A skill is copied whole and in one step; links, devices and paths that lead
elsewhere are refused. clawgate manage skills <command> --help shows a command's options.
`;

export const skills: Command = {
  name: "skills",
  summary: "compare and copy the skills of OpenClaw instances",
  help: groupHelp,
  verbs: [listCommand, pull, push, diff, bisync, cleanCommand],
  run: listCommand.run,
};
