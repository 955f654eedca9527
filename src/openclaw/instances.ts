// OpenClaw on this machine: every sign of an instance, combined into one list, profiles included.
// It only reads, and trusts a sign only as far as the user who set it; OpenClaw's databases (they hold tokens) are never opened.

import { dirname, join, resolve } from "node:path";
import {
  readOwnedText,
  hasFile,
  readKernelFile,
  linkTarget,
  listNames,
  ownerOf,
  processOwner,
} from "./bounded-reads.ts";

export type Instance = {
  /** A proposal for the tenant's name. */
  readonly name: string;
  readonly kind: "local" | "docker";
  /** Name of the container; null for a local one. */
  readonly container: string | null;
  readonly profile: string | null;
  /** The path on this machine; null if it is not visible from here. */
  readonly stateDir: string | null;
  readonly configPath: string | null;
  /** Folders below which the container's user may have created links: none is followed there. Null: the paths' own. */
  readonly stateBelow?: string | null;
  readonly configBelow?: string | null;
  /** The container itself may not write these files. */
  readonly isReadOnly?: boolean;
  /** The path in the container; null for a local instance. */
  readonly insideConfigPath: string | null;
  readonly insideStateDir: string | null;
  readonly isRunning: boolean;
  /** OpenClaw's own port, if known. */
  readonly port: number | null;
  /** The signs by which it was found, for the user. */
  readonly signals: readonly string[];
};

export type Machine = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  readonly isAlive: (pid: number) => boolean;
  /** Default /proc. */
  readonly processFolder?: string;
  /** Where unit and plist files are. Default: the system's and the user's own folders. */
  readonly serviceFolders?: readonly string[];
  /** Does OpenClaw answer /healthz at this address? */
  readonly isLive: (url: string) => Promise<boolean>;
};

type InstanceHint = {
  readonly stateDir: string;
  readonly configPath: string | null;
  readonly signal: string;
  readonly isRunning?: boolean;
  readonly port?: number;
  /** The user who set the sign; absent: the user who started this program. */
  readonly owner?: number | null;
};

export const defaultPort = 18_789;

export async function localInstances(machine: Machine): Promise<readonly Instance[]> {
  const home = openclawHome(machine);
  const hints = [
    ...fromEnvironment(machine, home),
    ...(await fromFolders(home)),
    ...(await fromServices(machine, home)),
    ...(await fromProcesses(machine)),
  ];
  const byPlace = new Map<string, InstanceHint[]>();
  for (const hint of hints) {
    const place = hint.configPath ?? join(hint.stateDir, "openclaw.json");
    byPlace.set(place, [...(byPlace.get(place) ?? []), hint]);
  }
  const found = await Promise.all(
    [...byPlace].map(([configPath, own]) => instanceAt(machine, home, configPath, own)),
  );
  return found.flatMap((each) => each ?? []).toSorted((a, b) => a.name.localeCompare(b.name));
}

function openclawHome({ environment, homeDirectory }: Machine): string {
  return environment["OPENCLAW_HOME"] || homeDirectory;
}

/** OpenClaw's own order: the config path, the state directory, the profile. */
function pathsFrom(
  variables: Readonly<Record<string, string | undefined>>,
  home: string,
): Pick<InstanceHint, "stateDir" | "configPath"> {
  const base = variables["OPENCLAW_HOME"] || home;
  const path = (written: string): string =>
    resolve(written.startsWith("~/") ? join(base, written.slice(2)) : written);
  const profile = variables["OPENCLAW_PROFILE"];
  const suffix = profile && profile !== "default" ? `-${profile}` : "";
  const written = variables["OPENCLAW_CONFIG_PATH"];
  const state = variables["OPENCLAW_STATE_DIR"];
  const configPath = written ? path(written) : null;
  if (state) return { stateDir: path(state), configPath };
  return {
    stateDir: configPath === null ? join(base, `.openclaw${suffix}`) : dirname(configPath),
    configPath,
  };
}

function fromEnvironment({ environment }: Machine, home: string): readonly InstanceHint[] {
  const named = ["OPENCLAW_CONFIG_PATH", "OPENCLAW_STATE_DIR", "OPENCLAW_PROFILE"].find(
    (name) => environment[name],
  );
  return named === undefined ? [] : [{ ...pathsFrom(environment, home), signal: named }];
}

async function fromFolders(home: string): Promise<readonly InstanceHint[]> {
  const names = await listNames(home);
  return names
    .filter((name) => /^\.openclaw(?:-[A-Za-z0-9._-]+)?$/.test(name))
    .map((name) => ({ stateDir: join(home, name), configPath: null, signal: `~/${name}` }));
}

async function fromServices(machine: Machine, home: string): Promise<readonly InstanceHint[]> {
  const folders = machine.serviceFolders ?? [
    "/etc/systemd/system",
    join(machine.homeDirectory, ".config", "systemd", "user"),
    join(machine.homeDirectory, "Library", "LaunchAgents"),
  ];
  const hints: InstanceHint[] = [];
  for (const folder of folders)
    for (const name of await listNames(folder)) {
      const unit = /^openclaw-gateway(?:-(.+))?\.service$/.exec(name);
      const plist = /^ai\.openclaw\.(?:gateway|([A-Za-z0-9_-]+))(?:[.-](.+))?\.plist$/.exec(name);
      const match = unit ?? plist;
      if (match === null) continue;
      const file = await readOwnedText(join(folder, name));
      if (file === null) continue;
      const { text, owner } = file;
      const variables = unit === null ? plistVariables(text) : unitVariables(text);
      const profile = match[1] ?? match[2];
      const place = pathsFrom({ OPENCLAW_PROFILE: profile, ...variables }, home);
      hints.push({ ...place, signal: name, owner });
    }
  return hints;
}

/** `Environment=` of systemd.exec(5): assignments between spaces, quoted if they contain any; %h is the home. */
function unitVariables(text: string): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [, line = ""] of text.matchAll(/^\s*Environment=(.*)$/gm))
    for (const [, double, single, bare] of line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)) {
      const [, name = "", value = ""] =
        /^(OPENCLAW_[A-Z_]+)=(.*)$/s.exec(double ?? single ?? bare ?? "") ?? [];
      if (name !== "") variables[name] = value.replace(/^%h(?=\/)/, "~");
    }
  return variables;
}

function plistVariables(text: string): Record<string, string> {
  const pairs = text.matchAll(/<key>(OPENCLAW_[A-Z_]+)<\/key>\s*<string>([^<]*)<\/string>/g);
  const plain = (value: string): string => value.replaceAll("&lt;", "<").replaceAll("&amp;", "&");
  return Object.fromEntries([...pairs].map(([, name = "", value = ""]) => [name, plain(value)]));
}

async function fromProcesses({
  processFolder = "/proc",
  homeDirectory,
}: Machine): Promise<readonly InstanceHint[]> {
  const hints: InstanceHint[] = [];
  const root = (await linkTarget(join(processFolder, "self", "root"))) ?? "/";
  for (const entry of await listNames(processFolder)) {
    if (!/^\d+$/.test(entry)) continue;
    const title = await readKernelFile(join(processFolder, entry, "cmdline"));
    if (title === null || !/^openclaw-gateway(?:[\s\0]|$)/.test(title)) continue;
    // An instance in a container is in the machine's list too, with its own paths.
    if ((await linkTarget(join(processFolder, entry, "root"))) !== root) continue;
    const owner = await processOwner(join(processFolder, entry));
    const text = await readKernelFile(join(processFolder, entry, "environ"));
    if (text === null || owner === null) continue;
    const variables = Object.fromEntries(
      text.split("\0").map((each) => {
        const at = each.indexOf("=");
        return [each.slice(0, Math.max(at, 0)), each.slice(at + 1)];
      }),
    );
    const place = pathsFrom(variables, variables["HOME"] || homeDirectory);
    hints.push({ ...place, signal: `process ${entry}`, isRunning: true, owner });
  }
  return hints;
}

/** The lock of a running gateway (`tmp/openclaw-<uid>/gateway.state.lock`) contains its address. */
async function lockIn(machine: Machine, stateDir: string): Promise<InstanceHint | null> {
  const folder = join(stateDir, "tmp");
  for (const name of await listNames(folder, stateDir)) {
    if (!/^openclaw-\d+$/.test(name)) continue;
    const file = await readOwnedText(join(folder, name, "gateway.state.lock"), stateDir);
    const lock = file === null ? null : parsed(file.text);
    const { pid, port } = lock ?? {};
    if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid <= 0 || !machine.isAlive(pid)) continue;
    return {
      stateDir,
      configPath: null,
      signal: `lock of process ${pid}`,
      isRunning: true,
      ...(typeof port === "number" ? { port } : {}),
    };
  }
  return null;
}

async function instanceAt(
  machine: Machine,
  home: string,
  configPath: string,
  all: readonly InstanceHint[],
): Promise<Instance | null> {
  const isTrusted = await Promise.all(all.map((sign) => isTrustedHint(sign, configPath)));
  const trustedHints = all.filter((_, at) => isTrusted[at]);
  const [first] = trustedHints;
  if (first === undefined) return null;
  const { stateDir } = first;
  // A unit or a variable that outlived its instance names a missing folder. A link counts as existing: its target is not read.
  const isThere = (await hasFile(configPath)) || trustedHints.some(({ isRunning }) => isRunning === true);
  const lock = await lockIn(machine, stateDir);
  if (!isThere && lock === null) return null;
  const name = stateDir.startsWith(join(home, ".openclaw-"))
    ? stateDir.slice(join(home, ".openclaw-").length)
    : null;
  const profile = name === null || name.includes("/") ? null : name;
  const allHints = lock === null ? trustedHints : [...trustedHints, lock];
  const isDefault = stateDir === join(home, ".openclaw");
  const port = lock?.port ?? null;
  const isRunning =
    allHints.some((sign) => sign.isRunning === true) ||
    (isDefault && (await machine.isLive(`http://127.0.0.1:${port ?? defaultPort}/healthz`)));
  return {
    name: profile ?? (isDefault ? "local" : (stateDir.split("/").findLast((part) => part !== "") ?? "local")),
    kind: "local",
    container: null,
    profile,
    stateDir,
    configPath,
    insideConfigPath: null,
    insideStateDir: null,
    isRunning,
    port,
    signals: [...new Set(allHints.map(({ signal }) => signal))],
  };
}

/** Otherwise anyone could lead root to any folder by starting a program with OpenClaw's name and variables. */
async function isTrustedHint({ owner = null, stateDir }: InstanceHint, configPath: string): Promise<boolean> {
  if (owner === null || owner === 0 || process.geteuid?.() !== 0) return true;
  const owners = await Promise.all([stateDir, dirname(configPath)].map(ownerOf));
  return owners.every((each) => each === null || each.uid === owner);
}

/** Names that a config accepts, all different. A name that is in use gets the kind as a suffix. */
export function withTenantNames(instances: readonly Instance[]): readonly Instance[] {
  const taken = new Set<string>();
  return instances.map((instance) => {
    const plain = instance.name
      .replace(/^[^A-Za-z0-9]+/, "")
      .replaceAll(/[^A-Za-z0-9._-]/g, "-")
      .slice(0, 48);
    const base = plain === "" ? instance.kind : plain;
    const choices = [base, `${base}-${instance.kind}`];
    for (let count = 2; choices.every((choice) => taken.has(choice.toLowerCase())); count++)
      choices.push(`${base}-${count}`);
    const name = choices.find((choice) => !taken.has(choice.toLowerCase())) ?? base;
    taken.add(name.toLowerCase());
    return { ...instance, name };
  });
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
