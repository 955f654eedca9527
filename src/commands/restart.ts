// `clawgate restart`: the running gateway is replaced by a new process of the program at its path, and no request is lost. It must never
// signal a process that does not listen to the signal: it would end.

import { readFile } from "node:fs/promises";
import { pause, systemClock } from "../system/clock.ts";
import { holdsDirectory } from "../system/directory-lock.ts";
import { restartFile } from "../app/handover/handover.ts";
import { readRunFile, stateDirectory } from "../system/state-directory.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { gatewayEnvironment, gatewayOptions, gatewayOptionsHelp } from "./gateway-options.ts";
import { provenOwner } from "./gateway-process.ts";
import { readOptions } from "./options.ts";
import { plain } from "./terminal.ts";

const help = `Usage: clawgate restart [options]

Replaces the running gateway by a new process of the program that now lies at its path, as after an update. No request is
lost: the new process takes over the port, the state directory and what tenants have spent; the old one ends its running
requests (server.drain_s). If the new process cannot start, the old one goes on as before, and the reason is printed.
Linux; elsewhere, and under npm start, stop the gateway and start it again.
Exit code 0: the new process serves. 1: it does not, or no gateway was running.

Options:
  --timeout S     seconds to wait for the new process (default 60)
  --json          the result as JSON
${gatewayOptionsHelp}`;

const usualSeconds = 60;
const lookMs = 100;
/** Between two signals, for a gateway that was about to listen for them. */
const noticeMs = 2_000;

/** `wasTried`: a new process was asked for, and did not get as far as serving. */
export type RestartOutcome = { readonly pid: number } | { readonly why: string; readonly wasTried: boolean };

async function run(context: CommandContext): Promise<number> {
  const read = readOptions(context, "restart", { ...gatewayOptions, timeout: { type: "string" } });
  if ("usage" in read) return read.usage;
  const { timeout = String(usualSeconds), json } = read.values;
  const environment = gatewayEnvironment(context, read.values);
  const directory = stateDirectory(environment);
  const beganMs = systemClock.monotonicMs();
  const outcome = await restartGateway(context, environment, Number(timeout) * 1000);
  const tookS = Math.round((systemClock.monotonicMs() - beganMs) / 100) / 10;
  if ("why" in outcome) {
    const { why, wasTried } = outcome;
    const answer = { restarted: false, state_dir: directory, tried: wasTried, why };
    if (json) context.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    else context.stderr.write(`clawgate: ${plain(why)}.\n`);
    return exitCodes.failed;
  }
  const { pid } = outcome;
  if (json)
    context.stdout.write(
      `${JSON.stringify({ restarted: true, state_dir: directory, pid, took_s: tookS }, null, 2)}\n`,
    );
  else context.stdout.write(`The gateway was restarted (process ${pid}, ${tookS} s).\n`);
  return exitCodes.ok;
}

const untried = (why: string): RestartOutcome => ({ why, wasTried: false });

/** The gateway of this state directory hands over to a new process. */
export async function restartGateway(
  context: CommandContext,
  environment: ReturnType<typeof gatewayEnvironment>,
  timeoutMs = usualSeconds * 1000,
): Promise<RestartOutcome> {
  const directory = stateDirectory(environment);
  if (process.platform !== "linux")
    return untried(
      "a running gateway can hand over to a new process only on Linux: stop it and start it again",
    );
  const owner = await provenOwner(context, environment, directory);
  if (typeof owner === "string") return untried(owner);
  const before = await failureIn(directory);
  const endMs = systemClock.monotonicMs() + timeoutMs;
  if (!(await catchesRestart(owner)))
    return untried(
      `process ${owner} cannot hand over: it is an older version, or not ready yet. Stop it and start it again`,
    );
  try {
    process.kill(owner, "SIGUSR2");
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return untried(`process ${owner} could not be signalled (${detail})`);
  }
  while (systemClock.monotonicMs() < endMs) {
    const run = await readRunFile(directory).catch(() => null);
    if (run !== null && run.pid !== owner && holdsDirectory(run.pid, directory) !== false)
      if (await answers(run.url)) return { pid: run.pid };
    const failure = await failureIn(directory);
    if (failure !== null && failure.text !== before?.text && failure.pid === owner)
      return {
        why: `the gateway was not restarted and goes on as before: ${failure.why}`,
        wasTried: failure.wasTried,
      };
    await pause(systemClock, lookMs);
  }
  return {
    wasTried: true,
    why: `the gateway was not restarted within ${Math.round(timeoutMs / 1000)} s; "clawgate logs" shows what it said`,
  };
}

/** Whether a handler is installed for the signal, which otherwise ends the process (proc(5): SigCgt, one bit a signal). */
async function catchesRestart(pid: number): Promise<boolean> {
  const bit = 1n << 11n;
  const endMs = systemClock.monotonicMs() + noticeMs;
  for (;;) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1];
    if (caught !== undefined && (BigInt(`0x${caught}`) & bit) !== 0n) return true;
    if (systemClock.monotonicMs() >= endMs) return false;
    await pause(systemClock, lookMs);
  }
}

type FoundFailure = {
  readonly pid: number;
  readonly why: string;
  readonly wasTried: boolean;
  readonly text: string;
};

async function failureIn(directory: string): Promise<FoundFailure | null> {
  try {
    const text = await readFile(restartFile(directory), "utf8");
    const { pid, why, tried } = JSON.parse(text) as Partial<Record<string, unknown>>;
    if (typeof pid !== "number" || typeof why !== "string") return null;
    return { pid, why, wasTried: tried !== false, text };
  } catch {
    // There is none, as after every restart that succeeded.
    return null;
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000), redirect: "manual" });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    // Not yet.
    return false;
  }
}

export const restart: Command = {
  name: "restart",
  summary: "replace the running gateway by a new process, without losing a request",
  help,
  run,
};
