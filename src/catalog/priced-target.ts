// Which price applies: that of one model of one provider's settings, or of the model that answered instead.

import type { Pricing } from "./cost.ts";
import type { PricedTarget } from "./prices.ts";

/** The models and prices in a provider's settings. */
export type SoldModels = {
  readonly base_url: string | null;
  readonly pricing?: Pricing | undefined;
  readonly models: readonly { readonly id: string; readonly pricing?: Pricing | undefined }[];
};

/** What the price book needs to know of one model of one provider. */
export function pricedTarget(settings: SoldModels, model: string): PricedTarget {
  // Many upstreams ignore case: another spelling of a listed model costs the same.
  const listed =
    settings.models.find((each) => each.id === model) ??
    settings.models.find((each) => each.id.toLowerCase() === model.toLowerCase());
  return {
    model,
    seller: { baseUrl: settings.base_url },
    modelPricing: listed?.pricing,
    providerPricing: settings.pricing,
  };
}

/** Models that one provider was priced for; clients can make up any number of names. */
const maxModels = 1_000;

/** The models of one provider: the same object for the same model, so that the price book recognizes it. */
export class PricedModels {
  private readonly targets = new Map<string, PricedTarget>();

  constructor(private readonly settings: SoldModels) {}

  of(model: string): PricedTarget {
    let target = this.targets.get(model);
    if (target === undefined) {
      if (this.targets.size >= maxModels) this.targets.clear();
      this.targets.set(model, (target = pricedTarget(this.settings, model)));
    }
    return target;
  }

  /**
   * The model whose price counts: the one that answered, if the upstream names another than the requested one and its price is known.
   * A dated name of the same model, and a name without a known price, keep the price of the requested model.
   * `isKnown` null: the price table is not loaded; then the result is null if the table is needed.
   */
  answered(
    asked: PricedTarget,
    answered: string | null,
    isKnown: ((target: PricedTarget) => boolean) | null,
  ): PricedTarget | null {
    if (answered === null || answered === asked.model) return asked;
    const { models } = this.settings;
    if (models.some(({ id }) => id === answered)) return this.of(answered);
    // The seller's name for a listed one: `cheap` may come back as `vendor/cheap` or `cheap-2026-01-31`.
    const kind = family(answered);
    if (kind === family(asked.model)) return asked;
    const sameFamily = models.find(({ id }) => family(id) === kind);
    if (sameFamily !== undefined) return this.of(sameFamily.id);
    // A price for the whole provider is also the requested model's price.
    const target = this.of(answered);
    if (target.providerPricing)
      return target.providerPricing === asked.providerPricing && !asked.modelPricing ? asked : target;
    if (isKnown === null) return null;
    // An operator who set a price for a name that no table has (a deployment, a group) set its cost, whatever model is behind
    // it.
    const isOwnName = asked.modelPricing && !isKnown({ ...asked, modelPricing: null, providerPricing: null });
    return isOwnName || !isKnown(target) ? asked : target;
  }
}

/** `PricedModels` of each settings object. */
export function createPricedModels(): (settings: SoldModels) => PricedModels {
  // By the settings object, so that the targets of an old config are dropped with it.
  const known = new WeakMap<SoldModels, PricedModels>();
  return (settings) => {
    let models = known.get(settings);
    if (models === undefined) known.set(settings, (models = new PricedModels(settings)));
    return models;
  };
}

/** Drops what distinguishes names of the same model: the prefix of a vendor or seller, a date or revision, the seller's variant. */
function family(model: string): string {
  return model
    .toLowerCase()
    .replace(/^.*\//, "")
    .replace(/[:@].*$/, "")
    .replace(/\[1m\]$/, "")
    .replaceAll("_", "-")
    .replace(/-(?:\d{4}-?\d{2}-?\d{2}|\d{2}-\d{4}|\d{2}-\d{2}|\d{4}|\d{3}|latest|exp|preview)(?:-v\d+)?$/, "")
    .replaceAll(".", "-");
}
