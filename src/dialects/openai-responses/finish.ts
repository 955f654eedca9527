// Maps this format's status and details to the canonical finish reasons and back. A tool call has no status of its own
// here: the answer is "completed" and contains the call.

import type { FinishReason } from "../../canon/event.ts";
import { isRecord } from "../decoding.ts";
import type { Wire } from "./extras.ts";

export type Ending = {
  readonly status: "completed" | "incomplete";
  readonly incomplete_details: Wire | null;
};

const whole: Ending = { status: "completed", incomplete_details: null };
const cut = (reason: string): Ending => ({ status: "incomplete", incomplete_details: { reason } });

export function encodeFinish(reason: FinishReason): Ending {
  if (reason === "length") return cut("max_output_tokens");
  return reason === "refused" ? cut("content_filter") : whole;
}

/** The answer's content distinguishes endings with the same status. */
export type Held = { readonly hasCalls: boolean; readonly isRefused: boolean };

export function decodeFinish(response: Wire, isIncomplete: boolean, held: Held): FinishReason {
  if (isIncomplete) {
    const { incomplete_details: details } = response;
    return isRecord(details) && details.reason === "content_filter" ? "refused" : "length";
  }
  if (held.hasCalls) return "tool-calls";
  return held.isRefused ? "refused" : "stop";
}

export function settleReason(reason: FinishReason, hasCalls: boolean): FinishReason {
  if (reason === "length" || reason === "refused") return reason;
  return hasCalls ? "tool-calls" : "stop";
}

/** Items that end the turn because the client has to act. */
const callTypes: ReadonlySet<string> = new Set([
  "function_call",
  "custom_tool_call",
  "local_shell_call",
  "computer_call",
  "apply_patch_call",
  "mcp_approval_request",
]);

export function asksClient(item: Wire): boolean {
  if (typeof item.type !== "string") return false;
  return callTypes.has(item.type) || (item.type === "tool_search_call" && item.execution === "client");
}

export function isRefusing(item: Wire): boolean {
  return (
    Array.isArray(item.content) && item.content.some((part) => isRecord(part) && part.type === "refusal")
  );
}
