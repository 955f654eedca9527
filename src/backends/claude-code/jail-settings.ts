// Derives a tenant's jail from its workspace: which folders it shows, which are read-only, what it can reach. It must never
// include a folder that contains something of the gateway or of another tenant: such a tenant is refused by name.

import { lstatSync, readdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { McpServers } from "./settings.ts";
import { findOnPath } from "../../system/process.ts";
import type { JailSettings } from "../agent-process/jail/bubblewrap.ts";
import {
  exists,
  isLink,
  isNoFile,
  leadsOut,
  notCovered,
  outermost,
  refuseLinks,
} from "../agent-process/jail/path-checks.ts";
import {
  createPathPolicy,
  type GuardedPath,
  isWithin,
  JailProblem,
} from "../agent-process/jail/path-policy.ts";
import { programFiles } from "../agent-process/jail/program-files.ts";
import { addressesIn } from "../agent-process/jail/network-addresses.ts";
import { systemFolders } from "../agent-process/jail/system-folders.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export type JailSettingsInput = {
  /** Bubblewrap. */
  readonly program: string;
  readonly flags: readonly string[];
  readonly workspace: {
    readonly bin: string;
    readonly home: string;
    readonly configDir: string;
    readonly isConfigDirImplied: boolean;
    readonly workingDir: string;
    readonly addDirs: readonly string[];
    readonly pluginDirs: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  };
  /** Null: of requests without a tenant. */
  readonly tenant: string | null;
  /** The tenant's folder in the state directory, made only for this tenant. */
  readonly ownRoot: string;
  readonly environment: Environment;
  readonly home: string;
  readonly guardedPaths: readonly GuardedPath[];
  /** `jail_read` and `jail_hosts`, paths absolute. */
  readonly read: readonly string[];
  readonly hosts: readonly string[];
  readonly mcpServers: McpServers;
};

/** What an MCP server adds, by its name. */
export type JailAdditions = Readonly<Record<string, Pick<JailSettings, "readable" | "allowedAddresses">>>;

/**
 * Files that the program obeys wherever it runs next, even in the operator's own terminal: hooks, commands, servers. A
 * jailed program that could write them would escape its jail.
 */
const obeyedFiles = ["settings.json", "settings.local.json", "CLAUDE.md"];
const obeyedFolders = [
  "agents",
  "commands",
  "hooks",
  "local",
  "output-styles",
  "plugins",
  "rules",
  "skills",
  "workflows",
];
/** Scripts that the shells of every session of the program read: each jail has its own, or it would write the operator's. */
const scratchFolders = ["session-env", "shell-snapshots"];

/** Files named by variables of the operator's environment that the program gets. */
const certificates = ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"];

/** Throws JailProblem. */
export function jailSettingsOf(input: JailSettingsInput): {
  readonly jail: JailSettings;
  readonly servers: JailAdditions;
} {
  const { workspace, tenant, environment } = input;
  const { home, configDir, workingDir, addDirs } = workspace;
  const policy = createPathPolicy(input.guardedPaths, input.home);
  const given = [
    ["working_dir", workingDir],
    ...addDirs.map((path) => ["add_dirs", path] as const),
    ...input.read.map((path) => ["jail_read", path] as const),
  ] as const;
  const isOurs = (path: string): boolean => isWithin(path, input.ownRoot);
  const ours = isOurs(home) ? [home] : [];
  for (const [key, path] of [...given, ["config_dir", configDir] as const])
    if (!isOurs(path)) policy.check(tenant, { key, path, isShareable: key === "config_dir" });
  // What any tenant's jailed program may write.
  const unsafe = [
    workingDir,
    ...addDirs,
    ...input.guardedPaths.flatMap(({ path, isRecursive, owner }) =>
      isRecursive || owner === null ? [] : [path],
    ),
  ];
  for (const path of [...ours, configDir, workingDir, ...addDirs, ...input.read]) refuseLinks(path, unsafe);
  // A folder that only its tenant's jailed programs read needs no such protection.
  const isOperators = !isOurs(configDir);
  if (isOperators) refuseObeyedLinks(configDir);

  // What is missing may be created later, so each start checks again.
  const writable = outermost([...ours, configDir, workingDir, ...addDirs].filter(isNoFile));
  const named = [...valuesOf(workspace.env), ...certificates.flatMap((name) => environment[name] ?? [])];
  const shown = (paths: readonly string[]): readonly string[] =>
    paths.filter(
      (path) => isAbsolute(path) && exists(path) && policy.isFree(tenant, path) && !leadsOut(path, unsafe),
    );
  const readable = notCovered(
    [
      ...programFiles(workspace.bin, environment["PATH"]),
      ...workspace.pluginDirs,
      ...input.read.filter(exists),
      ...shown(named),
      ...(workspace.isConfigDirImplied ? [join(home, ".claude.json")].filter(exists) : []),
    ],
    writable,
  );
  const jail: JailSettings = {
    program: input.program,
    flags: input.flags,
    owner: tenant,
    readable,
    writable,
    empty: [
      ...(writable.includes(home) ? [] : [home]),
      ...scratchFolders.map((name) => join(configDir, name)),
    ],
    fixedFolders: obeyedFolders.map((name) => join(configDir, name)),
    fixedFiles: [...obeyedFiles, ...(isOperators ? programsIn(configDir) : [])].map((name) =>
      join(configDir, name),
    ),
    hidden: policy.within(systemFolders),
    allowedAddresses: [...new Set([...input.hosts, ...addressesIn(valuesOf(workspace.env))])].toSorted(),
  };
  return { jail, servers: additionsOf(input, jail, shown) };
}

function valuesOf(env: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) => (/proxy$/i.test(name) ? [] : [value]));
}

/** Its command, the files that its arguments and variables name, and the addresses in them. */
function additionsOf(
  { mcpServers, environment }: JailSettingsInput,
  jail: JailSettings,
  shown: (paths: readonly string[]) => readonly string[],
): JailAdditions {
  const additions = Object.entries(mcpServers).map(([name, server]) => {
    if (!("command" in server))
      return [name, { readable: [], allowedAddresses: addressesIn([server.url]) }] as const;
    const words = [...server.args, ...Object.values(server.env)];
    const command = findOnPath(server.command, environment["PATH"]);
    const files = command === null ? [] : programFiles(command, environment["PATH"]);
    // `--config=/etc/x.json` names a file as well.
    const paths = shown(words.map((word) => word.replace(/^--?[\w-]+=/, "")));
    const packages = paths.flatMap((path) => programFiles(path, environment["PATH"])).filter(exists);
    return [
      name,
      {
        readable: notCovered([...files, ...paths, ...packages], jail.writable),
        allowedAddresses: addressesIn(words),
      },
    ] as const;
  });
  return Object.fromEntries(additions);
}

/** Adds what a request's servers need. */
export function withServers(
  jail: JailSettings,
  servers: JailAdditions,
  names: readonly string[],
): JailSettings {
  const more = names.flatMap((name) => servers[name] ?? []);
  if (more.length === 0) return jail;
  const union = (key: "readable" | "allowedAddresses"): readonly string[] => [
    ...new Set([...jail[key], ...more.flatMap((each) => each[key])]),
  ];
  return { ...jail, readable: union("readable"), allowedAddresses: union("allowedAddresses") };
}

/** A link cannot be covered: a jailed program could replace it with its own file. Throws JailProblem. */
function refuseObeyedLinks(configDir: string): void {
  for (const name of [...obeyedFiles, ...obeyedFolders])
    if (isLink(join(configDir, name)))
      throw new JailProblem(
        `${join(configDir, name)} is a link, which a jailed program could replace by settings of its own. Put a plain file or folder in its place, or name another config_dir.`,
      );
}

/** Files named in settings are here too, such as a status line's script. */
function programsIn(configDir: string): readonly string[] {
  try {
    return readdirSync(configDir).filter((name) => {
      const found = lstatSync(join(configDir, name), { throwIfNoEntry: false });
      return found?.isFile() === true && ((found.mode & 0o111) !== 0 || /\.(?:sh|m?js|ts|py)$/.test(name));
    });
  } catch {
    return [];
  }
}
