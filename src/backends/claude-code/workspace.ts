// A tenant's workspace for Claude Code: home, configuration, an empty folder to work in, and the jail around them. It
// must never read the program's login, and never let two tenants share a folder unless the operator gave it to both.

import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { rename } from "node:fs/promises";
import { ensurePrivateDirectory, errorCode } from "../../system/files.ts";
import type { Account, accountOf } from "../../system/accounts.ts";
import { sha256Hex } from "../../system/secret.ts";
import { existingPaths, type JailSettings } from "../agent-process/jail/bubblewrap.ts";
import type { GuardedPath } from "../agent-process/jail/path-policy.ts";
import { type JailAdditions, jailSettingsOf } from "./jail-settings.ts";
import type { NeutralFolders } from "../agent-process/neutral-folders.ts";
import { makeFolderAs, visibleTo, resolveUser } from "../agent-process/other-user.ts";
import { programName } from "./program-facts.ts";
import type { McpServers } from "./settings.ts";

export type Workspace = {
  /** Null: the workspace of all requests without a tenant. No name is reserved for it: tenants may have any name. */
  readonly tenant: string | null;
  /** The program; absolute. */
  readonly bin: string;
  readonly home: string;
  /** Where the program keeps its settings and its login. */
  readonly configDir: string;
  /** The program finds `configDir` from `home` by itself, so it is better not set. Default: no. */
  readonly isConfigDirImplied?: boolean;
  readonly workingDir: string;
  /**
   * Where it runs when none of its own tools do: newer versions report the folder's name to their vendor. Absent or null:
   * `workingDir`.
   */
  readonly neutralDir?: string | null;
  /** The operator's variables for the provider, overridden by the tenant's. */
  readonly env: Readonly<Record<string, string>>;
  readonly pluginDirs: readonly string[];
  readonly addDirs: readonly string[];
  readonly permissionMode: string | null;
  readonly jail: JailSettings | null;
  /** What each MCP server adds to the jail. */
  readonly jailServers?: JailAdditions;
  /** The user of the machine that the program runs as; absent or null: the gateway's own. */
  readonly account?: Account | null;
};

/** A tenant's settings; all are optional. Folders are absolute. */
export type TenantWorkspaceSettings = {
  readonly env?: Readonly<Record<string, string>>;
  readonly configDir?: string | null;
  readonly workingDir?: string | null;
  readonly pluginDirs?: readonly string[];
  readonly addDirs?: readonly string[];
  readonly permissionMode?: string | null;
  /** A user of the machine, by number or name; null: the gateway's own. */
  readonly uid?: string | number | null;
};

export type WorkspaceOptions = {
  readonly stateDirectory: string;
  /** The gateway's own variables. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly bin: string;
  /** The provider's `env`. */
  readonly env: Readonly<Record<string, string>>;
  /** The provider's `config_dir`, for requests without a tenant. */
  readonly configDir: string | null;
  /** Default: read from the machine. */
  readonly findAccount?: typeof accountOf | undefined;
  /** Bubblewrap, from `findJail`; null: no jail. */
  readonly jailProgram: string | null;
  readonly jailFlags?: readonly string[];
  /** What no jailed program may see: the config, a database, the other tenants' folders. */
  readonly guardedPaths: readonly GuardedPath[];
  /** What else it sees and reaches; paths absolute. */
  readonly jailRead: readonly string[];
  readonly jailHosts: readonly string[];
  readonly mcpServers: McpServers;
  /** Folders with neutral names; absent: none. */
  readonly neutralFolders?: NeutralFolders | undefined;
};

export type Workspaces = {
  /** Creates the folders on first use. The same tenant gets the same result. */
  of(tenant: string | null, settings?: TenantWorkspaceSettings): Promise<Workspace>;
};

export function createWorkspaces(options: WorkspaceOptions): Workspaces {
  const made = new Map<string | null, Promise<Workspace>>();
  let freed: Promise<void> | null = null;
  const make = async (tenant: string | null, settings: TenantWorkspaceSettings): Promise<Workspace> => {
    await (freed ??= freeOldFolder(options.stateDirectory));
    return makeWorkspace(options, tenant, settings);
  };
  return {
    of(tenant, settings = {}) {
      const known = made.get(tenant);
      if (known !== undefined) return known;
      const workspace = make(tenant, settings);
      made.set(tenant, workspace);
      // A full disk today must not cause refusals tomorrow, so failures are not cached.
      workspace.catch(() => {
        made.delete(tenant);
        freed = null;
      });
      return workspace;
    },
  };
}

const cliFolder = (stateDirectory: string): string => join(stateDirectory, "cli");

/** Next to `tenants` instead of inside it, so that no tenant's folder can be this one. */
const noTenantsFolder = (stateDirectory: string): string => join(cliFolder(stateDirectory), "no-tenant");

const tenantsFolder = (stateDirectory: string, tenant: string): string =>
  join(cliFolder(stateDirectory), "tenants", tenantFolderName(tenant));

/**
 * Older builds kept the folder of requests without a tenant under the name of a tenant called "default". It moves, with all that
 * is in it. A tenant's own has a home, made before its `work`: checked in this order, a folder that is just being made is not used.
 */
async function freeOldFolder(stateDirectory: string): Promise<void> {
  const old = tenantsFolder(stateDirectory, "default");
  const place = noTenantsFolder(stateDirectory);
  if ((await existingPaths([join(old, "work")])).length === 0) return;
  if ((await existingPaths([join(old, "home"), place])).length > 0) return;
  try {
    await rename(old, place);
  } catch (error) {
    // Another provider's folders are made at the same time.
    if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(errorCode(error) ?? "")) throw error;
  }
}

/** A tenant, or all requests without one, as text. */
export function tenantLabel(tenant: string | null): string {
  return tenant === null ? "requests without a tenant" : `tenant ${tenant}`;
}

/** A folder name that no other tenant can get on any file system, whatever the tenant's name. */
export function tenantFolderName(tenant: string): string {
  const readable = tenant
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 32)
    .replace(/^-|-$/g, "");
  return `${readable === "" ? "tenant" : readable}-${sha256Hex(tenant).slice(0, 12)}`;
}

async function makeWorkspace(
  options: WorkspaceOptions,
  tenant: string | null,
  settings: TenantWorkspaceSettings,
): Promise<Workspace> {
  const { stateDirectory } = options;
  const root = tenant === null ? noTenantsFolder(stateDirectory) : tenantsFolder(stateDirectory, tenant);
  const env = { ...options.env, ...settings.env };
  const account = tenant === null ? null : await accountFor(options, tenant, settings);
  const places =
    tenant === null
      ? gatewayUserFolders(options, env, settings)
      : account === null
        ? isolatedFolders(root, settings)
        : accountFolders(account, tenant, settings);
  // A folder that the operator set is used as it is.
  const isNamed = settings.workingDir !== undefined && settings.workingDir !== null;
  const workingDir = settings.workingDir ?? places.work ?? join(root, "work");
  const folders = [
    places.home,
    places.configDir,
    workingDir,
    ...(settings.addDirs ?? []),
    ...(settings.pluginDirs ?? []),
  ];
  for (const each of folders)
    if (!isAbsolute(each))
      throw new Error(`The folder "${each}" of ${tenantLabel(tenant)} must be an absolute path.`);
  await ensurePrivateDirectory(root);
  for (const each of places.own) await ensurePrivateDirectory(each);
  if (!isNamed)
    await (account === null
      ? ensurePrivateDirectory(workingDir)
      : makeFolderAs(account, workingDir, options.environment));
  const workspace = {
    tenant,
    bin: options.bin,
    home: places.home,
    configDir: places.configDir,
    isConfigDirImplied: places.isImplied,
    workingDir,
    neutralDir: isNamed ? null : ((await options.neutralFolders?.of(tenant, account)) ?? null),
    env,
    pluginDirs: settings.pluginDirs ?? [],
    addDirs: settings.addDirs ?? [],
    permissionMode: settings.permissionMode ?? null,
    account,
  };
  return { ...workspace, ...(await jailOf(options, workspace, root)) };
}

type WorkspaceFolders = {
  readonly home: string;
  readonly configDir: string;
  readonly isImplied: boolean;
  /** Folders that the gateway creates. */
  readonly own: readonly string[];
  /** Folder to work in; absent: one below the tenant's own. */
  readonly work?: string;
};

function accountFor(
  { bin, environment, findAccount }: WorkspaceOptions,
  tenant: string,
  { uid = null }: TenantWorkspaceSettings,
): Promise<Account | null> {
  if (uid === null) return Promise.resolve(null);
  return resolveUser({
    programName,
    tenant,
    uid,
    bin,
    environment,
    ...(findAccount === undefined ? {} : { accountOf: findAccount }),
  });
}

/** Where a tenant's processes work that run as another user, with this home. */
export const accountWorkFolder = (home: string, tenant: string): string =>
  join(home, ".local", "state", "clawgate", tenantFolderName(tenant));

/** That user's own home and login. The gateway's folders are closed to it, so it works below its home. */
function accountFolders(
  { home }: Account,
  tenant: string,
  settings: TenantWorkspaceSettings,
): WorkspaceFolders {
  const named = settings.configDir ?? settings.env?.["CLAUDE_CONFIG_DIR"];
  return {
    home,
    configDir: named || join(home, ".claude"),
    isImplied: !named,
    own: [],
    work: accountWorkFolder(home, tenant),
  };
}

/** The user's own home and configuration, so that the user's own login is found: by the program, never by us. */
function gatewayUserFolders(
  options: WorkspaceOptions,
  env: Readonly<Record<string, string>>,
  settings: TenantWorkspaceSettings,
): WorkspaceFolders {
  const home = options.environment["HOME"] || homedir();
  const named =
    settings.configDir ??
    env["CLAUDE_CONFIG_DIR"] ??
    options.configDir ??
    options.environment["CLAUDE_CONFIG_DIR"];
  return {
    home,
    configDir: named || join(home, ".claude"),
    isImplied: !named,
    own: [],
  };
}

function isolatedFolders(root: string, settings: TenantWorkspaceSettings): WorkspaceFolders {
  const home = join(root, "home");
  const ownConfig = join(root, "config");
  // Only the tenant's own setting: the provider's folder would be one login for all.
  const named = settings.configDir ?? settings.env?.["CLAUDE_CONFIG_DIR"];
  return {
    home,
    configDir: named || ownConfig,
    isImplied: false,
    own: named ? [home] : [home, ownConfig],
  };
}

/** Throws JailProblem. */
async function jailOf(
  options: WorkspaceOptions,
  workspace: Omit<Workspace, "jail">,
  ownRoot: string,
): Promise<Pick<Workspace, "jail" | "jailServers">> {
  const { jailProgram, environment } = options;
  if (jailProgram === null) return { jail: null };
  const { account = null, tenant } = workspace;
  const { jail, servers } = jailSettingsOf({
    program: jailProgram,
    flags: options.jailFlags ?? [],
    workspace: { ...workspace, isConfigDirImplied: workspace.isConfigDirImplied === true },
    tenant,
    ownRoot,
    environment,
    home: environment["HOME"] || homedir(),
    guardedPaths: options.guardedPaths,
    read: options.jailRead,
    hosts: options.jailHosts,
    mcpServers: options.mcpServers,
  });
  const { neutralDir = null } = workspace;
  const extended = { ...jail, empty: neutralDir === null ? jail.empty : [...jail.empty, neutralDir] };
  if (account === null) return { jail: extended, jailServers: servers };
  // Bubblewrap cannot show what that user cannot see.
  const seen = (paths: readonly string[]): Promise<string[]> => visibleTo(account, paths, environment);
  return {
    jail: { ...extended, readable: await seen(jail.readable), writable: await seen(jail.writable) },
    jailServers: servers,
  };
}
