// What a finished request cost, in parts, and beside it the estimates: by the price list where a flat rate paid, without routing,
// without a prompt cache. It must never change what a tenant is charged: that is settled before.

import type { UnpricedRecord } from "../canon/record.ts";
import type { Usage } from "../canon/usage.ts";
import { nanoOf, type PartCosts, partsOf } from "../catalog/cost.ts";
import type { LoadedTable, PriceBook, PricedTarget } from "../catalog/prices.ts";
import { type BaselineOptions, BaselinePrice } from "./baseline-price.ts";

export type PricedAnswer = {
  /** The model whose price counts. */
  readonly target: PricedTarget;
  /** What was really used. */
  readonly usage: Usage;
  /** Whether the record may say anything about the prompt cache. */
  readonly showsCache: boolean;
  /** Its cost is the one that the program reports, or unknown. */
  readonly isProgram: boolean;
};

export class RecordCosts {
  private readonly prices: PriceBook & LoadedTable;
  private readonly baseline: BaselinePrice;

  constructor(options: BaselineOptions & { readonly prices: PriceBook & LoadedTable }) {
    this.prices = options.prices;
    this.baseline = new BaselinePrice(options);
  }

  /** False: a price that an estimate needs is not loaded yet. */
  isReady(record: UnpricedRecord): boolean {
    return this.baseline.isReady(record);
  }

  /** Written into the record itself: copying its 30 fields for each request is visible in the benchmark. */
  fill(record: UnpricedRecord, answer: PricedAnswer): void {
    const { target, usage, showsCache, isProgram } = answer;
    const costs = this.prices.partCostsNow(target, usage, record.startedAtMs);
    const baseline = this.baseline.costOf(record, usage);
    if (baseline !== undefined) record.baselineNanoUsd = baseline;
    const isFlatRate = record.listNanoUsd !== undefined;
    if (costs !== null && (isFlatRate || !isProgram)) record.costNanoUsd ??= nanoOf(costs);
    if (isFlatRate) {
      record.listNanoUsd = record.costNanoUsd;
      record.costNanoUsd = 0;
    } else if (showsCache) this.fillParts(record, answer, costs);
  }

  private fillParts(record: UnpricedRecord, { target, usage }: PricedAnswer, costs: PartCosts | null): void {
    const { costNanoUsd } = record;
    const parts = costNanoUsd === null || costs === null ? null : partsOf(costNanoUsd, costs);
    if (parts !== null) record.costParts = parts;
    const fromCache = (usage.inputCached ?? 0) + (usage.inputCacheWrite ?? 0);
    if (fromCache === 0) return;
    const whole = Math.max(usage.input ?? 0, fromCache);
    const uncached = { ...usage, input: whole, inputUncached: whole, inputCached: 0, inputCacheWrite: 0 };
    const full = this.prices.costNow(target, uncached, record.startedAtMs);
    // The bill may hold more than the tokens of the answer: only the difference follows from the cache.
    record.uncachedNanoUsd =
      full === null || costNanoUsd === null || costs === null ? null : costNanoUsd + full - nanoOf(costs);
  }
}
