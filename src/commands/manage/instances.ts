// Which OpenClaw instance belongs to a tenant, for commands that copy skills: by the name that setup gives it, or by what
// the person says. It must never guess between two.

import { readFile } from "node:fs/promises";
import { isAbsolute, join, posix, resolve } from "node:path";
import { dockerInstances } from "../../openclaw/docker.ts";
import { type Instance, localInstances, withTenantNames } from "../../openclaw/instances.ts";
import { readJson5 } from "../../openclaw/json5-text.ts";
import type { DockerForSkills } from "../../openclaw/skill-container.ts";
import type { SkillInstance } from "../../openclaw/skill-sync.ts";
import { childEnvironment, findOnPath, isAlive, runCommand, runForBytes } from "../../system/process.ts";
import type { CommandContext } from "../command.ts";
import { memberOf } from "../running-gateway.ts";
import { ManageProblem } from "./config-file.ts";

const questionMs = 5_000;
const insideHome = "/home/node/.openclaw";

export type Instances = {
  readonly docker: DockerForSkills;
  /** Null: none is known by this name. */
  of(tenant: string): Promise<SkillInstance | null>;
};

export type Said = { readonly container: string | undefined; readonly stateDir: string | undefined };

export function instancesFor(context: CommandContext, said: Said): Instances {
  const { environment, homeDirectory } = context;
  const program = findOnPath("docker", environment["PATH"]);
  const env = childEnvironment(environment, {});
  let found: Promise<readonly Instance[]> | null = null;
  const find = async (): Promise<readonly Instance[]> => {
    const local = await localInstances({
      environment,
      homeDirectory,
      isAlive,
      isLive: () => Promise.resolve(false),
      ...context.places,
    });
    const inDocker =
      program === null
        ? []
        : (await dockerInstances((args) => runCommand([program, ...args], { timeoutMs: questionMs, env })))
            .instances;
    return withTenantNames([...local, ...inDocker]);
  };
  return {
    async docker(args, options) {
      if (program === null) throw new ManageProblem("there is no docker program on PATH");
      return runForBytes([program, ...args], { ...options, env });
    },
    async of(tenant) {
      if (said.container !== undefined)
        return { container: said.container, home: said.stateDir ?? insideHome };
      if (said.stateDir !== undefined)
        return localAt(resolve(context.workingDirectory, said.stateDir), homeDirectory);
      found ??= find();
      const instance = (await found).find(({ name }) => name.toLowerCase() === tenant.toLowerCase());
      if (instance === undefined) return null;
      if (instance.container !== null)
        return {
          container: instance.container,
          home: instance.insideConfigPath === null ? insideHome : posix.dirname(instance.insideConfigPath),
        };
      return instance.stateDir === null
        ? null
        : localAt(instance.stateDir, homeDirectory, instance.configPath);
    },
  };
}

/** With the workspace that the instance's own config names. */
async function localAt(
  home: string,
  usersHome: string,
  configPath: string | null = null,
): Promise<SkillInstance> {
  const text = await readFile(configPath ?? join(home, "openclaw.json"), "utf8").catch(() => null);
  let written: unknown = null;
  try {
    const config: unknown = text === null ? null : readJson5(text);
    written = memberOf(memberOf(memberOf(config, "agents"), "defaults"), "workspace");
  } catch {
    // A config that cannot be read is OpenClaw's to complain of; the usual folder it is.
  }
  if (typeof written !== "string" || written === "") return { container: null, home };
  const path = written.startsWith("~/") ? join(usersHome, written.slice(2)) : written;
  return { container: null, home, workspace: isAbsolute(path) ? path : null };
}
