// A plan in Anthropic's messages format: as events, as one body, and its errors. Field for field as the vendor sends it.

import { piecesOf } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { parsed } from "./json.ts";
import type { Json } from "./json.ts";
import { wordsOf } from "./plan.ts";
import type { FakeUsage, Finish, Part, Plan } from "./plan.ts";
import type { Turn } from "./turn.ts";

const stopReasons: Readonly<Record<Finish, string>> = {
  stop: "end_turn",
  "stop-sequence": "stop_sequence",
  length: "max_tokens",
  tool: "tool_use",
  refusal: "refusal",
  pause: "pause_turn",
};

/** `output` differs between the first event (1) and the last (all). */
function inputUsage(usage: FakeUsage, output: number): Json {
  return {
    input_tokens: usage.input - usage.cached - usage.written,
    cache_creation_input_tokens: usage.written,
    cache_read_input_tokens: usage.cached,
    output_tokens: output,
  };
}

export function anthropicUsage(usage: FakeUsage): Json {
  return {
    ...inputUsage(usage, usage.output),
    cache_creation: { ephemeral_5m_input_tokens: usage.written, ephemeral_1h_input_tokens: 0 },
    service_tier: "standard",
  };
}

function messageOf(turn: Turn, id: string, content: readonly Json[], plan: Plan | null, usage: Json): Json {
  return {
    id: `msg_${id}`,
    type: "message",
    role: "assistant",
    model: turn.model,
    content,
    stop_reason: plan ? stopReasons[plan.finish] : null,
    stop_sequence: plan ? plan.stopSequence : null,
    usage,
  };
}

function deltasOf(part: Part): Json[] {
  if (part.type === "text") return wordsOf(part.text).map((text) => ({ type: "text_delta", text }));
  if (part.type === "thinking")
    return [
      ...wordsOf(part.text).map((thinking) => ({ type: "thinking_delta", thinking })),
      { type: "signature_delta", signature: part.signature },
    ];
  return ["", ...piecesOf(part.input === "{}" ? "" : part.input, 8)].map((piece) => ({
    type: "input_json_delta",
    partial_json: piece,
  }));
}

function emptyBlock(part: Part): Json {
  if (part.type === "text") return { type: "text", text: "" };
  if (part.type === "thinking") return { type: "thinking", thinking: "", signature: "" };
  return { type: "tool_use", id: part.id, name: part.name, input: {} };
}

function wholeBlock(part: Part): Json {
  if (part.type === "text") return { type: "text", text: part.text };
  if (part.type === "thinking") return { type: "thinking", thinking: part.text, signature: part.signature };
  return { type: "tool_use", id: part.id, name: part.name, input: parsed(part.input) ?? {} };
}

export function anthropicFrames(plan: Plan, turn: Turn, id: string): Frame[] {
  const frames: Frame[] = [];
  const push = (type: string, value: Json): void =>
    void frames.push({ event: type, value: { type, ...value } });
  const start = { ...inputUsage(plan.usage, 1), service_tier: "standard" };
  push("message_start", { message: messageOf(turn, id, [], null, start) });
  plan.parts.forEach((part, index) => {
    push("content_block_start", { index, content_block: emptyBlock(part) });
    if (index === 0) push("ping", {});
    for (const delta of deltasOf(part)) push("content_block_delta", { index, delta });
    push("content_block_stop", { index });
  });
  push("message_delta", {
    delta: { stop_reason: stopReasons[plan.finish], stop_sequence: plan.stopSequence },
    usage: inputUsage(plan.usage, plan.usage.output),
  });
  push("message_stop", {});
  return frames;
}

export function anthropicBody(plan: Plan, turn: Turn, id: string): Json {
  return messageOf(turn, id, plan.parts.map(wholeBlock), plan, anthropicUsage(plan.usage));
}

const errorWords: Readonly<Record<number, readonly [string, string]>> = {
  400: ["invalid_request_error", "The request is not valid (scripted)."],
  401: ["authentication_error", "invalid x-api-key"],
  403: ["permission_error", "Your API key has no access (scripted)."],
  404: ["not_found_error", "model: not found (scripted)"],
  413: ["request_too_large", "Request exceeds the maximum size (scripted)."],
  429: ["rate_limit_error", "This request would exceed your rate limit (scripted)."],
  500: ["api_error", "Internal server error"],
  503: ["api_error", "Service unavailable (scripted)."],
  529: ["overloaded_error", "Overloaded"],
};

/** The API's answer to a `thread` that it cannot keep; the SDK's tool runner (1.11.0) reads the code and continues without one. */
export function anthropicThreadError(): Json {
  const details = { error_code: "thread_unsupported_request", unsupported: ["thread"] };
  const message = "thread: this server holds no conversation state";
  return {
    type: "error",
    error: { type: "invalid_request_error", message, details },
    request_id: "req_fake",
  };
}

export function anthropicError(status: number, message?: string): Json {
  const [type, words] = errorWords[status] ?? ["api_error", `Status ${status} (scripted).`];
  return { type: "error", error: { type, message: message ?? words }, request_id: "req_fake" };
}
