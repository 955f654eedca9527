// The program as it is installed on this machine: where it is, which build, in which jail it runs, and every tenant's folders.
// Nothing is looked up before a request needs it: a start must never wait for the program.

import { realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { Failure, shortageFrom } from "../../canon/failure.ts";
import type { accountOf } from "../../system/accounts.ts";
import { missingPosix } from "../../system/posix.ts";
import { findOnPath } from "../../system/process.ts";
import { findJail, type JailFound } from "../agent-process/jail/bubblewrap.ts";
import { type GuardedPath, JailProblem } from "../agent-process/jail/path-policy.ts";
import type { JailRuntime } from "../agent-process/jail/jail-runtime.ts";
import { type Breach, findBreaches } from "../agent-process/jail/jail-check.ts";
import type { NeutralFolders } from "../agent-process/neutral-folders.ts";
import { resolveUser, UserProblem } from "../agent-process/other-user.ts";
import { programName } from "./program-facts.ts";
import type { CliProgram } from "./program-settings.ts";
import type { McpServers } from "./settings.ts";
import { programStamp } from "../agent-process/program-status.ts";
import {
  createWorkspaces,
  type TenantWorkspaceSettings,
  type Workspace,
  type Workspaces,
} from "./workspace.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** A tenant of the config, as far as the program is concerned. */
export type CliTenant = {
  readonly env: Readonly<Record<string, string>>;
  readonly configDir: string | null;
  readonly workingDir: string | null;
  readonly addDirs: readonly string[] | null;
  readonly permissionMode: string | null;
  /** The user of the machine that its processes run as; null: the gateway's own. */
  readonly uid?: string | number | null;
};

export type InstallationOptions = {
  readonly program: CliProgram;
  readonly environment: Environment;
  readonly stateDirectory: string;
  /** What no jail may show. */
  readonly guardedPaths: readonly GuardedPath[];
  readonly mcpServers?: McpServers;
  /** Prepares jails; absent: no jail can be checked. */
  readonly jailRuntime?: JailRuntime;
  /** Folders with neutral names for the vendor; absent: none. */
  readonly neutralFolders?: NeutralFolders;
  readonly warn: (message: string) => void;
  /** Default: read from the machine. */
  readonly findAccount?: typeof accountOf;
};

export type Installation = {
  /** The program's absolute path. Throws Failure `unreachable` when it is not there. */
  bin(): string;
  /** Changes with the program; null when it is not there. */
  stamp(): Promise<string | null>;
  /** Throws Failure. */
  workspaceOf(tenant: string | null, settings: CliTenant | null): Promise<Workspace>;
  /** Throws an Error when a jail is required and there is none, or it is not effective. */
  checkJail(tenants: ReadonlyMap<string, CliTenant>): Promise<void>;
  /**
   * The checked guarantees that a tenant's jail breaks (null: for requests without a tenant); null: no jail. Throws
   * Failure.
   */
  breachesOf(tenant: string | null, settings: CliTenant | null): Promise<readonly Breach[] | null>;
  /** Throws an Error when a tenant's processes cannot run as the user that it names. */
  checkUsers(tenants: ReadonlyMap<string, CliTenant>): Promise<void>;
};

export function createInstallation(options: InstallationOptions): Installation {
  return new FoundProgram(options);
}

type Places = { readonly bin: string; readonly real: string; readonly workspaces: Workspaces };

class FoundProgram implements Installation {
  private jail: Promise<JailFound> | null = null;
  private places: Places | null = null;

  constructor(private readonly options: InstallationOptions) {}

  bin(): string {
    const lacking = missingPosix("Claude Code as a provider");
    if (lacking !== null) throw new Failure("unreachable", `${lacking}.`);
    const found = this.find();
    if (found !== null) return found;
    throw new Failure(
      "unreachable",
      "The Claude Code program is not installed where the gateway looks for it.",
    );
  }

  async stamp(): Promise<string | null> {
    const found = this.find();
    return found === null ? null : programStamp(found);
  }

  async workspaceOf(tenant: string | null, settings: CliTenant | null): Promise<Workspace> {
    const { program, environment } = this.options;
    const workspaces = await this.workspaces();
    try {
      return await workspaces.of(tenant, workspaceSettingsOf(program, settings, environment));
    } catch (cause) {
      throw this.refusalOf(cause);
    }
  }

  async breachesOf(tenant: string | null, settings: CliTenant | null): Promise<readonly Breach[] | null> {
    const { jailRuntime, guardedPaths, environment } = this.options;
    const { jail, workingDir, home, account = null } = await this.workspaceOf(tenant, settings);
    if (jail === null) return null;
    if (jailRuntime === undefined) throw new Error("no jail directory was prepared");
    const user = account === null ? null : { uid: account.uid, gid: account.gid };
    return findBreaches({
      jail,
      jailRuntime,
      cwd: workingDir,
      home,
      user,
      tenant,
      guardedPaths,
      environment,
    });
  }

  async checkUsers(tenants: ReadonlyMap<string, CliTenant>): Promise<void> {
    const { environment, findAccount } = this.options;
    for (const [tenant, { uid = null }] of tenants) {
      // A missing program is reported when it is needed, as without a user.
      const bin = uid === null ? null : this.find();
      if (uid === null || bin === null) continue;
      await resolveUser({
        programName,
        tenant,
        uid,
        bin,
        environment,
        ...(findAccount === undefined ? {} : { accountOf: findAccount }),
      });
    }
  }

  async checkJail(tenants: ReadonlyMap<string, CliTenant>): Promise<void> {
    const { jail: mode } = this.options.program;
    if (mode === "off") return;
    await this.foundJail();
    // A missing program is reported when it is needed.
    if (mode !== "required" || this.find() === null) return;
    for (const [tenant, settings] of [[null, null] as const, ...tenants]) {
      const breaches = (await this.breachesOf(tenant, settings).catch(rethrowCause)) ?? [];
      if (breaches.length > 0)
        throw new Error(
          `cli.jail is "required", but the jail of ${tenant === null ? "requests without a tenant" : `tenant ${tenant}`} is not effective: ${breachesText(breaches)}.`,
        );
    }
  }

  private find(): string | null {
    const { program, environment } = this.options;
    return findOnPath(absolute(program.bin, environment), environment["PATH"]);
  }

  private foundJail(): Promise<JailFound> {
    this.jail ??= this.findJail();
    this.jail.catch(() => (this.jail = null));
    return this.jail;
  }

  private async findJail(): Promise<JailFound> {
    const { program, environment, warn } = this.options;
    const found = await findJail({
      mode: program.jail,
      path: environment["PATH"],
      platform: process.platform,
      programName,
    });
    if (found.warning !== null) warn(found.warning);
    return found;
  }

  private async workspaces(): Promise<Workspaces> {
    const { options } = this;
    const { program, environment } = options;
    const bin = this.bin();
    // An update may be elsewhere, and a jail shows the program's own files alone.
    const real = await realpath(bin);
    const { places } = this;
    if (places?.bin === bin && places.real === real) return places.workspaces;
    const { program: jailProgram, flags } = await this.foundJail();
    const workspaces = createWorkspaces({
      stateDirectory: options.stateDirectory,
      environment,
      bin,
      env: program.env,
      configDir: absoluteOrNull(program.configDir, environment),
      jailProgram,
      jailFlags: flags,
      guardedPaths: options.guardedPaths,
      jailRead: program.jailRead.map((path) => absolutePath(path, environment)),
      jailHosts: program.jailHosts,
      mcpServers: options.mcpServers ?? {},
      findAccount: options.findAccount,
      neutralFolders: options.neutralFolders,
    });
    this.places = { bin, real, workspaces };
    return workspaces;
  }

  /** Why there is no workspace: the client gets the short text, the operator's log the full one. */
  private refusalOf(cause: unknown): Failure {
    const isJail = cause instanceof JailProblem;
    if (isJail || cause instanceof UserProblem) {
      this.options.warn(cause.message);
      const what = isJail ? "isolated in a jail" : "run as the user of this tenant";
      return new Failure(
        "unreachable",
        `The Claude Code program cannot be ${what}. The gateway's log says why.`,
        { cause },
      );
    }
    return (
      shortageFrom(cause) ??
      new Failure("internal", "The folders of the Claude Code program cannot be used.", { cause })
    );
  }
}

/** At the start the operator gets the cause, which a client does not. */
function rethrowCause(thrown: unknown): never {
  if (thrown instanceof Failure && thrown.cause instanceof Error) throw thrown.cause;
  throw thrown;
}

export function breachesText(breaches: readonly Breach[]): string {
  const shown = breaches.slice(0, maxShown).map(({ what }) => what);
  const more = breaches.length - shown.length;
  return `open from inside: ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

const maxShown = 6;

function workspaceSettingsOf(
  program: CliProgram,
  tenant: CliTenant | null,
  environment: Environment,
): TenantWorkspaceSettings {
  return {
    env: tenant?.env ?? {},
    // A folder set for the provider is shared by all tenants. Another user cannot read it and has its own.
    configDir: absoluteOrNull(
      tenant?.configDir ?? ((tenant?.uid ?? null) === null ? program.configDir : null),
      environment,
    ),
    workingDir: absoluteOrNull(tenant?.workingDir ?? program.workingDir, environment),
    addDirs: (tenant?.addDirs ?? program.addDirs).map((path) => absolutePath(path, environment)),
    permissionMode: tenant?.permissionMode ?? program.permissionMode,
    uid: tenant?.uid ?? null,
  };
}

/** A bare name is searched for on PATH. */
function absolute(bin: string, environment: Environment): string {
  return bin.includes("/") ? absolutePath(bin, environment) : bin;
}

function absoluteOrNull(path: string | null, environment: Environment): string | null {
  return path === null ? null : absolutePath(path, environment);
}

export function absolutePath(path: string, environment: Environment): string {
  const home = environment["HOME"] || homedir();
  if (path === "~" || path.startsWith("~/")) return join(home, path.slice(1));
  return isAbsolute(path) ? path : resolve(path);
}
