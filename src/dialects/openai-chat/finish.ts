// Why an answer ended, in this format's words and the canonical ones. One table each way.

import type { FinishReason } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";

const reasonOfWord: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ["stop", "stop"],
  ["length", "length"],
  ["tool_calls", "tool-calls"],
  ["function_call", "tool-calls"],
  ["content_filter", "refused"],
  // Mistral's word for a full context window; Zhipu's for its content filter; Anthropic-minded proxies' own.
  ["model_length", "length"],
  ["max_tokens", "length"],
  ["sensitive", "refused"],
  ["tool_use", "tool-calls"],
]);

// DeepSeek, Zhipu and OpenRouter report a broken run as a finish reason.
const brokenWords: ReadonlySet<string> = new Set(["error", "network_error", "insufficient_system_resource"]);

/** Null: this chunk does not finish. A Failure: the vendor broke off and said so. Unknown words count as stop. */
export function readFinish(word: unknown): FinishReason | Failure | null {
  if (typeof word !== "string" || word === "") return null;
  const lower = word.toLowerCase();
  if (brokenWords.has(lower))
    return new Failure(
      "upstream-error",
      "The upstream broke off its answer because of an error of its own.",
      {
        maybeBilled: true,
      },
    );
  return reasonOfWord.get(lower) ?? "stop";
}

export const wordOfReason: Readonly<Record<FinishReason, string>> = {
  stop: "stop",
  "stop-sequence": "stop",
  length: "length",
  "tool-calls": "tool_calls",
  refused: "content_filter",
  pause: "stop",
};

/** Clients act on calls only when the reason says so, and wait for calls when it does: the two must agree. */
export function settleReason(reason: FinishReason, callCount: number): FinishReason {
  const plain = reason === "stop-sequence" || reason === "pause" ? "stop" : reason;
  if (plain === "stop" && callCount > 0) return "tool-calls";
  if (plain === "tool-calls" && callCount === 0) return "stop";
  return plain;
}
