// `clawgate service status`: is a service installed, is its unit this version's, does it run, where, and what to do. It changes nothing.

import { managerOf } from "../../supervisor/installed-services.ts";
import { type Machine, ServiceProblem } from "../../supervisor/machine.ts";
import type { Service, ServiceState } from "../../supervisor/installed-service.ts";
import { stateDirectory } from "../../system/state-directory.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { readOptions } from "../options.ts";
import { findGateway } from "../running-gateway.ts";
import { plain, terminalStyle } from "../terminal.ts";
import { lastLines } from "./log-lines.ts";
import { machineOf, namedScope, reporting, scopeHelp, scopeOptions, theService } from "./service-context.ts";

const help = `Usage: clawgate service status [options]

Shows whether the service is installed, whether its unit is the one that this version writes, whether it runs, since when
and at which address, the last lines of its log, and what to do. Exit code 0: it runs. 1: it does not, or none is installed.

Options:
${scopeHelp}  -h, --help      this text
`;

const shownLines = 5;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "service status", scopeOptions);
  if ("usage" in read) return read.usage;
  const scope = namedScope(context, "service status", read.values);
  if (scope !== null && typeof scope !== "string") return scope.usage;
  return reporting(context, async () => {
    const machine = machineOf(context);
    const manager = managerOf(machine);
    let service: Service;
    try {
      service = await theService(machine, scope);
    } catch (thrown) {
      if (!(thrown instanceof ServiceProblem)) throw thrown;
      const why = await manager.unreachable(scope ?? (machine.uid === 0 ? "system" : "user"));
      if (read.values.json) write(context, { installed: false, manager: manager.manager, problem: why });
      else context.stdout.write(`${sentence(thrown.message)}\n${why === null ? "" : `${sentence(why)}\n`}`);
      return exitCodes.failed;
    }
    const why = await manager.unreachable(service.scope);
    if (why !== null) throw new ServiceProblem(`${service.unitPath} is installed, but ${why}`);
    const view = await viewOf(context, machine, service);
    if (read.values.json) write(context, view);
    else context.stdout.write(textOf(context, view));
    return view.state.isActive ? exitCodes.ok : exitCodes.failed;
  });
}

async function viewOf(context: CommandContext, machine: Machine, service: Service) {
  const state = await service.state();
  const log = await lastLines(machine, service, shownLines);
  const environment = { HOME: machine.homeDirectory, ...service.plan?.environment };
  const gateway = service.plan === null ? null : await findGateway(context, environment, true);
  const url = gateway === null || "why" in gateway ? null : gateway.url;
  return {
    installed: true,
    manager: service.manager,
    scope: service.scope,
    unit: {
      path: service.unitPath,
      written_by_clawgate: service.plan !== null,
      is_current: service.unit.isCurrent,
    },
    state,
    url,
    state_dir: stateDirectory(environment),
    log,
    advice: adviceOf(service, state),
  };
}

function adviceOf(service: Service, state: ServiceState): readonly string[] {
  const flag = `--${service.scope}`;
  const advice: string[] = [];
  if (service.plan === null)
    advice.push(`the unit was not written by clawgate: clawgate service install ${flag} --force replaces it`);
  else if (!service.unit.isCurrent)
    advice.push(
      `the unit is not the one that this version writes: clawgate service install ${flag} --as-installed writes it anew`,
    );
  if (!state.isActive) {
    advice.push(`clawgate service logs ${flag} says more; clawgate doctor checks the config`);
    advice.push(`clawgate service start ${flag} starts it`);
  }
  if (state.isEnabled === false)
    advice.push(`it does not start by itself: clawgate service install ${flag} enables it`);
  return advice;
}

function textOf(context: CommandContext, view: Awaited<ReturnType<typeof viewOf>>): string {
  const style = terminalStyle(context);
  const { state, unit } = view;
  const rows: readonly (readonly [string, string | null])[] = [
    ["Service", `${view.scope} service of ${view.manager}`],
    ["State", (state.isActive ? style.green : style.red)(plain(state.word))],
    ["Process", state.pid === null ? null : String(state.pid)],
    ["Since", state.since === null ? null : plain(state.since)],
    ["Address", view.url === null ? null : plain(view.url)],
    ["Says", state.detail === null ? null : plain(state.detail)],
    [
      "Restarts",
      state.restarts === null || state.restarts === 0 ? null : `${state.restarts} since it was started`,
    ],
    ["Unit", `${plain(unit.path)}${unit.is_current ? "" : style.yellow(" (not this version's)")}`],
    ["State dir", plain(view.state_dir)],
  ];
  return [
    ...rows.flatMap(([name, value]) => (value === null ? [] : [`  ${style.dim(name.padEnd(10))}${value}`])),
    ...(view.log.length === 0 ? [] : [style.dim("  Last lines of its log:")]),
    ...view.log.map((line) => `    ${plain(line)}`),
    ...view.advice.map((line) => `  ${style.yellow("!")} ${plain(line)}`),
    "",
  ].join("\n");
}

const write = ({ stdout }: CommandContext, value: object): void =>
  void stdout.write(`${JSON.stringify(value, null, 2)}\n`);
const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;

export const serviceStatus: Command = {
  name: "status",
  summary: "show whether a service is installed and how it is (the default)",
  help,
  run,
};
