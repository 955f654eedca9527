// The paths that no jailed program of any provider may see: the gateway's files, the keys that the config names, every tenant's
// folders. It must never check whether a path exists: one that does not exist yet is guarded too.

import { readFileSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { accountIn } from "../../system/accounts.ts";
import { keptVersions } from "../../system/kept-versions.ts";
import type { GuardedPath } from "../agent-process/jail/path-policy.ts";
import type { ClaudeConfig, ClaudeConfigSource } from "./claude-config.ts";
import { absolutePath } from "./installation.ts";

/** Files and folders of the gateway itself. */
export type GatewayFiles = {
  readonly stateDirectory: string;
  /** Absolute. */
  readonly databaseFiles: readonly string[];
};

export function guardedPathsOf(
  loaded: ClaudeConfigSource,
  { stateDirectory, databaseFiles }: GatewayFiles,
): readonly GuardedPath[] {
  const { config, environment, path, mcpServersFile } = loaded;
  const absolute = (written: string): string => absolutePath(written, environment);
  const ours = (what: string, file: string, isRecursive = false): GuardedPath => ({
    path: absolute(file),
    what,
    isRecursive,
    owner: null,
  });
  return [
    ours("the gateway's state", stateDirectory, true),
    ...(path === null ? [] : configFiles(path).map((file) => ours("the gateway's config", file))),
    ...(mcpServersFile === null ? [] : [ours("the file of MCP servers and their keys", mcpServersFile)]),
    ...envFiles(path).map((file) => ours("a .env file of the gateway's", file)),
    ...databaseFiles.map((file) => ours("the gateway's database", file)),
    ...keyFiles(config).map((file) => ours("a file with a token", file)),
    ...(config.skills.dir === undefined
      ? []
      : [ours("the tenants' skills", relativeToConfig(path, config.skills.dir, absolute), true)]),
    ...tenantFolders(loaded, absolute),
  ];
}

/** Of a link the versions lie next to the file that it leads to. */
function configFiles(path: string): readonly string[] {
  return [...new Set([path, realPath(path)])].flatMap((each) => [each, ...keptVersions(each)]);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // There is no such file now.
    return path;
  }
}

/** Next to the config, and in the gateway's working directory. */
function envFiles(path: string | null): readonly string[] {
  return [...(path === null ? [] : [join(dirname(path), ".env")]), resolve(".env")];
}

/** Files that a provider reads its token from. */
function keyFiles(config: ClaudeConfig): readonly string[] {
  return Object.values(config.providers).flatMap(({ auth }) =>
    typeof auth === "object" && auth.type === "bearer-file" ? [auth.path] : [],
  );
}

function tenantFolders(
  { config, environment }: ClaudeConfigSource,
  absolute: (path: string) => string,
): readonly GuardedPath[] {
  const loginsOf = (
    tenant: string | null,
    folders: readonly (string | undefined)[],
  ): readonly GuardedPath[] =>
    folders.flatMap((folder) =>
      folder === undefined || folder === ""
        ? []
        : [
            {
              path: absolute(folder),
              what: "another login of Claude Code",
              isRecursive: true,
              owner: { tenant },
            },
          ],
    );
  const providers = Object.values(config.providers).filter(({ backend }) => backend === "claude-cli");
  const sections = [...(config.cli === undefined ? [] : [config.cli]), ...providers];
  const tenants = config.tenants.flatMap((tenant): readonly GuardedPath[] => [
    ...loginsOf(tenant.name, [tenant.config_dir, tenant.env["CLAUDE_CONFIG_DIR"]]),
    ...[tenant.working_dir, ...(tenant.add_dirs ?? [])].flatMap((folder) =>
      folder === undefined
        ? []
        : [
            {
              path: absolute(folder),
              what: "a folder of another tenant",
              isRecursive: false,
              owner: { tenant: tenant.name },
            },
          ],
    ),
  ]);
  // Where another user's program keeps its login and works, as in other-user.ts and workspace.ts.
  const people = config.tenants.some(({ uid }) => uid !== undefined) ? peopleHere() : "";
  const homes = config.tenants.flatMap(({ name, uid }) => {
    const account = uid === undefined ? null : accountIn(people, uid);
    if (account === null) return [];
    return loginsOf(name, [join(account.home, ".claude"), join(account.home, ".local", "state", "clawgate")]);
  });
  return [
    ...homes,
    ...loginsOf(null, [
      "~/.claude",
      environment["CLAUDE_CONFIG_DIR"],
      ...sections.flatMap(({ config_dir, env }) => [config_dir, env?.["CLAUDE_CONFIG_DIR"]]),
    ]),
    ...tenants,
  ];
}

function peopleHere(): string {
  try {
    return readFileSync("/etc/passwd", "utf8");
  } catch {
    return "";
  }
}

function relativeToConfig(path: string | null, written: string, absolute: (path: string) => string): string {
  return path === null || isAbsolute(written) || written.startsWith("~")
    ? absolute(written)
    : resolve(dirname(path), written);
}
