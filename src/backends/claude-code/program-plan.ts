// Derives from the config the plan of a claude-cli provider, and the model names that such a provider adds. Pure.

import { dirname, isAbsolute, join, resolve } from "node:path";
import type { TargetFacts } from "../../dialects/dialect.ts";
import type { ProviderSettings } from "../settings.ts";
import type { ClaudeConfig, ClaudeConfigSource, TenantKeys } from "./claude-config.ts";
import { type GatewayFiles, guardedPathsOf } from "./guarded-paths.ts";
import { absolutePath } from "./installation.ts";
import { type CliModel, cliName, cliNames } from "./models/cli-models.ts";
import type { PreparedTenant } from "./prepare.ts";
import { type CliProvider, resolveCliProvider } from "./provider-settings.ts";
import type { ProgramPlan } from "./running-program.ts";

export type ReportedModels = { models(id: string): readonly CliModel[] };

export function claudeProviderOf(
  settings: ProviderSettings,
  config: Pick<ClaudeConfig, "cli" | "mcp_servers" | "session">,
): CliProvider {
  const settled = resolveCliProvider(settings, config.cli, Object.keys(config.mcp_servers).length > 0);
  const { program } = settled;
  const sessionMs = config.session.ttl * 1000;
  const { callsTtlMs, idleTtlMs } = program.parked;
  // No process waits for an expired session.
  const parked = {
    ...program.parked,
    callsTtlMs: Math.min(callsTtlMs, sessionMs),
    idleTtlMs: Math.min(idleTtlMs, sessionMs),
  };
  return { ...settled, program: { ...program, parked } };
}

/** Null for any other backend. */
export function programPlanOf(
  id: string,
  loaded: ClaudeConfigSource,
  files: GatewayFiles,
  targetFacts: (model: string) => TargetFacts,
): ProgramPlan | null {
  const { config, environment, path } = loaded;
  const settings = config.providers[id];
  if (settings?.backend !== "claude-cli") return null;
  const { dir, load, prompt } = config.skills;
  const folder = path === null ? null : dirname(path);
  return {
    provider: withAbsolutePaths(claudeProviderOf(settings, config), (file) =>
      relativeToConfig(folder, file, environment),
    ),
    environment,
    listed: new Set(settings.models.map((model) => model.id)),
    model: settings.model,
    mcpServers: config.mcp_servers,
    tenants: new Map(config.tenants.map((tenant) => [tenant.name, preparedTenant(tenant)])),
    skillsDirectory: !load
      ? null
      : dir === undefined
        ? join(files.stateDirectory, "skills")
        : relativeToConfig(folder, dir, environment),
    promptMode: prompt,
    guarded: guardedPathsOf(loaded, files),
    targetFacts,
  };
}

function preparedTenant(tenant: TenantKeys): PreparedTenant {
  return {
    env: tenant.env,
    configDir: tenant.config_dir ?? null,
    workingDir: tenant.working_dir ?? null,
    addDirs: tenant.add_dirs ?? null,
    permissionMode: tenant.permission_mode ?? null,
    uid: tenant.uid ?? null,
    tools: tenant.tools,
    mcpServers: tenant.mcp_servers ?? null,
    container: tenant.container ?? null,
  };
}

function withAbsolutePaths(provider: CliProvider, place: (path: string) => string): CliProvider {
  const { skillFile } = provider.program;
  if (skillFile === null) return provider;
  return { ...provider, program: { ...provider.program, skillFile: place(skillFile) } };
}

/** `./skills` is relative to the config file. */
export function relativeToConfig(
  folder: string | null,
  path: string,
  environment: ClaudeConfigSource["environment"],
): string {
  if (isAbsolute(path) || path.startsWith("~") || folder === null) return absolutePath(path, environment);
  return resolve(folder, path);
}

/** Providers of the chain first, as with every name that several providers know. */
function claudeProviderIds(config: Pick<ClaudeConfig, "providers" | "fallback_chain">): readonly string[] {
  const ids = Object.entries(config.providers).flatMap(([id, { backend }]) =>
    backend === "claude-cli" ? [id] : [],
  );
  return [
    ...config.fallback_chain.filter((id) => ids.includes(id)),
    ...ids.filter((id) => !config.fallback_chain.includes(id)),
  ];
}

type ProviderModel = { readonly provider: string; readonly model: string };

/** The router's view of the names that the program knows (routing/names.ts). */
export type ClaudeNames = {
  resolve(written: string): { readonly target: ProviderModel; readonly isListed: boolean } | null;
  fallback(): ProviderModel | null;
  known(): readonly string[];
};

/** The CLI's aliases, prefixes and ids as names of models; null where there is no CLI. */
export function claudeNames(config: ClaudeConfig, reported: ReportedModels): ClaudeNames | null {
  const [id] = claudeProviderIds(config);
  const settings = id === undefined ? undefined : config.providers[id];
  if (id === undefined || settings === undefined) return null;
  const fallback = claudeProviderOf(settings, config).program.defaultModel;
  return {
    resolve(written) {
      const name = cliName(written, reported.models(id));
      return name === null ? null : { target: { provider: id, model: name.model }, isListed: name.isKnown };
    },
    fallback: () => (fallback === null ? null : { provider: id, model: fallback }),
    known: () => cliNames(reported.models(id)),
  };
}

/** Names of `/v1/models` beyond the config's: id, owner, the owner's model. */
export function claudeModelCards(
  config: ClaudeConfig,
  reported: ReportedModels,
): readonly (readonly [id: string, owner: string, model: string])[] {
  const ids = claudeProviderIds(config);
  return ids.flatMap((id, at) => {
    const listed = new Set(config.providers[id]?.models.map((model) => model.id));
    const names = cliNames(reported.models(id));
    const own = names.filter((name) => !listed.has(name)).map((name) => [`${id}/${name}`, id, name] as const);
    const taken = (name: string): boolean =>
      Object.hasOwn(config.providers, name) || Object.hasOwn(config.aliases, name);
    // The bare names belong to the first provider.
    const bare = at > 0 ? [] : names.filter((name) => !taken(name)).map((name) => [name, id, name] as const);
    return [...own, ...bare];
  });
}
