// A provider's settings -> what the price book asks for. Apart from providers.ts, because the estate needs it and providers need the estate.

import type { ProviderSettings } from "../backends/settings.ts";
import type { PricedTarget } from "../catalog/prices.ts";

/** What the price book must know of one model of one provider. */
export function pricedTarget(settings: ProviderSettings, model: string): PricedTarget {
  const listed = settings.models.find((each) => each.id === model);
  return {
    model,
    seller: { baseUrl: settings.base_url },
    modelPricing: listed?.pricing,
    providerPricing: settings.pricing,
  };
}
