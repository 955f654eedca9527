// Checks whether a Responses body that would pass through asks for more than its model accepts. It must never change
// anything: a translation does.

import type { Takes } from "../../canon/takes.ts";
import { type JsonScan, memberNamed } from "../../wire/json.ts";
import { isRecord } from "../decoding.ts";
import {
  endsWithAssistant,
  exceedsLevel,
  exceedsSampling,
  isGiven,
  memberRecord,
  memberValue,
} from "../exceeds-checks.ts";

export function exceeds(scan: JsonScan, bytes: Buffer, takes: Takes): boolean {
  const { effort } = memberRecord(scan, bytes, "reasoning");
  const given = {
    temperature: isGiven(scan, "temperature"),
    topP: isGiven(scan, "top_p"),
    topK: !takes.penalties && isGiven(scan, "top_logprobs"),
  };
  return (
    exceedsSampling(takes, given, effort === "none") ||
    exceedsLevel(takes, effort) ||
    (!takes.parallelChoice && isGiven(scan, "parallel_tool_calls")) ||
    (isGiven(scan, "text") && exceedsText(takes, memberRecord(scan, bytes, "text"))) ||
    (!takes.forcedTools && isForced(memberValue(scan, bytes, "tool_choice"))) ||
    (!takes.prefill && endsWithAssistant(bytes, memberNamed(scan, "input")))
  );
}

function exceedsText(takes: Takes, text: Readonly<Record<string, unknown>>): boolean {
  const hasSchema = isRecord(text.format) && text.format.type === "json_schema";
  return (!takes.verbosity && text.verbosity !== undefined) || (!takes.schemas && hasSchema);
}

const isForced = (choice: unknown): boolean =>
  choice === "required" || (isRecord(choice) && (choice.type === "function" || choice.type === "custom"));
