// OpenClaw in containers: which there are, where their state lies on this machine, and by what address they see it.
// Docker is only ever given an argv, through a runner that is handed in; it must never be asked to change anything here.

import { isIP } from "node:net";
import type { CommandResult } from "../system/process.ts";
import type { Instance } from "./instances.ts";

/** Runs `docker <args>`. Rejects when the program cannot be started. */
export type RunDocker = (
  args: readonly string[],
) => Promise<Pick<CommandResult, "code" | "stdout" | "stderr">>;

export type DockerFindings = {
  readonly instances: readonly Instance[];
  /** Why nothing could be found out; null when Docker answered. */
  readonly trouble: string | null;
};

const stateInside = "/home/node/.openclaw";

/** Stopped containers are found as well: their tenants are kept. `named` are instances whatever they look like. */
export async function dockerInstances(
  run: RunDocker,
  named: readonly string[] = [],
): Promise<DockerFindings> {
  let listed: string;
  try {
    const { code, stdout, stderr } = await run(["ps", "-a", "--no-trunc", "--format", "{{json .}}"]);
    if (code !== 0) return { instances: [], trouble: troubleOf(code, stderr) };
    listed = stdout;
  } catch (error) {
    return { instances: [], trouble: firstLine(error instanceof Error ? error.message : String(error)) };
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
  // A name that looks like a flag would be one.
  const names = candidates.filter((name) => /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name));
  if (names.length === 0) return { instances: [], trouble: null };
  const { code, stdout, stderr } = await run(["inspect", "--type", "container", ...names]);
  const described: unknown = parsed(stdout);
  // One that went between the two calls makes docker answer 1 and still describe the others.
  if (!Array.isArray(described))
    return { instances: [], trouble: code === 0 ? "its answer is not to be read" : troubleOf(code, stderr) };
  const instances = described.flatMap((each: unknown) => instanceOf(recordOf(each)) ?? []);
  return { instances: instances.toSorted((a, b) => a.name.localeCompare(b.name)), trouble: null };
}

function mayBeInstance(name: string, image: string, labels: string): boolean {
  if (name.startsWith("openclaw-sbx-")) return false;
  if (/(?:^|,)com\.docker\.compose\.service=openclaw-cli(?:,|$)/.test(labels)) return false;
  if (/(?:^|,)openclaw\.fleet\.tenant=/.test(labels)) return true;
  if (/(?:^|,)com\.docker\.compose\.service=openclaw-gateway(?:,|$)/.test(labels)) return true;
  return name.includes("openclaw-gateway") || /(?:^|\/)openclaw(?:-[a-z]+)?(?:[:@]|$)/.test(image);
}

type Tree = Readonly<Record<string, unknown>>;

function instanceOf(container: Tree | null): Instance | null {
  if (container === null) return null;
  const config = recordOf(container["Config"]) ?? {};
  const labels = recordOf(config["Labels"]) ?? {};
  const containerName = textOf(container["Name"]).replace(/^\//, "");
  if (containerName === "") return null;
  const variables = new Map(
    listOf(config["Env"]).map((each) => {
      const text = textOf(each);
      return [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)] as const;
    }),
  );
  const home = variables.get("OPENCLAW_HOME");
  const inside =
    variables.get("OPENCLAW_STATE_DIR") || (home ? `${home.replace(/\/$/, "")}/.openclaw` : stateInside);
  const insideConfig = variables.get("OPENCLAW_CONFIG_PATH") || `${inside}/openclaw.json`;
  const mounts = recordsOf(listOf(container["Mounts"]));
  const state = recordOf(container["State"]) ?? {};
  return {
    name: dockerTenant(containerName, labels),
    kind: "docker",
    container: containerName,
    profile: null,
    stateDir: outsideOf(inside, mounts),
    configPath: outsideOf(insideConfig, mounts),
    insideConfigPath: insideConfig,
    insideStateDir: inside,
    isRunning: state["Running"] === true || state["Status"] === "running",
    port: null,
    signals: [textOf(config["Image"])],
  };
}

/** The tenant of a container: its fleet tenant, else the project of its composition, else its own name. */
export function dockerTenant(container: string, labels: Tree): string {
  const fleet = textOf(labels["openclaw.fleet.tenant"]);
  const project = /^(.+)-openclaw-gateway-\d+$/.exec(container)?.[1];
  return fleet || project || container;
}

/** Where a path of the container lies on this machine; null when it is in no mount. */
function outsideOf(inside: string, mounts: readonly Tree[]): string | null {
  const fitting = mounts
    .map((mount) => ({ source: textOf(mount["Source"]), destination: textOf(mount["Destination"]) }))
    .filter(({ source, destination }) => {
      return source !== "" && (inside === destination || inside.startsWith(`${destination}/`));
    })
    .toSorted((a, b) => b.destination.length - a.destination.length)[0];
  return fitting === undefined ? null : fitting.source + inside.slice(fitting.destination.length);
}

export type HostAddressInput = {
  /** DOCKER_HOST_IP. */
  readonly variable: string | undefined;
  /** `server.docker_host_ip`: an address, or auto. */
  readonly configured: string;
  /** Null when there is no docker. */
  readonly run: RunDocker | null;
  readonly canResolve: (name: string) => Promise<boolean>;
};

/** This machine's address as containers see it, and where it is known from. */
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
    // No docker to ask: the next way is tried.
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
/** A signal ends it when its time is over. */
const troubleOf = (code: number | null, stderr: string): string =>
  firstLine(stderr) || (code === null ? "it did not answer in time" : `it ended with exit code ${code}`);
const firstLine = (text: string): string => text.trim().split("\n")[0] ?? "";
