// The bundled price and model table of @pydantic/genai-prices: imported on first use, because it takes 17 MB of memory. It must
// never fetch anything: the package's update function is not used.

import type { ModelInfo, ModelPrice, Provider } from "@pydantic/genai-prices";
import { listedPrice } from "./model-capabilities.ts";
import type { Seller } from "./seller.ts";

export type { Seller } from "./seller.ts";

/** The installed package's version, which a test compares with node_modules, and the day of its release. */
export const priceTableVersion = "0.1.8";
export const priceTableDate = "2026-09-23";

export type TableEntry = {
  readonly info: ModelInfo;
  /** The prices at that moment: some change with the date or the hour. */
  pricesAt(atMs: number): ModelPrice | null;
};

export type PriceTable = {
  /** Null if the table does not contain this pair. Cached by seller and model. */
  find(seller: Seller, model: string): TableEntry | null;
};

type Package = typeof import("@pydantic/genai-prices");

// Clients choose model names too: the cache must not grow with them.
const maxCached = 2_000;

function entryOf(calc: Package["calcPrice"], provider: Provider, found: ModelInfo): TableEntry {
  if (!Array.isArray(found.prices)) {
    const always = found.prices;
    return { info: found, pricesAt: () => always };
  }
  // A provider with only this model saves the package its search through a thousand patterns.
  const alone: Provider = { ...provider, models: [{ ...found, match: { equals: found.id } }] };
  return {
    info: found,
    pricesAt: (atMs) =>
      calc({}, found.id, { provider: alone, timestamp: new Date(atMs) })?.model_price ?? null,
  };
}

function search(table: Package, seller: Seller, model: string): TableEntry | null {
  const { baseUrl, providerId } = seller;
  // Without a seller the package would guess one from the model's name; a local copy of a model is not sold there.
  if ((baseUrl ?? "") === "" && (providerId ?? "") === "") return null;
  const found = table.calcPrice({}, model, {
    ...(baseUrl ? { providerApiUrl: baseUrl } : {}),
    ...(providerId ? { providerId } : {}),
  });
  return found === null ? null : entryOf(table.calcPrice, found.provider, found.model);
}

/** Models released after the price table: the model list is newer. */
function listedEntry(seller: Seller, model: string): TableEntry | null {
  const price = listedPrice(seller, model);
  if (price === null) return null;
  const prices: ModelPrice = {
    input_mtok: price.input,
    output_mtok: price.output,
    ...(price.cacheRead === null ? {} : { cache_read_mtok: price.cacheRead }),
    ...(price.cacheWrite === null ? {} : { cache_write_mtok: price.cacheWrite }),
  };
  return { info: { id: model, match: { equals: model }, prices }, pricesAt: () => prices };
}

export async function loadPriceTable(): Promise<PriceTable> {
  const table = await import("@pydantic/genai-prices");
  const known = new Map<string, TableEntry | null>();
  return {
    find(seller, model) {
      const key = JSON.stringify([seller.baseUrl, seller.providerId ?? null, model]);
      const remembered = known.get(key);
      if (remembered !== undefined) return remembered;
      const entry = search(table, seller, model) ?? listedEntry(seller, model);
      if (known.size >= maxCached) known.clear();
      known.set(key, entry);
      return entry;
    },
  };
}
