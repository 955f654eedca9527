// The model list in Anthropic's shape (docs.anthropic.com/en/api/models-list). One page contains everything.

import type { ModelCard } from "../dialect.ts";

export function encodeModel(card: ModelCard): Record<string, unknown> {
  return {
    type: "model",
    id: card.id,
    display_name: card.id,
    // Not in Anthropic's list; Claude Code shows it next to the name.
    ...(card.description === null ? {} : { description: card.description }),
    created_at: new Date(card.created * 1000).toISOString(),
    max_input_tokens: card.contextWindow,
    max_tokens: card.maxOutput,
  };
}

export function encodeModelList(cards: readonly ModelCard[]): Record<string, unknown> {
  return {
    data: cards.map(encodeModel),
    has_more: false,
    first_id: cards[0]?.id ?? null,
    last_id: cards.at(-1)?.id ?? null,
  };
}
