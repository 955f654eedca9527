// The gateway as a service of launchd: an agent of the user's session, or a daemon of the machine.

import { dirname, join } from "node:path";
import { pause, systemClock } from "../system/clock.ts";
import { readTextIfExists } from "../system/files.ts";
import { launchdLabel, launchdPlist } from "./launchd-plist.ts";
import { ask, type Machine, type Scope, ServiceProblem, tell } from "./machine.ts";
import type { Manager, Service, ServiceState } from "./installed-service.ts";
import { planIn, serviceHome, type ServicePlan } from "./service-plan.ts";
import { takeSteps } from "./steps.ts";

export function launchdManager(machine: Machine): Manager {
  const unitPath = (scope: Scope): string =>
    scope === "system"
      ? `${machine.root}/Library/LaunchDaemons/${launchdLabel}.plist`
      : join(machine.homeDirectory, "Library", "LaunchAgents", `${launchdLabel}.plist`);
  const textOf = (plan: ServicePlan): string => {
    const home = plan.environment["HOME"] ?? machine.homeDirectory;
    return launchdPlist(plan, { logFolder: logFolder(home), workingFolder: logFolder(home) });
  };
  return {
    manager: "launchd",
    unitPath,
    unitText: (plan) => Promise.resolve(textOf(plan)),
    async unreachable(scope) {
      const said = await ask(machine, ["launchctl", "print", domain(machine, scope)]);
      if (said === null) return "there is no launchctl on PATH";
      if (said.code === 0) return null;
      return `launchd does not answer for ${domain(machine, scope)}: an agent needs a session on the Mac's screen, --system does not`;
    },
    notes: () => Promise.resolve([]),
    installSteps: (plan) =>
      Promise.resolve([
        { kind: "folder", path: logFolder(serviceHome(machine, plan.scope)), mode: 0o700 },
        ...(plan.user === null
          ? []
          : ([
              { kind: "run", argv: ["chown", plan.user, logFolder(serviceHome(machine, plan.scope))] },
            ] as const)),
        { kind: "folder", path: dirname(unitPath(plan.scope)), mode: 0o755 },
        { kind: "write", path: unitPath(plan.scope), text: textOf(plan), mode: 0o644 },
        // One that was disabled stays out otherwise.
        { kind: "run", argv: ["launchctl", "enable", target(machine, plan.scope)] },
      ]),
    async service(scope) {
      const text = await readTextIfExists(unitPath(scope));
      if (text === null) return null;
      const plan = planIn(text);
      return serviceOf(machine, {
        scope,
        plan,
        unitPath: unitPath(scope),
        text,
        wanted: plan === null ? text : textOf(plan),
      });
    },
  };
}

/** Beyond the ExitTimeOut of the property list. */
const unloadMs = 100_000;
const lookMs = 200;

const logFolder = (home: string): string => join(home, "Library", "Logs", "clawgate");
const domain = (machine: Machine, scope: Scope): string =>
  scope === "system" ? "system" : `gui/${machine.uid}`;
const target = (machine: Machine, scope: Scope): string => `${domain(machine, scope)}/${launchdLabel}`;

type PlistFile = {
  readonly scope: Scope;
  readonly plan: ServicePlan | null;
  readonly unitPath: string;
  readonly text: string;
  readonly wanted: string;
};

function serviceOf(machine: Machine, { scope, plan, unitPath, text, wanted }: PlistFile): Service {
  const name = target(machine, scope);
  const isLoaded = async (): Promise<boolean> =>
    (await ask(machine, ["launchctl", "print", name]))?.code === 0;
  const load = (): Promise<void> =>
    tell(machine, ["launchctl", "bootstrap", domain(machine, scope), unitPath]);
  const unload = async (): Promise<void> => {
    await tell(machine, ["launchctl", "bootout", name]);
    // It returns before the process has ended, and until then a new load fails with "Input/output error".
    const endMs = systemClock.monotonicMs() + unloadMs;
    while (await isLoaded()) {
      if (systemClock.monotonicMs() > endMs)
        throw new ServiceProblem(`launchd did not end ${launchdLabel} within ${unloadMs / 1000} s`);
      await pause(systemClock, lookMs);
    }
  };
  const home = plan?.environment["HOME"] ?? machine.homeDirectory;
  return {
    manager: "launchd",
    scope,
    unitPath,
    plan,
    unit: { isCurrent: text === wanted, text },
    async rewrite() {
      if (plan === null) throw new ServiceProblem(`${unitPath} was not written by clawgate service install`);
      if (text !== wanted)
        await takeSteps(machine, [{ kind: "write", path: unitPath, text: wanted, mode: 0o644 }]);
    },
    async start() {
      if (await isLoaded()) await tell(machine, ["launchctl", "kickstart", name]);
      else await load();
    },
    // Unloaded, because KeepAlive starts a loaded one again.
    stop: unload,
    async restart() {
      // launchd reads the file only when it is loaded.
      if (await isLoaded()) await unload();
      await load();
    },
    onlyNewStart: () => Promise.resolve("launchd starts another process as soon as the first one ends"),
    state: () => stateOf(machine, name),
    logArgv: (lines, follow) => [
      "tail",
      "-n",
      String(lines),
      ...(follow ? ["-F"] : []),
      join(logFolder(home), "clawgate.log"),
    ],
    uninstallSteps: [
      { kind: "run", argv: ["launchctl", "bootout", name], mayFail: true },
      { kind: "remove", path: unitPath },
      { kind: "remove", path: `${unitPath}.bak` },
    ],
  };
}

/** From the text of `launchctl print`, which is made for people: what it does not say is unknown. */
async function stateOf(machine: Machine, name: string): Promise<ServiceState> {
  const said = await ask(machine, ["launchctl", "print", name]);
  if (said === null) throw new ServiceProblem("there is no launchctl on PATH");
  const value = (key: string): string | null =>
    new RegExp(`^\\s*${key} = (.+)$`, "m").exec(said.stdout)?.[1] ?? null;
  const pid = Number(value("pid") ?? 0);
  const isActive = said.code === 0 && value("state") === "running";
  const lastExit = value("last exit code");
  const runs = Number(value("runs") ?? Number.NaN);
  return {
    word: said.code === 0 ? (value("state") ?? "loaded") : "not loaded",
    isActive,
    isEnabled: said.code === 0,
    pid: pid > 0 ? pid : null,
    since: null,
    detail: isActive || lastExit === null || lastExit.startsWith("(") ? null : `last exit code: ${lastExit}`,
    restarts: Number.isNaN(runs) ? null : Math.max(0, runs - 1),
  };
}
