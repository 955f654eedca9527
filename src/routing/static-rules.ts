// Layer 1: rules about everything but the user's words: the model's name, the system prompt, headers. It must never
// look at the words themselves, and never repeat a client's text in its reason.

import { hintHeader } from "../canon/client-hints.ts";
import { compileNamePattern } from "./name-pattern.ts";
import type { RuleInput } from "./rule-input.ts";
import type { StaticMatch, StaticRulesSettings } from "./settings.ts";
import { compilePattern } from "./text-pattern.ts";
import { compileWords, foldText } from "./word-matcher.ts";

/** A layer's answer. `why` quotes the config, never the client. */
export type RuleMatch = { readonly rule: string; readonly routeTo: string; readonly why: string };

/** Why it matches, or null. */
export type Condition = (input: RuleInput) => string | null;

/** The config's text, shortened to fit a sentence. */
export function quoted(written: string): string {
  return `"${written.length > 60 ? `${written.slice(0, 60)}…` : written}"`;
}

function modelCondition(names: readonly string[]): Condition {
  const patterns = names.map(compileNamePattern);
  return ({ foldedModel }) => {
    const pattern = patterns.find((each) => each.fits(foldedModel));
    return pattern === undefined ? null : `the requested model is ${quoted(pattern.written)}`;
  };
}

function systemWordsCondition(written: readonly string[]): Condition {
  const words = compileWords(written);
  const meansHeartbeat = written.some((each) => foldText(each).trim() === "heartbeat");
  return (input) => {
    // OpenClaw's heartbeat is recognised by its user turn; its system prompt mentions heartbeats in every request.
    if (meansHeartbeat && input.facts.isHeartbeat) return "the user turn is OpenClaw's heartbeat";
    const [found] = words.foundIn(input.foldedSystemText, 1);
    return found === undefined ? null : `the system prompt contains ${quoted(found)}`;
  };
}

function systemPatternCondition(written: readonly string[]): Condition {
  const patterns = written.map(compilePattern);
  return ({ systemText }) => {
    const found = patterns.find((each) => each.occursIn(systemText));
    return found === undefined ? null : `the system prompt matches ${quoted(found.written)}`;
  };
}

function headerCondition(name: string, texts: readonly string[]): Condition {
  const wanted = texts.map((written) => ({ written, folded: foldText(written) }));
  return (input) => {
    const value = input.header(name);
    if (value === null) return null;
    const folded = foldText(value);
    const found = wanted.find((each) => folded.includes(each.folded));
    return found === undefined ? null : `header ${quoted(name)} holds ${quoted(found.written)}`;
  };
}

/** A whole word, whatever its case. */
function hintCondition(key: "requestClass" | "agentType", what: string, words: readonly string[]): Condition {
  const wanted = words.map((written) => ({ written, folded: foldText(written).trim() }));
  return (input) => {
    const value = input.header(hintHeader(key));
    if (value === null) return null;
    const folded = foldText(value).trim();
    const found = wanted.find((each) => each.folded === folded);
    return found === undefined ? null : `the client's ${what} is ${quoted(found.written)}`;
  };
}

function anyOf(conditions: readonly Condition[]): Condition {
  return (input) => {
    for (const condition of conditions) {
      const why = condition(input);
      if (why !== null) return why;
    }
    return null;
  };
}

/** All conditions, and at least one: a block without conditions matches nothing. */
export function allOf(conditions: readonly Condition[]): Condition {
  const [only] = conditions;
  if (only !== undefined && conditions.length === 1) return only;
  return (input) => {
    const reasons: string[] = [];
    for (const condition of conditions) {
      const why = condition(input);
      if (why === null) return null;
      reasons.push(why);
    }
    return reasons.length === 0 ? null : reasons.join(" and ");
  };
}

function compileBlock(block: StaticMatch): Condition {
  const conditions: Condition[] = [];
  // Cheap conditions first: a system prompt may be long.
  if (block.model_requested !== undefined) conditions.push(modelCondition(block.model_requested));
  if (block.request_class !== undefined)
    conditions.push(hintCondition("requestClass", "request class", block.request_class));
  if (block.agent_type !== undefined)
    conditions.push(hintCondition("agentType", "agent type", block.agent_type));
  for (const [name, texts] of Object.entries(block.header_contains ?? {}))
    conditions.push(headerCondition(name, texts));
  if (block.not !== undefined) {
    const barred = compileBlock(block.not);
    conditions.push((input) => (barred(input) === null ? "the `not` block does not match" : null));
  }
  if (block.any !== undefined) conditions.push(anyOf(block.any.map(compileBlock)));
  if (block.all !== undefined) conditions.push(allOf(block.all.map(compileBlock)));
  if (block.system_prompt_contains !== undefined)
    conditions.push(systemWordsCondition(block.system_prompt_contains));
  if (block.system_prompt_matches !== undefined)
    conditions.push(systemPatternCondition(block.system_prompt_matches));
  return allOf(conditions);
}

/** First match wins. */
export function compileStaticRules(settings: StaticRulesSettings): (input: RuleInput) => RuleMatch | null {
  if (!settings.enabled) return () => null;
  const rules = settings.rules.map((rule) => ({ ...rule, holds: compileBlock(rule.match) }));
  return (question) => {
    for (const { name: rule, route_to: routeTo, holds } of rules) {
      const why = holds(question);
      if (why !== null) return { rule, routeTo, why };
    }
    return null;
  };
}
