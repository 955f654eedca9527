// The first program that the gateway runs inside a jail: it opens the ports that lead out, then runs the given program to its end
// with the same pipes. Not a command for users. It must never add an argument: the program is started as given.

import { insideCommand, probeCommand, runProbe } from "../system/jail-probe.ts";
import { runInTerminal } from "../system/process.ts";
import { forwardPorts } from "../system/port-forward.ts";
import { exitCodes } from "./command.ts";

export const isInsideJail = (word: string | undefined): boolean => word === insideCommand;

/** `3128=/run/clawgate/3128 … -- program arguments`. Returns the exit code. */
export async function runInsideJail(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const at = args.indexOf("--");
  if (at < 0 || at === args.length - 1) {
    process.stderr.write(
      "clawgate: inside-jail is internal: the gateway runs it, it is not meant for users\n",
    );
    return exitCodes.usage;
  }
  const ports = args.slice(0, at).map((each) => {
    const [port = "", path = ""] = each.split("=");
    return { port: Number(port), path };
  });
  const argv = args.slice(at + 1);
  await forwardPorts(ports);
  if (argv[0] === probeCommand) return runProbe(process.stdin, process.stdout);
  const { BUN_CONFIG_MAX_HTTP_REQUESTS: _ours, ...env } = environment;
  return (await runInTerminal(argv, { env, cwd: process.cwd() })) ?? killedCode;
}

/** As a shell reports a program that was killed. */
const killedCode = 137;
