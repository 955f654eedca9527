// Does a jail hold what it promises? A process of ours tries every promise from inside, against the real files, sockets and ports
// of this machine. It must never change anything by trying, nor believe the argument list.

import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { UserIds } from "../../../system/accounts.ts";
import { identityOf, namespaceOf, probeWord, type Try } from "../../../system/confinement.ts";
import { runCommand } from "../../../system/process.ts";
import type { JailSettings } from "../jail.ts";
import { type Guarded, isWithin, realOf } from "./guard.ts";
import { type JailRoom, proxyPortOf } from "./room.ts";

/** For people: each is a line of `clawgate doctor`. */
export const promises = {
  gateway: "the gateway's config, state, database and keys",
  tenants: "the folders of other tenants",
  home: "the home of the gateway's user and the system's settings",
  sockets: "sockets of other programs",
  network: "this machine over the network, the gateway's own port included",
  rights: "other processes and rights of the machine",
} as const;

export type PromiseId = keyof typeof promises;
type Tried = { readonly promise: PromiseId; readonly attempt: Try };

export type Breach = { readonly promise: PromiseId; readonly what: string };

export type TrialQuestion = {
  readonly jail: JailSettings;
  readonly room: JailRoom;
  readonly cwd: string;
  readonly home: string;
  readonly user: UserIds | null;
  /** Null: of requests without a tenant. */
  readonly tenant: string | null;
  readonly guarded: readonly Guarded[];
  readonly environment: Readonly<Record<string, string | undefined>>;
};

const trialMs = 20_000;

/** What was open; empty: it holds. Throws an Error when it could not be tried. */
export async function tryJail(question: TrialQuestion): Promise<readonly Breach[]> {
  const baits = await layBaits();
  try {
    const tried = triesOf(question, baits);
    const { jail, cwd, home, user, environment } = question;
    const start = { jail: asItLies(jail), cwd, argv: [probeWord], env: {}, home, user };
    const { argv } = await question.room.enter(start);
    const { code, stdout, stderr } = await runCommand(argv, {
      timeoutMs: trialMs,
      cwd,
      user,
      env: { PATH: environment["PATH"] ?? "/usr/bin:/bin" },
      input: JSON.stringify(tried.map(({ attempt }) => attempt)),
    });
    if (code !== 0) throw new Error(`the jail could not be tried: ${stderr.trim().slice(0, 300)}`);
    const open = new Set(JSON.parse(stdout) as readonly string[]);
    return tried
      .filter(({ attempt }) => open.has(attempt.what))
      .map(({ promise, attempt }) => ({ promise, what: attempt.what }));
  } finally {
    for (const { server, held } of baits) {
      for (const socket of held) socket.destroy();
      server.close();
    }
  }
}

/** Nothing may be made by trying: what is not there yet is left out. */
function asItLies(jail: JailSettings): JailSettings {
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
  /** Held to the end: who is hung up on at once may not see that it was answered. */
  readonly held: ReadonlySet<Socket>;
  readonly port: number | null;
  readonly path: string | null;
};

/** Services that answer outside: a port, and a socket without a file. */
async function layBaits(): Promise<readonly Bait[]> {
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

function triesOf(question: TrialQuestion, baits: readonly Bait[]): readonly Tried[] {
  const all = [
    ...guardedTries(question),
    ...homeTries(question),
    ...socketTries(question, baits),
    ...networkTries(question.jail, baits),
    ...rightsTries(),
  ];
  return [...new Map(all.map((each) => [each.attempt.what, each])).values()];
}

function fileTry(promise: PromiseId, path: string): readonly Tried[] {
  const identity = identityOf(path);
  return identity === null ? [] : [{ promise, attempt: { kind: "file", what: path, path, identity } }];
}

function guardedTries({ guarded, tenant, jail }: TrialQuestion): readonly Tried[] {
  const given = new Set([...jail.writable, ...jail.readable].map(realOf));
  return guarded.flatMap((each) => {
    if (each.owner?.tenant === tenant || given.has(realOf(each.path))) return [];
    const promise = each.owner === null ? "gateway" : "tenants";
    const cli = join(each.path, "cli");
    return [
      each.path,
      ...(each.isWhole ? below(each.path) : []),
      ...below(cli),
      ...below(join(cli, "tenants")),
    ]
      .filter((path) => !jail.readable.includes(path))
      .flatMap((path) => fileTry(promise, path));
  });
}

const mostBelow = 50;

function below(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .slice(0, mostBelow)
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

function homeTries({ jail, environment }: TrialQuestion): readonly Tried[] {
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
    ...[...homes, ...ofSystem].filter((path) => !isOpen(path)).flatMap((path) => fileTry("home", path)),
    ...written.map((path): Tried => ({
      promise: "home",
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
const mostSockets = 60;

function socketTries({ environment }: TrialQuestion, baits: readonly Bait[]): readonly Tried[] {
  const runtime = environment["XDG_RUNTIME_DIR"];
  const paths = [
    ...baits.flatMap(({ path }) => path ?? []),
    ...knownSockets,
    ...[environment["SSH_AUTH_SOCK"], runtime === undefined ? undefined : `${runtime}/bus`].flatMap(
      (each) => each ?? [],
    ),
    ...listeningSockets().slice(0, mostSockets),
  ];
  return paths.map((path) => ({
    promise: "sockets",
    attempt: { kind: "unix", what: `the socket ${path.replace("\0", "@")}`, path },
  }));
}

/** Those that anybody listens on; 00010000 is the mark of one who does. */
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

function networkTries({ reach }: JailSettings, baits: readonly Bait[]): readonly Tried[] {
  const port = baits.find((each) => each.port !== null)?.port;
  if (port === undefined || port === null) return [];
  const own = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
  const hosts = [...new Set(["127.0.0.1", ...own.filter((address) => !address.includes("%"))])].slice(0, 12);
  const proxyPort = proxyPortOf(reach);
  const shown = (host: string): string => (host.includes(":") ? `[${host}]` : host);
  return [
    ...hosts.map((host): Tried => ({
      promise: "network",
      attempt: { kind: "tcp", what: `a port of this machine at ${host}`, host, port },
    })),
    ...[...hosts, "localhost", "0.0.0.0"].map((host): Tried => ({
      promise: "network",
      attempt: {
        kind: "proxy",
        what: `a port of this machine at ${host}, by the proxy`,
        proxyPort,
        host: shown(host),
        port,
      },
    })),
    {
      promise: "network",
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

function rightsTries(): readonly Tried[] {
  const kernel = ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"];
  const names = { pid: "processes", net: "network", ipc: "shared memory", mnt: "mounts" } as const;
  return [
    ...Object.entries(names).flatMap(([name, what]): readonly Tried[] => {
      const identity = namespaceOf(name);
      if (identity === null) return [];
      const attempt = {
        kind: "namespace",
        what: `the machine's ${what}`,
        name: name as keyof typeof names,
        identity,
      } as const;
      return [{ promise: "rights", attempt }];
    }),
    { promise: "rights", attempt: { kind: "privileges", what: "rights of an administrator" } },
    ...kernel.map((path): Tried => ({
      promise: "rights",
      attempt: { kind: "write", what: `writing to ${path}`, path },
    })),
  ];
}

const isThere = (path: string): boolean => {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isSymbolicLink();
};
