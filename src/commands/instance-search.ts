// The OpenClaw instances of this machine and of Docker, and how their files are reached, for every command about them. It only
// reads; docker gets everything as arguments.

import { lookup } from "node:dns/promises";
import { dirname } from "node:path";
import type { Config } from "../config/schema.ts";
import { outermost } from "../openclaw/container-mounts.ts";
import { dockerInstances, hostAddress, type RunDocker } from "../openclaw/docker.ts";
import { containerFileAccess, hostFileAccessFor, type FileAccessFor } from "../openclaw/file-access.ts";
import { type Instance, localInstances, withTenantNames } from "../openclaw/instances.ts";
import type { DockerForSkills } from "../openclaw/skill-container.ts";
import { findOnPath, inheritedEnvironment, isAlive, runCommand, runForBytes } from "../system/process.ts";
import type { CommandContext } from "./command.ts";

/** A daemon that hangs must not block everything else. */
const questionMs = 5_000;

/** Null when there is no docker on PATH. */
export function dockerOf(
  { environment }: Pick<CommandContext, "environment">,
  timeoutMs: number = questionMs,
): RunDocker | null {
  const program = findOnPath("docker", environment["PATH"]);
  if (program === null) return null;
  const env = inheritedEnvironment(environment);
  return (args) =>
    runCommand([program, ...args], { timeoutMs, env, cwd: "/", maxOutputBytes: 8 * 1024 * 1024 });
}

/** Rejects if there is no docker on PATH. */
export function dockerForFiles({ environment }: Pick<CommandContext, "environment">): DockerForSkills {
  const program = findOnPath("docker", environment["PATH"]);
  const env = inheritedEnvironment(environment);
  return (args, options) => {
    if (program === null) return Promise.reject(new Error("there is no docker program on PATH"));
    return runForBytes([program, ...args], { ...options, env, cwd: "/" });
  };
}

export function placesOf(context: Pick<CommandContext, "environment">): FileAccessFor {
  const docker = dockerForFiles(context);
  return (file) => (file.container ? containerFileAccess(file.container, docker) : hostFileAccessFor(file));
}

export type FoundInstances = {
  readonly instances: readonly Instance[];
  /** Folders of this machine in which containers with an OpenClaw may write. */
  readonly writable: readonly string[];
  /** Why docker could not be asked; null: it answered, or was not needed. */
  readonly trouble: string | null;
};

export type InstanceSearch = {
  /** Containers that the config or the user names: they count as instances whatever their names. */
  readonly containers: readonly string[];
  /** Asks the instances themselves whether they run. */
  readonly checksLive: boolean;
};

export async function findInstances(
  context: Pick<CommandContext, "environment" | "homeDirectory" | "places">,
  { containers, checksLive }: InstanceSearch,
): Promise<FoundInstances> {
  const { environment, homeDirectory } = context;
  const docker = dockerOf(context);
  const ask = checksLive ? isLive : () => Promise.resolve(false);
  const [local, contained] = await Promise.all([
    localInstances({ environment, homeDirectory, isAlive, isLive: ask, ...context.places }),
    docker === null ? null : dockerInstances(docker, containers),
  ]);
  const places = new Set(local.map(({ configPath }) => configPath));
  const others = (contained?.instances ?? []).filter(
    ({ configPath }) => configPath === null || !places.has(configPath),
  );
  const writable = contained?.writable ?? [];
  // The state directory of a container's instance is visible here as well, with the links that were created inside.
  const held = local.map((each) => heldBelow(each, writable));
  const trouble =
    docker === null && containers.length > 0 ? "there is no docker program on PATH" : contained?.trouble;
  return { instances: withTenantNames([...held, ...others]), writable, trouble: trouble ?? null };
}

function heldBelow(instance: Instance, writable: readonly string[]): Instance {
  const { stateDir, configPath } = instance;
  return {
    ...instance,
    stateBelow: stateDir === null ? null : outermost(writable, stateDir),
    configBelow: configPath === null ? null : outermost(writable, dirname(configPath)),
  };
}

export const containersOf = ({ tenants }: Pick<Config, "tenants">): readonly string[] =>
  tenants.flatMap(({ container }) => container ?? []);

async function isLive(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(500), redirect: "manual" });
    const body: unknown = await answer.json();
    return typeof body === "object" && body !== null && "status" in body && body.status === "live";
  } catch {
    // No answer, or another program: not running, as far as this command can see.
    return false;
  }
}

/** This machine's address as containers see it. */
export async function addressForContainers(
  context: Pick<CommandContext, "environment">,
  config: Config,
): Promise<string> {
  const canResolve = (name: string): Promise<boolean> =>
    lookup(name).then(
      () => true,
      () => false,
    );
  const variable = context.environment["DOCKER_HOST_IP"];
  const configured = config.server.docker_host_ip;
  return (await hostAddress({ variable, configured, run: dockerOf(context), canResolve })).address;
}
