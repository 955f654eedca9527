// The `cli` section and the providers that are the Claude Code program: the section creates one if there is none, and its
// variables take precedence over every provider's own keys. The backend does the merging.

import type { Override } from "./overrides.ts";
import { isTree, type Tree, valueAt } from "./values.ts";

/** Keys that have one name in the section and another in a provider. */
const places: Readonly<Record<string, readonly [string, string]>> = { timeout: ["timeout", "total_s"] };

function without(tree: Tree, key: string): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([name]) => name !== key));
}

function withoutOverridden(provider: Tree, key: string): Tree {
  const [outer, inner] = places[key] ?? [key, null];
  if (inner === null) return without(provider, outer);
  const block = provider[outer];
  return isTree(block) ? { ...provider, [outer]: without(block, inner) } : provider;
}

/** Any value is accepted: the schema reports what is wrong with it. */
export function withCliSection(value: Tree, overrides: readonly Override[]): Tree {
  const { providers = {}, cli: section } = value;
  if (!isTree(providers)) return value;
  const isCli = (entry: unknown): boolean => valueAt(entry, ["backend"]) === "claude-cli";
  const makesOne = isTree(section) && !Object.values(providers).some(isCli) && !("claude-cli" in providers);
  const all = makesOne ? { ...providers, "claude-cli": { backend: "claude-cli" } } : providers;
  if (!Object.values(all).some(isCli)) return value;

  const overridden = overrides.flatMap(({ path: [first, key] }) =>
    first === "cli" && typeof key === "string" ? [key] : [],
  );
  const model = valueAt(section, ["default_model"]);
  const settled = (provider: Tree): Tree => {
    const rest = overridden.reduce(withoutOverridden, provider);
    // Routing knows only providers, so the model for unknown names must be set there.
    return typeof model === "string" && !("default_model" in rest) ? { ...rest, default_model: model } : rest;
  };
  const entries = Object.entries(all).map(([id, each]) => [
    id,
    isTree(each) && isCli(each) ? settled(each) : each,
  ]);
  return { ...value, providers: Object.fromEntries(entries) };
}
