// The failure when no loaded target can serve a request: what is missing, as a sentence and as the field at fault.

import type { Target } from "../canon/decision.ts";
import { Failure } from "../canon/failure.ts";
import type { MissingCapability } from "./eligibility.ts";

const fieldAtFault: Readonly<Record<MissingCapability["capability"], string>> = {
  "context window": "messages",
  tools: "tools",
  vision: "messages",
  "structured output": "response_format",
  thinking: "thinking",
  "max output": "max_tokens",
};

/** A 400. A request too long for every target has its own kind: clients then shorten their history. */
export function noCapableTarget(
  targets: readonly { readonly target: Target; readonly lack: MissingCapability | null }[],
  isClientsChoice: boolean,
): Failure {
  const lacks = targets.flatMap(({ lack }) => lack ?? []);
  const missing = [...new Set(lacks.map(({ capability }) => capability))];
  const parts = targets.map(({ target, lack }) => `${target.provider}/${target.model} ${lack?.reason ?? ""}`);
  const isTooLong = missing.length === 1 && missing[0] === "context window";
  const head =
    isClientsChoice && targets.length === 1
      ? "The model cannot serve this request"
      : `No loaded model can serve this request (missing: ${missing.join(", ")})`;
  const words = isTooLong ? `${head}: the prompt is too long` : head;
  const [first] = lacks;
  return new Failure(
    isTooLong ? "context-exceeded" : "unsupported",
    `${words}: ${parts.join("; ")}.`.slice(0, 2_000),
    {
      param: first === undefined ? null : fieldAtFault[first.capability],
      code: isTooLong ? "context_length_exceeded" : "model_lacks_capability",
    },
  );
}
