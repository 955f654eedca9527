// GET /api/rules: every rule that can decide where a request goes, in the order of evaluation, hit or never hit.

import type { Config } from "../../config/schema.ts";

export type RuleRow = {
  /** As in records; "alias": a name of the config, which records call `direct`. */
  readonly layer: "alias" | "static" | "heuristic" | "llm-classify" | "fallback";
  /** As in records. */
  readonly name: string;
  /** Provider, provider/model or `auto`; null: the first of the chain. */
  readonly target: string | null;
  readonly enabled: boolean;
  /** Its condition, in the words of the config. */
  readonly description: string;
};

export type RuleReport = { readonly rules: readonly RuleRow[] };

export function ruleReport(config: Config, redact: (text: string) => string): RuleReport {
  const rules = [
    ...aliasRows(config),
    ...staticRows(config),
    ...heuristicRows(config, false),
    ...classifierRows(config),
    // With a classifier the rules that always match come after it.
    ...heuristicRows(config, true),
    chainRow(config),
  ];
  return { rules: rules.map((row) => ({ ...row, description: redact(row.description) })) };
}

function aliasRows({ aliases }: Config): RuleRow[] {
  return Object.entries(aliases).map(([name, target]) => ({
    layer: "alias",
    name,
    target,
    enabled: true,
    description: name.includes("*") ? `model names like ${name}` : `the model name ${name}`,
  }));
}

function staticRows({ static_rules: { enabled, rules } }: Config): RuleRow[] {
  return rules.map(({ name, match, route_to: target }) => ({
    layer: "static",
    name,
    target,
    enabled,
    description: conditionText(match),
  }));
}

function heuristicRows({ heuristic_rules, llm_classifier }: Config, areLast: boolean): RuleRow[] {
  const { enabled, rules } = heuristic_rules;
  return rules.flatMap(({ name, match, route_to: target }): RuleRow[] => {
    const isLast = llm_classifier.enabled && match.fallthrough === true;
    return isLast === areLast
      ? [{ layer: "heuristic", name, target, enabled, description: conditionText(match) }]
      : [];
  });
}

function classifierRows({ llm_classifier }: Config): RuleRow[] {
  const { enabled, category_routing, fallback_on_timeout, classifier_provider } = llm_classifier;
  const asked = classifier_provider ?? "the classifier";
  const categories = Object.entries(category_routing).map(([name, target]): RuleRow => ({
    layer: "llm-classify",
    name,
    target,
    enabled,
    description: `${asked} names the category ${name}`,
  }));
  if (categories.length === 0 || fallback_on_timeout === undefined) return categories;
  const failures = {
    timeout: "does not answer in time",
    failed: "fails",
    unknown: "names no category of the list",
    "over-budget": "was asked often enough this minute",
  };
  const others = Object.entries(failures).map(([kind, what]): RuleRow => ({
    layer: "llm-classify",
    name: `classifier-${kind}`,
    target: fallback_on_timeout,
    enabled,
    description: `${asked} ${what}`,
  }));
  return [...categories, ...others];
}

const chainRow = ({ fallback_chain }: Config): RuleRow => ({
  layer: "fallback",
  name: "no-match",
  target: fallback_chain[0] ?? null,
  enabled: true,
  description: "no rule matched: the first of fallback_chain",
});

const longestText = 500;

/** `{model_requested: [a, b]}` -> "model_requested: a, b". */
function conditionText(match: object): string {
  const parts = Object.entries(match).flatMap(([key, value]: [string, unknown]) =>
    value === undefined ? [] : [`${key}: ${valueText(value)}`],
  );
  const text = parts.join("; ");
  return text.length > longestText ? `${text.slice(0, longestText - 1)}…` : text;
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueText).join(", ");
  return typeof value === "object" && value !== null ? `(${conditionText(value)})` : String(value);
}
