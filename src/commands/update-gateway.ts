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

/** Where the gateway of a running service is: that of the machine has a state directory of its own. Null: no service is active. */
export async function placeOfService(place: GatewayPlace, program: string): Promise<GatewayPlace | null> {
  // Whoever names a state directory means that one.
  if (place.environment["CLAWGATE_STATE_DIR"]) return null;
  for (const scope of scopes()) {
    const status = parsed((await place.run(program, ["service", "status", scope, "--json"])).stdout);
    const directory = memberOf(status, "state_dir");
    if (memberOf(memberOf(status, "state"), "isActive") !== true || typeof directory !== "string") continue;
    const environment = { ...place.environment, CLAWGATE_STATE_DIR: directory };
    return { ...place, environment, run: ownProgramRunner(place.context, environment) };
  }
  return null;
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

/** A service that does not run now has a unit nevertheless. */
export const withoutGateway = (place: GatewayPlace): GatewayControl => ({
  look: () => Promise.resolve(null),
  refreshUnits: (program) => refreshUnits(place, program),
  restart: () => Promise.resolve({ kind: "by-hand", why: "no gateway runs" }),
});

/** Words for systemctl: whose unit was restarted here. */
type KnownUnit = { manager: readonly string[] | null };

export function gatewayControl(place: GatewayPlace, stateDirectory: string): GatewayControl {
  // A version that does not start leaves no gateway that would show whose it was.
  const unit: KnownUnit = { manager: null };
  return {
    look: () => lookAt(place),
    refreshUnits: (program) => refreshUnits(place, program),
    restart: (program) => restartGateway(place, { program, stateDirectory, unit }),
  };
}

/** Done by the program that now lies there: another version does not know its text. */
async function refreshUnits({ run }: GatewayPlace, program: string): Promise<readonly string[]> {
  const notes: string[] = [];
  for (const scope of scopes()) {
    const status = parsed((await run(program, ["service", "status", scope, "--json"])).stdout);
    const installed = memberOf(status, "unit");
    // One that somebody wrote or changed by hand is left alone.
    if (memberOf(installed, "written_by_clawgate") !== true || memberOf(installed, "is_current") !== false)
      continue;
    const written = await run(program, ["service", "install", "--as-installed", scope, "--json"], serviceMs);
    const unit = String(memberOf(installed, "path"));
    notes.push(
      written.code === 0
        ? `${unit} was written anew for this version; what it sets for the process holds from the service's next stop and start`
        : `${unit} was not written anew: ${lastLine(written)}`,
    );
  }
  return notes;
}

/** A user cannot write the machine's units, and then the program is not that user's either. */
const scopes = (): readonly string[] => (process.getuid?.() === 0 ? ["--user", "--system"] : ["--user"]);

const lastLine = ({ stderr }: CommandResult): string => stderr.trim().split("\n").at(-1)?.slice(0, 300) ?? "";

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
  { program, stateDirectory, unit }: { program: string; stateDirectory: string; unit: KnownUnit },
): Promise<Restarted> {
  unit.manager ??= await unitOfGateway(place);
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
  if (memberOf(answer, "tried") === true) return { kind: "failed", why: reason };
  const byManager = process.platform === "darwin" ? restartAgent(place, program) : restartUnit(place, unit);
  return (await byManager) ?? { kind: "by-hand", why: `${reason}; stop it and start it again` };
}

/** Null: no service of launchd runs the gateway. */
async function restartAgent(place: GatewayPlace, program: string): Promise<Restarted | null> {
  const { context, environment, run } = place;
  const found = await findGateway(context, environment, true);
  if ("why" in found) return null;
  for (const scope of scopes()) {
    const status = parsed((await run(program, ["service", "status", scope, "--json"])).stdout);
    if (memberOf(memberOf(status, "state"), "pid") !== found.pid) continue;
    const restarted = await run(program, ["service", "restart", scope, "--json"], serviceMs);
    return restarted.code === 0
      ? { kind: "restarted", how: `clawgate service restart ${scope}` }
      : { kind: "failed", why: `its service was not restarted: ${lastLine(restarted)}` };
  }
  return null;
}

type Systemctl = (args: readonly string[], timeoutMs: number) => Promise<CommandResult>;

/** Null: there is none. */
function systemctlOf({ context }: GatewayPlace): Systemctl | null {
  const systemctl = findOnPath("systemctl", context.environment["PATH"]);
  if (systemctl === null) return null;
  const env = Object.fromEntries(
    ["PATH", "HOME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "LANG"].flatMap((name) => {
      const value = context.environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return (args, timeoutMs) => runCommand([systemctl, ...args], { timeoutMs, env });
}

/** Also one that somebody wrote by hand. Null: no service of systemd runs the gateway. */
async function unitOfGateway(place: GatewayPlace): Promise<readonly string[] | null> {
  const call = process.platform === "darwin" ? null : systemctlOf(place);
  const found = call === null ? null : await findGateway(place.context, place.environment, true);
  if (call === null || found === null || "why" in found) return null;
  for (const manager of [["--user"], []]) {
    const shown = await call([...manager, "show", unitName, "--property=MainPID", "--value"], 10_000);
    if (shown.code === 0 && shown.stdout.trim() === String(found.pid)) return manager;
  }
  return null;
}

/** Null: no service of systemd runs the gateway. */
async function restartUnit(place: GatewayPlace, { manager }: KnownUnit): Promise<Restarted | null> {
  const systemctl = systemctlOf(place);
  if (manager === null || systemctl === null) return null;
  await systemctl([...manager, "daemon-reload"], 30_000);
  // One that failed too often is refused without it.
  await systemctl([...manager, "reset-failed", unitName], 10_000);
  const restarted = await systemctl([...manager, "restart", unitName], serviceMs);
  if (restarted.code !== 0)
    return {
      kind: "failed",
      why: `systemctl restart ${unitName} failed: ${restarted.stderr.trim().slice(0, 300)}`,
    };
  await pause(systemClock, 200);
  return { kind: "restarted", how: `systemctl ${[...manager, "restart", unitName].join(" ")}` };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
