// What the commands of `clawgate service` share: the machine, the options, and which service is meant.

import type { ParseArgsOptionsConfig } from "node:util";
import { installedServices } from "../../supervisor/installed-services.ts";
import { type Machine, type Scope, ServiceProblem } from "../../supervisor/machine.ts";
import type { Service } from "../../supervisor/installed-service.ts";
import { type CommandContext, exitCodes } from "../command.ts";
import { type Refused, refuseUsage } from "../options.ts";
import { plain } from "../terminal.ts";

export const scopeOptions = {
  user: { type: "boolean", default: false },
  system: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const satisfies ParseArgsOptionsConfig;

export const scopeHelp = `  --user          the service of your own session (default, unless you are root)
  --system        the machine's service (needs root)
  --json          the answer as JSON
`;

type ScopeValues = { readonly user: boolean; readonly system: boolean };

export function machineOf(context: CommandContext): Machine {
  const { environment, homeDirectory, serviceMachine } = context;
  return {
    environment,
    homeDirectory,
    platform: serviceMachine?.platform ?? process.platform,
    uid: serviceMachine?.uid ?? process.getuid?.() ?? -1,
    root: serviceMachine?.root ?? "",
  };
}

/** Null: the command line names none. */
export function namedScope(
  context: CommandContext,
  command: string,
  values: ScopeValues,
): Scope | null | Refused {
  if (values.user && values.system)
    return refuseUsage(context, command, "--user and --system exclude each other");
  if (values.user) return "user";
  return values.system ? "system" : null;
}

/** The named one; else the only one; of two, root's is the system's. Throws ServiceProblem. */
export async function theService(machine: Machine, scope: Scope | null): Promise<Service> {
  const services = await installedServices(machine);
  const wanted = scope ?? (machine.uid === 0 ? "system" : "user");
  const found = services.find((each) => each.scope === wanted) ?? (scope === null ? services[0] : undefined);
  if (found !== undefined) return found;
  const which = scope === null ? "service is" : `${scope} service is`;
  throw new ServiceProblem(
    `no ${which} installed. Install one with: clawgate service install${scope === null ? "" : ` --${scope}`}`,
  );
}

/** Runs the action and prints its problem. */
export async function reporting(context: CommandContext, action: () => Promise<number>): Promise<number> {
  try {
    return await action();
  } catch (thrown) {
    const isFile = thrown instanceof Error && "code" in thrown;
    if (!(thrown instanceof ServiceProblem) && !isFile) throw thrown;
    const denied = isFile && (thrown.code === "EACCES" || thrown.code === "EPERM");
    const lines = thrown.message
      .split("\n")
      .map((line) => (line.startsWith("  ") ? `  ${plain(line)}` : plain(line)));
    context.stderr.write(`clawgate: ${lines.join("\n")}\n`);
    if (denied) context.stderr.write("A service of the machine (--system) needs root: run it with sudo.\n");
    return exitCodes.failed;
  }
}
