// The router of one config: names, rules and strategy from the file, health, load and prices from the estate.

import { cliOwnNames } from "./cli-plan.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Provider } from "../pipeline/generation.ts";
import type { ModelFacts } from "../routing/capabilities.ts";
import { type AskClassifier, type Classifier, createClassifier } from "../routing/classifier.ts";
import { createLayers } from "../routing/layers.ts";
import { requestsModel } from "../routing/model-hints.ts";
import { createRouter, type Router } from "../routing/router.ts";
import type { HouseEstate } from "./estate.ts";

const unknownModel: ModelFacts = {
  contextWindow: null,
  maxOutput: null,
  tools: null,
  vision: null,
  json: null,
  thinking: null,
  priceInput: null,
  priceOutput: null,
};

export function createRouting(
  loaded: LoadedConfig,
  providers: ReadonlyMap<string, Provider>,
  estate: HouseEstate,
  ask: AskClassifier,
): Router {
  const { config } = loaded;
  const entries = Object.entries(config.providers);
  const own = cliOwnNames(config, estate.clis);
  // Read at the first need otherwise: until then every model would seem to be as dear as every other.
  if (config.routing.strategy === "lowest-cost") void estate.prices.load();
  return createRouter({
    ...(own === null ? {} : { own }),
    providers: entries.map(([id, { model, models }]) => ({
      id,
      model,
      models: models.map((each) => each.id),
    })),
    skipped: Object.fromEntries(loaded.skippedProviders.map(({ id, reason }) => [id, reason])),
    aliases: config.aliases,
    fallbackChain: config.fallback_chain,
    defaultModel: config.default_model ?? (config.routing.unknown_model === "auto" ? "auto" : null),
    withoutFallback: new Set(entries.flatMap(([id, each]) => (each.fallback ? [] : [id]))),
    strategy: config.routing.strategy,
    standing: new Map(entries.map(([id, { tier, weight }]) => [id, { tier: tier ?? null, weight }])),
    modelFacts: (provider, model) => providers.get(provider)?.modelFacts(model) ?? unknownModel,
    isHint: requestsModel(config.static_rules),
    layers: createLayers({
      staticRules: config.static_rules,
      heuristicRules: config.heuristic_rules,
      classifier: classifierOf(loaded, estate, ask),
    }),
    view: {
      judge: estate.health.judge,
      load: estate.health.load,
      lastOf: estate.stickiness.lastOf,
    },
  });
}

function classifierOf(loaded: LoadedConfig, estate: HouseEstate, ask: AskClassifier): Classifier | null {
  const settings = loaded.config.llm_classifier;
  if (!settings.enabled) return null;
  return createClassifier({
    settings,
    ask,
    nowMs: estate.clock.monotonicMs,
    setTimer: estate.clock.setTimer,
  });
}
