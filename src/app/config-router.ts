// The router of one config: names, rules and strategy come from the file; health, load and prices from the services.

import { claudeNames } from "../backends/claude-code/program-plan.ts";
import { clientSignInIds } from "../config/client-sign-in.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Provider } from "../pipeline/dependencies.ts";
import type { ModelFacts } from "../routing/eligibility.ts";
import { type AskClassifier, type Classifier, createClassifier } from "../routing/classifier.ts";
import { createLayers } from "../routing/layers.ts";
import { requestsModel } from "../routing/model-hints.ts";
import { createRouter, type Router } from "../routing/router.ts";
import type { AppServices } from "./app-services.ts";

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

export type RouterServices = Pick<
  AppServices,
  "clock" | "health" | "prices" | "stickiness" | "claudePrograms"
>;

export function createConfigRouter(
  loaded: LoadedConfig,
  providers: ReadonlyMap<string, Provider>,
  services: RouterServices,
  ask: AskClassifier,
): Router {
  const { config } = loaded;
  const entries = Object.entries(config.providers);
  const ownSignIn: ReadonlySet<string> = new Set(clientSignInIds(config));
  const backendNames = claudeNames(config, services.claudePrograms);
  // Otherwise the table is loaded on first use, and until then every model would seem to cost the same.
  if (config.routing.strategy === "lowest-cost") void services.prices.load();
  return createRouter({
    ...(backendNames === null ? {} : { backendNames }),
    providers: entries.map(([id, { model, models }]) => ({
      id,
      model,
      models: models.map((each) => each.id),
    })),
    skipped: Object.fromEntries(loaded.skippedProviders.map(({ id, reason }) => [id, reason])),
    aliases: config.aliases,
    fallbackChain: config.fallback_chain.filter((id) => !ownSignIn.has(id)),
    neverChosen: ownSignIn,
    defaultModel: config.default_model ?? (config.routing.unknown_model === "auto" ? "auto" : null),
    withoutFallback: new Set(
      entries.flatMap(([id, each]) => (each.fallback && !ownSignIn.has(id) ? [] : [id])),
    ),
    strategy: config.routing.strategy,
    standing: new Map(entries.map(([id, { tier, weight }]) => [id, { tier: tier ?? null, weight }])),
    modelFacts: (provider, model) => providers.get(provider)?.modelFacts(model) ?? unknownModel,
    isHint: requestsModel(config.static_rules),
    layers: createLayers({
      staticRules: config.static_rules,
      heuristicRules: config.heuristic_rules,
      classifier: classifierOf(loaded, services, ask),
    }),
    view: {
      judge: services.health.judge,
      ...(config.routing.avoid_above === undefined ? {} : { avoid: services.health.avoid }),
      load: services.health.load,
      lastOf: services.stickiness.lastOf,
    },
  });
}

function classifierOf(
  loaded: LoadedConfig,
  services: Pick<AppServices, "clock">,
  ask: AskClassifier,
): Classifier | null {
  const settings = loaded.config.llm_classifier;
  if (!settings.enabled) return null;
  return createClassifier({
    settings,
    ask,
    nowMs: services.clock.monotonicMs,
    setTimer: services.clock.setTimer,
  });
}
