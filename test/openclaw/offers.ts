// Offers for tests of what OpenClaw is told.

import type { ModelOffer } from "../../src/canon/model-offer.ts";

export function offer(id: string, more: Partial<ModelOffer> = {}): ModelOffer {
  const unknown = {
    contextWindow: null,
    maxOutput: null,
    tools: null,
    vision: null,
    json: null,
    thinking: null,
  };
  return { id, name: id, format: "openai", price: null, ...unknown, ...more };
}

/** Everything is known of it. */
export const thinker = offer("thinker", {
  contextWindow: 1_000_000,
  maxOutput: 128_000,
  tools: true,
  vision: true,
  json: true,
  thinking: true,
  price: { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 },
});
