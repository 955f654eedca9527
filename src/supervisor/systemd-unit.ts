// The text of the systemd unit: a pure function of the plan and of systemd's version. It must never contain a key.

import { ServiceProblem } from "./machine.ts";
import { planComment, serveWords, type ServicePlan, stopWords } from "./service-plan.ts";

export type SystemdFacts = {
  /** Null: unknown; the unit then reloads and restarts as older ones can. */
  readonly version: number | null;
  readonly root: string;
  /** Absolute; it need not exist. */
  readonly environmentFile: string;
  readonly stateFolder: string;
};

const notifyReloadSince = 253;
const restartStepsSince = 254;

/** `%` begins a specifier, `"` and `\` are quoting. */
const quoted = (text: string): string =>
  `"${text
    .replaceAll("\\", "\\\\")
    .replaceAll('"', String.raw`\"`)
    .replaceAll("%", "%%")}"`;
const word = (text: string): string => (/^[A-Za-z0-9_./:@+=-]+$/.test(text) ? text : quoted(text));

/** `$` begins a variable in arguments, not in the program's path. */
const commandLine = ([program = "", ...args]: readonly string[]): string =>
  [word(program), ...args.map((each) => word(each).replaceAll("$", "$$$$"))].join(" ");

export function systemdUnit(plan: ServicePlan, facts: SystemdFacts): string {
  const isSystem = plan.scope === "system";
  const lines = [
    "# Written by `clawgate service install`, and again by an update that changes it. Your own settings belong in a drop-in:",
    `# systemctl ${isSystem ? "" : "--user "}edit clawgate.service`,
    `# ${planComment(plan)}`,
    "[Unit]",
    "Description=ClawGate, a gateway between AI clients and AI models",
    ...(isSystem ? ["Wants=network-online.target", "After=network-online.target"] : []),
    "StartLimitIntervalSec=300",
    "StartLimitBurst=20",
    "",
    "[Service]",
    ...processLines(plan, facts),
    // Not the home: a config.yaml that lies there for another program would be found.
    `WorkingDirectory=-${facts.stateFolder.replaceAll("%", "%%")}`,
    ...(isSystem ? systemHardening(facts.root) : userHardening),
    "",
    "[Install]",
    `WantedBy=${isSystem ? "multi-user.target" : "default.target"}`,
    "",
  ];
  // A line break in a variable would begin a setting of its own.
  if (lines.some((line) => /\p{Cc}/u.test(line)))
    throw new ServiceProblem("a path or a variable with a control character cannot be written into a unit");
  return lines.join("\n");
}

function processLines(plan: ServicePlan, { version, environmentFile }: SystemdFacts): readonly string[] {
  const signalsReload = version !== null && version >= notifyReloadSince;
  return [
    `Type=${signalsReload ? "notify-reload" : "notify"}`,
    // A process that was handed over to is the main one, and must be able to say that it is not any more.
    "NotifyAccess=all",
    `ExecStart=${commandLine([...plan.program, ...serveWords, ...plan.args])}`,
    // systemd waits for no process that it did not start itself, as after a restart without a lost request: this command does.
    `ExecStop=-${commandLine([...plan.program, ...stopWords, ...plan.args])}`,
    ...(signalsReload ? [] : ["ExecReload=/bin/kill -HUP $MAINPID"]),
    ...Object.entries(plan.environment).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`),
    `EnvironmentFile=-${environmentFile.replaceAll("%", "%%")}`,
    "WatchdogSec=30",
    // A process that hangs ends at once; what it had in memory is not written to a disk.
    "TimeoutAbortSec=5",
    "LimitCORE=0",
    // The gateway itself asks for more while requests run (server.drain_s).
    "TimeoutStopSec=90",
    "KillMode=mixed",
    "Restart=on-failure",
    "RestartSec=2",
    ...(version !== null && version >= restartStepsSince ? ["RestartSteps=6", "RestartMaxDelaySec=60"] : []),
    "RestartPreventExitStatus=64 78",
    "LimitNOFILE=65536",
    "TasksMax=4096",
    "UMask=0077",
  ];
}

/** Without namespaces of its own: Claude Code's sign-in is in the home, its jail makes namespaces, its tools write to projects. */
const userHardening: readonly string[] = [
  "NoNewPrivileges=yes",
  "LockPersonality=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "SystemCallArchitectures=native",
];

function systemHardening(root: string): readonly string[] {
  return [
    "User=clawgate",
    "Group=clawgate",
    "StateDirectory=clawgate",
    "StateDirectoryMode=0700",
    "ConfigurationDirectory=clawgate",
    "ConfigurationDirectoryMode=0700",
    // The dashboard edits the config.
    `ReadWritePaths=-${root}/etc/clawgate`,
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectProc=invisible",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "RemoveIPC=yes",
    "KeyringMode=private",
    "SystemCallArchitectures=native",
    // No MemoryDenyWriteExecute: the engine compiles JavaScript to machine code.
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged",
    "SystemCallErrorNumber=EPERM",
  ];
}
