// What set-up would change, worked out before anything is written: the config's tenants and each instance's files.
// It must never write, and never hand out a key but inside a file's new text.

import { lookup } from "node:dns/promises";
import { join } from "node:path";
import { firstConfig } from "../assemble/first-config.ts";
import { loadOffline } from "../assemble/offline.ts";
import { skillsDirectoryOf } from "../assemble/skills-directory.ts";
import { editConfig, EditProblem, newConfig } from "../config/edit.ts";
import type { Config } from "../config/schema.ts";
import { findConfigFile } from "../config/search.ts";
import { dockerInstances, hostAddress, type RunDocker } from "../openclaw/docker.ts";
import type { FileChange } from "../openclaw/instance-files.ts";
import { type Instance, localInstances, withTenantNames } from "../openclaw/instances.ts";
import { errorCode } from "../system/files.ts";
import { findOnPath, inheritedEnvironment, isAlive, runCommand } from "../system/process.ts";
import type { CommandContext } from "./command.ts";
import { isLoopback, type PlannedInstance, planInstance, type SetupWishes } from "./setup-instance.ts";
import { offlineInput, readFile } from "./surroundings.ts";

export type SetupPlan = {
  readonly configPath: string;
  readonly config: FileChange | null;
  readonly instances: readonly PlannedInstance[];
  readonly notes: readonly string[];
  /** Whether the config wants skills to be pulled by set-up. */
  readonly pullsSkills: boolean;
  /** The folder of all tenants' skills. */
  readonly skillsFolder: string;
};

const dockerMs = 20_000;

/** Null when there is no docker on PATH. */
export function dockerOf({ environment }: Pick<CommandContext, "environment">): RunDocker | null {
  const program = findOnPath("docker", environment["PATH"]);
  if (program === null) return null;
  const env = inheritedEnvironment(environment);
  return (args) =>
    runCommand([program, ...args], { timeoutMs: dockerMs, env, maxOutputBytes: 8 * 1024 * 1024 });
}

/** Throws ConfigProblem, EditProblem. */
export async function planSetup(context: CommandContext, wishes: SetupWishes): Promise<SetupPlan> {
  const input = offlineInput(context, wishes.config);
  const place = configPlace(context, wishes.config);
  const isNew = place.text === null;
  const notes: string[] = [];
  const loaded = await loadOffline(isNew ? withoutFile(input) : input);
  const { config } = loaded;
  const edit = editConfig(place.text ?? (await firstText(input)));
  const docker = dockerOf(context);
  const found = await findInstances(context, docker, notes);
  const host = found.some(({ kind }) => kind === "docker") ? await hostFor(context, config, docker) : null;
  if (host !== null && isLoopback(config.server.host))
    notes.push(
      `containers reach this machine at ${host}, but the gateway listens on ${config.server.host} only: ` +
        `set server.host to ${/^\d/.test(host) ? host : "0.0.0.0"}`,
    );
  if (found.length > 0 && config.auth.keys.length === 0 && config.tenants.length === 0)
    notes.push(
      "with tenants in the config every client needs a key: put those of your other programs into auth.keys",
    );

  const instances: PlannedInstance[] = [];
  for (const instance of found) instances.push(await planInstance({ instance, config, edit, host, wishes }));
  if (isNew && Object.keys(config.providers).every((id) => id === "demo"))
    notes.push("no provider was found, only the demonstration answers: add one to the config");
  const text = edit.text();
  const isWorthWriting = isNew ? edit.tenants().length > 0 : text !== place.text;
  return {
    configPath: place.path,
    config: isWorthWriting ? { path: place.path, kind: "config", before: place.text, after: text } : null,
    instances,
    notes,
    pullsSkills: config.skills.sync === "auto",
    skillsFolder: skillsDirectoryOf({ ...loaded, path: place.path }),
  };
}

/** A file that was named need not be there: set-up makes it. */
function configPlace(context: CommandContext, named: string | undefined) {
  const input = offlineInput(context, named);
  const search = findConfigFile(input);
  if ("file" in search && search.file !== null) return { path: search.file.path, text: search.file.text };
  if ("missing" in search) {
    if (readFileOrNull(search.missing) === null) return { path: search.missing, text: null };
    throw new EditProblem(`${search.missing} cannot be read: ${search.reason}`);
  }
  const xdg = context.environment["XDG_CONFIG_HOME"];
  const home = xdg?.startsWith("/") ? xdg : join(context.homeDirectory, ".config");
  return { path: join(home, "clawgate", "config.yaml"), text: null };
}

function readFileOrNull(path: string): string | null {
  try {
    return readFile(path);
  } catch (error) {
    throw new EditProblem(`${path} cannot be read (${errorCode(error) ?? "unknown"})`);
  }
}

type Input = ReturnType<typeof offlineInput>;

const withoutFile = (input: Input): Input => ({
  ...input,
  argvConfigPath: undefined,
  environment: { ...input.environment, CLAWGATE_CONFIG: undefined },
});

async function firstText(input: Input): Promise<string> {
  const { value } = await firstConfig(withoutFile(input));
  return newConfig(
    [
      "Written by `clawgate setup`: what it found on this machine, keys in their variables.",
      "config.example.yaml and the README show every setting.",
    ],
    value,
  );
}

async function findInstances(
  context: CommandContext,
  docker: RunDocker | null,
  notes: string[],
): Promise<readonly Instance[]> {
  const { environment, homeDirectory } = context;
  const local = await localInstances({ environment, homeDirectory, isAlive, isLive, ...context.places });
  const contained = docker === null ? null : await dockerInstances(docker);
  if (contained !== null && contained.trouble !== null)
    notes.push(`docker was not looked into: ${contained.trouble}`);
  const places = new Set(local.map(({ configPath }) => configPath));
  const others = (contained?.instances ?? []).filter(
    ({ configPath }) => configPath === null || !places.has(configPath),
  );
  return withTenantNames([...local, ...others]);
}

async function isLive(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(500), redirect: "manual" });
    const body: unknown = await answer.json();
    return typeof body === "object" && body !== null && "status" in body && body.status === "live";
  } catch {
    // Nobody, or somebody else: not running, as far as we can see.
    return false;
  }
}

async function hostFor(context: CommandContext, config: Config, run: RunDocker | null): Promise<string> {
  const canResolve = (name: string): Promise<boolean> =>
    lookup(name).then(
      () => true,
      () => false,
    );
  const variable = context.environment["DOCKER_HOST_IP"];
  const configured = config.server.docker_host_ip;
  return (await hostAddress({ variable, configured, run, canResolve })).address;
}
