// Runs the three layers in order: static rules, heuristics, classifier, then the default when none of them decides. It
// only names a destination; the router checks whether a provider there can serve.

import type { Layer } from "../canon/decision.ts";
import type { Classifier } from "./classifier.ts";
import { compileHeuristics } from "./heuristics.ts";
import type { RuleInput } from "./rule-input.ts";
import type { HeuristicRulesSettings, StaticRulesSettings } from "./settings.ts";
import { compileStaticRules } from "./static-rules.ts";

/** `routeTo` null: the first of the chain. */
export type LayerChoice = {
  readonly layer: Layer;
  readonly rule: string;
  readonly confidence: number;
  readonly reason: string;
  readonly routeTo: string | null;
};

export type Layers = {
  /** False: every `auto` goes to the chain, and the request need not be read. */
  readonly hasRules: boolean;
  /** A promise only when the classifier must be asked; `isDry`: it is named but not asked. */
  choose(input: RuleInput, isDry: boolean): LayerChoice | Promise<LayerChoice>;
};

/** The default when no layer decides. */
export const noMatch: LayerChoice = {
  layer: "fallback",
  rule: "no-match",
  confidence: 0.3,
  reason: "no rule matched: the first of fallback_chain",
  routeTo: null,
};

/** Explaining a route calls no model, so this is where the request would go without an answer of the classifier. */
function withUnaskedClassifier(choice: LayerChoice): LayerChoice {
  return {
    ...choice,
    reason: `${choice.reason}, unless the classifier says otherwise: it is not asked here`,
  };
}

export function createLayers(options: {
  readonly staticRules: StaticRulesSettings;
  readonly heuristicRules: HeuristicRulesSettings;
  readonly classifier: Classifier | null;
}): Layers {
  const { staticRules, heuristicRules, classifier } = options;
  const statics = compileStaticRules(staticRules);
  // "Always" rules apply when nothing else matched. With a classifier they come after it, or it would never be asked.
  const isLast = (rule: HeuristicRulesSettings["rules"][number]): boolean =>
    classifier !== null && rule.match.fallthrough === true;
  const withRules = (rules: HeuristicRulesSettings["rules"]): HeuristicRulesSettings => ({
    ...heuristicRules,
    rules,
  });
  const heuristics = compileHeuristics(withRules(heuristicRules.rules.filter((rule) => !isLast(rule))));
  const lastOnes = compileHeuristics(withRules(heuristicRules.rules.filter(isLast)));

  const heuristic = (hit: ReturnType<typeof heuristics>): LayerChoice | null =>
    hit === null
      ? null
      : { layer: "heuristic", rule: hit.rule, confidence: 0.8, reason: hit.why, routeTo: hit.routeTo };
  const last = (input: RuleInput): LayerChoice => heuristic(lastOnes(input)) ?? noMatch;

  const ask = async (input: RuleInput, asked: Classifier): Promise<LayerChoice> => {
    const classification = await asked.classify(input);
    if (classification.routeTo === null) {
      const choice = last(input);
      return { ...choice, reason: `${choice.reason} (classifier: ${classification.why})` };
    }
    return classification.kind === "category"
      ? {
          layer: "llm-classify",
          rule: classification.category,
          confidence: 0.7,
          reason: classification.why,
          routeTo: classification.routeTo,
        }
      : {
          layer: "llm-classify",
          rule: `classifier-${classification.kind}`,
          confidence: 0.3,
          reason: classification.why,
          routeTo: classification.routeTo,
        };
  };

  return {
    hasRules:
      classifier !== null ||
      (staticRules.enabled && staticRules.rules.length > 0) ||
      (heuristicRules.enabled && heuristicRules.rules.length > 0),
    choose(input, isDry) {
      const hit = statics(input);
      if (hit !== null)
        return { layer: "static", rule: hit.rule, confidence: 1, reason: hit.why, routeTo: hit.routeTo };
      const guess = heuristic(heuristics(input));
      if (guess !== null) return guess;
      if (classifier === null) return last(input);
      return isDry ? withUnaskedClassifier(last(input)) : ask(input, classifier);
    },
  };
}
