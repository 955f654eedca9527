// OpenClaw in containers: which ones exist, where their state is on this machine, and the address by which they reach it.
// Docker only ever gets an argv, through a given runner; it must never be asked to change anything here.

import { isIP } from "node:net";
import { posix } from "node:path";
import type { CommandResult } from "../system/process.ts";
import { insidePath, mountOf, outsideOf, writableSources } from "./container-mounts.ts";
import type { Instance } from "./instances.ts";

/** Runs `docker <args>`. Rejects if the program cannot be started. */
export type RunDocker = (
  args: readonly string[],
) => Promise<Pick<CommandResult, "code" | "stdout" | "stderr">>;

export type DockerFindings = {
  readonly instances: readonly Instance[];
  /** Folders of this machine that their containers may write to. */
  readonly writable?: readonly string[];
  /** Why nothing could be found; null if docker answered. */
  readonly trouble: string | null;
};

const homeInside = "/home/node";

/** Stopped containers are found as well: their tenants are kept. `named` ones count as instances whatever they look like. */
export async function dockerInstances(
  run: RunDocker,
  named: readonly string[] = [],
): Promise<DockerFindings> {
  let listed: string;
  try {
    const { code, stdout, stderr } = await run(["ps", "-a", "--no-trunc", "--format", "{{json .}}"]);
    if (code !== 0) return nothing(troubleOf(code, stderr));
    listed = stdout;
  } catch (error) {
    return nothing(firstLine(error instanceof Error ? error.message : String(error)));
  }
  const candidates = listed
    .split("\n")
    .flatMap((line) => recordsOf([parsed(line)]))
    .map((row) => ({ row, name: textOf(row["Names"]).split(",")[0] ?? "" }))
    .filter(
      ({ row, name }) =>
        named.includes(name) ||
        mayBeInstance(textOf(row["Names"]), textOf(row["Image"]), textOf(row["Labels"])),
    )
    .map(({ name }) => name);
  // A name that looks like a flag would be parsed as one.
  const names = candidates.filter((name) => /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name));
  if (names.length === 0) return nothing(null);
  const { code, stdout, stderr } = await run(["inspect", "--type", "container", ...names]);
  const described: unknown = parsed(stdout);
  // If a container is removed between the two calls, docker exits with 1 and still describes the others.
  if (!Array.isArray(described))
    return nothing(code === 0 ? "its answer could not be parsed" : troubleOf(code, stderr));
  const containers = recordsOf(described);
  // Of all of them: a folder that one may write to can contain another's folder.
  const writable = containers.flatMap((each) => writableSources(mountsOf(each)));
  const instances = containers.flatMap((each) => instanceOf(each, writable) ?? []);
  return { instances: instances.toSorted((a, b) => a.name.localeCompare(b.name)), writable, trouble: null };
}

const nothing = (trouble: string | null): DockerFindings => ({ instances: [], trouble });
const mountsOf = (container: Tree) =>
  recordsOf(listOf(container["Mounts"])).flatMap((each) => mountOf(each) ?? []);

function mayBeInstance(name: string, image: string, labels: string): boolean {
  if (name.startsWith("openclaw-sbx-")) return false;
  if (/(?:^|,)com\.docker\.compose\.service=openclaw-cli(?:,|$)/.test(labels)) return false;
  if (/(?:^|,)openclaw\.fleet\.tenant=/.test(labels)) return true;
  if (/(?:^|,)com\.docker\.compose\.service=openclaw-gateway(?:,|$)/.test(labels)) return true;
  return name.includes("openclaw-gateway") || /(?:^|\/)openclaw(?:-[a-z]+)?(?:[:@]|$)/.test(image);
}

type Tree = Readonly<Record<string, unknown>>;

function instanceOf(container: Tree, writable: readonly string[]): Instance | null {
  const config = recordOf(container["Config"]) ?? {};
  const labels = recordOf(config["Labels"]) ?? {};
  const containerName = textOf(container["Name"]).replace(/^\//, "");
  if (containerName === "") return null;
  const inside = placesInside(config);
  const mounts = mountsOf(container);
  const stateDir = inside === null ? null : outsideOf(inside.stateDir, mounts, writable, false);
  const configPath = inside === null ? null : outsideOf(inside.configPath, mounts, writable, true);
  const state = recordOf(container["State"]) ?? {};
  return {
    name: dockerTenant(containerName, labels),
    kind: "docker",
    container: containerName,
    profile: null,
    stateDir: stateDir?.path ?? null,
    configPath: configPath?.path ?? null,
    stateBelow: stateDir?.below ?? null,
    configBelow: configPath?.below ?? null,
    isReadOnly: stateDir?.isReadOnly === true || configPath?.isReadOnly === true,
    insideConfigPath: inside?.configPath ?? null,
    insideStateDir: inside?.stateDir ?? null,
    isRunning: state["Running"] === true || state["Status"] === "running",
    port: null,
    signals: [textOf(config["Image"])],
  };
}

/** Where OpenClaw looks for its files, by the container's variables; null: one of them is not a path. */
function placesInside(config: Tree): { readonly stateDir: string; readonly configPath: string } | null {
  const variables = new Map(
    listOf(config["Env"]).map((each) => {
      const text = textOf(each);
      const at = text.indexOf("=");
      return [text.slice(0, Math.max(at, 0)), text.slice(at + 1)] as const;
    }),
  );
  const base = textOf(config["WorkingDir"]);
  const path = (written: string, home: string): string | null =>
    insidePath(written, base.startsWith("/") ? base : "/", home);
  const home = path(variables.get("OPENCLAW_HOME") || variables.get("HOME") || homeInside, homeInside);
  if (home === null) return null;
  const stateDir = path(variables.get("OPENCLAW_STATE_DIR") || posix.join(home, ".openclaw"), home);
  if (stateDir === null) return null;
  const written = variables.get("OPENCLAW_CONFIG_PATH") || posix.join(stateDir, "openclaw.json");
  const configPath = path(written, home);
  return configPath === null ? null : { stateDir, configPath };
}

/** The tenant of a container: its fleet tenant, else its compose project, else its own name. */
function dockerTenant(container: string, labels: Tree): string {
  const fleet = textOf(labels["openclaw.fleet.tenant"]);
  const project = /^(.+)-openclaw-gateway-\d+$/.exec(container)?.[1];
  return fleet || project || container;
}

export type HostAddressInput = {
  /** DOCKER_HOST_IP. */
  readonly variable: string | undefined;
  /** `server.docker_host_ip`: an address, or auto. */
  readonly configured: string;
  /** Null if there is no docker. */
  readonly run: RunDocker | null;
  readonly canResolve: (name: string) => Promise<boolean>;
};

/** This machine's address as containers reach it, and its source. */
export async function hostAddress(
  input: HostAddressInput,
): Promise<{ readonly address: string; readonly from: string }> {
  if (input.variable) return { address: input.variable, from: "DOCKER_HOST_IP" };
  if (input.configured !== "auto" && input.configured !== "")
    return { address: input.configured, from: "server.docker_host_ip" };
  const gateway = input.run === null ? null : await bridgeGateway(input.run);
  if (gateway !== null) return { address: gateway, from: "the gateway of docker's bridge network" };
  if (await input.canResolve("host.docker.internal"))
    return { address: "host.docker.internal", from: "a name that resolves here" };
  return { address: "172.17.0.1", from: "docker's default" };
}

async function bridgeGateway(run: RunDocker): Promise<string | null> {
  try {
    const { code, stdout } = await run(["network", "inspect", "bridge"]);
    if (code !== 0) return null;
    const network = recordOf(listOf(parsed(stdout))[0]);
    const rows = listOf(recordOf(network?.["IPAM"])?.["Config"]);
    const addresses = rows.map((row) => textOf(recordOf(row)?.["Gateway"]));
    return addresses.find((address) => isIP(address) === 4) ?? null;
  } catch {
    // No docker to ask: the next source is tried.
    return null;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function recordOf(value: unknown): Tree | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Tree) : null;
}

function recordsOf(values: readonly unknown[]): readonly Tree[] {
  return values.map(recordOf).filter((each) => each !== null);
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
/** A signal ends it on timeout. */
const troubleOf = (code: number | null, stderr: string): string =>
  firstLine(stderr) || (code === null ? "it did not answer in time" : `it ended with exit code ${code}`);
const firstLine = (text: string): string => text.trim().split("\n")[0] ?? "";
