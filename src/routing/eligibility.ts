// Can this model serve this request at all? Hard filters, asked before any preference.
// What nobody knows refuses nothing; it must never guess.

import type { RequestFacts } from "../canon/decision.ts";

/** What is known of one model. Tokens; USD per million; null = unknown. */
export type ModelFacts = {
  readonly contextWindow: number | null;
  readonly maxOutput: number | null;
  readonly tools: boolean | null;
  readonly vision: boolean | null;
  readonly json: boolean | null;
  readonly thinking: boolean | null;
  readonly priceInput: number | null;
  readonly priceOutput: number | null;
};

/** What a request may need at most, read off its bytes without decoding it. */
export type Requirements = {
  readonly tokens: number;
  readonly tools: boolean;
  readonly images: boolean;
  readonly jsonSchema: boolean;
  readonly thinking: boolean;
  readonly outputTokens: number | null;
};

export type MissingCapability = {
  readonly capability:
    "context window" | "tools" | "vision" | "structured output" | "thinking" | "max output";
  /** For people: what is missing, with the numbers. */
  readonly reason: string;
};

/** The estimate may be off by this much before a model that the client itself named is refused. */
const estimateTolerance = 1.25;

export function requirementsOf(facts: RequestFacts): Requirements {
  return {
    tokens: facts.estimatedTokens,
    tools: facts.hasTools,
    images: facts.hasImages,
    jsonSchema: facts.wantsJsonSchema,
    thinking: facts.wantsThinking,
    outputTokens: facts.maxTokens,
  };
}

/** What rules a model out, whoever chose it; null: nothing that we know of. */
export function missingCapability(
  model: ModelFacts,
  requirements: Requirements,
  isClientsChoice: boolean,
): MissingCapability | null {
  if (requirements.tools && model.tools === false) return { capability: "tools", reason: "takes no tools" };
  if (model.vision === false && requirements.images)
    return { capability: "vision", reason: "takes no images" };
  if (requirements.jsonSchema && model.json === false)
    return { capability: "structured output", reason: "does not keep to a JSON schema" };
  const { contextWindow } = model;
  const room = contextWindow === null ? null : contextWindow * (isClientsChoice ? estimateTolerance : 1);
  if (room !== null && requirements.tokens > room)
    return {
      capability: "context window",
      reason: `window of ${contextWindow} tokens, the request has about ${requirements.tokens}`,
    };
  // Who names a model and asks it to think gets the model; the wish is dropped on the way.
  if (requirements.thinking && model.thinking === false && !isClientsChoice)
    return { capability: "thinking", reason: "cannot think before it answers" };
  return null;
}

/**
 * A shorter ceiling than the limit the client named: the model can still answer, only not at such length.
 * So it is left out while another one can, and otherwise the limit is cut (TargetFacts.maxOutput).
 */
export function outputShortfall(model: ModelFacts, requirements: Requirements): MissingCapability | null {
  if (
    model.maxOutput === null ||
    requirements.outputTokens === null ||
    requirements.outputTokens <= model.maxOutput
  )
    return null;
  return {
    capability: "max output",
    reason: `answers of at most ${model.maxOutput} tokens, asked for ${requirements.outputTokens}`,
  };
}

/** Expected answer length where the client named none, for the estimate of costs only. */
const expectedOutputTokens = 500;

/** USD of a request with this many tokens, null when a price is unknown. */
export function estimateCostUsd(facts: ModelFacts | null, requirements: Requirements): number | null {
  if (facts === null || facts.priceInput === null || facts.priceOutput === null) return null;
  const output = Math.min(requirements.outputTokens ?? expectedOutputTokens, expectedOutputTokens);
  return (requirements.tokens * facts.priceInput + output * facts.priceOutput) / 1_000_000;
}
