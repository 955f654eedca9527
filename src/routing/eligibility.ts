// Decides whether a model can serve a request at all: hard filters, applied before any preference. Unknown facts
// exclude nothing; it must never guess.

import type { RequestFacts } from "../canon/decision.ts";

/** What is known about one model. Tokens; USD per million; null = unknown. */
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

/** The most that a request may need, read from its bytes without decoding it. */
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
  /** What is missing, for people, with numbers. */
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

/** What excludes a model, whoever chose it; null: nothing known. */
export function missingCapability(
  model: ModelFacts,
  requirements: Requirements,
  isClientsChoice: boolean,
): MissingCapability | null {
  if (requirements.tools && model.tools === false) return { capability: "tools", reason: "takes no tools" };
  if (model.vision === false && requirements.images)
    return { capability: "vision", reason: "takes no images" };
  if (requirements.jsonSchema && model.json === false)
    return { capability: "structured output", reason: "does not support JSON schemas" };
  const { contextWindow } = model;
  const room = contextWindow === null ? null : contextWindow * (isClientsChoice ? estimateTolerance : 1);
  if (room !== null && requirements.tokens > room)
    return {
      capability: "context window",
      reason: `window of ${contextWindow} tokens, the request has about ${requirements.tokens}`,
    };
  // A client that names a model and asks it to think gets the model without the option.
  if (requirements.thinking && model.thinking === false && !isClientsChoice)
    return { capability: "thinking", reason: "does not support thinking" };
  return null;
}

/**
 * The model's output limit is below the client's: it can still answer, but not at that length. It is left out while
 * another model can, and otherwise the limit is reduced (TargetFacts.maxOutput).
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

/** Expected answer length where the client set no limit, for the cost estimate only. */
const expectedOutputTokens = 500;

/** USD of a request with this many tokens, null when a price is unknown. */
export function estimateCostUsd(facts: ModelFacts | null, requirements: Requirements): number | null {
  if (facts === null || facts.priceInput === null || facts.priceOutput === null) return null;
  const output = Math.min(requirements.outputTokens ?? expectedOutputTokens, expectedOutputTokens);
  return (requirements.tokens * facts.priceInput + output * facts.priceOutput) / 1_000_000;
}
