// The services of this program on this machine, and the manager that has them.

import { launchdManager } from "./launchd.ts";
import { type Machine, ServiceProblem } from "./machine.ts";
import type { Manager, Service } from "./installed-service.ts";
import { systemdManager } from "./systemd.ts";

/** Throws ServiceProblem on a system that has neither. */
export function managerOf(machine: Machine): Manager {
  if (machine.platform === "linux") return systemdManager(machine);
  if (machine.platform === "darwin") return launchdManager(machine);
  throw new ServiceProblem(
    "services are written for systemd (Linux) and launchd (macOS). Here, let the system's own scheduler run: clawgate serve",
  );
}

/** Of the machine and of the user who asks; other users' own services are not visible. */
export async function installedServices(machine: Machine): Promise<readonly Service[]> {
  const manager = managerOf(machine);
  const found = await Promise.all((["user", "system"] as const).map((scope) => manager.service(scope)));
  return found.filter((each) => each !== null);
}
