// The gateway as a service of systemd, of the system's manager or of the user's own.

import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { accountOf } from "../system/accounts.ts";
import { readTextIfExists } from "../system/files.ts";
import { stateDirectory } from "../system/state-directory.ts";
import { carriedFile, isOnlyCarried } from "./environment-file.ts";
import { ask, type Machine, type Scope, serviceName, ServiceProblem, tell } from "./machine.ts";
import type { Manager, Service, ServiceState } from "./installed-service.ts";
import { planIn, type ServicePlan } from "./service-plan.ts";
import { type Step, takeSteps } from "./steps.ts";
import { systemdUnit } from "./systemd-unit.ts";

const unitName = `${serviceName}.service`;

export function systemdManager(machine: Machine): Manager {
  const configHome = machine.environment["XDG_CONFIG_HOME"] || join(machine.homeDirectory, ".config");
  const unitPath = (scope: Scope): string =>
    scope === "system"
      ? `${machine.root}/etc/systemd/system/${unitName}`
      : join(configHome, "systemd", "user", unitName);
  const stateFolderOf = ({ environment }: ServicePlan): string =>
    stateDirectory({ HOME: machine.homeDirectory, ...environment });
  const environmentFile = (scope: Scope): string =>
    scope === "system"
      ? `${machine.root}/etc/default/${serviceName}`
      : join(configHome, serviceName, "service.env");
  const unitText = async (plan: ServicePlan): Promise<string> =>
    systemdUnit(plan, {
      version: await systemdVersion(machine),
      root: machine.root,
      environmentFile: environmentFile(plan.scope),
      stateFolder: stateFolderOf(plan),
    });
  return {
    manager: "systemd",
    unitPath,
    unitText,
    unreachable: (scope) => whyUnreachable(machine, scope),
    notes: (scope) => lingerNotes(machine, scope),
    async installSteps(plan) {
      const { scope } = plan;
      const carried = await carriedFile(machine, scope, environmentFile(scope));
      return [
        ...(scope === "system"
          ? await systemUserSteps(machine)
          : ([{ kind: "folder", path: stateFolderOf(plan), mode: 0o700 }] as const)),
        { kind: "folder", path: dirname(unitPath(scope)), mode: 0o755 },
        ...(carried === null
          ? []
          : ([
              {
                kind: "folder",
                path: dirname(environmentFile(scope)),
                mode: scope === "system" ? 0o755 : 0o700,
              },
              { kind: "write", path: environmentFile(scope), text: carried, mode: 0o600 },
            ] as const)),
        { kind: "write", path: unitPath(scope), text: await unitText(plan), mode: 0o644 },
        { kind: "run", argv: [...systemctl(scope), "daemon-reload"] },
        { kind: "run", argv: [...systemctl(scope), "enable", unitName] },
      ];
    },
    async service(scope) {
      const text = await readTextIfExists(unitPath(scope));
      if (text === null) return null;
      const plan = planIn(text);
      const wanted = plan === null ? text : await unitText(plan);
      return serviceOf(machine, {
        scope,
        plan,
        unitPath: unitPath(scope),
        text,
        wanted,
        environmentFile: (await isOnlyCarried(environmentFile(scope))) ? environmentFile(scope) : null,
      });
    },
  };
}

const systemctl = (scope: Scope): readonly string[] =>
  scope === "user" ? ["systemctl", "--user"] : ["systemctl"];

async function systemdVersion(machine: Machine): Promise<number | null> {
  const said = await ask(machine, ["systemctl", "--version"]);
  const version = /^systemd (\d+)/.exec(said?.stdout ?? "")?.[1];
  return version === undefined ? null : Number(version);
}

async function whyUnreachable(machine: Machine, scope: Scope): Promise<string | null> {
  const said = await ask(machine, [...systemctl(scope), "show", "--property=Version"]);
  if (said === null) return "there is no systemctl on PATH: this system has another service manager, or none";
  if (said.code === 0 && said.stdout.includes("Version=")) return null;
  if (!existsSync(`${machine.root}/run/systemd/system`))
    return "systemd does not run here: this is a container, or a system with another init";
  const why = said.stderr.trim().split("\n")[0] ?? "";
  return scope === "user"
    ? `the user's own systemd cannot be reached (${why}). It runs while you are signed in; after su or sudo it is missing: sign in as that user, or run "loginctl enable-linger" and set XDG_RUNTIME_DIR=/run/user/$(id -u)`
    : `systemd cannot be reached (${why})`;
}

async function lingerNotes(machine: Machine, scope: Scope): Promise<readonly string[]> {
  if (scope === "system") return [];
  const user = String(machine.uid);
  const said = await ask(machine, ["loginctl", "show-user", user, "--property=Linger"]);
  if (said?.stdout.includes("Linger=yes") === true) return [];
  return [
    "lingering is off, so the service ends when you sign out and starts when you sign in. To have it run from the machine's start: loginctl enable-linger (or install with --linger)",
  ];
}

async function systemUserSteps(machine: Machine): Promise<readonly Step[]> {
  const isThere = (await accountOf(serviceName, machine.environment)) !== null;
  const make = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/var/lib/clawgate"];
  return [
    ...(isThere
      ? []
      : [{ kind: "run", argv: [...make, "--shell", "/usr/sbin/nologin", serviceName] } as const]),
    {
      kind: "run",
      argv: [
        "install",
        "-d",
        "-o",
        serviceName,
        "-g",
        serviceName,
        "-m",
        "0700",
        `${machine.root}/etc/clawgate`,
      ],
    },
  ];
}

type UnitFile = {
  readonly scope: Scope;
  readonly plan: ServicePlan | null;
  readonly unitPath: string;
  readonly text: string;
  readonly wanted: string;
  /** What `uninstall` may remove. */
  readonly environmentFile: string | null;
};

function serviceOf(machine: Machine, file: UnitFile): Service {
  const { scope, plan, unitPath, text, wanted, environmentFile } = file;
  const run = (...words: string[]): Promise<void> => tell(machine, [...systemctl(scope), ...words, unitName]);
  return {
    manager: "systemd",
    scope,
    unitPath,
    plan,
    unit: { isCurrent: text === wanted, text },
    async rewrite() {
      if (plan === null) throw new ServiceProblem(`${unitPath} was not written by clawgate service install`);
      if (text === wanted) return;
      await takeSteps(machine, [
        { kind: "write", path: unitPath, text: wanted, mode: 0o644 },
        { kind: "run", argv: [...systemctl(scope), "daemon-reload"] },
      ]);
    },
    async start() {
      // A service that failed too often is refused without it.
      await ask(machine, [...systemctl(scope), "reset-failed", unitName]);
      await run("start");
    },
    stop: () => run("stop"),
    async restart() {
      await ask(machine, [...systemctl(scope), "reset-failed", unitName]);
      const shown = await propertiesOf(machine, scope, ["NeedDaemonReload"]);
      if (shown.get("NeedDaemonReload") === "yes")
        await tell(machine, [...systemctl(scope), "daemon-reload"]);
      await run("restart");
    },
    onlyNewStart: () => whyOnlyNewStart(machine, scope, plan),
    state: () => stateOf(machine, scope),
    logArgv: (lines, follow) => [
      "journalctl",
      ...(scope === "user" ? ["--user"] : []),
      `--unit=${unitName}`,
      "--no-pager",
      "--output=cat",
      `--lines=${lines}`,
      ...(follow ? ["--follow"] : []),
    ],
    uninstallSteps: [
      { kind: "run", argv: [...systemctl(scope), "disable", "--now", unitName] },
      { kind: "remove", path: unitPath },
      { kind: "remove", path: `${unitPath}.bak` },
      ...(environmentFile === null
        ? []
        : [environmentFile, `${environmentFile}.bak`].map((path) => ({ kind: "remove", path }) as const)),
      { kind: "run", argv: [...systemctl(scope), "daemon-reload"] },
      { kind: "run", argv: [...systemctl(scope), "reset-failed", unitName], mayFail: true },
    ],
  };
}

const shownProperties = [
  "ActiveState",
  "SubState",
  "UnitFileState",
  "MainPID",
  "StatusText",
  "Result",
  "NRestarts",
  "ActiveEnterTimestamp",
  "ExecMainStatus",
];

/** Throws ServiceProblem. */
async function propertiesOf(
  machine: Machine,
  scope: Scope,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const argv = [...systemctl(scope), "show", unitName, `--property=${names.join(",")}`];
  const said = await ask(machine, argv);
  if (said === null || said.code !== 0)
    throw new ServiceProblem(
      `systemd does not say how the service is: ${said?.stderr.trim() ?? "no systemctl"}`,
    );
  const lines = said.stdout.split("\n").map((line) => {
    const at = line.indexOf("=");
    return [line.slice(0, at), line.slice(at + 1)] as const;
  });
  return new Map(lines);
}

/** A process that is handed over to has the variables and the limits of the one before it. */
async function whyOnlyNewStart(
  machine: Machine,
  scope: Scope,
  plan: ServicePlan | null,
): Promise<string | null> {
  if (plan === null) return "its unit was not written by clawgate service install";
  // In one time zone, and with the name of the day before it.
  const inUtc = { ...machine, environment: { ...machine.environment, TZ: "UTC" } };
  const names = [
    "ActiveEnterTimestamp",
    "FragmentPath",
    "DropInPaths",
    "EnvironmentFiles",
    "NeedDaemonReload",
  ];
  const shown = await propertiesOf(inUtc, scope, names);
  const started = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/.exec(shown.get("ActiveEnterTimestamp") ?? "")?.[0];
  if (started === undefined) return "it is not known since when it runs";
  if (shown.get("NeedDaemonReload") === "yes") return "its unit was changed since it was started";
  const paths = [shown.get("FragmentPath"), shown.get("DropInPaths"), shown.get("EnvironmentFiles")]
    .flatMap((words) => (words ?? "").split(" "))
    .filter((word) => word.startsWith("/"));
  const fragment = shown.get("FragmentPath") ?? "";
  for (const path of [...paths, `${fragment}.d`]) {
    const changed = await stat(path).catch(() => null);
    if (changed !== null && Math.floor(changed.mtimeMs / 1000) > Date.parse(started) / 1000)
      return `${path} was changed since it was started`;
  }
  return null;
}

async function stateOf(machine: Machine, scope: Scope): Promise<ServiceState> {
  const values = await propertiesOf(machine, scope, shownProperties);
  const value = (name: string): string | null => values.get(name) || null;
  const pid = Number(value("MainPID") ?? 0);
  const result = value("Result");
  const ended =
    result === null || result === "success"
      ? null
      : `ended: ${result}, exit code ${value("ExecMainStatus") ?? "unknown"}`;
  const word = value("ActiveState") ?? "unknown";
  const isActive = word === "active" || word === "reloading";
  return {
    word: value("SubState") === null ? word : `${word} (${value("SubState")})`,
    isActive,
    isEnabled: value("UnitFileState") === null ? null : value("UnitFileState") === "enabled",
    pid: pid > 0 ? pid : null,
    since: isActive ? value("ActiveEnterTimestamp") : null,
    detail: isActive ? value("StatusText") : (ended ?? value("StatusText")),
    restarts: value("NRestarts") === null ? null : Number(value("NRestarts")),
  };
}
