// What a service manager's side of this machine is asked through: its programs, its folders, who asks. It must never run a shell.

import { findOnPath, inheritedEnvironment, runCommand, type CommandResult } from "../system/process.ts";

export type Scope = "user" | "system";

export type Machine = {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  /** 0 is root. */
  readonly uid: number;
  /** Before /etc, /var, /run and /Library; "" outside of tests. */
  readonly root: string;
};

export const serviceName = "clawgate";

/** The message is for the person at the terminal. */
export class ServiceProblem extends Error {
  override readonly name = "ServiceProblem";
}

const questionTimeoutMs = 20_000;
// `systemctl stop` waits until the running requests are over, and systemd itself gives it a limit.
const changeTimeoutMs = 3_600_000;

/** Null: there is no such program. */
export async function ask(
  machine: Machine,
  argv: readonly string[],
  timeoutMs = questionTimeoutMs,
): Promise<CommandResult | null> {
  const [name = "", ...rest] = argv;
  const program = findOnPath(name, machine.environment["PATH"]);
  if (program === null) return null;
  return runCommand([program, ...rest], { timeoutMs, env: managerEnvironment(machine) });
}

/** The environment of systemctl, journalctl and launchctl. */
export function managerEnvironment(machine: Machine): Record<string, string> {
  const kept = inheritedEnvironment(machine.environment);
  // A shell that su or ssh opened may lack it; without it the user's manager is not found.
  if (machine.platform === "linux") kept["XDG_RUNTIME_DIR"] ??= `${machine.root}/run/user/${machine.uid}`;
  return kept;
}

/** Runs a step of an installation. Throws ServiceProblem with what the program said. */
export async function tell(machine: Machine, argv: readonly string[]): Promise<void> {
  const words = argv.join(" ");
  const result = await ask(machine, argv, changeTimeoutMs);
  if (result === null)
    throw new ServiceProblem(
      `there is no program "${argv[0] ?? ""}" on PATH, so "${words}" could not be run`,
    );
  if (result.code === 0) return;
  const said = (result.stderr.trim() || result.stdout.trim()).split("\n").slice(-5).join("\n  ");
  const why = result.timedOut ? "took too long" : `failed with ${result.code ?? "a signal"}`;
  throw new ServiceProblem(`"${words}" ${why}${said === "" ? "" : `:\n  ${said}`}`);
}
