// Where in a config the variables of a working directory's `.env` may be used, if the config refers to them. An address is accepted
// only for a key from the same file. Such a variable must never become a program, a path or open access.

import type { Path } from "./document.ts";
import { addressRefusal, isSecretName } from "./folder-variables.ts";
import { variablesIn } from "./expand.ts";
import { isTree, type Tree, valueAt } from "./values.ts";

/** Sections whose settings only affect answers, waiting and names. */
const harmlessSections = new Set([
  "aliases",
  "auth",
  "default_model",
  "fallback_chain",
  "health",
  "heuristic_rules",
  "llm_classifier",
  "prompt_caching",
  "queue",
  "routing",
  "session",
  "static_rules",
  "streaming",
]);

const harmlessKeys: Readonly<Record<string, ReadonlySet<string>>> = {
  alerts: new Set([
    "enabled",
    "check_interval_s",
    "resolve_after_s",
    "command_timeout_s",
    "quiet_hours",
    "rules",
  ]),
  request_log: new Set(["max_kb", "max_mb", "retention_days"]),
  responses_store: new Set(["max_mb", "ttl_h"]),
  server: new Set(["port", "log_level", "body_limit_mb", "drain_s", "request_timeout_s"]),
  metrics: new Set(["enabled", "retention_days", "max_mb", "log_requests", "log_routing_decisions"]),
  cli: new Set([
    "default_model",
    "effort",
    "max_concurrent",
    "max_per_tenant",
    "parked",
    "thinking",
    "timeout",
    "warm",
  ]),
  providers: new Set([
    "api_key",
    "api_keys",
    "default_model",
    "effort",
    "fallback",
    "headers",
    "max_concurrent",
    "max_per_tenant",
    "max_tokens",
    "model",
    "models",
    "parked",
    "pricing",
    "quirks",
    "thinking",
    "tier",
    "timeout",
    "warm",
    "weight",
  ]),
  tenants: new Set(["api_key", "keys", "limits", "models", "provider"]),
  mcp_servers: new Set(["headers"]),
};

export type FolderVariableUse = {
  /** The config before variables are expanded. */
  readonly document: unknown;
  /** The config is in the working directory too. */
  readonly isFolderConfig: boolean;
  readonly isFromFolder: (name: string) => boolean;
  readonly valueOf: (name: string) => string | undefined;
};

/** Why a variable of the folder's file may not be used here; null: it may. */
export function refusalAt(path: Path, use: FolderVariableUse): string | null {
  const [section = "", second, third, fourth] = path;
  if (harmlessSections.has(String(section))) return null;
  const isListed = section === "providers" || section === "tenants" || section === "mcp_servers";
  const key = String((isListed ? third : second) ?? "");
  const below = isListed ? fourth : third;
  if (harmlessKeys[section]?.has(key) === true) return null;
  // A secret goes only to the address beside it, which is not taken from there.
  if (section === "alerts" && (below === "secret" || below === "token")) return null;
  if (key === "env") return isSecretName(String(below ?? "")) ? null : "only keys may come from it here";
  // The rest of the config file could set the same itself.
  if (section === "mcp_servers" && key === "args" && use.isFolderConfig) return null;
  if (section === "providers" && (key === "base_url" || key === "proxy"))
    return hasForeignKey(valueAt(use.document, ["providers", second ?? ""]), use) ? addressRefusal : null;
  return "it may not set a program, a path, an address or access rules";
}

/** Whether this provider sends any secret that does not come from the folder's file. */
function hasForeignKey(provider: unknown, use: FolderVariableUse): boolean {
  if (!isTree(provider)) return false;
  const { auth, api_key, api_keys, headers } = provider;
  if (isTree(auth)) return isForeignToken(auth, use);
  return [api_key, api_keys, headers].some((value) => textsIn(value).some((text) => isForeign(text, use)));
}

function isForeignToken({ type, variable }: Tree, { isFromFolder }: FolderVariableUse): boolean {
  return type !== "bearer-env" || typeof variable !== "string" || !isFromFolder(variable);
}

function isForeign(text: string, { isFolderConfig, isFromFolder, valueOf }: FolderVariableUse): boolean {
  const names = [...variablesIn(text)];
  const isSaidElsewhere = (name: string): boolean => !isFromFolder(name) && (valueOf(name) ?? "") !== "";
  if (names.some(isSaidElsewhere)) return true;
  const isLiteral = text.replaceAll(/\$\{[^}]*\}/g, "").trim() !== "" || text.includes(":-");
  return isLiteral && !isFolderConfig;
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isTree(value) ? Object.values(value).flatMap(textsIn) : [];
}
