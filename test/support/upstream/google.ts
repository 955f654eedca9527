// A plan in Gemini's generateContent format: as events, as one body, and its errors. Field for field as the vendor sends it.

import type { Frame } from "./frame.ts";
import { parsed } from "./json.ts";
import type { Json } from "./json.ts";
import { signatureOf, wordsOf } from "./plan.ts";
import type { FakeUsage, Finish, Part, Plan } from "./plan.ts";
import type { Turn } from "./turn.ts";

const finishNames: Readonly<Record<Finish, string>> = {
  stop: "STOP",
  "stop-sequence": "STOP",
  length: "MAX_TOKENS",
  // Gemini has no finish reason for "a tool is wanted".
  tool: "STOP",
  refusal: "SAFETY",
  pause: "STOP",
};

function usageOf(usage: FakeUsage): Json {
  return {
    promptTokenCount: usage.input,
    candidatesTokenCount: usage.output - usage.reasoning,
    totalTokenCount: usage.input + usage.output,
    ...(usage.cached > 0 ? { cachedContentTokenCount: usage.cached } : {}),
    ...(usage.reasoning > 0 ? { thoughtsTokenCount: usage.reasoning } : {}),
    promptTokensDetails: [{ modality: "TEXT", tokenCount: usage.input }],
  };
}

/** Calls carry no id, as with the models that most people use; the first one after a thought carries its signature. */
function callOf(part: Part, plan: Plan): Json {
  if (part.type !== "tool") return {};
  const call = { functionCall: { name: part.name, args: parsed(part.input) ?? {} } };
  const isFirst = plan.parts.find((other) => other.type === "tool") === part;
  const thought = plan.parts.some((other) => other.type === "thinking");
  return isFirst && thought ? { ...call, thoughtSignature: signatureOf(part.name) } : call;
}

/** The pieces of one part in a stream; a call is never cut. */
function piecesOf(part: Part, plan: Plan): Json[] {
  if (part.type === "text") return wordsOf(part.text).map((text) => ({ text }));
  if (part.type === "thinking") return wordsOf(part.text).map((text) => ({ text, thought: true }));
  return [callOf(part, plan)];
}

function wholeOf(part: Part, plan: Plan): Json {
  if (part.type === "text") return { text: part.text };
  if (part.type === "thinking") return { text: part.text, thought: true };
  return callOf(part, plan);
}

function answerOf(turn: Turn, id: string, parts: readonly Json[], finish: string | null, usage: Json): Json {
  const candidate = {
    content: { parts, role: "model" },
    ...(finish === null ? {} : { finishReason: finish }),
    index: 0,
  };
  return {
    candidates: [candidate],
    usageMetadata: usage,
    modelVersion: turn.model,
    responseId: `resp-${id}`,
  };
}

export function googleFrames(plan: Plan, turn: Turn, id: string): Frame[] {
  const started = usageOf({ ...plan.usage, output: 0, reasoning: 0 });
  const pieces = plan.parts.flatMap((part) => piecesOf(part, plan));
  const frames = pieces.map((piece) => ({
    event: null,
    value: answerOf(turn, id, [piece], null, started),
  }));
  const last = answerOf(turn, id, [{ text: "" }], finishNames[plan.finish], usageOf(plan.usage));
  return [...frames, { event: null, value: last }];
}

export function googleBody(plan: Plan, turn: Turn, id: string): Json {
  const parts = plan.parts.map((part) => wholeOf(part, plan));
  return answerOf(turn, id, parts, finishNames[plan.finish], usageOf(plan.usage));
}

const statusNames: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  503: "UNAVAILABLE",
};

export function googleError(status: number, message?: string): Json {
  const missing = "The model is not found for API version v1beta (scripted).";
  const words = message ?? (status === 404 ? missing : `Status ${status} (scripted).`);
  return { error: { code: status, message: words, status: statusNames[status] ?? "UNKNOWN" } };
}
