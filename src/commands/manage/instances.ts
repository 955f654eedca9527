// Which OpenClaw instance belongs to a tenant, for commands that copy skills: by the name that setup gives it, or by what
// the person says. It must never guess between two.

import { readFile } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import type { Instance } from "../../openclaw/instances.ts";
import { readJson5 } from "../../openclaw/json5-text.ts";
import type { DockerForSkills } from "../../openclaw/skill-container.ts";
import type { SkillInstance } from "../../openclaw/skill-sync.ts";
import { type NamedTenant, tenantFor } from "../../openclaw/tenant-match.ts";
import type { CommandContext } from "../command.ts";
import { dockerForFiles, findInstances, type Found } from "../instances.ts";
import { memberOf } from "../running-gateway.ts";

const insideHome = "/home/node/.openclaw";

export type Instances = {
  readonly docker: DockerForSkills;
  /** Null: none is known by this name. */
  of(tenant: string): Promise<SkillInstance | null>;
  /** Why docker could not be asked; null: it could, or nobody asked. */
  trouble(): Promise<string | null>;
};

export type Said = { readonly container: string | undefined; readonly stateDir: string | undefined };

export function instancesFor(
  context: CommandContext,
  said: Said,
  tenants: readonly NamedTenant[],
): Instances {
  const { homeDirectory } = context;
  let found: Promise<Found> | null = null;
  const find = (): Promise<Found> =>
    findInstances(context, { containers: tenants.flatMap((each) => each.container ?? []), asksThem: false });
  return {
    docker: dockerForFiles(context),
    trouble: async () => (found === null ? null : (await found).trouble),
    async of(tenant) {
      if (said.container !== undefined)
        return { container: said.container, home: said.stateDir ?? insideHome };
      if (said.stateDir !== undefined)
        return localAt(resolve(context.workingDirectory, said.stateDir), homeDirectory);
      found ??= find();
      const instance = instanceOf((await found).instances, tenant, tenants);
      if (instance === null) return null;
      if (instance.container !== null)
        return { container: instance.container, home: instance.insideStateDir ?? insideHome };
      return instance.stateDir === null
        ? null
        : localAt(instance.stateDir, homeDirectory, instance.configPath);
    },
  };
}

/** The instance that is this tenant; null: none is known. */
export function instanceOf(
  instances: readonly Instance[],
  tenant: string,
  tenants: readonly NamedTenant[],
): Instance | null {
  return (
    instances.find((each) => {
      const { name, isKnown } = tenantFor(each, tenants);
      return isKnown && name === tenant;
    }) ?? null
  );
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
