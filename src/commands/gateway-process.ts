// The process of the running gateway, for commands that signal it. It must never be another process: numbers are reused, and differ in a
// container.

import { holdsDirectory } from "../system/directory-lock.ts";
import { readRunFile } from "../system/state-directory.ts";
import type { CommandContext } from "./command.ts";
import type { gatewayEnvironment } from "./gateway-options.ts";
import { findGateway } from "./running-gateway.ts";

/** The gateway's process number, or why no process may be signalled. */
export async function provenOwner(
  context: CommandContext,
  environment: ReturnType<typeof gatewayEnvironment>,
  directory: string,
): Promise<number | string> {
  const run = await readRunFile(directory).catch(() => null);
  const holds = run === null ? null : holdsDirectory(run.pid, directory);
  // It may be busy or hang: holding the directory's lock is enough.
  if (run !== null && holds === true) return run.pid;
  const found = await findGateway(context, environment, true);
  if ("why" in found) return found.why;
  if (run === null || holds === null) return found.pid;
  return `a gateway answers at ${found.url}, but process ${run.pid} of this machine is not it: it may run in a container or as another user. Do that where it was started`;
}
