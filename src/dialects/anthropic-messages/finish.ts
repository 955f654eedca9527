// Stop reasons of the Messages API <-> canonical finish reasons. It must never say "tool_use" for an answer without a
// tool call: agents would wait forever.

import type { FinishReason } from "../../canon/event.ts";

const decoded: Readonly<Record<string, FinishReason>> = {
  end_turn: "stop",
  stop_sequence: "stop-sequence",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_use: "tool-calls",
  refusal: "refused",
  pause_turn: "pause",
};

/** Reasons of other formats, from vendors that translate incompletely: understood, and never passed on. */
const foreign: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  length: "length",
  max_output_tokens: "length",
  model_length: "length",
  tool_calls: "tool-calls",
  function_call: "tool-calls",
  content_filter: "refused",
  sensitive: "refused",
};

const encoded: Readonly<Record<FinishReason, string>> = {
  stop: "end_turn",
  "stop-sequence": "stop_sequence",
  length: "max_tokens",
  "tool-calls": "tool_use",
  refused: "refusal",
  pause: "pause_turn",
};

/** `hasTool` null: unknown (frames that pass through are read without state). Reasons that we do not know yet count as `stop`. */
export function decodeFinish(reason: string, hasTool: boolean | null): FinishReason {
  const words = Object.hasOwn(decoded, reason) ? decoded : Object.hasOwn(foreign, reason) ? foreign : null;
  const finish = words?.[reason] ?? "stop";
  return finish === "tool-calls" && hasTool === false ? "stop" : finish;
}

/** `own`: the reason as this dialect's own upstream spelled it, if it says more than the canonical one. */
export function encodeFinish(finish: FinishReason, hasTool: boolean, own: unknown): string {
  const reason = finish === "tool-calls" && !hasTool ? "stop" : finish;
  if (typeof own === "string" && isFinerThanCanon(own) && decodeFinish(own, hasTool) === reason) return own;
  return encoded[reason];
}

/** True when the canonical reason alone would lose information from the vendor. */
export function isFinerThanCanon(reason: string): boolean {
  return !Object.hasOwn(foreign, reason) && encoded[decodeFinish(reason, null)] !== reason;
}
