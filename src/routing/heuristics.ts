// Layer 2: rules about the request's shape and the user's own words. It must never look at the system prompt, which
// contains matching words in every request, and never repeat the user's words in its reason.

import type { RuleInput } from "./rule-input.ts";
import type { HeuristicMatch, HeuristicRulesSettings } from "./settings.ts";
import { allOf, type Condition, quoted, type RuleMatch } from "./static-rules.ts";
import { compilePattern } from "./text-pattern.ts";
import { compileWords } from "./word-matcher.ts";

function wordsCondition({
  any_of: written,
  min_matches: wanted,
}: {
  readonly any_of: readonly string[];
  readonly min_matches: number;
}): Condition {
  const words = compileWords(written);
  return ({ foldedUserText }) => {
    const found = words.foundIn(foldedUserText, wanted);
    return found.length < wanted ? null : `the user text contains ${found.map(quoted).join(", ")}`;
  };
}

function patternsCondition(written: readonly string[]): Condition {
  const patterns = written.map(compilePattern);
  return ({ userText }) => {
    const found = patterns.find((each) => each.occursIn(userText));
    return found === undefined ? null : `the user's words match ${quoted(found.written)}`;
  };
}

function tokensCondition({
  less_than: below,
  greater_than: above,
}: {
  readonly less_than?: number | undefined;
  readonly greater_than?: number | undefined;
}): Condition | null {
  if (below === undefined && above === undefined) return null;
  const range = [above === undefined ? [] : `above ${above}`, below === undefined ? [] : `below ${below}`];
  const why = `the estimated tokens are ${range.flat().join(" and ")}`;
  return ({ facts }) =>
    (below === undefined || facts.estimatedTokens < below) &&
    (above === undefined || facts.estimatedTokens > above)
      ? why
      : null;
}

const factReasons = {
  hasTools: { yes: "the request has tools", no: "the request has no tools" },
  hasImages: { yes: "the request has images", no: "the request has no images" },
  hasCodeBlock: { yes: "the user text contains a code block", no: "the user text contains no code block" },
} as const;

function factCondition(name: keyof typeof factReasons, wanted: boolean): Condition {
  const why = factReasons[name][wanted ? "yes" : "no"];
  return ({ facts }) => (facts[name] === wanted ? why : null);
}

function conditionsOf(match: HeuristicMatch): Condition[] {
  const found: Condition[] = [];
  // Cheap conditions first: counting tokens reads every byte.
  if (match.has_tools !== undefined) found.push(factCondition("hasTools", match.has_tools));
  if (match.message_keywords !== undefined) found.push(wordsCondition(match.message_keywords));
  if (match.code_block !== undefined) found.push(factCondition("hasCodeBlock", match.code_block));
  if (match.has_images !== undefined) found.push(factCondition("hasImages", match.has_images));
  const tokens = match.estimated_tokens === undefined ? null : tokensCondition(match.estimated_tokens);
  if (tokens !== null) found.push(tokens);
  if (match.message_matches !== undefined) found.push(patternsCondition(match.message_matches));
  // Last, so that it decides only for a block without other conditions. `false` is no condition.
  if (found.length === 0 && match.fallthrough === true) found.push(() => "this rule always matches");
  return found;
}

/** First match wins; all conditions of a rule must hold, and a rule without any never matches. */
export function compileHeuristics(settings: HeuristicRulesSettings): (input: RuleInput) => RuleMatch | null {
  if (!settings.enabled) return () => null;
  const rules = settings.rules.map((rule) => ({ ...rule, holds: allOf(conditionsOf(rule.match)) }));
  return (question) => {
    for (const { name: rule, route_to: routeTo, holds } of rules) {
      const why = holds(question);
      if (why !== null) return { rule, routeTo, why };
    }
    return null;
  };
}
