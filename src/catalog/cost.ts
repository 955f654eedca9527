// The cost of a number of tokens at a price, in integer nano-USD. Pure arithmetic; an unknown value stays null.

import type { ModelPrice } from "@pydantic/genai-prices";
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

// Vendors have sent a cached part larger than the total; then the parts are used.
function inputParts(usage: Usage): InputParts | null {
  if (usage.input === null) return null;
  const cached = usage.inputCached ?? 0;
  const written = usage.inputCacheWrite ?? 0;
  return { total: Math.max(usage.input, cached + written), cached, written };
}

function nano(input: number | null, output: number | null, flat = 0): number | null {
  return input === null || output === null ? null : Math.round((input + output + flat) * nanoPerMicro);
}

/** By the operator's own prices. A missing cache price equals the input price, as in ClawGate. */
export function costByPricing(usage: Usage, pricing: Pricing): number | null {
  const parts = inputParts(usage);
  const read = pricing.cache_read ?? pricing.input;
  const write = pricing.cache_write ?? pricing.input;
  const isFree = pricing.input === 0 && read === 0 && write === 0;
  const input =
    parts === null
      ? isFree
        ? 0
        : null
      : (parts.total - parts.cached - parts.written) * pricing.input +
        parts.cached * read +
        parts.written * write;
  return nano(input, part(usage.output, pricing.output));
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
export function costByTable(usage: Usage, prices: ModelPrice): number | null {
  const { input_mtok, output_mtok, cache_read_mtok, cache_write_mtok, output_reasoning_mtok } = prices;
  const parts = inputParts(usage);
  const size = parts?.total ?? 0;
  const at = (rate: Rate) => rateAt(rate, size);
  const inputRate = at(input_mtok);
  if (inputRate === null) return null;
  const cachedRate = at(cache_read_mtok) ?? inputRate;
  const writeRate = at(cache_write_mtok) ?? inputRate;
  const input =
    parts === null
      ? null
      : (parts.total - parts.cached - parts.written) * inputRate +
        parts.cached * cachedRate +
        parts.written * writeRate;
  const outputRate = at(output_mtok);
  // Embedding models have no output price because they have no output; a count without a price is unknown.
  if (outputRate === null) {
    return (usage.output ?? 0) === 0 ? nano(input, 0, flatPrice(prices, size)) : null;
  }
  const reasoning = Math.min(usage.outputReasoning ?? 0, usage.output ?? 0);
  const reasoningRate = at(output_reasoning_mtok) ?? outputRate;
  const output =
    usage.output === null ? null : (usage.output - reasoning) * outputRate + reasoning * reasoningRate;
  return nano(input, output, flatPrice(prices, size));
}

/** Micro-USD a request, whatever its size (Perplexity). */
function flatPrice(prices: ModelPrice, inputTokens: number): number {
  return (rateAt(prices.requests_kcount, inputTokens) ?? 0) * 1_000;
}
