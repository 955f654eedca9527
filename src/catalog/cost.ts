// The cost of a number of tokens at a price, in integer nano-USD. Pure arithmetic; an unknown value stays null.

import type { ModelPrice } from "@pydantic/genai-prices";
import type { CostParts } from "../canon/record.ts";
import type { Usage } from "../canon/usage.ts";

/** USD per million tokens, as the config writes it. */
export type Pricing = {
  readonly input: number;
  readonly output: number;
  readonly cache_read?: number | null | undefined;
  readonly cache_write?: number | null | undefined;
};

/** Price in USD per million × tokens = micro-USD. */
const nanoPerMicro = 1_000;

/** An unknown count at a price of 0 costs nothing; at any other price the cost is unknown. */
function part(tokens: number | null, usdPerMillion: number): number | null {
  if (usdPerMillion === 0) return 0;
  return tokens === null ? null : tokens * usdPerMillion;
}

type InputParts = { readonly total: number; readonly cached: number; readonly written: number };

const noInput: InputParts = { total: 0, cached: 0, written: 0 };

// Vendors have sent a cached part larger than the total; then the parts are used.
function inputParts(usage: Usage): InputParts | null {
  if (usage.input === null) return null;
  const cached = usage.inputCached ?? 0;
  const written = usage.inputCacheWrite ?? 0;
  return { total: Math.max(usage.input, cached + written), cached, written };
}

/** What each part of a request costs, in micro-USD that are not rounded yet. */
export type PartCosts = {
  readonly input: number;
  readonly cached: number;
  readonly cacheWrite: number;
  readonly output: number;
  /** A price of the request itself, whatever its size. */
  readonly flat: number;
};

/** Integer nano-USD of all parts together. */
export const nanoOf = ({ input, cached, cacheWrite, output, flat }: PartCosts): number =>
  Math.round((input + cached + cacheWrite + output + flat) * nanoPerMicro);

/**
 * `nanoUsd` in whole parts that add up to it: what a part lacks by rounding, or by a bill that differs from the price, is shared in
 * proportion. Null: it came from none of the parts.
 */
export function partsOf(nanoUsd: number, costs: PartCosts): CostParts | null {
  const { cached, cacheWrite, output } = costs;
  const input = costs.input + costs.flat;
  const sum = input + cached + cacheWrite + output;
  if (sum <= 0) return null;
  // Each part is what remains of the running total: so no rounding is lost.
  let [before, shared] = [0, 0];
  const next = (cost: number): number => {
    before += cost;
    const until = before >= sum ? nanoUsd : Math.round((before / sum) * nanoUsd);
    const part = until - shared;
    shared = until;
    return part;
  };
  return { input: next(input), cached: next(cached), cacheWrite: next(cacheWrite), output: next(output) };
}

/** By the operator's own prices. A missing cache price equals the input price, as in ClawGate. */
export function costsByPricing(usage: Usage, pricing: Pricing): PartCosts | null {
  const parts = inputParts(usage);
  const read = pricing.cache_read ?? pricing.input;
  const write = pricing.cache_write ?? pricing.input;
  const output = part(usage.output, pricing.output);
  const isFree = pricing.input === 0 && read === 0 && write === 0;
  if (output === null || (parts === null && !isFree)) return null;
  const { total, cached, written } = parts ?? noInput;
  return {
    input: (total - cached - written) * pricing.input,
    cached: cached * read,
    cacheWrite: written * write,
    output,
    flat: 0,
  };
}

type Rate = ModelPrice[string];

/** A tier's price holds for the whole request once its input exceeds the tier's start. */
function rateAt(rate: Rate, inputTokens: number): number | null {
  if (rate === undefined) return null;
  if (typeof rate === "number") return rate;
  return rate.tiers.findLast((tier) => inputTokens > tier.start)?.price ?? rate.base;
}

/**
 * By the bundled table, in the package's own arithmetic (a test compares them); done here because its `calcPrice`
 * takes some 50 µs a call. Prices for audio, images and searches are left out: no usage of ours counts them.
 */
export function costsByTable(usage: Usage, prices: ModelPrice): PartCosts | null {
  const { input_mtok, output_mtok, cache_read_mtok, cache_write_mtok, output_reasoning_mtok } = prices;
  const parts = inputParts(usage);
  const size = parts?.total ?? 0;
  const at = (rate: Rate) => rateAt(rate, size);
  const inputRate = at(input_mtok);
  if (inputRate === null || parts === null) return null;
  const outputRate = at(output_mtok);
  const reasoning = Math.min(usage.outputReasoning ?? 0, usage.output ?? 0);
  const reasoningRate = at(output_reasoning_mtok) ?? outputRate;
  // Embedding models have no output price because they have no output; a count without a price is unknown.
  if (outputRate === null ? (usage.output ?? 0) !== 0 : usage.output === null) return null;
  return {
    input: (parts.total - parts.cached - parts.written) * inputRate,
    cached: parts.cached * (at(cache_read_mtok) ?? inputRate),
    cacheWrite: parts.written * (at(cache_write_mtok) ?? inputRate),
    output: ((usage.output ?? 0) - reasoning) * (outputRate ?? 0) + reasoning * (reasoningRate ?? 0),
    flat: flatPrice(prices, size),
  };
}

/** Micro-USD a request, whatever its size (Perplexity). */
function flatPrice(prices: ModelPrice, inputTokens: number): number {
  return (rateAt(prices.requests_kcount, inputTokens) ?? 0) * 1_000;
}
