// A document, the variables and the flags become a Config. Shared by the file and by discovery, so that both mean the same.
// It must never say a value aloud: it may be a key.

import { dirname } from "node:path";
import { cliNotices, variableNotices } from "./cli-notices.ts";
import { withCliSection } from "./cli-section.ts";
import {
  checkExposure,
  declaredProviders,
  keyFindings,
  nameFindings,
  vendorKeyFindings,
} from "./cross-checks.ts";
import { shortKeyFindings, shortKeyNotices } from "./client-keys.ts";
import { type ConfigDocument, dotted, type Path } from "./document.ts";
import type { Environment } from "./environment.ts";
import { expand } from "./expand.ts";
import { type Folder, withoutFolderPrograms, withoutFolderServers } from "./found-programs.ts";
import type { Finding } from "./findings.ts";
import { readMcpServers } from "./mcp-file.ts";
import { authNotices, holdsPlainKeys, routingNotices } from "./notices.ts";
import { ownAddressFindings } from "./own-address.ts";
import { type Origins, originsOf } from "./origins.ts";
import { type Override, overridesOf } from "./overrides.ts";
import { ConfigProblem, type Problem } from "./problems.ts";
import type { SkippedProvider } from "./local-servers.ts";
import { isBelow, sortProviders } from "./loadable-providers.ts";
import { type Validated, validate } from "./schema-validation.ts";
import type { Config } from "./schema.ts";
import { isMerelyFound } from "./search.ts";
import { defaultPort } from "../server/settings.ts";
import { createVariableLookup, foundConfigLines } from "./variable-sources.ts";
import type { LoadInput, ResolvedEnvironment } from "./resolved-environment.ts";
import { tenantFindings, tenantServerFindings } from "./tenant-checks.ts";
import { isTree, type Tree, valueAt, withoutNulls, withValueAt } from "./values.ts";

export type LoadedConfig = {
  /** The config file; null when there is none. */
  readonly path: string | null;
  readonly config: Config;
  /** The process's variables with the known names of `.env` laid under them. Hand this on instead of process.env. */
  readonly environment: Environment;
  /** One line each, for the log at start. */
  readonly notices: readonly string[];
  /** Those of them that say what was not read, not taken or not started, because nobody named its file. */
  readonly untrustedNotices: readonly string[];
  /** What came from which file, a line each: for the start as well, and no reason to worry. */
  readonly sources: readonly string[];
  /** Nobody named the file: the program was started beside it. */
  readonly isMerelyFound: boolean;
  /** Where `mcp_servers` stand in a file of their own. */
  readonly mcpServersFile: string | null;
  /** What lies over the file, and where the file says what the machine may refuse. */
  readonly origins: Origins;
  readonly skippedProviders: readonly SkippedProvider[];
  /** Where servers on this machine list their models that have not been asked: whoever answers is loaded without a key. */
  readonly serversToProbe: readonly string[];
};

/** What no single section can see, as far as the sections that it needs are there. */
function crossSectionFindings(
  validated: Validated,
  declaredTree: Tree,
  { lineOf, isSound = () => true }: ConfigDocument,
): readonly Finding[] {
  if (validated.config === null) return [];
  const declared = declaredProviders(declaredTree);
  const namesAreKnown = namingSections.every((section) => isSound([section]));
  // An alias whose target is wrong is a name all the same.
  const names = valueAt(declaredTree, ["aliases"]);
  const aliases = Object.fromEntries(Object.keys(isTree(names) ? names : {}).map((name) => [name, "auto"]));
  const config = { ...validated.config, aliases: { ...aliases, ...validated.config.aliases } };
  return [
    ...(namesAreKnown ? nameFindings(config, declared) : []),
    // The names that rules wait for are names for a tenant as well.
    ...(namesAreKnown ? tenantFindings(config, declared) : []).filter(
      ({ path: [, , key] }) => key !== "models" || validated.isWhole(["static_rules"]),
    ),
    ...keyFindings(config, lineOf, validated.placeOf).filter(
      ({ path }) => path.length > 2 || validated.isWhole(validated.placeOf(path)),
    ),
    ...shortKeyFindings(config, config.server.host),
    ...ownAddressFindings(config),
  ].map(atWrittenPath(validated));
}

/** Sections that make names which others use. */
const namingSections = ["providers", "cli", "aliases", "static_rules"];

const atWrittenPath =
  ({ placeOf }: Validated) =>
  (finding: Finding): Finding => ({ ...finding, path: placeOf(finding.path) });

type ReadServers = ReturnType<typeof readMcpServers>;

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

/**
 * Mistakes in a provider that is left out would show up only on the day its key arrives: what is written there is judged. What
 * is absent or comes out of variables may arrive with the key.
 */
function skippedProviderFindings(
  skipped: readonly SkippedProvider[],
  value: unknown,
  origins: ReturnType<typeof expand>["origins"],
): readonly Finding[] {
  const asWritten = Object.fromEntries(skipped.map(({ id }) => [id, valueAt(value, ["providers", id])]));
  const { findings } = validate({ providers: asWritten }, origins);
  const isWritten = ({ path }: Finding): boolean =>
    path.length > 2 && valueAt(value, path) !== undefined && !origins.has(dotted(path));
  return findings.filter((finding) => finding.message === "unknown key" || isWritten(finding));
}

/** Loads a value as if it stood in a file: what `loadConfig` and discovery share. */
export function resolveConfig(
  input: LoadInput,
  document: ConfigDocument,
  path: string | null,
  resolvedEnvironment: ResolvedEnvironment,
  /** What is wrong with the file itself. */
  fileProblems: readonly Problem[] = [],
): LoadedConfig {
  const { environment } = resolvedEnvironment;
  const written = withoutNulls(document.value);
  const isFound = path !== null && isMerelyFound(input, path);
  const folder: Folder = { path: input.workingDirectory, environment };
  const variableLookup = createVariableLookup(resolvedEnvironment, written, isFound);
  const expanded = expand(isTree(written) ? written : {}, variableLookup.lookup);
  const expandedTree = isTree(expanded.value) ? expanded.value : {};
  const { overrides, refused } = overridesOf(expandedTree, environment, input.flags ?? {});
  // A section that is not a map would vanish below the override, and its fault with it.
  const overridden = overrides.reduce<unknown>(
    (value, override) =>
      isMapOrAbsent(valueAt(expandedTree, override.path.slice(0, -1)))
        ? withValueAt(value, override.path, override.value)
        : value,
    expandedTree,
  );
  const originAt = (at: Path): Override | undefined =>
    overrides.findLast((override) => isBelow(at, [override.path]));
  const complete = withCliSection(isTree(overridden) ? overridden : {}, overrides);
  const isFromFile = (at: Path): boolean => originAt(at) === undefined;
  const { value: declared, refused: refusedProviders } = isFound
    ? withoutFolderPrograms(complete, written, isFromFile, folder)
    : { value: complete, refused: null };
  const sorted = sortProviders(
    { ...expanded, value: declared },
    input.availableBackends,
    environment,
    refusedProviders,
    input.localServers === undefined
      ? null
      : {
          rows: input.localServers,
          answers: input.localAnswers ?? new Map(),
          ownPort: valueAt(declared, ["server", "port"]) ?? defaultPort,
        },
  );
  const value = isMapOrAbsent(declared["providers"]) ? { ...declared, providers: sorted.loaded } : declared;

  const problemAt = (finding: Finding): Problem => {
    const origin = originAt(finding.path);
    const key = dotted(finding.path);
    const { message, hint } = finding;
    if (origin !== undefined) return { path: origin.origin, line: null, key: `(${key})`, message, hint };
    return { path, line: document.lineOf(finding.path), key, message, hint };
  };
  const plainProblem = (at: Path, message: string, hint: string | null): Problem =>
    problemAt({ path: at, message, hint, expected: null });

  const leftOut: Path[] = [...sorted.skipped.map(({ id }) => ["providers", id]), ...sorted.keysLeftOut];
  const isLive = (at: Path): boolean => !isBelow(at, leftOut) && originAt(at) === undefined;
  const validated = validate(value, expanded.origins);
  const unsetPaths = new Set(expanded.unset.map((unset) => dotted(unset.path)));
  const isSound = (at: Path): boolean =>
    document.isSound === undefined || originAt(at) !== undefined || document.isSound(at);
  const findings = [
    // An unset variable is the reason; that its place is empty then need not be said as well.
    ...validated.findings.filter((finding) => !unsetPaths.has(dotted(finding.path))),
    ...skippedProviderFindings(sorted.skipped, declared, expanded.origins),
    ...crossSectionFindings(validated, declared, document),
    ...vendorKeyFindings(sorted.loaded, document.lineOf),
  ].filter((finding) => isSound(finding.path));
  const problems: Problem[] = [
    ...fileProblems,
    ...expanded.malformed
      .filter((bad) => isLive(bad.path) && isSound(bad.path))
      .map((bad) =>
        plainProblem(
          bad.path,
          `"${bad.text}" is not a variable reference`,
          "write ${NAME}, ${NAME:-default} or $${",
        ),
      ),
    ...expanded.unset
      .filter((unset) => isLive(unset.path) && isSound(unset.path))
      .map((unset) =>
        plainProblem(
          unset.path,
          variableLookup.whyUnset(unset.variable) ?? `the variable ${unset.variable} is not set`,
          `set it, or write \${${unset.variable}:-default}`,
        ),
      ),
    ...refused.map(({ origin, message }) => ({ path: origin, line: null, key: "", message, hint: null })),
    ...findings.map(problemAt),
  ];
  if (validated.config === null) throw new ConfigProblem(inOrder(problems));

  const loadedIds = Object.keys(validated.config.providers);
  const chain = validated.config.fallback_chain?.filter((id) => loadedIds.includes(id)) ?? loadedIds;
  const isServersFromFile = isFromFile(["mcp_servers"]);
  const {
    read: { servers: read, file: mcpServersFile },
    wrong,
  } = readServers(() =>
    readMcpServers(
      validated.config?.mcp_servers ?? {},
      path === null || !isServersFromFile ? input.workingDirectory : dirname(path),
      isFound && isServersFromFile ? (input.readFound ?? input.readFile) : input.readFile,
    ),
  );
  const { servers, notices: serverNotices } =
    isFound && isServersFromFile
      ? withoutFolderServers(read, valueAt(written, ["mcp_servers"]), folder)
      : { servers: read, notices: [] };
  const config: Config = { ...validated.config, fallback_chain: chain, mcp_servers: servers };
  // Of a file that cannot be read nobody knows whom it names.
  if (wrong.length === 0 && validated.isWhole(["mcp_servers"]) && isSound(["mcp_servers"]))
    problems.push(
      ...tenantServerFindings({ ...config, mcp_servers: read })
        .map(atWrittenPath(validated))
        .map(problemAt),
    );
  problems.push(...wrong);
  const isExposureKnown = [["server", "host"], ["auth"], ["tenants"]].every(
    (at) => validated.isWhole(at) && isSound(at),
  );
  const exposure = isExposureKnown ? checkExposure(config) : null;
  if (exposure !== null) problems.push(plainProblem(["server", "host"], exposure, null));
  if (problems.length > 0) throw new ConfigProblem(inOrder(problems));

  const untrustedNotices = [...resolvedEnvironment.notices, ...variableLookup.notices(), ...serverNotices];
  const mode = path === null ? null : (input.fileMode?.(path) ?? null);
  const isReadableByAll = mode !== null && (mode & 0o004) !== 0 && isTree(written) && holdsPlainKeys(written);
  const isUnlocked = overrides.some((override) => override.origin === "REQUIRE_AUTH");
  return {
    path,
    config,
    environment,
    skippedProviders: sorted.skipped,
    serversToProbe: sorted.urlsToProbe,
    isMerelyFound: isFound,
    mcpServersFile,
    origins: originsOf({ overrides, files: resolvedEnvironment.origins, document, path }),
    untrustedNotices,
    sources: [
      ...variableLookup.sources(),
      ...sorted.loadedNotices,
      ...(isFound ? foundConfigLines(path, written, resolvedEnvironment) : []),
    ],
    notices: [
      ...untrustedNotices,
      ...sorted.notices,
      ...shortKeyNotices(config, config.server.host, (at) => {
        const { origin = null } = originAt(at) ?? {};
        return origin ?? [placeOf(path, document.lineOf(at)), dotted(at)].join(" ").trim();
      }),
      ...authNotices(config),
      ...cliNotices(config, environment["HOME"]),
      ...variableNotices(config),
      ...routingNotices(config),
      ...(isReadableByAll
        ? [`${path} holds keys and every user of this machine can read it; chmod 600 ${path}`]
        : []),
      ...(isUnlocked ? ["REQUIRE_AUTH=false: the keys of this config are not asked for"] : []),
    ],
  };
}

function isMapOrAbsent(value: unknown): boolean {
  return value === undefined || isTree(value);
}

function placeOf(path: string | null, line: number | null): string {
  return [path, line].filter((part) => part !== null).join(":");
}

function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((left, right) => (left.line ?? Infinity) - (right.line ?? Infinity));
}
