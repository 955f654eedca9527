// The price of a model at a provider and the cost of a request: the operator's settings first, then the bundled table.
// Unknown is null, never 0, for local servers too: only an explicit price of 0 makes something free.

import type { ModelPrice } from "@pydantic/genai-prices";
import type { Usage } from "../canon/usage.ts";
import { costsByPricing, costsByTable, nanoOf, type PartCosts, type Pricing } from "./cost.ts";
import { loadPriceTable, type PriceTable, type Seller, type TableEntry } from "./price-table.ts";

export type { Pricing } from "./cost.ts";

/** One model at one provider, as in the settings. */
export type PricedTarget = {
  /** The id sent upstream. */
  readonly model: string;
  readonly seller: Seller;
  readonly modelPricing?: Pricing | null | undefined;
  readonly providerPricing?: Pricing | null | undefined;
};

export type Price = {
  readonly source: "model" | "provider" | "bundled";
  readonly inputUsdPerMillion: number;
  readonly outputUsdPerMillion: number;
  readonly cacheReadUsdPerMillion: number | null;
  readonly cacheWriteUsdPerMillion: number | null;
  /** True if a larger input costs more per token; the numbers are then those of the smallest. */
  readonly hasTiers: boolean;
};

export type PriceBook = {
  /** False while the bundled table is needed and not loaded yet. */
  isReady(target: PricedTarget): boolean;
  /** Loads the bundled table, before a comparison of prices. Never rejects. */
  load(): Promise<void>;
  /** Loads the bundled table if this target needs it. Resolves immediately if it does not; never rejects. */
  prepare(target: PricedTarget): Promise<void>;
  /** Null if unknown, or if the table is not loaded yet (await `prepare` first). */
  priceOf(target: PricedTarget, atMs: number): Price | null;
  /** Integer nano-USD. Null if price or usage is unknown, or the table is not loaded yet. */
  costNow(target: PricedTarget, usage: Usage, atMs: number): number | null;
  /** The same, part by part. */
  partCostsNow(target: PricedTarget, usage: Usage, atMs: number): PartCosts | null;
  /** `costNow` after `prepare`. */
  costOf(target: PricedTarget, usage: Usage, atMs: number): Promise<number | null>;
};

/** For `modelCard`, and to tell whether the table was needed yet. */
export type LoadedTable = { table(): PriceTable | null };

export type PriceBookOptions = {
  /** Called once if the bundled table cannot be loaded; then only the config's prices are known. */
  onTableLost(error: unknown): void;
  readonly load?: () => Promise<PriceTable>;
};

function ownPricing(target: PricedTarget): { source: "model" | "provider"; pricing: Pricing } | null {
  if (target.modelPricing) return { source: "model", pricing: target.modelPricing };
  if (target.providerPricing) return { source: "provider", pricing: target.providerPricing };
  return null;
}

function ownPrice(source: "model" | "provider", pricing: Pricing): Price {
  return {
    source,
    inputUsdPerMillion: pricing.input,
    outputUsdPerMillion: pricing.output,
    cacheReadUsdPerMillion: pricing.cache_read ?? null,
    cacheWriteUsdPerMillion: pricing.cache_write ?? null,
    hasTiers: false,
  };
}

function bundledPrice(prices: ModelPrice): Price | null {
  const { input_mtok, output_mtok, cache_read_mtok, cache_write_mtok } = prices;
  const base = (rate: ModelPrice[string]) =>
    rate === undefined ? null : typeof rate === "number" ? rate : rate.base;
  const input = base(input_mtok);
  if (input === null) return null;
  return {
    source: "bundled",
    inputUsdPerMillion: input,
    outputUsdPerMillion: base(output_mtok) ?? 0,
    cacheReadUsdPerMillion: base(cache_read_mtok),
    cacheWriteUsdPerMillion: base(cache_write_mtok),
    hasTiers: typeof input_mtok === "object",
  };
}

export function createPriceBook(options: PriceBookOptions): PriceBook & LoadedTable {
  const read = options.load ?? loadPriceTable;
  let table: PriceTable | null = null;
  let loading: Promise<void> | null = null;

  const load = (): Promise<void> => {
    loading ??= read().then(
      (loaded) => {
        table = loaded;
      },
      (error: unknown) => options.onTableLost(error),
    );
    return loading;
  };

  // Callers keep their targets, so most are found by identity; the table would need a string key for each lookup.
  const entries = new WeakMap<PricedTarget, TableEntry | null>();
  const entryOf = (target: PricedTarget): TableEntry | null => {
    if (table === null) return null;
    let entry = entries.get(target);
    if (entry === undefined) entries.set(target, (entry = table.find(target.seller, target.model)));
    return entry;
  };
  const tablePrices = (target: PricedTarget, atMs: number): ModelPrice | null =>
    entryOf(target)?.pricesAt(atMs) ?? null;

  const prepare = (target: PricedTarget): Promise<void> =>
    ownPricing(target) === null && table === null ? load() : Promise.resolve();

  const partCostsNow = (target: PricedTarget, usage: Usage, atMs: number): PartCosts | null => {
    const own = ownPricing(target);
    if (own !== null) return costsByPricing(usage, own.pricing);
    const prices = tablePrices(target, atMs);
    return prices === null ? null : costsByTable(usage, prices);
  };
  const costNow = (target: PricedTarget, usage: Usage, atMs: number): number | null => {
    const costs = partCostsNow(target, usage, atMs);
    return costs === null ? null : nanoOf(costs);
  };

  return {
    table: () => table,
    load,
    isReady: (target) => table !== null || ownPricing(target) !== null,
    prepare,
    priceOf(target, atMs) {
      const own = ownPricing(target);
      if (own !== null) return ownPrice(own.source, own.pricing);
      const prices = tablePrices(target, atMs);
      return prices === null ? null : bundledPrice(prices);
    },
    costNow,
    partCostsNow,
    async costOf(target, usage, atMs) {
      await prepare(target);
      return costNow(target, usage, atMs);
    },
  };
}
