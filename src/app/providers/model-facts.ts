// What routing knows of a provider's models: its part of the config combined with the catalogue.

import type { ProviderSettings } from "../../backends/settings.ts";
import { createModelFacts as createFacts } from "../../catalog/facts.ts";
import type { LoadedTable, PriceBook } from "../../catalog/prices.ts";
import type { ModelFacts } from "../../routing/eligibility.ts";
import { anthropicAddress } from "./provider-price.ts";

export function createModelFacts(
  settings: ProviderSettings,
  prices: Pick<PriceBook, "priceOf"> & LoadedTable,
  nowMs: () => number,
): (model: string) => ModelFacts {
  return createFacts({
    // The program's models have the abilities of Anthropic's own.
    seller: { baseUrl: settings.backend === "claude-cli" ? anthropicAddress : settings.base_url },
    listed: settings.models,
    pricing: settings.pricing ?? null,
    prices,
    nowMs,
  });
}
