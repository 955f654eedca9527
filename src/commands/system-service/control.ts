// `clawgate service start|stop|restart|uninstall`: what changes an installed service.

import type { Machine } from "../../supervisor/machine.ts";
import { ServiceProblem } from "../../supervisor/machine.ts";
import type { Service } from "../../supervisor/installed-service.ts";
import { stepText, takeSteps } from "../../supervisor/steps.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { readOptions } from "../options.ts";
import { plain } from "../terminal.ts";
import { restartService, type RestartWay, wayWords } from "./restart-service.ts";
import { machineOf, namedScope, reporting, scopeHelp, scopeOptions, theService } from "./service-context.ts";

type Change = {
  readonly name: string;
  readonly summary: string;
  readonly about: string;
  readonly done: string;
  /** Returns what else is to be said of it. */
  act(service: Service, machine: Machine, context: CommandContext): Promise<RestartWay | void>;
  /** What `--dry-run` says. */
  steps(service: Service): readonly string[];
};

const changes: readonly Change[] = [
  {
    name: "start",
    summary: "start the installed service",
    about: "Starts the installed service and waits until it is ready.",
    done: "started",
    act: (service) => service.start(),
    steps: ({ scope }) => [`start the ${scope} service`],
  },
  {
    name: "stop",
    summary: "stop the installed service",
    about:
      "Stops the service when its running requests are over, at the latest after server.drain_s. It stays installed.",
    done: "stopped",
    act: (service) => service.stop(),
    steps: ({ scope }) => [`stop the ${scope} service`],
  },
  {
    name: "restart",
    summary: "restart the installed service",
    about: `Replaces the service's process by a new one without losing a request, as "clawgate restart" does. Where that cannot be (a
unit or its variables that were changed since the start, launchd, an older version), stops the service when its running
requests are over, and starts it again. Says which of the two it was. If a new process cannot start, the old one goes on.`,
    done: "restarted",
    act: restartService,
    steps: ({ scope }) => [`restart the ${scope} service`],
  },
  {
    name: "uninstall",
    summary: "stop and remove the installed service",
    about: `Stops the service and removes its unit and the variables that "install" carried over. Config, keys, records and state stay,
and so does the user clawgate of a system service.`,
    done: "removed",
    act(service, machine) {
      if (service.plan === null)
        throw new ServiceProblem(
          `${service.unitPath} was not written by clawgate service install: remove it yourself`,
        );
      return takeSteps(machine, service.uninstallSteps);
    },
    steps: (service) => service.uninstallSteps.map(stepText),
  },
];

async function run(context: CommandContext, change: Change): Promise<number> {
  const command = `service ${change.name}`;
  const read = readOptions(context, command, {
    ...scopeOptions,
    "dry-run": { type: "boolean", default: false },
  });
  if ("usage" in read) return read.usage;
  const scope = namedScope(context, command, read.values);
  if (scope !== null && typeof scope !== "string") return scope.usage;
  const { json } = read.values;
  return reporting(context, async () => {
    const machine = machineOf(context);
    const service = await theService(machine, scope);
    const answer = { scope: service.scope, manager: service.manager, unit: { path: service.unitPath } };
    if (read.values["dry-run"]) {
      const steps = change.steps(service);
      if (json) context.stdout.write(`${JSON.stringify({ ...answer, steps }, null, 2)}\n`);
      else for (const step of steps) context.stdout.write(`Would ${plain(step)}\n`);
      return exitCodes.ok;
    }
    if (service.scope === "system" && machine.uid !== 0)
      throw new ServiceProblem(
        `the service of the machine needs root: sudo clawgate service ${change.name} --system`,
      );
    const way = (await change.act(service, machine, context)) ?? null;
    if (json) context.stdout.write(`${JSON.stringify({ ...answer, done: change.done, ...way }, null, 2)}\n`);
    else
      context.stdout.write(
        `The ${service.scope} service is ${change.done}${way === null ? "" : wayWords(way)}.\n`,
      );
    return exitCodes.ok;
  });
}

export const controls: readonly Command[] = changes.map((change) => ({
  name: change.name,
  summary: change.summary,
  help: `Usage: clawgate service ${change.name} [options]

${change.about}

Options:
${scopeHelp}  --dry-run       only print what would be done
  -h, --help      this text
`,
  run: (context) => run(context, change),
}));
