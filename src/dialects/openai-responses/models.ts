// The model list as this format shows it. Members beyond OpenAI's own are the ones that OpenRouter's clients read.

import type { ModelCard } from "../dialect.ts";

export function encodeModel(card: ModelCard): Record<string, unknown> {
  return {
    id: card.id,
    object: "model",
    created: card.created,
    owned_by: card.ownedBy,
    ...(card.description === null ? {} : { description: card.description }),
    ...(card.contextWindow === null ? {} : { context_length: card.contextWindow }),
    ...(card.maxOutput === null ? {} : { max_output_tokens: card.maxOutput }),
    // As Together's list says it.
    ...(card.otherKind === undefined ? {} : { type: card.otherKind }),
  };
}

export function encodeModelList(cards: readonly ModelCard[]): Record<string, unknown> {
  return { object: "list", data: cards.map(encodeModel) };
}
