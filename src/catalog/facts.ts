// What routing knows of one provider's models: the operator's settings first, then the catalogue. Cached, because routing needs it
// for every target of every request; null means unknown.

import { capabilitiesOf, listedPrice } from "./model-capabilities.ts";
import type { Pricing } from "./cost.ts";
import { modelCard } from "./model-cards.ts";
import type { LoadedTable, PriceBook } from "./prices.ts";
import type { PriceTable, Seller } from "./price-table.ts";

/** Tokens; USD per million tokens; null = unknown. */
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

/** One model as the config lists it. */
export type ListedModel = {
  readonly id: string;
  readonly context_window?: number | undefined;
  readonly max_output?: number | undefined;
  readonly capabilities?:
    | {
        readonly tools?: boolean | undefined;
        readonly vision?: boolean | undefined;
        readonly json?: boolean | undefined;
        readonly thinking?: boolean | undefined;
      }
    | undefined;
  readonly pricing?: Pricing | undefined;
};

export type ModelFactsOptions = {
  readonly seller: Seller;
  readonly listed: readonly ListedModel[];
  readonly pricing: Pricing | null;
  readonly prices: Pick<PriceBook, "priceOf"> & LoadedTable;
  readonly nowMs: () => number;
};

// Clients choose model names too: the cache must not grow with them.
const maxCached = 500;
/** Some prices change with the hour. */
const freshMs = 15 * 60_000;

/** Cached lookups allocate nothing. Prices of the bundled table are visible once it is loaded. */
export function createModelFacts(options: ModelFactsOptions): (model: string) => ModelFacts {
  const { seller, prices, nowMs } = options;
  const listed = new Map(options.listed.map((model) => [model.id, model]));
  const known = new Map<string, ModelFacts>();
  let table: PriceTable | null = null;
  let staleAtMs = 0;

  const priceOf = (model: string, own: ListedModel | undefined, atMs: number) => {
    const price = prices.priceOf(
      { model, seller, modelPricing: own?.pricing, providerPricing: options.pricing },
      atMs,
    );
    if (price !== null) return { input: price.inputUsdPerMillion, output: price.outputUsdPerMillion };
    return listedPrice(seller, model);
  };

  const factsOf = (model: string, atMs: number): ModelFacts => {
    const own = listed.get(model);
    const catalogue = capabilitiesOf(seller, model);
    const says = own?.capabilities;
    const price = priceOf(model, own, atMs);
    return {
      contextWindow:
        own?.context_window ??
        catalogue.contextWindow ??
        modelCard(table, seller, model)?.contextWindow ??
        null,
      maxOutput: own?.max_output ?? catalogue.maxOutput,
      tools: says?.tools ?? catalogue.tools,
      vision: says?.vision ?? catalogue.vision,
      json: says?.json ?? catalogue.json,
      thinking: says?.thinking ?? catalogue.thinking,
      priceInput: price?.input ?? null,
      priceOutput: price?.output ?? null,
    };
  };

  return (model) => {
    const atMs = nowMs();
    if (atMs >= staleAtMs || prices.table() !== table || known.size >= maxCached) {
      known.clear();
      table = prices.table();
      staleAtMs = atMs + freshMs;
    }
    const remembered = known.get(model);
    if (remembered !== undefined) return remembered;
    const facts = factsOf(model, atMs);
    known.set(model, facts);
    return facts;
  };
}
