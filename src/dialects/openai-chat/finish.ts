// Maps this format's finish reasons to the canonical ones and back. One table per direction.

import type { FinishReason } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";

const canonicalReasons: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ["stop", "stop"],
  ["length", "length"],
  ["tool_calls", "tool-calls"],
  ["function_call", "tool-calls"],
  ["content_filter", "refused"],
  // Mistral's reason for a full context window; Zhipu's for its content filter; reasons of proxies that use
  // Anthropic's.
  ["model_length", "length"],
  ["max_tokens", "length"],
  ["sensitive", "refused"],
  ["tool_use", "tool-calls"],
  ["tool_call", "tool-calls"],
  ["function_calls", "tool-calls"],
  // Z.AI's for a full window (opencode#18813); other vendors' for a full window and for a limit.
  ["model_context_window_exceeded", "length"],
  ["context_length_exceeded", "length"],
  ["max_output_tokens", "length"],
  ["max_length", "length"],
  ["token_limit", "length"],
  // Google's, from endpoints that pass them on.
  ["safety", "refused"],
  ["recitation", "refused"],
  ["blocklist", "refused"],
  ["prohibited_content", "refused"],
  ["spii", "refused"],
  ["refusal", "refused"],
  ["content_filtered", "refused"],
  ["guardrail_intervened", "refused"],
]);

// DeepSeek, Zhipu and OpenRouter report a failed run as a finish reason.
const brokenReasons: ReadonlySet<string> = new Set([
  "error",
  "network_error",
  "insufficient_system_resource",
  "malformed_function_call",
]);

/**
 * Null: this chunk does not finish. A Failure: the vendor reported that it broke off. Unknown reasons count as stop.
 */
export function decodeFinish(word: unknown): FinishReason | Failure | null {
  if (typeof word !== "string" || word === "") return null;
  const lower = word.toLowerCase().replaceAll("-", "_");
  if (brokenReasons.has(lower))
    return new Failure(
      "upstream-error",
      "The upstream broke off its answer because of an error of its own.",
      {
        maybeBilled: true,
      },
    );
  return canonicalReasons.get(lower) ?? "stop";
}

export const finishReasons: Readonly<Record<FinishReason, string>> = {
  stop: "stop",
  "stop-sequence": "stop",
  length: "length",
  "tool-calls": "tool_calls",
  refused: "content_filter",
  pause: "stop",
};

/** Clients act on calls only when the reason announces them, and wait for calls when it does: the two must agree. */
export function settleReason(reason: FinishReason, callCount: number): FinishReason {
  const plain = reason === "stop-sequence" || reason === "pause" ? "stop" : reason;
  if (plain === "stop" && callCount > 0) return "tool-calls";
  if (plain === "tool-calls" && callCount === 0) return "stop";
  return plain;
}
