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

/** Models that one config's provider was priced for; clients can make up any number of names. */
const mostModels = 1_000;

/** `pricedTarget`, once for each pair: the same object again lets the price book know it by itself. */
export function createPricedTargets(): (settings: ProviderSettings, model: string) => PricedTarget {
  // By the settings object, so that what an old config priced goes with it.
  const known = new WeakMap<ProviderSettings, Map<string, PricedTarget>>();
  return (settings, model) => {
    let targets = known.get(settings);
    if (targets === undefined) known.set(settings, (targets = new Map()));
    let target = targets.get(model);
    if (target === undefined) {
      if (targets.size >= mostModels) targets.clear();
      targets.set(model, (target = pricedTarget(settings, model)));
    }
    return target;
  };
}
