// The model list in Anthropic's shape (docs.anthropic.com/en/api/models-list), in pages where a client asks for them.

import { Failure } from "../../canon/failure.ts";
import type { ModelCard } from "../dialect.ts";

export function encodeModel(card: ModelCard): Record<string, unknown> {
  return {
    type: "model",
    id: card.id,
    display_name: card.id,
    // Not in Anthropic's list; Claude Code shows it next to the name.
    description: card.description ?? `at ${card.ownedBy}`,
    created_at: new Date(card.created * 1000).toISOString(),
    max_input_tokens: card.contextWindow,
    max_tokens: card.maxOutput,
  };
}

const mostAtOnce = 1_000;

/** `query`: limit, after_id and before_id. Throws Failure on a value that says nothing. */
export function encodeModelList(
  cards: readonly ModelCard[],
  query: URLSearchParams = new URLSearchParams(),
): Record<string, unknown> {
  const afterId = query.get("after_id");
  const beforeId = query.get("before_id");
  const from = afterId === null ? 0 : placeOf(cards, "after_id", afterId) + 1;
  const to = beforeId === null ? cards.length : placeOf(cards, "before_id", beforeId);
  const found = cards.slice(from, to);
  const limit = limitOf(query.get("limit"));
  // Backwards from `before_id` the nearest come first in question.
  const page = beforeId !== null && afterId === null ? found.slice(-limit) : found.slice(0, limit);
  return {
    data: page.map(encodeModel),
    has_more: page.length < found.length,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
  };
}

function placeOf(cards: readonly ModelCard[], param: string, id: string): number {
  const place = cards.findIndex((card) => card.id === id);
  if (place < 0)
    throw new Failure("invalid-request", `${param}: no model of this list has this id.`, { param });
  return place;
}

/** Absent: all at once, because most clients never ask for a second page. */
function limitOf(written: string | null): number {
  if (written === null) return Number.POSITIVE_INFINITY;
  const limit = /^\d{1,4}$/.test(written) ? Number(written) : 0;
  if (limit < 1 || limit > mostAtOnce)
    throw new Failure("invalid-request", `limit must be a whole number from 1 to ${mostAtOnce}.`, {
      param: "limit",
    });
  return limit;
}
