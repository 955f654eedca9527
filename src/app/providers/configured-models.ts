// Which models a config names, in a list or elsewhere: those are the operator's; a client made up any other name.

import type { ProviderSettings } from "../../backends/settings.ts";
import type { Config } from "../../config/schema.ts";

export type IsConfiguredModel = (
  config: Config,
  provider: ProviderSettings | undefined,
  id: string,
  model: string,
) => boolean;

export function createConfiguredModels(): IsConfiguredModel {
  /** Names in aliases, rules and tenants, by config. */
  const written = new WeakMap<Config, ReadonlySet<string>>();
  return (config, provider, id, model) => {
    if (provider === undefined) return false;
    if (provider.model === model || provider.models.some((each) => each.id === model)) return true;
    let names = written.get(config);
    if (names === undefined) written.set(config, (names = new Set(textsIn(sectionsOf(config)))));
    return names.has(`${id}/${model}`) || names.has(model);
  };
}

const sectionsOf = (config: Config): unknown => [
  Object.values(config.aliases),
  config.default_model,
  config.static_rules,
  config.heuristic_rules,
  config.llm_classifier,
  config.tenants.map(({ models, limits }) => [models, limits?.over_budget_model]),
];

function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
