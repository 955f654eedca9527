// Checks whether a Messages body that could pass through asks for more than its model accepts. It must never change
// anything: the translation does.

import type { Takes } from "../../canon/takes.ts";
import { type JsonScan, memberNamed } from "../../wire/json.ts";
import {
  endsWithAssistant,
  exceedsEffort,
  exceedsSampling,
  isAboveHigh,
  isGiven,
  memberRecord,
} from "../exceeds-checks.ts";

export function exceeds(scan: JsonScan, bytes: Buffer, takes: Takes): boolean {
  const { type } = memberRecord(scan, bytes, "thinking");
  const { effort, format } = memberRecord(scan, bytes, "output_config");
  const given = {
    temperature: isGiven(scan, "temperature"),
    topP: isGiven(scan, "top_p"),
    topK: isGiven(scan, "top_k"),
  };
  return (
    exceedsSampling(takes, given, type === "disabled") ||
    exceedsThinking(takes, type, effort) ||
    exceedsEffort(takes, effort) ||
    (!takes.schemas && ((format ?? null) !== null || isGiven(scan, "output_format"))) ||
    (!takes.forcedTools && isForced(memberRecord(scan, bytes, "tool_choice")["type"])) ||
    (!takes.prefill && endsWithAssistant(bytes, memberNamed(scan, "messages")))
  );
}

export const isForced = (type: unknown): boolean => type === "any" || type === "tool";

export function exceedsThinking(takes: Takes, type: unknown, effort: unknown): boolean {
  switch (type) {
    case "enabled":
      return takes.thinking !== "budget";
    case "adaptive":
      return takes.thinking !== "adaptive";
    case "disabled":
      return !takes.thinkingOff || (!takes.thinkingOffAboveHigh && isAboveHigh(effort));
    default:
      return false;
  }
}
