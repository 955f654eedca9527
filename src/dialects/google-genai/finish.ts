// Maps Google's finish reasons (FinishReason of ai.google.dev/api/generate-content) to the canonical ones and back.

import type { FinishReason } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";

const googleReasons: Readonly<Record<FinishReason, string>> = {
  stop: "STOP",
  "stop-sequence": "STOP",
  length: "MAX_TOKENS",
  // An answer with calls ends with STOP here; only the calls themselves show it.
  "tool-calls": "STOP",
  refused: "SAFETY",
  pause: "STOP",
};

const canonicalReasons: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ["STOP", "stop"],
  ["MAX_TOKENS", "length"],
  ["SAFETY", "refused"],
  ["RECITATION", "refused"],
  ["BLOCKLIST", "refused"],
  ["PROHIBITED_CONTENT", "refused"],
  ["SPII", "refused"],
  ["LANGUAGE", "refused"],
  ["MODEL_ARMOR", "refused"],
  ["IMAGE_SAFETY", "refused"],
  ["IMAGE_PROHIBITED_CONTENT", "refused"],
  ["IMAGE_RECITATION", "refused"],
]);

/** The vendor's own parser discarded the model's output: there is no answer to pass on. */
const brokenReasons: ReadonlySet<string> = new Set([
  "MALFORMED_FUNCTION_CALL",
  "UNEXPECTED_TOOL_CALL",
  "TOO_MANY_TOOL_CALLS",
  "MALFORMED_RESPONSE",
  "MISSING_THOUGHT_SIGNATURE",
]);

/** Null: this chunk does not finish. A Failure: the vendor discarded the answer. Unknown reasons count as stop. */
export function decodeFinish(word: unknown): FinishReason | Failure | null {
  if (typeof word !== "string" || word === "" || word === "FINISH_REASON_UNSPECIFIED") return null;
  if (brokenReasons.has(word))
    return new Failure("bad-output", `The upstream discarded the model's output (${word}).`, {
      maybeBilled: true,
    });
  return canonicalReasons.get(word) ?? "stop";
}

/** True for reasons that `wordOfReason` would not write by itself. */
export function isFinerThanCanon(word: string): boolean {
  return word !== "STOP" && word !== "MAX_TOKENS" && word !== "SAFETY";
}

/** `kept`: the vendor's own reason from the extras, used where it means the same. */
export function encodeFinish(reason: FinishReason, kept: unknown): string {
  const plain = googleReasons[reason];
  return typeof kept === "string" && decodeFinish(kept) === decodeFinish(plain) ? kept : plain;
}

/** How a client understands the reason, considering calls. */
export function settleReason(reason: FinishReason, hasCalls: boolean): FinishReason {
  return reason === "stop" && hasCalls ? "tool-calls" : reason;
}
