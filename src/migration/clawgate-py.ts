// ClawGate (Python): its config.yaml is read here as it is, so little has to change. Rules keep the meaning that they had there, as far
// as it was one that somebody meant.

import { isAbsolute, resolve } from "node:path";
import type { Path } from "../config/document.ts";
import { isTree, type Tree } from "../config/values.ts";
import type { ConfigDraft } from "./config-draft.ts";

export function fromClawGatePy(draft: ConfigDraft, folder: string): void {
  keepUnknownModels(draft);
  keepRecordsForever(draft);
  placeDatabase(draft, folder);
  staticRules(draft);
  heuristicRules(draft);
  explain(draft);
}

/** There a name that nobody knew was routed like `auto`. */
function keepUnknownModels(draft: ConfigDraft): void {
  if (draft.at(["routing", "unknown_model"]) !== undefined) return;
  draft.set(["routing", "unknown_model"], "auto");
  draft.say("kept", "unknown model names", "routed like `auto`, by routing.unknown_model");
}

function keepRecordsForever(draft: ConfigDraft): void {
  if (draft.at(["metrics", "retention_days"]) !== undefined) return;
  draft.set(["metrics", "retention_days"], 0);
  draft.say("kept", "records", "kept for ever as there, by metrics.retention_days: 0");
}

function placeDatabase(draft: ConfigDraft, folder: string): void {
  const at = ["metrics", "db_path"];
  const path = draft.at(at);
  if (typeof path !== "string" || path.includes("${") || path.startsWith("~") || isAbsolute(path)) return;
  if (/^\.?\/?clawgate\.db/.test(path)) {
    draft.delete(at);
    draft.say("left out", at, "a database in the checkout is not used, there and here");
    return;
  }
  draft.set(at, resolve(folder, path));
  draft.say("changed", at, "the same path, in full");
}

const rulesIn = (draft: ConfigDraft, section: string): readonly unknown[] => {
  const rules = draft.at([section, "rules"]);
  return Array.isArray(rules) ? rules : [];
};

const staticKeys = ["model_requested", "system_prompt_contains", "header_contains"];

/** Keys of one block were alternatives there; here all of them must hold. */
function staticRules(draft: ConfigDraft): void {
  const apart = (block: unknown): unknown => {
    if (!isTree(block)) return block;
    const any = Array.isArray(block["any"]) ? block["any"].map(apart) : [];
    const written = staticKeys.filter((key) => block[key] !== undefined);
    if (written.length + (any.length > 0 ? 1 : 0) < 2) return any.length === 0 ? block : { ...block, any };
    const rest = Object.entries(block).filter(([key]) => key !== "any" && !written.includes(key));
    return { ...Object.fromEntries(rest), any: [...any, ...written.map((key) => ({ [key]: block[key] }))] };
  };
  for (const [index, rule] of rulesIn(draft, "static_rules").entries()) {
    const match = isTree(rule) ? rule["match"] : undefined;
    const changed = apart(match);
    if (Bun.deepEquals(match, changed)) continue;
    const at: Path = ["static_rules", "rules", index, "match"];
    draft.set(at, changed);
    draft.say("changed", at, "its keys were alternatives, so they stand below `any` now");
  }
}

/** In the order in which they were looked at there: only the first counted. */
const heuristicKeys = ["fallthrough", "has_tools", "estimated_tokens", "message_keywords"];

function heuristicRules(draft: ConfigDraft): void {
  for (const [index, rule] of rulesIn(draft, "heuristic_rules").entries()) {
    const match: Tree = isTree(rule) && isTree(rule["match"]) ? rule["match"] : {};
    const [counted, ...ignored] = heuristicKeys.filter(
      (key) => match[key] !== undefined && match[key] !== false,
    );
    if (counted === undefined) continue;
    for (const key of ignored) {
      const at: Path = ["heuristic_rules", "rules", index, "match", key];
      draft.delete(at);
      draft.say("left out", at, `beside \`${counted}\` it was not looked at there`);
    }
  }
}

function explain(draft: ConfigDraft): void {
  const value = draft.value;
  if (value["static_rules"] !== undefined)
    draft.say(
      "changed",
      "model_requested",
      'compares whole names; write "*flash*" where a part of a name is meant',
    );
  if (value["heuristic_rules"] !== undefined)
    draft.say("changed", "message_keywords", 'are whole words: "hi" is not in "which"');
  for (const section of ["health", "llm_classifier"])
    if (value[section] !== undefined)
      draft.say("changed", section, "has an effect here; there nothing read it");
}
