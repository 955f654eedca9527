// Which providers of a file can be loaded: those with their key, of a backend that this build has.
// A provider that cannot is left out with one reason; it must never stop the others.

import { type BackendName, backendNames } from "../backends/settings.ts";
import { dotted, type Path } from "./document.ts";
import type { Expanded } from "./expand.ts";
import type { Environment } from "./environment.ts";
import { isTree, type Tree } from "./values.ts";

export type SkippedProvider = { readonly id: string; readonly reason: string };

function startsWith(path: Path, prefix: Path): boolean {
  return prefix.every((part, index) => path[index] === part);
}

export function isBelow(path: Path, parents: readonly Path[]): boolean {
  return parents.some((parent) => startsWith(path, parent));
}

function reasonFor(
  id: string,
  provider: Tree,
  expanded: Expanded,
  available: ReadonlySet<BackendName>,
  environment: Environment,
): string | null {
  const written = provider["backend"] ?? "openai-compat";
  const backend = written === "anthropic-compat" ? "anthropic" : written;
  const awaited = backendNames.find((name) => name === backend && !available.has(name));
  if (awaited !== undefined) return `backend ${awaited} is not in this build yet`;

  const auth = provider["auth"];
  if (isTree(auth) && auth["type"] !== undefined) {
    const variable = auth["type"] === "bearer-env" ? auth["variable"] : undefined;
    const isUnset = typeof variable === "string" && (environment[variable] ?? "") === "";
    return isUnset ? `the variable ${variable} is not set` : null;
  }

  if (provider["api_key"] !== "") return null;
  const variables = expanded.origins.get(dotted(["providers", id, "api_key"])) ?? [];
  if (variables.length === 0) return "api_key is empty";
  const isUnset = variables.some((variable) => environment[variable] === undefined);
  return `${variables.join(", ")} is ${isUnset ? "not set" : "empty"}`;
}

export type SortedProviders = {
  readonly loaded: Tree;
  readonly skipped: readonly SkippedProvider[];
};

/** Sorts the expanded providers; anything that is not a map is left to the schema. */
export function sortProviders(
  expanded: Expanded,
  available: ReadonlySet<BackendName>,
  environment: Environment,
): SortedProviders {
  const all = isTree(expanded.value) ? expanded.value["providers"] : undefined;
  const loaded: [string, unknown][] = [];
  const skipped: SkippedProvider[] = [];
  for (const [id, provider] of isTree(all) ? Object.entries(all) : []) {
    const hasUnsetKey = expanded.unset.some(
      (unset) => dotted(unset.path) === dotted(["providers", id, "api_key"]),
    );
    const settled = isTree(provider) && hasUnsetKey ? { ...provider, api_key: "" } : provider;
    const reason = isTree(settled) ? reasonFor(id, settled, expanded, available, environment) : null;
    if (reason === null) loaded.push([id, settled]);
    else skipped.push({ id, reason });
  }
  return { loaded: Object.fromEntries(loaded), skipped };
}
