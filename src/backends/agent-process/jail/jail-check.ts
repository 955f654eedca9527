// Checks whether a jail keeps its guarantees: our own process tests each one from inside, against the real files, sockets and
// ports of this machine. It must never change anything, nor trust the argument list.

import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { UserIds } from "../../../system/accounts.ts";
import { fileIdentityOf, namespaceOf, probeCommand, type ProbeCheck } from "../../../system/jail-probe.ts";
import { runCommand } from "../../../system/process.ts";
import type { JailSettings } from "./bubblewrap.ts";
import { type GuardedPath, isWithin, realPathOf } from "./path-policy.ts";
import { proxyPortOf } from "./jail-egress.ts";
import type { JailRuntime } from "./jail-runtime.ts";

/** For people: each is a line of `clawgate doctor`. */
export const guarantees = {
  gateway: "the gateway's config, state, database and keys",
  tenants: "the folders of other tenants",
  home: "the home of the gateway's user and the system's settings",
  sockets: "sockets of other programs",
  network: "this machine over the network, the gateway's own port included",
  rights: "other processes and rights of the machine",
} as const;

export type GuaranteeId = keyof typeof guarantees;
type BreachAttempt = { readonly guarantee: GuaranteeId; readonly attempt: ProbeCheck };

export type Breach = { readonly guarantee: GuaranteeId; readonly what: string };

export type JailCheckOptions = {
  readonly jail: JailSettings;
  readonly jailRuntime: JailRuntime;
  readonly cwd: string;
  readonly home: string;
  readonly user: UserIds | null;
  /** Null: for requests without a tenant. */
  readonly tenant: string | null;
  readonly guardedPaths: readonly GuardedPath[];
  readonly environment: Readonly<Record<string, string | undefined>>;
};

const checkMs = 20_000;

/** What was open; empty: the jail is effective. Throws an Error when it could not be checked. */
export async function findBreaches(options: JailCheckOptions): Promise<readonly Breach[]> {
  const baits = await openBaits();
  try {
    const attempts = breachAttempts(options, baits);
    const { jail, cwd, home, user, environment } = options;
    const start = { jail: onlyExisting(jail), cwd, argv: [probeCommand], env: {}, home, user };
    const { argv } = await options.jailRuntime.wrap(start);
    const { code, stdout, stderr } = await runCommand(argv, {
      timeoutMs: checkMs,
      cwd,
      user,
      env: { PATH: environment["PATH"] ?? "/usr/bin:/bin" },
      input: JSON.stringify(attempts.map(({ attempt }) => attempt)),
    });
    if (code !== 0) throw new Error(`the jail could not be checked: ${stderr.trim().slice(0, 300)}`);
    const open = new Set(JSON.parse(stdout) as readonly string[]);
    return attempts
      .filter(({ attempt }) => open.has(attempt.what))
      .map(({ guarantee, attempt }) => ({ guarantee, what: attempt.what }));
  } finally {
    for (const { server, held } of baits) {
      for (const socket of held) socket.destroy();
      server.close();
    }
  }
}

/** The check may not create anything: what does not exist yet is left out. */
function onlyExisting(jail: JailSettings): JailSettings {
  return {
    ...jail,
    empty: jail.empty.filter(
      (path) => isThere(path) || !jail.writable.some((outer) => isWithin(path, outer)),
    ),
    fixedFolders: jail.fixedFolders.filter(isThere),
    fixedFiles: jail.fixedFiles.filter(isThere),
  };
}

type Bait = {
  readonly server: Server;
  /** Kept open to the end: a caller that is disconnected immediately may not see the answer. */
  readonly held: ReadonlySet<Socket>;
  readonly port: number | null;
  readonly path: string | null;
};

/** Services that answer outside: a port, and a socket without a file. */
async function openBaits(): Promise<readonly Bait[]> {
  const listening = (server: Server, to: { port: number; host: string } | { path: string }): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(to, () => resolve());
    });
  const held = new Set<Socket>();
  const hold = (socket: Socket): void => {
    held.add(socket);
    socket.on("error", () => socket.destroy());
  };
  const tcp = createServer(hold);
  await listening(tcp, { port: 0, host: "127.0.0.1" });
  const address = tcp.address();
  const port = typeof address === "object" ? (address?.port ?? null) : null;
  const path = `\0clawgate-${crypto.randomUUID()}`;
  const abstract = createServer(hold);
  const isAbstract = await listening(abstract, { path }).then(
    () => true,
    () => false,
  );
  return [
    { server: tcp, held, port, path: null },
    ...(isAbstract ? [{ server: abstract, held, port: null, path }] : []),
  ];
}

function breachAttempts(options: JailCheckOptions, baits: readonly Bait[]): readonly BreachAttempt[] {
  const all = [
    ...guardedPathAttempts(options),
    ...homeAttempts(options),
    ...socketAttempts(options, baits),
    ...networkAttempts(options.jail, baits),
    ...privilegeAttempts(),
  ];
  return [...new Map(all.map((each) => [each.attempt.what, each])).values()];
}

function fileAttempt(guarantee: GuaranteeId, path: string): readonly BreachAttempt[] {
  const identity = fileIdentityOf(path);
  return identity === null ? [] : [{ guarantee, attempt: { kind: "file", what: path, path, identity } }];
}

function guardedPathAttempts({ guardedPaths, tenant, jail }: JailCheckOptions): readonly BreachAttempt[] {
  const given = new Set([...jail.writable, ...jail.readable].map(realPathOf));
  return guardedPaths.flatMap((each) => {
    if (each.owner?.tenant === tenant || given.has(realPathOf(each.path))) return [];
    const guarantee = each.owner === null ? "gateway" : "tenants";
    const cli = join(each.path, "cli");
    return [
      each.path,
      ...(each.isRecursive ? below(each.path) : []),
      ...below(cli),
      ...below(join(cli, "tenants")),
    ]
      .filter((path) => !jail.readable.includes(path))
      .flatMap((path) => fileAttempt(guarantee, path));
  });
}

const maxBelow = 50;

function below(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .slice(0, maxBelow)
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

const ofHome =
  ".bashrc .profile .ssh .aws .config .docker .gnupg .kube .netrc .npmrc .git-credentials .local".split(" ");
const ofSystem = [
  "/etc/shadow",
  "/etc/passwd",
  "/etc/ssl/private",
  "/root",
  "/home",
  "/var/log",
  "/run",
  "/sys",
];

function homeAttempts({ jail, environment }: JailCheckOptions): readonly BreachAttempt[] {
  const home = environment["HOME"] ?? "";
  const isOpen = (path: string): boolean => jail.writable.some((outer) => isWithin(path, outer));
  const homes = home === "" ? [] : [home, ...ofHome.map((name) => join(home, name))];
  const written = [
    "/usr",
    "/etc",
    "/",
    ...jail.fixedFiles.filter(isThere),
    ...jail.fixedFolders.filter(isThere),
  ];
  return [
    ...[...homes, ...ofSystem].filter((path) => !isOpen(path)).flatMap((path) => fileAttempt("home", path)),
    ...written.map((path): BreachAttempt => ({
      guarantee: "home",
      attempt: { kind: "write", what: `writing to ${path}`, path },
    })),
  ];
}

const knownSockets = [
  "/run/docker.sock",
  "/var/run/docker.sock",
  "/run/podman/podman.sock",
  "/run/containerd/containerd.sock",
  "/run/dbus/system_bus_socket",
  "/tmp/.X11-unix/X0",
];
const maxSockets = 60;

function socketAttempts({ environment }: JailCheckOptions, baits: readonly Bait[]): readonly BreachAttempt[] {
  const runtime = environment["XDG_RUNTIME_DIR"];
  const paths = [
    ...baits.flatMap(({ path }) => path ?? []),
    ...knownSockets,
    ...[environment["SSH_AUTH_SOCK"], runtime === undefined ? undefined : `${runtime}/bus`].flatMap(
      (each) => each ?? [],
    ),
    ...listeningSockets().slice(0, maxSockets),
  ];
  return paths.map((path) => ({
    guarantee: "sockets",
    attempt: { kind: "unix", what: `the socket ${path.replace("\0", "@")}`, path },
  }));
}

/** Sockets with a listener: the flag 00010000. */
function listeningSockets(): readonly string[] {
  try {
    return readFileSync("/proc/net/unix", "utf8")
      .split("\n")
      .flatMap((line) => /^\S+ \S+ \S+ 00010000 \S+ \S+ +\d+ +([/@]\S.*)$/.exec(line)?.[1] ?? [])
      .map((name) => name.replace(/^@/, "\0"));
  } catch {
    return [];
  }
}

function networkAttempts(
  { allowedAddresses }: JailSettings,
  baits: readonly Bait[],
): readonly BreachAttempt[] {
  const port = baits.find((each) => each.port !== null)?.port;
  if (port === undefined || port === null) return [];
  const own = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
  const hosts = [...new Set(["127.0.0.1", ...own.filter((address) => !address.includes("%"))])].slice(0, 12);
  const proxyPort = proxyPortOf(allowedAddresses);
  const shown = (host: string): string => (host.includes(":") ? `[${host}]` : host);
  return [
    ...hosts.map((host): BreachAttempt => ({
      guarantee: "network",
      attempt: { kind: "tcp", what: `a port of this machine at ${host}`, host, port },
    })),
    ...[...hosts, "localhost", "0.0.0.0"].map((host): BreachAttempt => ({
      guarantee: "network",
      attempt: {
        kind: "proxy",
        what: `a port of this machine at ${host}, by the proxy`,
        proxyPort,
        host: shown(host),
        port,
      },
    })),
    {
      guarantee: "network",
      attempt: {
        kind: "proxy",
        what: "the metadata service of a cloud",
        proxyPort,
        host: "169.254.169.254",
        port: 80,
      },
    },
  ];
}

function privilegeAttempts(): readonly BreachAttempt[] {
  const kernel = ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"];
  const names = { pid: "processes", net: "network", ipc: "shared memory", mnt: "mounts" } as const;
  return [
    ...Object.entries(names).flatMap(([name, what]): readonly BreachAttempt[] => {
      const identity = namespaceOf(name);
      if (identity === null) return [];
      const attempt = {
        kind: "namespace",
        what: `the machine's ${what}`,
        name: name as keyof typeof names,
        identity,
      } as const;
      return [{ guarantee: "rights", attempt }];
    }),
    { guarantee: "rights", attempt: { kind: "privileges", what: "rights of an administrator" } },
    ...kernel.map((path): BreachAttempt => ({
      guarantee: "rights",
      attempt: { kind: "write", what: `writing to ${path}`, path },
    })),
  ];
}

const isThere = (path: string): boolean => {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isSymbolicLink();
};
