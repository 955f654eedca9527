// Checks whether a chat body that would pass through asks for more than its model accepts. It must never change
// anything: a translation does, or repair.ts.

import type { Takes } from "../../canon/takes.ts";
import { type JsonScan, memberNamed } from "../../wire/json.ts";
import { endsWithAssistant, exceedsLevel, exceedsSampling, isGiven, memberValue } from "../exceeds-checks.ts";
import { isForced, refusedKeys, schemaIn } from "./fit-members.ts";

export function exceeds(scan: JsonScan, bytes: Buffer, takes: Takes): boolean {
  const effort = memberValue(scan, bytes, "reasoning_effort");
  const isOff = effort === "none";
  const given = {
    temperature: isGiven(scan, "temperature"),
    topP: isGiven(scan, "top_p"),
    topK: false,
  };
  return (
    exceedsSampling(takes, given, isOff) ||
    exceedsLevel(takes, effort) ||
    refusedKeys(takes, isOff).some((key) => isGiven(scan, key)) ||
    (!takes.stops && isGiven(scan, "stop")) ||
    (!takes.schemas && schemaIn(memberValue(scan, bytes, "response_format")) !== undefined) ||
    (takes.newerLimit && isGiven(scan, "max_tokens")) ||
    (!takes.forcedTools && isForced(memberValue(scan, bytes, "tool_choice"))) ||
    (!takes.prefill && endsWithAssistant(bytes, memberNamed(scan, "messages")))
  );
}
