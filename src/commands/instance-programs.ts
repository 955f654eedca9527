// The programs by which a command asks OpenClaw instances: `openclaw` and `docker` of PATH. Arguments only, never a shell.

import type { InstancePrograms } from "../openclaw/instance-program.ts";
import { childEnvironment, findOnPath, runCommand } from "../system/process.ts";
import type { CommandContext } from "./command.ts";
import { dockerOf } from "./instance-search.ts";

const openclawMs = 60_000;

export function programsOf(context: Pick<CommandContext, "environment">): InstancePrograms {
  const { environment } = context;
  const program = findOnPath("openclaw", environment["PATH"]);
  return {
    docker: dockerOf(context, openclawMs),
    openclaw:
      program === null
        ? null
        : (args, variables, user = null) =>
            // Not in the working directory: OpenClaw would read its `.env`.
            runCommand([program, ...args], {
              timeoutMs: openclawMs,
              env: childEnvironment(environment, variables),
              cwd: "/",
              user,
            }),
  };
}
