// The vendors that this build knows, and the known facts of their models: for `clawgate providers catalog`.
// It must never show a key, only which variable is set.

import { localServers, vendors } from "../backends/http/vendors.ts";
import type { VendorRow } from "../backends/settings.ts";
import { capabilitiesOf, tableDate, tableSource } from "../catalog/model-capabilities.ts";
import { createPriceBook, type PriceBook } from "../catalog/prices.ts";
import { priceTableDate, priceTableVersion } from "../catalog/price-table.ts";
import type { Environment } from "../system/state-directory.ts";

export type CatalogModel = {
  readonly id: string;
  /** USD per million tokens; null: unknown. With tiers, those of the smallest input. */
  readonly input_usd_per_million: number | null;
  readonly output_usd_per_million: number | null;
  readonly context_window: number | null;
  readonly max_output: number | null;
  readonly tools: boolean | null;
  readonly vision: boolean | null;
  readonly thinking: boolean | null;
};

export type CatalogRow = {
  readonly id: string;
  readonly name: string;
  readonly backend: string;
  readonly base_url: string;
  /** Variables that may hold the key; the first that is set counts. */
  readonly key_variables: readonly string[];
  /** The variable that is set here. */
  readonly set_variable: string | null;
  /** A server on this machine. */
  readonly is_local: boolean;
  /** Null: the first model that the server lists. */
  readonly default_model: string | null;
  readonly models: readonly CatalogModel[];
  readonly note: string | null;
};

export type VendorCatalog = {
  readonly prices: { readonly source: string; readonly date: string };
  readonly capabilities: { readonly source: string; readonly date: string };
  readonly vendors: readonly CatalogRow[];
};

const keysOf = (row: VendorRow): readonly string[] =>
  row.keyVariable === null ? [] : [row.keyVariable, ...(row.otherKeyVariables ?? [])];

/** Every variable that may hold a vendor's key. */
export type NamedVendor = {
  readonly id: string;
  readonly name: string;
  /** The variable that usually holds its key; null: it has none. */
  readonly keyVariable: string | null;
  readonly isLocal: boolean;
};

export const namedVendors: readonly NamedVendor[] = [
  ...vendors.map(({ id, name, keyVariable }) => ({ id, name, keyVariable, isLocal: false })),
  ...localServers.map(({ id, name, keyVariable }) => ({ id, name, keyVariable, isLocal: true })),
];

export const vendorKeyVariables = (): readonly string[] => [...vendors, ...localServers].flatMap(keysOf);

export async function vendorCatalog(
  environment: Environment,
  nowMs: number,
  onPricesLost: () => void,
): Promise<VendorCatalog> {
  const prices = createPriceBook({ onTableLost: onPricesLost });
  const describe = async (row: VendorRow, isLocal: boolean): Promise<CatalogRow> => {
    const ids = [...new Set([...(row.model === null ? [] : [row.model]), ...row.models])];
    const variables = keysOf(row);
    return {
      id: row.id,
      name: row.name,
      backend: row.backend,
      base_url: row.baseUrl,
      key_variables: variables,
      set_variable: variables.find((name) => (environment[name] ?? "") !== "") ?? null,
      is_local: isLocal,
      default_model: row.model,
      models: await Promise.all(ids.map((model) => describeModel(row.baseUrl, model, prices, nowMs))),
      note: row.note ?? null,
    };
  };
  return {
    prices: { source: `@pydantic/genai-prices ${priceTableVersion}`, date: priceTableDate },
    capabilities: { source: tableSource(), date: tableDate() },
    vendors: await Promise.all([
      ...vendors.map((row) => describe(row, false)),
      ...localServers.map((row) => describe(row, true)),
    ]),
  };
}

async function describeModel(
  baseUrl: string,
  model: string,
  prices: PriceBook,
  nowMs: number,
): Promise<CatalogModel> {
  const seller = { baseUrl };
  const target = { model, seller };
  await prices.prepare(target);
  const price = prices.priceOf(target, nowMs);
  const { contextWindow, maxOutput, tools, vision, thinking } = capabilitiesOf(seller, model);
  return {
    id: model,
    input_usd_per_million: price?.inputUsdPerMillion ?? null,
    output_usd_per_million: price?.outputUsdPerMillion ?? null,
    context_window: contextWindow,
    max_output: maxOutput,
    tools,
    vision,
    thinking,
  };
}
