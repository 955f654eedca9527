// `clawgate setup`: finds OpenClaw, shows what it would write, and writes it after consent; --undo reverts it.
// It must never write without consent, and never print a key.

import { loadOffline } from "../app/offline/offline-config.ts";
import { asksForKeys } from "../config/client-keys.ts";
import { readDocument } from "../config/document.ts";
import { editConfig, EditProblem } from "../config/edit.ts";
import { ConfigProblem } from "../config/problems.ts";
import { type FileChange, type Undone, undoLast } from "../openclaw/applied-changes.ts";
import { removeFromDotEnv } from "../openclaw/dot-env.ts";
import { variableNames, withoutGateway } from "../openclaw/instance-files.ts";
import { type Api, apis, integrationText } from "../openclaw/provider-entry.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { canAsk, consents } from "./consent.ts";
import { withGatewayPort } from "./gateway-port.ts";
import { setupFolder, writeInstances } from "./instance-writing.ts";
import { placesOf } from "./instance-search.ts";
import { readOptions, refuseUsage } from "./options.ts";
import { memberOf } from "./running-gateway.ts";
import { planSetup, type SetupPlan } from "./setup-plan.ts";
import { isPulled, pullSkills, showSkills } from "./setup-skills.ts";
import { describe, show } from "./setup-text.ts";
import { offlineInput } from "./config-input.ts";
import { terminalStyle, plain } from "./terminal.ts";

const help = `Usage: clawgate setup [options]

Finds the OpenClaw instances of this machine and of Docker, gives each a tenant with its own key in config.yaml,
and connects each to the gateway: a provider "clawgate" in its openclaw.json, and CLAWGATE_BASE_URL and CLAWGATE_API_KEY in
the .env of its state directory. It shows the changes first; comments and everything else in those files are kept.

Options:
  --yes           write without asking (needed without a terminal)
  --dry-run       only show what would be written
  --primary       make clawgate/auto the main model of each instance
  --api API       openai-completions, anthropic-messages or openai-responses (default: unchanged, else the first)
  --host ADDRESS  let the gateway listen there (server.host): containers cannot reach 127.0.0.1
  --skills        only pull the skills of the instances found, write nothing else
  --no-skills     do not pull skills (\`skills.sync: manual\` means the same)
  --undo          revert the last set-up
  --print         print the OpenClaw side (provider, aliases, heartbeat and image model) to be merged by hand
  --json          the result as JSON
  --config FILE   config file, as for serve; created if it does not exist
  -h, --help      this text
`;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "setup", {
    yes: { type: "boolean", default: false },
    "dry-run": { type: "boolean", default: false },
    primary: { type: "boolean", default: false },
    api: { type: "string" },
    host: { type: "string" },
    undo: { type: "boolean", default: false },
    print: { type: "boolean", default: false },
    skills: { type: "boolean", default: false },
    "no-skills": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    config: { type: "string" },
  });
  if ("usage" in read) return read.usage;
  const { values } = read;
  if (values.skills && values["no-skills"])
    return refuseUsage(context, "setup", "--skills and --no-skills exclude each other").usage;
  const api = apis.find((each) => each === values.api) ?? null;
  const { host = null } = values;
  try {
    if (values.print) return await print(context, values.config, api ?? "openai-completions");
    if (values.undo) return await undo(context, values.json);
    const plan = await planSetup(context, {
      config: values.config,
      isPrimary: values.primary,
      api,
      host,
    });
    if (values.skills) return await onlySkills(context, plan, values.json);
    const withSkills = !values["no-skills"] && plan.pullsSkills;
    const hasChanges = plan.config !== null || plan.instances.some(({ changes }) => changes.length > 0);
    const isSure = values.yes && !values["dry-run"];
    if (!values.json || !isSure) show(context, plan, values.json);
    if (values["dry-run"] || !hasChanges)
      return plan.instances.some(({ leftOut }) => leftOut !== null) ? exitCodes.failed : exitCodes.ok;
    if (!isSure) {
      if (values.json || !canAsk(context))
        return refuseUsage(context, "setup", "nothing was written: there is no terminal to ask; pass --yes")
          .usage;
      if (!(await consents(context, "Write this?"))) {
        context.stdout.write("Nothing was written.\n");
        return exitCodes.ok;
      }
    }
    return await write(context, plan, withSkills, values.json);
  } catch (thrown) {
    if (thrown instanceof ConfigProblem) {
      context.stderr.write(`${thrown.message}\n`);
      return exitCodes.config;
    }
    if (!(thrown instanceof Error)) throw thrown;
    context.stderr.write(`clawgate: ${plain(thrown.message)}\n`);
    return thrown instanceof EditProblem ? exitCodes.config : exitCodes.failed;
  }
}

async function write(
  context: CommandContext,
  plan: SetupPlan,
  withSkills: boolean,
  isJson: boolean,
): Promise<number> {
  const configs = plan.config === null ? [] : [plan.config];
  const outcomes = await writeInstances(context, configs, plan.instances);
  const setUp = outcomes.filter((each) => each.isWell);
  const skills = withSkills ? await pullSkills(context, setUp, plan.skillsFolder) : [];
  const isWell = outcomes.every((each) => each.isWell) && skills.every(isPulled);
  if (isJson) {
    const verdicts = outcomes.map(({ tenant, verdict, isWell: ok }) => ({ tenant, ok, verdict }));
    context.stdout.write(
      `${JSON.stringify({ ...describe(plan), ok: isWell, outcome: verdicts, skills }, null, 2)}\n`,
    );
  } else {
    const style = terminalStyle(context);
    for (const { tenant, verdict, isWell: ok } of outcomes)
      context.stdout.write(
        `${ok ? style.green("ok  ") : style.red("FAIL")}  ${plain(tenant)}: ${plain(verdict)}\n`,
      );
    showSkills(context, skills);
    if (plan.config !== null) context.stdout.write(`Written: ${plain(plan.config.path)}. `);
    context.stdout.write("`clawgate setup --undo` reverts it.\n");
  }
  return isWell ? exitCodes.ok : exitCodes.failed;
}

async function onlySkills(context: CommandContext, plan: SetupPlan, isJson: boolean): Promise<number> {
  const pulled = await pullSkills(context, plan.instances, plan.skillsFolder);
  if (isJson) context.stdout.write(`${JSON.stringify({ skills: pulled }, null, 2)}\n`);
  else if (pulled.length === 0) context.stdout.write("No OpenClaw instance was found.\n");
  else showSkills(context, pulled);
  return pulled.every(isPulled) ? exitCodes.ok : exitCodes.failed;
}

async function undo(context: CommandContext, isJson: boolean): Promise<number> {
  const undone = await undoLast(await setupFolder(context), takeOut, placesOf(context));
  if (isJson) context.stdout.write(`${JSON.stringify({ undone: undone ?? [] }, null, 2)}\n`);
  else if (undone === null) context.stdout.write("There is no setup to undo.\n");
  else context.stdout.write(undone.map(({ how, path }: Undone) => `${how}: ${plain(path)}\n`).join(""));
  return exitCodes.ok;
}

function takeOut(
  text: string,
  { kind, before, after }: Pick<FileChange, "kind" | "before" | "after">,
): string {
  if (kind === "openclaw") return withoutGateway(text, before);
  if (kind === "env") return removeFromDotEnv(text, variableNames);
  const edit = editConfig(text);
  const old = new Set(
    before === null
      ? []
      : editConfig(before)
          .tenants()
          .map(({ name }) => name),
  );
  for (const { name } of editConfig(after).tenants()) if (!old.has(name)) edit.removeTenant(name);
  const [then, since] = [hostIn(before), hostIn(after)];
  if (since !== then && hostIn(text) === since) edit.setHost(then ?? "127.0.0.1");
  return edit.text();
}

/** `server.host` as written in the file; null: not set. */
function hostIn(text: string | null): string | null {
  const read = text === null ? null : readDocument(text);
  if (read === null || "problem" in read) return null;
  const host = memberOf(memberOf(read.document.value, "server"), "host");
  return typeof host === "string" ? host : null;
}

async function print(context: CommandContext, named: string | undefined, api: Api): Promise<number> {
  const input = offlineInput(context, named);
  const { config, notes } = await withGatewayPort(context, (await loadOffline(input)).config, input);
  for (const note of notes) context.stderr.write(`clawgate: ${plain(note)}.\n`);
  const hasKeys = asksForKeys(config);
  const { host, port } = config.server;
  const isAny = ["0.0.0.0", "::", "localhost", "::1"].includes(host);
  const known = [...Object.keys(config.providers), ...Object.keys(config.aliases)];
  const url = `http://${isAny ? "127.0.0.1" : host}:${port}`;
  // OpenClaw needs a value there even without keys.
  const apiKey = hasKeys ? "${CLAWGATE_API_KEY}" : "local";
  context.stdout.write(integrationText({ url, apiKey, api, models: config.fallback_chain }, known));
  return exitCodes.ok;
}

export const setup: Command = {
  name: "setup",
  summary: "find OpenClaw and connect it to the gateway",
  help,
  run,
};
