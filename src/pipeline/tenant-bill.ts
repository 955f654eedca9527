// What a tenant's request has used, put on its account when it has ended: answers that nobody read too, and tries that failed
// after they had begun. The record tells the same.

import type { RequestRecord, UnpricedRecord } from "../canon/record.ts";
import { unknownUsage, type Usage } from "../canon/usage.ts";
import { type Amount, zeroAmount } from "../tenants/spending.ts";
import type { Services } from "./dependencies.ts";
import type { BilledAttempt, TenantUsage } from "./tenant-usage.ts";
import { type RequestSize, expectedOutput, longestAnswer } from "./tenant-price.ts";

/** A request, as far as its bill goes. */
type BilledRequest = {
  readonly services: Pick<Services, "costOf" | "record">;
  readonly context: { readonly startedAtMs: number };
  readonly winner: BilledAttempt | null;
};

/** Stands among the record's tags where not every count is the upstream's own. */
const estimatedTag = "estimated";

/**
 * What an upstream will have written on the bill of a try. `isCut`: it has no end that we know of, and the upstream may have
 * written more than what came.
 */
function billedUsage(attempt: BilledAttempt, requestSize: RequestSize, isCut: boolean) {
  const { usage, outputTokens, isOutputCounted } = attempt.observer;
  // A count of nothing for a request that has words is a placeholder.
  const isInputCounted = usage.input !== null && usage.input > 0;
  const input = isInputCounted ? usage.input : requestSize.input;
  const isKnown = isOutputCounted || !requestSize.writes;
  const output =
    isCut && !isKnown ? Math.max(outputTokens, unseenOutput(attempt, requestSize)) : outputTokens;
  const billed: Usage = {
    ...usage,
    input,
    inputUncached: isInputCounted ? usage.inputUncached : input,
    output,
  };
  return { usage: billed, isEstimated: !isInputCounted || !isKnown };
}

/** What is paid for an answer of which nobody heard the end. */
function unseenOutput({ provider, target }: BilledAttempt, requestSize: RequestSize): number {
  return Math.min(expectedOutput(requestSize), longestAnswer(requestSize, provider, target.model));
}

const tokensOf = ({ input, output }: Usage): number => (input ?? 0) + (output ?? 0);

/** Of a try that did not win. */
function billOf(
  attempt: BilledAttempt,
  requestSize: RequestSize,
  atMs: number,
): { readonly amount: Amount; readonly usage: Usage } {
  const { observer, provider, target } = attempt;
  const { usage } = billedUsage(attempt, requestSize, true);
  const nanoUsd = provider.price.costOf(observer.upstreamModel, target.model, usage, atMs) ?? 0;
  return { amount: { tokens: tokensOf(usage), nanoUsd }, usage };
}

/** A try is over. The winner's is on the bill of the request; what another one may have cost is kept for it. */
export function endBilledAttempt(
  run: BilledRequest,
  tenantUsage: TenantUsage,
  attempt: BilledAttempt,
  maybeBilled: boolean,
): void {
  if (tenantUsage.end(attempt) && maybeBilled) addFailedCost(run, tenantUsage, attempt);
}

function addFailedCost(run: BilledRequest, tenantUsage: TenantUsage, attempt: BilledAttempt): void {
  if (run.winner === attempt || tenantUsage.requestSize === null) return;
  const { amount, usage } = billOf(attempt, tenantUsage.requestSize, run.context.startedAtMs);
  tenantUsage.failedCost = {
    tokens: tenantUsage.failedCost.tokens + amount.tokens,
    nanoUsd: tenantUsage.failedCost.nanoUsd + amount.nanoUsd,
  };
  const before = tenantUsage.failedUsage;
  tenantUsage.failedUsage =
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
function withBill(run: BilledRequest, tenantUsage: TenantUsage, record: UnpricedRecord): UnpricedRecord {
  const { winner } = run;
  if (tenantUsage.requestSize === null) return record;
  if (winner === null) {
    if (tenantUsage.failedUsage === null) return record;
    return {
      ...record,
      usage: tenantUsage.failedUsage,
      costNanoUsd: tenantUsage.failedCost.nanoUsd,
      tags: [...record.tags, estimatedTag],
    };
  }
  const bill = billedUsage(winner, tenantUsage.requestSize, record.failure !== null);
  const { provider, target } = winner;
  const each = (bill.usage.output ?? 0) / tenantUsage.requestSize.answers;
  if (each > longestAnswer(tenantUsage.requestSize, provider, target.model))
    provider.price.noteExceeded(target.model, each);
  const tags =
    bill.isEstimated || tenantUsage.failedUsage !== null ? [...record.tags, estimatedTag] : record.tags;
  return { ...record, usage: bill.usage, tags };
}

/** The request's end: its place is free, and what it used is on its tenant's account and in its record. */
export function chargeTenant(run: BilledRequest, tenantUsage: TenantUsage, unbilled: UnpricedRecord): void {
  const { services, winner, context } = run;
  const { reservation } = tenantUsage;
  reservation.leave();
  // Whoever was told early that the client has gone ends its try later.
  for (const { attempt } of tenantUsage.open.splice(0))
    if (attempt.isSent) addFailedCost(run, tenantUsage, attempt);
  const { failedCost } = tenantUsage;
  const record = withBill(
    run,
    tenantUsage,
    tenantUsage.payer === null ? unbilled : { ...unbilled, tenant: tenantUsage.payer },
  );
  if (winner === null || tenantUsage.requestSize === null) {
    reservation.charge(tenantUsage.requestSize === null ? zeroAmount : failedCost);
    services.record(record);
    return;
  }
  const tokens = tokensOf(record.usage) + failedCost.tokens;
  const charge = (cost: number | null): void => {
    const { observer, target, provider } = winner;
    const priceOf = (usage: Usage): number =>
      provider.price.costOf(observer.upstreamModel, target.model, usage, context.startedAtMs) ?? 0;
    // Those answers have been paid for.
    const paid = observer.costCovers === null ? 0 : priceOf(observer.costCovers);
    const nanoUsd = Math.max(0, (cost ?? priceOf(record.usage)) - paid) + failedCost.nanoUsd;
    // Else the record is priced as every other one.
    if (nanoUsd !== cost && (nanoUsd > 0 || cost !== null)) record.costNanoUsd = nanoUsd;
    reservation.charge({ tokens, nanoUsd });
    services.record(record);
  };
  const cost = services.costOf(record as RequestRecord, record.usage);
  if (cost instanceof Promise) void cost.then(charge);
  else charge(cost);
}
