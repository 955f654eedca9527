// The model list in Google's shape (ai.google.dev/api/models). One page contains everything.

import type { ModelCard } from "../dialect.ts";

export function encodeModel(card: ModelCard): Record<string, unknown> {
  return {
    name: `models/${card.id}`,
    version: "",
    displayName: card.id,
    ...(card.description === null ? {} : { description: card.description }),
    ...(card.contextWindow === null ? {} : { inputTokenLimit: card.contextWindow }),
    ...(card.maxOutput === null ? {} : { outputTokenLimit: card.maxOutput }),
    supportedGenerationMethods: ["generateContent", "countTokens"],
  };
}

export function encodeModelList(cards: readonly ModelCard[]): Record<string, unknown> {
  return { models: cards.map(encodeModel) };
}
