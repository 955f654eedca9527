// Checks whether a generateContent body that could pass through asks for more than its model accepts. It must never
// change anything: the translation does.

import { isEffort } from "../../canon/effort.ts";
import type { Takes } from "../../canon/takes.ts";
import { type JsonScan, memberNamed } from "../../wire/json.ts";
import { isRecord } from "../decoding.ts";
import { endsWithAssistant, exceedsSampling, memberRecord } from "../exceeds-checks.ts";
import { camelKeys } from "./camel-keys.ts";

type Members = Readonly<Record<string, unknown>>;

const inCamel = (value: unknown): Members => (isRecord(value) ? camelKeys(value) : {});

/** The API accepts both spellings of its members. */
function member(scan: JsonScan, bytes: Buffer, camel: string, snake: string): Members {
  return inCamel(memberRecord(scan, bytes, memberNamed(scan, camel) === undefined ? snake : camel));
}

export function exceeds(scan: JsonScan, bytes: Buffer, takes: Takes): boolean {
  const config = member(scan, bytes, "generationConfig", "generation_config");
  const calling = inCamel(member(scan, bytes, "toolConfig", "tool_config")["functionCallingConfig"]);
  const thinking = inCamel(config["thinkingConfig"]);
  const given = {
    temperature: isNumber(config["temperature"]),
    topP: isNumber(config["topP"]),
    topK: isNumber(config["topK"]),
  };
  return (
    exceedsSampling(takes, given, thinking["thinkingBudget"] === 0) ||
    exceedsThinking(takes, thinking) ||
    (!takes.forcedTools && calling["mode"] === "ANY") ||
    (!takes.prefill && endsWithAssistant(bytes, memberNamed(scan, "contents")))
  );
}

const isNumber = (value: unknown): boolean => typeof value === "number";

/** Models with levels accept budgets too, but not the other way round. */
function exceedsThinking(takes: Takes, { thinkingBudget: budget, thinkingLevel: level }: Members): boolean {
  if (takes.thinking === "none") return isNumber(budget) || level !== undefined;
  if (typeof level === "string") {
    const effort = level.toLowerCase();
    return takes.thinking !== "adaptive" || (isEffort(effort) && takes.efforts?.includes(effort) === false);
  }
  if (typeof budget !== "number" || budget < 0 || takes.budgets === null) return false;
  if (budget === 0) return !takes.thinkingOff;
  return budget < takes.budgets.least || budget > takes.budgets.most;
}
