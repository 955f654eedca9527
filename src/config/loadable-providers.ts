// Which providers of a file can be loaded: those that have a key and a backend that this build has.
// Any other is skipped with one reason; it must never stop the rest.

import { type BackendName, backendNames } from "../backends/settings.ts";
import { dotted, type Path } from "./document.ts";
import type { Expanded } from "./expand.ts";
import type { Environment } from "./environment.ts";
import { type LocalServers, localProvider, type SkippedProvider } from "./local-servers.ts";
import { isTree, type Tree } from "./values.ts";

function startsWith(path: Path, prefix: Path): boolean {
  return prefix.every((part, index) => path[index] === part);
}

export function isBelow(path: Path, parents: readonly Path[]): boolean {
  return parents.some((parent) => startsWith(path, parent));
}

/** What providers need to be loaded. */
export type LoadTerms = {
  readonly available: ReadonlySet<BackendName>;
  readonly environment: Environment;
  /** Providers that must not be loaded, and why. */
  readonly refused: ReadonlyMap<string, string> | null;
  readonly local: LocalServers | null;
};

function reasonFor(
  id: string,
  provider: Tree,
  expanded: Expanded,
  { available, environment }: LoadTerms,
): string | null {
  const written = provider["backend"] ?? "openai-compat";
  const backend = written === "anthropic-compat" ? "anthropic" : written;
  const awaited = backendNames.find((name) => name === backend && !available.has(name));
  if (awaited !== undefined) return `backend ${awaited} is not available in this build`;

  const auth = provider["auth"];
  if (isTree(auth) && auth["type"] !== undefined) {
    const variable = auth["type"] === "bearer-env" ? auth["variable"] : undefined;
    const isUnset = typeof variable === "string" && (environment[variable] ?? "") === "";
    return isUnset ? `the variable ${variable} is not set` : null;
  }

  const keys = keysOf(id, provider);
  if (keys.length === 0 || keys.some(({ key }) => key !== "")) return null;
  return keys.map(({ path }) => emptyReason(path, expanded, environment)).join("; ");
}

/** If a provider can be skipped for two reasons, this one is reported. */
function isForMissingKey(
  provider: Tree,
  available: ReadonlySet<BackendName>,
  keys: readonly KeyEntry[],
): boolean {
  const { backend = "openai-compat", auth } = provider;
  const isAvailable = [...available].some((name) => name === backend);
  const hasOtherAuth = isTree(auth) && auth["type"] !== undefined;
  return isAvailable && !hasOtherAuth && keys.length > 0;
}

type KeyEntry = { readonly path: Path; readonly key: unknown };

/** Every place of a provider that may hold a key, in order of precedence. */
export function keysOf(id: string, provider: Tree): readonly KeyEntry[] {
  const path: Path = ["providers", id];
  const { api_key: first, api_keys: more } = provider;
  const entry = (at: Path, key: unknown): KeyEntry => ({ path: [...path, ...at], key: key ?? "" });
  return [
    ...("api_key" in provider ? [entry(["api_key"], first)] : []),
    ...(Array.isArray(more) ? more.map((key: unknown, index) => entry(["api_keys", index], key)) : []),
  ];
}

function emptyReason(path: Path, expanded: Expanded, environment: Environment): string {
  const variables = expanded.origins.get(dotted(path)) ?? [];
  if (variables.length === 0) return `${dotted(path.slice(2))} is empty`;
  const isUnset = variables.some((variable) => environment[variable] === undefined);
  return `${variables.join(", ")} is ${isUnset ? "not set" : "empty"}`;
}

/** A key with an unset variable is not a key, whatever text surrounds the variable. */
function withoutUnsetKeys(id: string, provider: Tree, expanded: Expanded): Tree {
  const unset = new Set(expanded.unset.map(({ path }) => dotted(path)));
  const isUnset = (at: Path): boolean => unset.has(dotted(["providers", id, ...at]));
  const { api_keys: more } = provider;
  return {
    ...provider,
    ...(isUnset(["api_key"]) ? { api_key: "" } : {}),
    ...(Array.isArray(more)
      ? { api_keys: more.map((key: unknown, index) => (isUnset(["api_keys", index]) ? "" : (key ?? ""))) }
      : {}),
  };
}

export type SortedProviders = {
  readonly loaded: Tree;
  readonly skipped: readonly SkippedProvider[];
  /** Places of missing keys, if the same provider has other keys. */
  readonly keysLeftOut: readonly Path[];
  /** A line for each provider that has fewer keys than its config names, or another model. */
  readonly notices: readonly string[];
  /** A line for each provider that is loaded because its server answers. */
  readonly loadedNotices: readonly string[];
  /** Where local servers list their models, for those that were not probed yet. */
  readonly urlsToProbe: readonly string[];
};

/** Sorts the expanded providers; anything but a map is left to the schema. */
export function sortProviders(expanded: Expanded, terms: LoadTerms): SortedProviders {
  const { available, refused, local } = terms;
  const all = isTree(expanded.value) ? expanded.value["providers"] : undefined;
  const loaded: [string, unknown][] = [];
  const skipped: SkippedProvider[] = [];
  const keysLeftOut: Path[] = [];
  const notices: string[] = [];
  const loadedNotices: string[] = [];
  const urlsToProbe: string[] = [];
  for (const [id, provider] of isTree(all) ? Object.entries(all) : []) {
    if (!isTree(provider)) {
      loaded.push([id, provider]);
      continue;
    }
    const usable = withoutUnsetKeys(id, provider, expanded);
    const reason = refused?.get(id) ?? reasonFor(id, usable, expanded, terms);
    const keys = keysOf(id, usable);
    if (reason !== null) {
      const isForKey = refused?.has(id) !== true && isForMissingKey(usable, available, keys);
      const answer = localProvider(id, usable, reason, isForKey ? local : null);
      if ("skipped" in answer) {
        skipped.push(answer.skipped);
        if (answer.urlToProbe !== null) urlsToProbe.push(answer.urlToProbe);
        continue;
      }
      loaded.push([id, answer.loaded]);
      keysLeftOut.push(...keys.map(({ path }) => path));
      loadedNotices.push(answer.loadedNotice);
      if (answer.notice !== null) notices.push(answer.notice);
      continue;
    }
    loaded.push([id, usable]);
    const empty = keys.filter(({ key }) => key === "");
    if (empty.length === 0 || empty.length === keys.length) continue;
    keysLeftOut.push(...empty.map(({ path }) => path));
    const why = empty.map(({ path }) => emptyReason(path, expanded, terms.environment)).join("; ");
    notices.push(`providers.${id}: ${keys.length - empty.length} of ${keys.length} keys are used: ${why}`);
  }
  return { loaded: Object.fromEntries(loaded), skipped, keysLeftOut, notices, loadedNotices, urlsToProbe };
}
