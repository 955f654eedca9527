// What a finished request cost, in parts, and beside it the estimates: by the price list where a flat rate paid, without routing,
// without a prompt cache. It must never change what a tenant is charged: that is settled before.

import type { UnpricedRecord } from "../canon/record.ts";
import { unknownUsage, type Usage } from "../canon/usage.ts";
import { nanoOf, type PartCosts, partsOf } from "../catalog/cost.ts";
import type { LoadedTable, PriceBook, PricedTarget } from "../catalog/prices.ts";
import { PromptHistories } from "../pipeline/prompt/prompt-histories.ts";
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

type Missed = {
  readonly target: PricedTarget;
  readonly input: number;
  readonly missed: number;
  readonly atMs: number;
};

export class RecordCosts {
  private readonly prices: PriceBook & LoadedTable;
  private readonly baseline: BaselinePrice;
  private readonly histories = new PromptHistories();

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
    this.fillPrompt(record, answer, isFlatRate);
  }

  private fillPrompt(
    record: UnpricedRecord,
    { target, usage, showsCache }: PricedAnswer,
    isFree: boolean,
  ): void {
    const outline = record.prompt?.outline ?? null;
    if (outline === null) return;
    if (outline.toolCalls.length > 0) record.toolCalls = outline.toolCalls;
    record.contentHash = outline.contentHash;
    if (!showsCache) return;
    const miss = this.histories.take(record, outline, usage);
    if (miss === null) return;
    const missedAt = { target, input: usage.input ?? 0, missed: miss.missedTokens, atMs: record.startedAtMs };
    record.cacheMiss = { ...miss, nanoUsd: isFree ? 0 : this.missCost(missedAt) };
  }

  /** What these tokens cost in full, less what they would have cost from the cache; null: the price is unknown. */
  private missCost({ target, input, missed, atMs }: Missed): number | null {
    const costWith = (cached: number): number | null =>
      this.prices.costNow(
        target,
        { ...unknownUsage, input, inputUncached: input - cached, inputCached: cached, output: 0 },
        atMs,
      );
    const [full, cached] = [costWith(0), costWith(missed)];
    return full === null || cached === null ? null : Math.max(0, full - cached);
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
