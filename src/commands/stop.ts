// `clawgate stop`: stops the running gateway cleanly and waits for it. It must never signal a process that is not proven to be the
// gateway that owns the state directory: process numbers are reused, and differ in a container.

import { systemClock, pause } from "../system/clock.ts";
import { isAlive } from "../system/process.ts";
import { startTimeOf } from "../system/process-table.ts";
import { stateDirectory } from "../system/state-directory.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { gatewayEnvironment, gatewayOptionsHelp, gatewayOptions } from "./gateway-options.ts";
import { provenOwner } from "./gateway-process.ts";
import { readOptions } from "./options.ts";

const help = `Usage: clawgate stop [options]

Stops the running gateway: new requests are refused, running requests may finish. Those still running after the timeout
are cut off; a gateway that does not stop even then is killed. Returns when it has stopped.
Exit code 0: it has stopped. 1: none was running, or it could not be stopped.

Options:
  --timeout S     seconds for running requests (default 60; server.drain_s also applies; 0: cut them off now)
  --json          the result as JSON
${gatewayOptionsHelp}`;

const usualSeconds = 60;
/** For the last answers and records, once requests were cut off. */
const cutOffGraceMs = 6_000;
const resendMs = 2_000;
const lookMs = 50;

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "stop", { ...gatewayOptions, timeout: { type: "string" } });
  if ("usage" in read) return read.usage;
  const { timeout = String(usualSeconds), json } = read.values;
  const environment = gatewayEnvironment(context, read.values);
  const directory = stateDirectory(environment);
  const refuse = (why: string): number => {
    if (json) context.stdout.write(`${JSON.stringify({ stopped: false, why }, null, 2)}\n`);
    else context.stderr.write(`clawgate: ${why}.\n`);
    return exitCodes.failed;
  };
  if (process.platform === "win32")
    return refuse(
      "on Windows no program can ask another one to end: press Ctrl+C in the gateway's window, or end it in the Task Manager",
    );
  const owner = await provenOwner(context, environment, directory);
  if (typeof owner === "string") return refuse(owner);
  const beganMs = systemClock.monotonicMs();
  const how = await end(owner, Number(timeout) * 1000);
  if (how === null) return refuse(`process ${owner} could not be stopped`);
  const tookS = Math.round((systemClock.monotonicMs() - beganMs) / 100) / 10;
  if (json)
    context.stdout.write(`${JSON.stringify({ stopped: true, pid: owner, how, took_s: tookS }, null, 2)}\n`);
  else context.stdout.write(`${endings[how]} (process ${owner}, ${tookS} s).\n`);
  return exitCodes.ok;
}

const endings = {
  drained: "The gateway has stopped",
  "cut-off": "The gateway has stopped; requests still running were cut off",
  killed: "The gateway did not stop and was killed",
} as const;

/** Null: it still runs. */
async function end(pid: number, timeoutMs: number): Promise<keyof typeof endings | null> {
  const startTime = await startTimeOf(pid);
  const isOver = async (): Promise<boolean> =>
    startTime === null ? !isAlive(pid) : (await startTimeOf(pid)) !== startTime;
  const within = async (limitMs: number): Promise<boolean> => {
    const endMs = systemClock.monotonicMs() + limitMs;
    while (!(await isOver())) {
      if (systemClock.monotonicMs() >= endMs) return false;
      await pause(systemClock, lookMs);
    }
    return true;
  };
  const signal = async (name: "SIGTERM" | "SIGKILL"): Promise<void> => {
    // Checked again: another process may have this number now.
    if (!(await isOver())) process.kill(pid, name);
  };
  try {
    await signal("SIGTERM");
    if (await within(timeoutMs)) return "drained";
    // More than once: under npm, a signal within a second of the first counts as the same.
    for (let leftMs = cutOffGraceMs; leftMs > 0; leftMs -= resendMs) {
      await signal("SIGTERM");
      if (await within(resendMs)) return "cut-off";
    }
    await signal("SIGKILL");
    return (await within(cutOffGraceMs)) ? "killed" : null;
  } catch {
    // EPERM, or it ended in between.
    return (await isOver()) ? "drained" : null;
  }
}

export const stop: Command = { name: "stop", summary: "stop the running gateway", help, run };
