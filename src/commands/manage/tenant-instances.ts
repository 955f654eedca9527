// Which OpenClaw instance belongs to a tenant, for commands that copy skills: by the name that setup gives it, or by the user's
// options. It must never guess between two.

import { dirname, isAbsolute, join, resolve } from "node:path";
import { outermost } from "../../openclaw/container-mounts.ts";
import { hostFileAccessFor } from "../../openclaw/file-access.ts";
import type { Instance } from "../../openclaw/instances.ts";
import { readJson5 } from "../../openclaw/json5-text.ts";
import type { DockerForSkills } from "../../openclaw/skill-container.ts";
import type { SkillInstance } from "../../openclaw/skill-sync.ts";
import { type NamedTenant, tenantFor } from "../../openclaw/tenant-match.ts";
import { openFolder } from "../../system/folder-handle.ts";
import type { CommandContext } from "../command.ts";
import { dockerForFiles, findInstances, type FoundInstances } from "../instance-search.ts";
import { memberOf } from "../running-gateway.ts";

const insideHome = "/home/node/.openclaw";

export type Instances = {
  readonly docker: DockerForSkills;
  /** Null: none was found by this name. */
  of(tenant: string): Promise<SkillInstance | null>;
  /** Why docker could not be asked; null: it was asked, or was not needed. */
  trouble(): Promise<string | null>;
};

export type InstanceOptions = {
  readonly container: string | undefined;
  readonly stateDir: string | undefined;
};

export function instancesFor(
  context: CommandContext,
  named: InstanceOptions,
  tenants: readonly NamedTenant[],
): Instances {
  const { homeDirectory } = context;
  let found: Promise<FoundInstances> | null = null;
  const find = (): Promise<FoundInstances> =>
    findInstances(context, {
      containers: tenants.flatMap((each) => each.container ?? []),
      checksLive: false,
    });
  const local = async (home: string, configPath: string | null): Promise<SkillInstance> =>
    localAt({ home, configPath, usersHome: homeDirectory, writable: (await (found ??= find())).writable });
  return {
    docker: dockerForFiles(context),
    trouble: async () => (found === null ? null : (await found).trouble),
    async of(tenant) {
      if (named.container !== undefined)
        return { container: named.container, home: named.stateDir ?? insideHome };
      if (named.stateDir !== undefined) return local(resolve(context.workingDirectory, named.stateDir), null);
      found ??= find();
      const instance = instanceOf((await found).instances, tenant, tenants);
      if (instance === null) return null;
      if (instance.container !== null)
        return instance.insideStateDir === null
          ? null
          : { container: instance.container, home: instance.insideStateDir };
      return instance.stateDir === null ? null : local(instance.stateDir, instance.configPath);
    },
  };
}

/** The tenant's instance; null: none was found. */
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

type Local = {
  readonly home: string;
  readonly configPath: string | null;
  readonly usersHome: string;
  /** Folders of this machine in which containers may write. */
  readonly writable: readonly string[];
};

/** With the workspace that the instance's own config names. Throws PathProblem. */
async function localAt({ home, configPath, usersHome, writable }: Local): Promise<SkillInstance> {
  const path = configPath ?? join(home, "openclaw.json");
  const folder = path.startsWith(`${home}/`) ? home : dirname(path);
  const plain = { container: null, home, below: outermost(writable, home) };
  const below = outermost(writable, folder) ?? folder;
  const text = await hostFileAccessFor({ kind: "openclaw", below }).read(path);
  let written: unknown = null;
  try {
    const config: unknown = text === null ? null : readJson5(text);
    written = memberOf(memberOf(memberOf(config, "agents"), "defaults"), "workspace");
  } catch {
    // OpenClaw itself reports a config that cannot be read; the usual folder is used.
  }
  if (typeof written !== "string" || written === "") return plain;
  const workspace = resolve(written.startsWith("~/") ? join(usersHome, written.slice(2)) : written);
  if (!isAbsolute(written) && !written.startsWith("~/")) return plain;
  return { ...plain, workspace, workspaceBelow: outermost(writable, workspace), owner: await ownerOf(home) };
}

/** Only for root could a user's config point to files which that user may not read. Null: there is no other user. */
async function ownerOf(home: string): Promise<number | null> {
  if (process.geteuid?.() !== 0) return null;
  const folder = await openFolder(home);
  await folder?.close();
  const owner = folder?.stats.uid ?? 0;
  return owner === 0 ? null : owner;
}
