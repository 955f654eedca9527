// argv -> command -> exit code. First of all the process raises the runtime's limit of parallel requests, which only a new process
// can.

import { homedir } from "node:os";
import { isInsideJail, runInsideJail } from "./commands/inside-jail.ts";

// Bun reads this limit once, at its start, and queues every further upstream request silently.
const requestLimit = "BUN_CONFIG_MAX_HTTP_REQUESTS";

if (process.env[requestLimit] === undefined && process.platform !== "win32" && process.execve !== undefined) {
  // From the sources the runtime's own flags come first: without --no-env-file it would read a folder's `.env` before us.
  const own = Bun.isStandaloneExecutable
    ? process.argv.slice(2)
    : [...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, [process.argv0, ...own], {
    ...environmentOf(process.env),
    [requestLimit]: "65336",
  });
}

function environmentOf(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const present = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return Object.fromEntries(present);
}

// fetch would send even loopback through these; which upstream gets which proxy is decided in system/proxy.ts.
const environment = environmentOf(process.env);
for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]) {
  delete process.env[name];
  delete process.env[name.toLowerCase()];
}

// A jail needs only this part, and quickly: the rest of the program is not loaded for it.
if (isInsideJail(process.argv[2])) process.exit(await runInsideJail(process.argv.slice(3), environment));
const { dispatch } = await import("./commands/dispatch.ts");

process.exitCode = await dispatch({
  args: process.argv.slice(2),
  environment,
  workingDirectory: process.cwd(),
  homeDirectory: environment["HOME"] || homedir(),
  stdout: process.stdout,
  stderr: process.stderr,
});
// Timers of dependencies must not keep a finished command alive.
process.exit();
