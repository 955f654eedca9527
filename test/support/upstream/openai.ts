// A plan in OpenAI's chat completions format: as events, as one body, and its errors. Field for field as the vendor sends it.

import { piecesOf } from "./frame.ts";
import type { Frame } from "./frame.ts";
import type { Json } from "./json.ts";
import { wordsOf } from "./plan.ts";
import type { FakeUsage, Finish, Plan } from "./plan.ts";
import type { Turn } from "./turn.ts";

const finishNames: Readonly<Record<Finish, string>> = {
  stop: "stop",
  "stop-sequence": "stop",
  length: "length",
  tool: "tool_calls",
  refusal: "content_filter",
  pause: "stop",
};

/** A fixed second, so that recordings do not differ from run to run. */
const created = 1_795_000_000;

export function openaiUsage(usage: FakeUsage): Json {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

export function openaiFrames(plan: Plan, turn: Turn, id: string): Frame[] {
  const base = {
    id: `chatcmpl-${id}`,
    object: "chat.completion.chunk",
    created,
    model: turn.model,
    service_tier: "default",
    system_fingerprint: "fp_fake",
  };
  const unknownUsage = turn.wantsUsage ? { usage: null } : {};
  const frames: Frame[] = [];
  const delta = (value: Json, finish: string | null = null): void => {
    const choice = { index: 0, delta: value, logprobs: null, finish_reason: finish };
    frames.push({ event: null, value: { ...base, choices: [choice], ...unknownUsage } });
  };
  delta({ role: "assistant", content: "", refusal: null });
  let index = 0;
  for (const part of plan.parts) {
    if (part.type === "thinking") for (const word of wordsOf(part.text)) delta({ reasoning_content: word });
    else if (part.type === "text") for (const word of wordsOf(part.text)) delta({ content: word });
    else {
      const head = { index, id: part.id, type: "function", function: { name: part.name, arguments: "" } };
      delta({ tool_calls: [head] });
      for (const piece of piecesOf(part.input, 8))
        delta({ tool_calls: [{ index, function: { arguments: piece } }] });
      index += 1;
    }
  }
  delta({}, finishNames[plan.finish]);
  if (turn.wantsUsage)
    frames.push({ event: null, value: { ...base, choices: [], usage: openaiUsage(plan.usage) } });
  frames.push({ event: null, value: "[DONE]" });
  return frames;
}

export function openaiBody(plan: Plan, turn: Turn, id: string): Json {
  const texts = plan.parts.filter((part) => part.type === "text").map((part) => part.text);
  const thinking = plan.parts.filter((part) => part.type === "thinking").map((part) => part.text);
  const calls = plan.parts
    .filter((part) => part.type === "tool")
    .map((part) => ({ id: part.id, type: "function", function: { name: part.name, arguments: part.input } }));
  const message = {
    role: "assistant",
    content: texts.length === 0 && calls.length > 0 ? null : texts.join(""),
    refusal: null,
    annotations: [],
    ...(thinking.length > 0 ? { reasoning_content: thinking.join("") } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
  return {
    id: `chatcmpl-${id}`,
    object: "chat.completion",
    created,
    model: turn.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishNames[plan.finish] }],
    usage: openaiUsage(plan.usage),
    service_tier: "default",
    system_fingerprint: "fp_fake",
  };
}

type ErrorWords = { readonly type: string; readonly code: string | null; readonly message: string };

const errorWords: Readonly<Record<number, ErrorWords>> = {
  400: { type: "invalid_request_error", code: null, message: "The request is not valid (scripted)." },
  401: {
    type: "invalid_request_error",
    code: "invalid_api_key",
    message: "Incorrect API key provided (scripted).",
  },
  403: { type: "invalid_request_error", code: "unsupported_country", message: "Access denied (scripted)." },
  404: {
    type: "invalid_request_error",
    code: "model_not_found",
    message: "The model does not exist (scripted).",
  },
  413: { type: "invalid_request_error", code: null, message: "Request too large (scripted)." },
  429: { type: "requests", code: "rate_limit_exceeded", message: "Rate limit reached (scripted)." },
  500: { type: "server_error", code: null, message: "The server had an error (scripted)." },
  503: { type: "server_error", code: null, message: "The engine is overloaded (scripted)." },
};

export function openaiError(status: number, message?: string, code?: string): Json {
  const words = errorWords[status] ?? {
    type: "server_error",
    code: null,
    message: `Status ${status} (scripted).`,
  };
  return {
    error: { message: message ?? words.message, type: words.type, param: null, code: code ?? words.code },
  };
}
