// The last lines that the service wrote, as the manager keeps them.

import { ask, type Machine } from "../../supervisor/machine.ts";
import type { Service } from "../../supervisor/installed-service.ts";

/** Empty: none, or the log cannot be read. */
export async function lastLines(
  machine: Machine,
  service: Service,
  count: number,
): Promise<readonly string[]> {
  const said = await ask(machine, service.logArgv(count, false));
  const lines = (said?.stdout ?? "").split("\n").filter((line) => line.trim() !== "");
  return lines.filter((line) => line !== "-- No entries --").slice(-count);
}
