// How `clawgate update` sees and restarts the gateway that runs the program which it replaces. It must never restart a process of
// another program, nor one that nothing would start again.

import { readlink } from "node:fs/promises";
import type { GatewayControl, Restarted } from "../updates/updater.ts";
import type { GatewayState } from "../updates/health-gate.ts";
import { type CommandResult, findOnPath, runCommand } from "../system/process.ts";
import { systemClock, pause } from "../system/clock.ts";
import type { Environment } from "../system/state-directory.ts";
import type { CommandContext } from "./command.ts";
import { findGateway, GatewayProblem, memberOf, type RunningGateway } from "./running-gateway.ts";

const restartMs = 60_000;
const serviceMs = 120_000;
const unitName = "clawgate.service";

export type OwnProgram = (
  program: string,
  args: readonly string[],
  timeoutMs?: number,
) => Promise<CommandResult>;

/** Our own program, with the variables of this terminal, since the config may refer to them; without those that the runtime obeys. */
export function ownProgramRunner(context: CommandContext, environment: Environment): OwnProgram {
  const env = Object.fromEntries(
    Object.entries({ ...context.environment, ...environment }).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !/^(?:BUN_.*|NODE_OPTIONS|LD_PRELOAD|DYLD_.*)$/.test(entry[0]),
    ),
  );
  return (program, args, timeoutMs = 30_000) =>
    runCommand([program, ...args], { timeoutMs, env, cwd: context.workingDirectory });
}

export type GatewayPlace = {
  readonly context: CommandContext;
  readonly environment: Environment;
  readonly run: OwnProgram;
};

/** The gateway of this state directory if it runs this program; null: none does. */
export async function ownGateway(place: GatewayPlace, program: string): Promise<RunningGateway | null> {
  const found = await findGateway(place.context, place.environment, true);
  if ("why" in found) return null;
  if (process.platform !== "linux") return found;
  // Another user's process does not show it.
  const running = await readlink(`/proc/${found.pid}/exe`).catch(() => null);
  // A process keeps its file when another one takes the name, as after an update that could not restart it.
  return running === program || running === `${program} (deleted)` ? found : null;
}

/** The config that the running gateway was started with, for the examination of another version. */
export async function configArgumentsOf(gateway: RunningGateway | null): Promise<readonly string[]> {
  if (gateway === null) return [];
  try {
    const { status, body } = await gateway.ask({ method: "GET", path: "/api/config" });
    const path = status === 200 ? memberOf(body, "path") : null;
    return typeof path === "string" ? ["--config", path] : [];
  } catch (thrown) {
    if (!(thrown instanceof GatewayProblem)) throw thrown;
    return [];
  }
}

export const noGateway: GatewayControl = {
  look: () => Promise.resolve(null),
  refreshUnits: () => Promise.resolve([]),
  restart: () => Promise.resolve({ kind: "by-hand", why: "no gateway runs" }),
};

export function gatewayControl(place: GatewayPlace, stateDirectory: string): GatewayControl {
  return {
    look: () => lookAt(place),
    async refreshUnits(program) {
      const asked = await place.run(program, ["service", "refresh", "--json"]);
      const rewritten = asked.code === 0 ? memberOf(parsed(asked.stdout), "rewritten") : [];
      if (!Array.isArray(rewritten)) return [];
      return rewritten
        .filter((path) => typeof path === "string")
        .map((path) => `${path} was written anew for this version`);
    },
    restart: (program) => restartGateway(place, program, stateDirectory),
  };
}

async function lookAt({ context, environment }: GatewayPlace): Promise<GatewayState | null> {
  const found = await findGateway(context, environment, true);
  if ("why" in found) return null;
  let health: unknown;
  try {
    health = (await found.ask({ method: "GET", path: "/health", timeoutMs: 5_000 })).body;
  } catch (thrown) {
    if (!(thrown instanceof GatewayProblem)) throw thrown;
    return null;
  }
  const providers = Object.entries((memberOf(health, "providers") as object | undefined) ?? {});
  const idsWhere = (isHealthy: boolean): string[] =>
    providers.filter(([, each]) => (memberOf(each, "healthy") === true) === isHealthy).map(([id]) => id);
  return {
    pid: found.pid,
    version: String(memberOf(health, "version")),
    status: String(memberOf(health, "status")),
    healthy: idsWhere(true),
    unhealthy: idsWhere(false),
  };
}

/** Handed over without losing a request; where the gateway cannot do that, its service is restarted. */
async function restartGateway(
  place: GatewayPlace,
  program: string,
  stateDirectory: string,
): Promise<Restarted> {
  const seconds = String(restartMs / 1000);
  const asked = await place.run(
    program,
    ["restart", "--json", "--timeout", seconds, "--state-dir", stateDirectory],
    restartMs + 10_000,
  );
  const answer = parsed(asked.stdout);
  if (memberOf(answer, "restarted") === true) return { kind: "restarted", how: "no request was lost" };
  const why = memberOf(answer, "why");
  const reason = typeof why === "string" ? why : "this version cannot hand over to another process";
  // It tried, and the new program did not get as far as serving.
  if (/goes on as before|not restarted within/.test(reason)) return { kind: "failed", why: reason };
  return (await restartService(place)) ?? { kind: "by-hand", why: `${reason}; stop it and start it again` };
}

/** Null: no service of systemd runs the gateway. */
async function restartService(place: GatewayPlace): Promise<Restarted | null> {
  const { context, environment } = place;
  const systemctl = findOnPath("systemctl", context.environment["PATH"]);
  const found = await findGateway(context, environment, true);
  if (systemctl === null || "why" in found) return null;
  for (const manager of [["--user"], []]) {
    const env = Object.fromEntries(
      ["PATH", "HOME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "LANG"].flatMap((name) => {
        const value = context.environment[name];
        return value === undefined ? [] : [[name, value]];
      }),
    );
    const call = (args: readonly string[], timeoutMs: number): Promise<CommandResult> =>
      runCommand([systemctl, ...manager, ...args], { timeoutMs, env });
    const shown = await call(["show", unitName, "--property=MainPID", "--value"], 10_000);
    if (shown.code !== 0 || shown.stdout.trim() !== String(found.pid)) continue;
    await call(["daemon-reload"], 30_000);
    const restarted = await call(["restart", unitName], serviceMs);
    if (restarted.code !== 0)
      return {
        kind: "failed",
        why: `systemctl restart ${unitName} failed: ${restarted.stderr.trim().slice(0, 300)}`,
      };
    await pause(systemClock, 200);
    return { kind: "restarted", how: `systemctl ${[...manager, "restart", unitName].join(" ")}` };
  }
  return null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
