// What is known of a model besides its price: its context window and its maximum output. An unknown value is null; the operator's
// settings take precedence.

import { vendorModelName } from "./model-name.ts";
import type { PriceTable, Seller } from "./price-table.ts";

export type ModelCard = {
  readonly contextWindow: number | null;
  readonly maxOutput: number | null;
};

type OutputRow = readonly [prefix: string, maxOutput: number];

// Only Anthropic refuses a request without max_tokens, so only its models need a figure. Source: the model list of
// @mariozechner/pi-ai 0.73.1 (MIT; a test compares); for newer models, the values that Claude Code 2.1.197 and 2.1.329
// request. The first matching prefix counts, so the longer ones come first.
const outputRows: readonly OutputRow[] = [
  ["claude-3-5-", 8_192],
  ["claude-3-7-", 64_000],
  ["claude-3-", 4_096],
  ["claude-opus-4-5", 64_000],
  ["claude-opus-4-6", 128_000],
  ["claude-opus-4-7", 128_000],
  ["claude-opus-4-8", 64_000],
  ["claude-opus-4", 32_000],
  ["claude-opus-5-5", 128_000],
  ["claude-opus-5", 64_000],
  ["claude-sonnet-4", 64_000],
  ["claude-sonnet-5-5", 128_000],
  ["claude-sonnet-5", 64_000],
  ["claude-haiku-4", 64_000],
  ["claude-haiku-5", 128_000],
  ["claude-fable-5-1", 128_000],
  ["claude-fable-5-2", 128_000],
  ["claude-fable-5", 64_000],
  ["claude-2", 4_096],
  ["claude-v2", 4_096],
  ["claude-instant", 4_096],
  // Any other is a future model: treated like the newest known one (a test compares with the catalogue).
  ["claude-", 128_000],
];

/** Null for models that are not Anthropic's. Vendors' prefixes (`anthropic/…`, `us.anthropic.…`) do not matter. */
export function maxOutputOf(model: string): number | null {
  const name = vendorModelName(model);
  if (name === null || !name.startsWith("claude-")) return null;
  return outputRows.find(([prefix]) => name.startsWith(prefix))?.[1] ?? null;
}

/** `table` null: what is known without the bundled table. */
export function modelCard(table: PriceTable | null, seller: Seller, model: string): ModelCard | null {
  const contextWindow = table?.find(seller, model)?.info.context_window ?? null;
  const maxOutput = maxOutputOf(model);
  return contextWindow === null && maxOutput === null ? null : { contextWindow, maxOutput };
}
