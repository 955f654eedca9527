// `clawgate service install`: writes the unit, tells the manager, starts the service. It must never replace a unit of somebody else's
// unasked, and never enable lingering unasked.

import { isAbsolute, resolve } from "node:path";
import { managerOf } from "../../supervisor/installed-services.ts";
import { type Machine, type Scope, ServiceProblem, tell } from "../../supervisor/machine.ts";
import type { Manager, Service } from "../../supervisor/installed-service.ts";
import {
  assertReachable,
  plannedVariables,
  planNotes,
  type ServicePlan,
  serviceUser,
} from "../../supervisor/service-plan.ts";
import { stepText, takeSteps } from "../../supervisor/steps.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { readOptions } from "../options.ts";
import { plain } from "../terminal.ts";
import { lastLines } from "./log-lines.ts";
import { machineOf, namedScope, reporting, scopeHelp, scopeOptions, theService } from "./service-context.ts";

const help = `Usage: clawgate service install [options]

Installs the gateway as a service of systemd or launchd, and starts it: it runs from then on, and again after a crash
and after the machine's start. Run again, it writes the unit anew; the old file stays as .bak.

Options:
${scopeHelp}  --config FILE   config file of the service (default: where the gateway looks)
  --linger        user service: also let it run while you are not signed in (loginctl enable-linger)
  --no-start      install and enable, and start nothing now
  --force         replace a clawgate unit that was not written by this command
  --as-installed  only write the unit as this version would, with the program, config and variables that it has; start nothing
  --print         only print the unit
  --dry-run       only print what would be done
  -h, --help      this text

The unit holds no key, and the service does not get the keys of your shell: they belong in the .env beside the config.
`;

type Wanted = { readonly plan: ServicePlan; readonly manager: Manager; readonly machine: Machine };
type InstallValues = {
  readonly linger: boolean;
  readonly "no-start": boolean;
  readonly force: boolean;
  readonly json: boolean;
};

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "service install", {
    ...scopeOptions,
    config: { type: "string" },
    linger: { type: "boolean", default: false },
    "no-start": { type: "boolean", default: false },
    force: { type: "boolean", default: false },
    "as-installed": { type: "boolean", default: false },
    print: { type: "boolean", default: false },
    "dry-run": { type: "boolean", default: false },
  });
  if ("usage" in read) return read.usage;
  const named = namedScope(context, "service install", read.values);
  if (named !== null && typeof named !== "string") return named.usage;
  const { values } = read;
  return reporting(context, async () => {
    const machine = machineOf(context);
    if (values["as-installed"]) return rewrite(context, await theService(machine, named), values.json);
    const manager = managerOf(machine);
    const scope = named ?? (machine.uid === 0 ? "system" : "user");
    const plan = planOf(context, machine, scope, values.config);
    if (values.print) {
      context.stdout.write(await manager.unitText(plan));
      return exitCodes.ok;
    }
    assertReachable(machine, plan);
    const wanted = { plan, manager, machine };
    if (values["dry-run"]) return showSteps(context, wanted, values);
    return install(context, wanted, values);
  });
}

function planOf(
  context: CommandContext,
  machine: Machine,
  scope: Scope,
  config: string | undefined,
): ServicePlan {
  const path = config ?? context.environment["CLAWGATE_CONFIG"];
  const args = path === undefined || path === "" ? [] : ["--config", absolute(context, path)];
  const environment = plannedVariables(machine, scope);
  return {
    scope,
    user: serviceUser(machine, scope),
    program: [...(context.serviceMachine?.program ?? ownProgram())],
    args,
    environment,
  };
}

const absolute = (context: CommandContext, path: string): string =>
  isAbsolute(path) ? path : resolve(context.workingDirectory, path);

/** This program, by a path that its next version keeps: Homebrew's folder of one version goes with an update. */
function ownProgram(): string[] {
  if (!Bun.isStandaloneExecutable) return [process.execPath, "--no-env-file", Bun.main];
  const [, prefix] = /^(.*)\/Cellar\/clawgate\/[^/]+\/bin\/clawgate$/.exec(process.execPath) ?? [];
  return [prefix === undefined ? process.execPath : `${prefix}/opt/clawgate/bin/clawgate`];
}

async function showSteps(
  context: CommandContext,
  { plan, manager, machine }: Wanted,
  values: InstallValues,
): Promise<number> {
  const steps = await manager.installSteps(plan);
  const notes = [...planNotes(machine, plan), ...(await manager.notes(plan.scope))];
  if (values.json) {
    const unit = { path: manager.unitPath(plan.scope), text: await manager.unitText(plan) };
    write(context, { scope: plan.scope, manager: manager.manager, unit, steps: steps.map(stepText), notes });
    return exitCodes.ok;
  }
  context.stdout.write(`Would install a ${plan.scope} service of ${manager.manager}:\n`);
  for (const step of steps) context.stdout.write(`  ${plain(stepText(step))}\n`);
  sayNotes(context, notes);
  return exitCodes.ok;
}

async function install(
  context: CommandContext,
  { plan, manager, machine }: Wanted,
  values: InstallValues,
): Promise<number> {
  const { scope } = plan;
  if (scope === "system" && machine.uid !== 0)
    throw new ServiceProblem("a service of the machine (--system) needs root: run it with sudo");
  const why = await manager.unreachable(scope);
  if (why !== null)
    throw new ServiceProblem(
      `${why}.\nWithout it, run the gateway in the foreground of whatever starts programs here, for example as the container's own command: clawgate serve`,
    );
  const before = await manager.service(scope);
  if (before !== null && before.plan === null && !values.force)
    throw new ServiceProblem(
      `${before.unitPath} was not written by clawgate service install. --force replaces it and keeps it as .bak`,
    );
  await takeSteps(machine, await manager.installSteps(plan));
  if (values.linger && manager.manager === "systemd" && scope === "user")
    await tell(machine, ["loginctl", "enable-linger", String(machine.uid)]);
  const service = await manager.service(scope);
  if (service === null) throw new ServiceProblem(`${manager.unitPath(scope)} is gone again`);
  if (!values["no-start"]) {
    try {
      await ((await service.state()).isActive ? service.restart() : service.start());
    } catch (thrown) {
      if (!(thrown instanceof ServiceProblem)) throw thrown;
      const lines = await lastLines(machine, service, 12);
      throw new ServiceProblem(
        [
          `The service is installed, but it did not start. ${thrown.message}`,
          ...lines.map((line) => `  ${line}`),
        ].join("\n"),
      );
    }
  }
  const state = await service.state();
  const notes = [...planNotes(machine, plan), ...(await manager.notes(scope))];
  if (values.json) {
    write(context, { scope, manager: manager.manager, unit: { path: service.unitPath }, state, notes });
    return exitCodes.ok;
  }
  context.stdout.write(`Installed ${service.unitPath}\nThe ${scope} service is ${plain(state.word)}.\n`);
  if (state.detail !== null) context.stdout.write(`  ${plain(state.detail)}\n`);
  sayNotes(context, notes);
  context.stdout.write(
    `clawgate service status --${scope} shows how it is, clawgate service logs --${scope} what it says.\n`,
  );
  return exitCodes.ok;
}

/** After an update, by the new program: the old one does not know the new text. */
async function rewrite(context: CommandContext, service: Service, isJson: boolean): Promise<number> {
  const wasCurrent = service.unit.isCurrent && service.plan !== null;
  await service.rewrite();
  const { scope, manager, unitPath } = service;
  if (isJson) write(context, { scope, manager, unit: { path: unitPath, was_current: wasCurrent } });
  else
    context.stdout.write(
      wasCurrent
        ? `${unitPath} is current.\n`
        : `Wrote ${unitPath}; the old one is ${unitPath}.bak. It counts from the next start: clawgate service restart --${scope}\n`,
    );
  return exitCodes.ok;
}

function sayNotes({ stdout }: CommandContext, notes: readonly string[]): void {
  for (const note of notes) stdout.write(`Note: ${plain(note)}.\n`);
}

const write = ({ stdout }: CommandContext, value: object): void =>
  void stdout.write(`${JSON.stringify(value, null, 2)}\n`);

export const installService: Command = {
  name: "install",
  summary: "install the gateway as a service and start it",
  help,
  run,
};
