// What a tenant's request has used, put on its account when it has ended: answers that nobody read too, and tries that failed
// after they had begun. The record tells the same.

import type { RequestRecord, UnpricedRecord } from "../canon/record.ts";
import { unknownUsage, type Usage } from "../canon/usage.ts";
import { type Amount, nothing } from "../tenants/spending.ts";
import type { Estate } from "./generation.ts";
import type { HeldTrial, TenantEntry } from "./tenant-entry.ts";
import { type Appetite, expectedOutput, longestAnswer } from "./tenant-price.ts";

/** A request, as far as its bill goes. */
type Billed = {
  readonly estate: Pick<Estate, "costOf" | "record">;
  readonly context: { readonly startedAtMs: number };
  readonly winner: HeldTrial | null;
};

/** Stands among the record's tags where not every count is the upstream's own. */
const estimatedTag = "estimated";

/**
 * What an upstream will have written on the bill of a try. `isCut`: it has no end that we know of, and the upstream may have
 * written more than what came.
 */
function billedUsage(trial: HeldTrial, appetite: Appetite, isCut: boolean) {
  const { usage, outputTokens, isOutputTold } = trial.observer;
  // A count of nothing for a request that has words is a placeholder.
  const isInputTold = usage.input !== null && usage.input > 0;
  const input = isInputTold ? usage.input : appetite.input;
  const isTold = isOutputTold || !appetite.writes;
  const output = isCut && !isTold ? Math.max(outputTokens, unheardOutput(trial, appetite)) : outputTokens;
  const told: Usage = {
    ...usage,
    input,
    inputUncached: isInputTold ? usage.inputUncached : input,
    output,
  };
  return { usage: told, isEstimated: !isInputTold || !isTold };
}

/** What is paid for an answer of which nobody heard the end. */
function unheardOutput({ provider, target }: HeldTrial, appetite: Appetite): number {
  return Math.min(expectedOutput(appetite), longestAnswer(appetite, provider, target.model));
}

const tokensOf = ({ input, output }: Usage): number => (input ?? 0) + (output ?? 0);

/** Of a try that did not win. */
function billOf(
  trial: HeldTrial,
  appetite: Appetite,
  atMs: number,
): { readonly amount: Amount; readonly usage: Usage } {
  const { observer, provider, target } = trial;
  const { usage } = billedUsage(trial, appetite, true);
  const nanoUsd = provider.price.costOf(observer.upstreamModel, target.model, usage, atMs) ?? 0;
  return { amount: { tokens: tokensOf(usage), nanoUsd }, usage };
}

/** A try is over. The winner's is on the bill of the request; what another one may have cost is kept for it. */
export function endHeld(run: Billed, held: TenantEntry, trial: HeldTrial, maybeBilled: boolean): void {
  if (held.end(trial) && maybeBilled) sink(run, held, trial);
}

function sink(run: Billed, held: TenantEntry, trial: HeldTrial): void {
  if (run.winner === trial || held.appetite === null) return;
  const { amount, usage } = billOf(trial, held.appetite, run.context.startedAtMs);
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
  if (held.appetite === null) return record;
  if (winner === null) {
    if (held.sunkUsage === null) return record;
    return {
      ...record,
      usage: held.sunkUsage,
      costNanoUsd: held.sunk.nanoUsd,
      tags: [...record.tags, estimatedTag],
    };
  }
  const bill = billedUsage(winner, held.appetite, record.failure !== null);
  const { provider, target } = winner;
  const each = (bill.usage.output ?? 0) / held.appetite.answers;
  if (each > longestAnswer(held.appetite, provider, target.model))
    provider.price.exceeded(target.model, each);
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
  const record = billInto(run, held, held.payer === null ? unbilled : { ...unbilled, tenant: held.payer });
  if (winner === null || held.appetite === null) {
    entry.charge(held.appetite === null ? nothing : sunk);
    estate.record(record);
    return;
  }
  const tokens = tokensOf(record.usage) + sunk.tokens;
  const charge = (cost: number | null): void => {
    const { observer, target, provider } = winner;
    const priceOf = (usage: Usage): number =>
      provider.price.costOf(observer.upstreamModel, target.model, usage, context.startedAtMs) ?? 0;
    // Those answers have been paid for.
    const paid = observer.costCovers === null ? 0 : priceOf(observer.costCovers);
    const nanoUsd = Math.max(0, (cost ?? priceOf(record.usage)) - paid) + sunk.nanoUsd;
    // Else the record is priced as every other one.
    if (nanoUsd !== cost && (nanoUsd > 0 || cost !== null)) record.costNanoUsd = nanoUsd;
    entry.charge({ tokens, nanoUsd });
    estate.record(record);
  };
  const cost = estate.costOf(record as RequestRecord, record.usage);
  if (cost instanceof Promise) void cost.then(charge);
  else charge(cost);
}
