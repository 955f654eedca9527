// Charges a tenant's account for a finished request: unread answers too, and attempts that failed after they had begun.
// The record shows the same.

import type { RequestRecord, UnpricedRecord } from "../../canon/record.ts";
import { unknownUsage, type Usage } from "../../canon/usage.ts";
import { type Amount, zeroAmount } from "../../tenants/spending.ts";
import type { Services } from "../dependencies.ts";
import type { BilledAttempt, TenantUsage } from "./tenant-usage.ts";
import { type RequestSize, expectedOutput, longestAnswer } from "./tenant-price.ts";

/** A request, as far as its bill goes. */
type BilledRequest = {
  readonly services: Pick<Services, "costOf" | "record">;
  readonly context: { readonly startedAtMs: number };
  readonly winner: BilledAttempt | null;
};

/** The record's tag where not every count is the upstream's own. */
const estimatedTag = "estimated";

/**
 * What an upstream will bill for an attempt. `isCut`: no end was seen, and the upstream may have generated more than what
 * arrived.
 */
function billedUsage(attempt: BilledAttempt, requestSize: RequestSize, isCut: boolean) {
  const { usage, outputTokens, isOutputCounted } = attempt.observer;
  // A count of zero for a request with text is a placeholder.
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

/** What an answer that was cut off costs. */
function unseenOutput({ provider, target }: BilledAttempt, requestSize: RequestSize): number {
  return Math.min(expectedOutput(requestSize), longestAnswer(requestSize, provider, target.model));
}

const tokensOf = ({ input, output }: Usage): number => (input ?? 0) + (output ?? 0);

/** Usage of an attempt that did not win. */
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

/**
 * Ends an attempt. The winner's cost is billed with the request; what another attempt may have cost is kept until then.
 */
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

/** Puts what was billed into the record, before the record is written. */
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

/** Ends the request: releases its slot and puts what it used on its tenant's account and in its record. */
export function chargeTenant(run: BilledRequest, tenantUsage: TenantUsage, unbilled: UnpricedRecord): void {
  const { services, winner, context } = run;
  const { reservation } = tenantUsage;
  reservation.leave();
  // A source that notices early that the client has gone ends its attempt later.
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
    // Those answers are already paid for.
    const paid = observer.costCovers === null ? 0 : priceOf(observer.costCovers);
    const nanoUsd = Math.max(0, (cost ?? priceOf(record.usage)) - paid) + failedCost.nanoUsd;
    // Otherwise the record is priced like any other.
    if (nanoUsd !== cost && (nanoUsd > 0 || cost !== null)) record.costNanoUsd = nanoUsd;
    reservation.charge({ tokens, nanoUsd });
    services.record(record);
  };
  const cost = services.costOf(record as RequestRecord, record.usage);
  if (cost instanceof Promise) void cost.then(charge);
  else charge(cost);
}
