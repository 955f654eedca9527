// Who started this process and would end with it, or end its successor: then it must not hand over, but be restarted by that one.

import { readFileSync } from "node:fs";
import type { CommandContext } from "./command.ts";
import type { Launcher } from "./launcher.ts";

export type Surroundings = {
  readonly environment: CommandContext["environment"];
  readonly launcher: Launcher | null;
  readonly pid: number;
  readonly parent: number;
  /** The name of the first process; null: unknown. */
  readonly firstProgram: string | null;
};

// They end with the one program that they started; so does a shell that starts it without `exec`.
const containerInits = /^(?:tini|docker-init|dumb-init|catatonit|podman-init|(?:ba|da|a)?sh|busybox)\b|\.sh$/;

/** Null: nothing stands in the way. Otherwise why not, and what to do instead. */
export function restartObstacle(surroundings: Surroundings): string | null {
  const { environment, launcher, pid, parent, firstProgram } = surroundings;
  if (launcher !== null)
    return "it was started by npm, which ends with this process: stop it and start it again";
  const isOfContainer = parent === 1 && firstProgram !== null && containerInits.test(firstProgram);
  if (pid === 1 || isOfContainer) return "its container ends with this process: restart the container";
  if (isMainOfService(surroundings) && (environment["NOTIFY_SOCKET"] ?? "") === "")
    return "its systemd unit ends with this process, because it is not of Type=notify: use systemctl restart";
  return null;
}

/** Before version 248, systemd did not say whom it had started. */
function isMainOfService({ environment, pid, parent }: Surroundings): boolean {
  const told = environment["SYSTEMD_EXEC_PID"];
  return told === undefined
    ? parent === 1 && environment["INVOCATION_ID"] !== undefined
    : told === String(pid);
}

export function surroundingsOf(
  environment: CommandContext["environment"],
  launcher: Launcher | null,
): Surroundings {
  return { environment, launcher, pid: process.pid, parent: process.ppid, firstProgram: firstProgram() };
}

function firstProgram(): string | null {
  try {
    return readFileSync("/proc/1/comm", "utf8").trim();
  } catch {
    // No Linux.
    return null;
  }
}
