// `clawgate service logs`: what the service wrote, as systemd's journal or launchd's file keeps it, also of earlier runs.

import { managerEnvironment, ServiceProblem } from "../../supervisor/machine.ts";
import { findOnPath, runInTerminal } from "../../system/process.ts";
import { type Command, type CommandContext, exitCodes } from "../command.ts";
import { readOptions } from "../options.ts";
import { plain } from "../terminal.ts";
import { lastLines } from "./log-lines.ts";
import { machineOf, namedScope, reporting, scopeHelp, scopeOptions, theService } from "./service-context.ts";

const help = `Usage: clawgate service logs [options]

Prints the last lines of the service's log, also of runs that are over. clawgate logs asks the running gateway instead.

Options:
${scopeHelp}  -n, --lines N   number of lines (default 100, at most 2000)
  -f, --follow    also print new lines, until Ctrl-C
  -h, --help      this text
`;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "service logs", {
    ...scopeOptions,
    lines: { type: "string", short: "n" },
    follow: { type: "boolean", short: "f", default: false },
  });
  if ("usage" in read) return read.usage;
  const scope = namedScope(context, "service logs", read.values);
  if (scope !== null && typeof scope !== "string") return scope.usage;
  const { lines = "100", follow, json } = read.values;
  return reporting(context, async () => {
    const machine = machineOf(context);
    const service = await theService(machine, scope);
    if (!follow) {
      const found = await lastLines(machine, service, Number(lines));
      if (json) context.stdout.write(`${JSON.stringify({ lines: found }, null, 2)}\n`);
      else context.stdout.write(found.map((line) => `${plain(line)}\n`).join(""));
      return exitCodes.ok;
    }
    const [name = "", ...rest] = service.logArgv(Number(lines), true);
    const program = findOnPath(name, machine.environment["PATH"]);
    if (program === null) throw new ServiceProblem(`there is no program "${name}" on PATH`);
    const code = await runInTerminal([program, ...rest], {
      env: managerEnvironment(machine),
      cwd: context.workingDirectory,
    });
    return code === null || code === 130 ? exitCodes.ok : code;
  });
}

export const serviceLogs: Command = {
  name: "logs",
  summary: "what the service wrote, also in earlier runs",
  help,
  run,
};
