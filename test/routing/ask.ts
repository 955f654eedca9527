// A router over a handful of providers, and requests to ask it with.

import { emptyRequest, type ChatRequest } from "../../src/canon/request.ts";
import { type ModelFacts, requirementsOf } from "../../src/routing/eligibility.ts";
import { createLayers, type Layers } from "../../src/routing/layers.ts";
import { ruleInputOf } from "../../src/routing/rule-input.ts";
import { createRouter, type RouterOptions } from "../../src/routing/router.ts";
import type { RoutedDecision, RoutingView } from "../../src/routing/decision-builder.ts";
import { heuristicRulesSettings, staticRulesSettings } from "../../src/routing/settings.ts";

export const unknownFacts: ModelFacts = {
  contextWindow: null,
  maxOutput: null,
  tools: null,
  vision: null,
  json: null,
  thinking: null,
  priceInput: null,
  priceOutput: null,
};

export const calm: RoutingView = {
  judge: () => ({ go: "yes" }),
  load: () => ({ inFlight: 0, peakEwmaMs: null }),
  lastOf: () => null,
};

export function layersOf(rules: { statics?: unknown[]; heuristics?: unknown[] } = {}): Layers {
  return createLayers({
    staticRules: staticRulesSettings.parse({ rules: rules.statics ?? [] }),
    heuristicRules: heuristicRulesSettings.parse({ rules: rules.heuristics ?? [] }),
    classifier: null,
  });
}

export const baseOptions: RouterOptions = {
  providers: [
    { id: "a", model: "a-1", models: ["a-1", "a-2"] },
    { id: "b", model: "b-1", models: ["b-1"] },
    { id: "c", model: "c-1", models: ["c-1"] },
  ],
  skipped: { gone: "its api_key is empty" },
  aliases: { fast: "a/a-2", "wild-*": "a" },
  fallbackChain: ["b", "c"],
  defaultModel: null,
  isHint: () => false,
  withoutFallback: new Set(["c"]),
  strategy: "priority",
  standing: new Map(),
  modelFacts: () => unknownFacts,
  layers: layersOf(),
  view: calm,
};

export type Asking = {
  readonly model?: string;
  readonly isFallbackOff?: boolean;
  readonly session?: string | null;
  readonly request?: Partial<ChatRequest>;
  readonly isDry?: boolean;
  /** Counts how often the body was decoded. */
  readonly onRead?: () => void;
};

export function decider(over: Partial<RouterOptions> = {}): (asking: Asking) => RoutedDecision {
  const router = createRouter({ ...baseOptions, ...over });
  return (asking) => {
    const model = asking.model ?? "auto";
    const request: ChatRequest = { ...emptyRequest, ...asking.request, model };
    const asked = ruleInputOf(request, () => null);
    const decision = router.decide(
      {
        model,
        isFallbackOff: asking.isFallbackOff ?? false,
        session: asking.session ?? null,
        requirements: requirementsOf(asked.facts),
        read() {
          asking.onRead?.();
          return asked;
        },
      },
      asking.isDry ?? false,
    );
    if (decision instanceof Promise) throw new Error("nobody was to be asked");
    return decision;
  };
}

export const namesOf = (decision: RoutedDecision): string[] =>
  decision.targets.map(({ provider, model }) => `${provider}/${model}`);
