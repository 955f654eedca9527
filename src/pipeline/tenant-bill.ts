// What a tenant's request has used, put on its account when it has ended: answers that nobody read too, and tries that failed
// after they had begun. The record tells the same.

import type { RequestRecord, UnpricedRecord } from "../canon/record.ts";
import { unknownUsage, type Usage } from "../canon/usage.ts";
import { type Amount, nothing } from "../tenants/spending.ts";
import type { Estate } from "./generation.ts";
import type { Observer } from "./observe.ts";
import type { HeldTrial, TenantEntry } from "./tenant-entry.ts";

/** A request, as far as its bill goes. */
type Billed = {
  readonly estate: Pick<Estate, "costOf" | "record">;
  readonly context: { readonly startedAtMs: number };
  readonly winner: HeldTrial | null;
};

/** Stands among the record's tags where not every count is the upstream's own. */
const estimatedTag = "estimated";

type Estimate = NonNullable<TenantEntry["estimate"]>;

/**
 * What an upstream will have written on the bill of a try. `isCut`: it has no end that we know of, and the upstream may have
 * written more than what came.
 */
function billedUsage({ usage, outputTokens, isOutputTold }: Observer, estimate: Estimate, isCut: boolean) {
  // A count of nothing for a request that has words is a placeholder.
  const isInputTold = usage.input !== null && usage.input > 0;
  const input = isInputTold ? usage.input : estimate.input;
  const isTold = isOutputTold || !estimate.writes;
  const output = isCut && !isTold ? Math.max(outputTokens, estimate.output) : outputTokens;
  const told: Usage = {
    ...usage,
    input,
    inputUncached: isInputTold ? usage.inputUncached : input,
    output,
  };
  return { usage: told, isEstimated: !isInputTold || !isTold };
}

const tokensOf = ({ input, output }: Usage): number => (input ?? 0) + (output ?? 0);

/** Of a try that did not win. */
function billOf(
  { observer, provider, target }: HeldTrial,
  estimate: Estimate,
  atMs: number,
): { readonly amount: Amount; readonly usage: Usage } {
  const { usage } = billedUsage(observer, estimate, true);
  const nanoUsd = provider.price.costOf(observer.upstreamModel, target.model, usage, atMs) ?? 0;
  return { amount: { tokens: tokensOf(usage), nanoUsd }, usage };
}

/** A try is over. The winner's is on the bill of the request; what another one may have cost is kept for it. */
export function endHeld(run: Billed, held: TenantEntry, trial: HeldTrial, maybeBilled: boolean): void {
  if (held.end(trial) && maybeBilled) sink(run, held, trial);
}

function sink(run: Billed, held: TenantEntry, trial: HeldTrial): void {
  if (run.winner === trial || held.estimate === null) return;
  const { amount, usage } = billOf(trial, held.estimate, run.context.startedAtMs);
  held.sunk = { tokens: held.sunk.tokens + amount.tokens, nanoUsd: held.sunk.nanoUsd + amount.nanoUsd };
  const before = held.sunkUsage;
  held.sunkUsage =
    before === null
      ? usage
      : {
          ...unknownUsage,
          input: (before.input ?? 0) + (usage.input ?? 0),
          inputUncached: null,
          output: (before.output ?? 0) + (usage.output ?? 0),
        };
}

/** Puts what was billed into the record, before anybody has it. */
function billInto(run: Billed, held: TenantEntry, record: UnpricedRecord): UnpricedRecord {
  const { winner } = run;
  if (held.estimate === null) return record;
  if (winner === null) {
    if (held.sunkUsage === null) return record;
    return {
      ...record,
      usage: held.sunkUsage,
      costNanoUsd: held.sunk.nanoUsd,
      tags: [...record.tags, estimatedTag],
    };
  }
  const bill = billedUsage(winner.observer, held.estimate, record.failure !== null);
  const tags = bill.isEstimated || held.sunkUsage !== null ? [...record.tags, estimatedTag] : record.tags;
  return { ...record, usage: bill.usage, tags };
}

/** The request's end: its place is free, and what it used is on its tenant's account and in its record. */
export function settleEntry(run: Billed, held: TenantEntry, unbilled: UnpricedRecord): void {
  const { estate, winner, context } = run;
  const { entry } = held;
  entry.leave();
  // Whoever was told early that the client has gone ends its try later.
  for (const { trial } of held.open.splice(0)) if (trial.isSent) sink(run, held, trial);
  const { sunk } = held;
  const record = billInto(run, held, unbilled);
  if (winner === null || held.estimate === null) {
    estate.record(record);
    entry.charge(held.estimate === null ? nothing : sunk);
    return;
  }
  const tokens = tokensOf(record.usage) + sunk.tokens;
  const charge = (cost: number | null): void => {
    const { observer, target, provider } = winner;
    const own =
      cost ?? provider.price.costOf(observer.upstreamModel, target.model, record.usage, context.startedAtMs);
    const nanoUsd = (own ?? 0) + sunk.nanoUsd;
    // Where nothing was spent beside it, the record is priced as every other one.
    if (nanoUsd > 0 && (sunk.nanoUsd > 0 || cost === null)) record.costNanoUsd = nanoUsd;
    entry.charge({ tokens, nanoUsd });
    estate.record(record);
  };
  const cost = estate.costOf(record as RequestRecord, record.usage);
  if (cost instanceof Promise) void cost.then(charge);
  else charge(cost);
}
