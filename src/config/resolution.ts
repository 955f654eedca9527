// A document, the variables and the flags become a Config. Shared by the file and by discovery, so that both mean the same.
// It must never print a value: it may be a key.

import { dirname } from "node:path";
import { cliNotices, variableNotices } from "./cli-notices.ts";
import { shortKeyNotices } from "./client-keys.ts";
import { checkExposure } from "./cross-checks.ts";
import { dotted } from "./document.ts";
import type { Environment } from "./environment.ts";
import { withoutFolderServers } from "./found-programs.ts";
import { type ConfigSource, type LayeredValue, layeredValue } from "./layered-value.ts";
import type { SkippedProvider } from "./local-servers.ts";
import { readMcpServers } from "./mcp-file.ts";
import { clientSignInNotices } from "./client-sign-in.ts";
import { authNotices, holdsPlainKeys, requestLogNotices, routingNotices } from "./notices.ts";
import { type Origins, originsOf } from "./origins.ts";
import { ConfigProblem, type Problem } from "./problems.ts";
import { type Validated, validate } from "./schema-validation.ts";
import type { Config } from "./schema.ts";
import { tenantServerFindings } from "./tenant-checks.ts";
import { atWrittenPath, valueProblems, WrittenPlaces } from "./value-problems.ts";
import { isTree, valueAt } from "./values.ts";
import { foundConfigLines } from "./variable-sources.ts";

export type LoadedConfig = {
  /** The config file; null if there is none. */
  readonly path: string | null;
  readonly config: Config;
  /** The process's variables, over the known names of `.env`. Pass this on instead of process.env. */
  readonly environment: Environment;
  /** One line each, for the log at the start. */
  readonly notices: readonly string[];
  /** The notices about what was not read, used or started because its file was not named explicitly. */
  readonly untrustedNotices: readonly string[];
  /** Which file each value came from, a line each: also for the start, and no cause for concern. */
  readonly sources: readonly string[];
  /** The file was found, not named: the program was started in its folder. */
  readonly isUnnamed: boolean;
  /** The file is another program's, and was read as a config of ours: nothing here can edit it. Absent: it is ours. */
  readonly isForeign?: boolean;
  /** The separate file of `mcp_servers`, if there is one. */
  readonly mcpServersFile: string | null;
  /** The values that override the file, and the file's place of each setting that the machine may refuse. */
  readonly origins: Origins;
  readonly skippedProviders: readonly SkippedProvider[];
  /** Where local servers list their models that were not probed yet: one that answers is loaded without a key. */
  readonly serversToProbe: readonly string[];
};

/** Loads a value as if it came from a file: shared by `loadConfig` and discovery. */
export function resolveConfig(source: ConfigSource): LoadedConfig {
  const layered = layeredValue(source);
  const places = new WrittenPlaces(source, layered);
  const validated = validate(layered.value, layered.expanded.origins);
  const problems = valueProblems(source, layered, validated, places);
  if (validated.config === null) throw new ConfigProblem(inOrder(problems));
  const servers = serversOf(source, layered, validated.config, places);
  const config = { ...withLoadedChain(validated.config), mcp_servers: servers.allowed };
  const all = [
    ...problems,
    ...serverProblems(servers, { config, validated, places }),
    ...exposureProblems({ config, validated, places }),
  ];
  if (all.length > 0) throw new ConfigProblem(inOrder(all));
  return loadedConfig(source, layered, { config, servers, places });
}

/** A chain names only loaded providers; without one, the order of the config is used. */
function withLoadedChain(config: NonNullable<Validated["config"]>) {
  const loadedIds = Object.keys(config.providers);
  const chain = config.fallback_chain?.filter((id) => loadedIds.includes(id)) ?? loadedIds;
  return { ...config, fallback_chain: chain };
}

type ReadServers = ReturnType<typeof readMcpServers>;

type Servers = {
  /** All configured providers. */
  readonly read: ReadServers["servers"];
  /** Those that may be started. */
  readonly allowed: ReadServers["servers"];
  readonly file: string | null;
  readonly notices: readonly string[];
  readonly wrong: readonly Problem[];
};

function serversOf(
  { input, path, resolvedEnvironment }: ConfigSource,
  { isFound, written, folder }: LayeredValue,
  config: NonNullable<Validated["config"]>,
  places: WrittenPlaces,
): Servers {
  const isFromFile = places.isFromFile(["mcp_servers"]);
  // A path in a `.env` belongs to that file's folder.
  const variableFile = resolvedEnvironment.origins.get("PROXY_MCP_CONFIG");
  const variableFolder = variableFile === undefined ? input.workingDirectory : dirname(variableFile);
  const { read, wrong } = readServers(() =>
    readMcpServers(
      config.mcp_servers ?? {},
      path === null || !isFromFile ? variableFolder : dirname(path),
      isFound && isFromFile ? (input.readFound ?? input.readFile) : input.readFile,
    ),
  );
  const { servers: allowed, notices } =
    isFound && isFromFile
      ? withoutFolderServers(read.servers, valueAt(written, ["mcp_servers"]), folder)
      : { servers: read.servers, notices: [] };
  return { read: read.servers, allowed, file: read.file, notices, wrong };
}

function readServers(read: () => ReadServers): {
  readonly read: ReadServers;
  readonly wrong: readonly Problem[];
} {
  try {
    return { read: read(), wrong: [] };
  } catch (thrown) {
    if (thrown instanceof ConfigProblem) return { read: { servers: {}, file: null }, wrong: thrown.problems };
    throw thrown;
  }
}

type WholeConfig = {
  readonly config: Config;
  readonly validated: Validated;
  readonly places: WrittenPlaces;
};

function serverProblems(
  { read, wrong }: Servers,
  { config, validated, places }: WholeConfig,
): readonly Problem[] {
  // A file that cannot be read may name any of them.
  const isKnown = wrong.length === 0 && validated.isWhole(["mcp_servers"]) && places.isSound(["mcp_servers"]);
  if (!isKnown) return wrong;
  const findings = tenantServerFindings({ ...config, mcp_servers: read }).map(atWrittenPath(validated));
  return findings.map((finding) => places.problemAt(finding));
}

function exposureProblems({ config, validated, places }: WholeConfig): readonly Problem[] {
  const isKnown = [["server", "host"], ["auth"], ["tenants"]].every(
    (at) => validated.isWhole(at) && places.isSound(at),
  );
  const message = isKnown ? checkExposure(config) : null;
  return message === null ? [] : [places.problemAt({ path: ["server", "host"], message, hint: null })];
}

type CheckedConfig = {
  readonly config: Config;
  readonly servers: Servers;
  readonly places: WrittenPlaces;
};

function loadedConfig(source: ConfigSource, layered: LayeredValue, checked: CheckedConfig): LoadedConfig {
  const { document, path, resolvedEnvironment } = source;
  const { sorted, variableLookup, overrides, written, isFound, programNotices } = layered;
  const untrustedNotices = [
    ...resolvedEnvironment.notices,
    ...variableLookup.notices(),
    ...programNotices,
    ...checked.servers.notices,
  ];
  return {
    path,
    config: checked.config,
    environment: resolvedEnvironment.environment,
    skippedProviders: sorted.skipped,
    serversToProbe: sorted.urlsToProbe,
    isUnnamed: isFound,
    mcpServersFile: checked.servers.file,
    origins: originsOf({ overrides, files: resolvedEnvironment.origins, document, path }),
    untrustedNotices,
    sources: [
      ...variableLookup.sources(),
      ...sorted.loadedNotices,
      ...(isFound && path !== null ? foundConfigLines(path, written, resolvedEnvironment) : []),
    ],
    notices: [
      ...untrustedNotices,
      ...sorted.notices,
      ...settingNotices(checked, resolvedEnvironment.environment),
      ...keyNotices(source, layered),
    ],
  };
}

/** Settings that deserve a second look. */
function settingNotices({ config, places }: CheckedConfig, environment: Environment): readonly string[] {
  return [
    ...shortKeyNotices(config, config.server.host, (at) => {
      const { origin = null } = places.overrideAt(at) ?? {};
      return origin ?? [places.lineOf(at), dotted(at)].join(" ").trim();
    }),
    ...authNotices(config),
    ...clientSignInNotices(config),
    ...cliNotices(config, environment["HOME"]),
    ...variableNotices(config),
    ...routingNotices(config),
    ...requestLogNotices(config),
  ];
}

/** Keys that others can read, or that are not required. */
function keyNotices({ input, path }: ConfigSource, { written, overrides }: LayeredValue): readonly string[] {
  const mode = path === null ? null : (input.fileMode?.(path) ?? null);
  const isReadableByAll = mode !== null && (mode & 0o004) !== 0 && isTree(written) && holdsPlainKeys(written);
  const isUnlocked = overrides.some((override) => override.origin === "REQUIRE_AUTH");
  return [
    ...(isReadableByAll
      ? [`${path} holds keys and every user of this machine can read it; chmod 600 ${path}`]
      : []),
    ...(isUnlocked ? ["REQUIRE_AUTH=false: the keys in this config are not required"] : []),
  ];
}

function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((left, right) => (left.line ?? Infinity) - (right.line ?? Infinity));
}
