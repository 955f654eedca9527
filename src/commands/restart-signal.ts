// SIGUSR2 for `clawgate serve`: this process starts the program that now lies at its path as its successor, and ends when that one has
// everything. It must never start another program, nor hand anything to a process that it did not start.

import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { App } from "../app/app.ts";
import { predecessorVariable } from "../app/handover/messages.ts";
import { type Predecessor, predecessorOf } from "../app/handover/predecessor.ts";
import type { SuccessorCommand } from "../app/handover/successor.ts";
import { findOnPath } from "../system/process.ts";
import { type CommandContext, exitCodes } from "./command.ts";
import type { Launcher } from "./launcher.ts";
import { restartObstacle, surroundingsOf } from "./restart-obstacle.ts";

type Environment = CommandContext["environment"];

/** Who hands over to this process, and its environment without the word about that. */
export function startedBy(environment: Environment): {
  readonly predecessor: Predecessor | null;
  readonly environment: Environment;
  /** Not null: it cannot start. */
  readonly problem: string | null;
} {
  const { [predecessorVariable]: told, ...rest } = environment;
  try {
    return {
      predecessor: predecessorOf({ [predecessorVariable]: told }),
      environment: rest,
      problem: null,
    };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { predecessor: null, environment: rest, problem };
  }
}

/** To be called at the start: by then the program's path still leads to this program. */
export function successorCommand({
  environment,
  workingDirectory,
}: Pick<CommandContext, "environment" | "workingDirectory">): SuccessorCommand {
  // WATCHDOG_PID names this process; without it the service manager watches whoever is the main one.
  const present = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[0] !== "WATCHDOG_PID",
  );
  const own = Bun.isStandaloneExecutable
    ? process.argv.slice(2)
    : [...process.execArgv, ...process.argv.slice(1)];
  return {
    argv: [programPath(environment, workingDirectory), ...own],
    env: Object.fromEntries(present),
    cwd: workingDirectory,
  };
}

/** As it was called, if that is a link to it: package managers point the link at the next version. */
function programPath(environment: Environment, workingDirectory: string): string {
  const { argv0, execPath } = process;
  const called = argv0.includes("/")
    ? resolve(workingDirectory, argv0)
    : findOnPath(argv0, environment["PATH"]);
  try {
    return called !== null && realpathSync(called) === realpathSync(execPath) ? called : execPath;
  } catch {
    // The link is gone by now.
    return execPath;
  }
}

/** The supervisor of this process, if one wants to know which process is the main one. */
type ServiceNotify = { handOver(pid: number): void; takeBack(): void };

type Restart = {
  readonly command: SuccessorCommand;
  readonly launcher: Launcher | null;
  readonly notifier: ServiceNotify | null;
};

/** Installed first, because without a listener the signal ends the process. A signal during the start is kept. */
export function listenForRestart() {
  let restart: (() => void) | null = null;
  let hasCome = false;
  const onSignal = (): void => {
    hasCome = true;
    restart?.();
  };
  if (process.platform !== "win32") process.on("SIGUSR2", onSignal);
  return {
    /** Settles with the exit code when a successor has everything; a restart that fails changes nothing. */
    untilHandedOver(app: App, { command, launcher, notifier }: Restart): Promise<number> {
      return new Promise((settle) => {
        restart = () => {
          const obstacle = restartObstacle(surroundingsOf(command.env, launcher));
          if (obstacle !== null) {
            app.refuseRestart(obstacle);
            return;
          }
          void app
            .handOver(command, {
              onSettled: (pid) => notifier?.handOver(pid),
              onOrphaned: () => notifier?.takeBack(),
            })
            .then((result) => {
              if (result === "ended") settle(exitCodes.ok);
              // A supervisor starts it again.
              if (result === "orphaned") settle(exitCodes.failed);
            });
        };
        if (hasCome) restart();
      });
    },
    stop: () => void process.off("SIGUSR2", onSignal),
  };
}
