// What one request of a tenant holds of its tenant's limits, from its admission to its record.
// It must never decide anything: tenant-reservation.ts judges, tenant-bill.ts settles.

import type { Target } from "../canon/decision.ts";
import type { Usage } from "../canon/usage.ts";
import type { Reservation } from "../tenants/limits.ts";
import { type Amount, zeroAmount } from "../tenants/spending.ts";
import type { Provider } from "./dependencies.ts";
import type { Observer } from "./observer.ts";
import type { RequestSize } from "./tenant-price.ts";

/** A try, as far as its bill goes. */
export type BilledAttempt = {
  readonly observer: Observer;
  readonly isSent: boolean;
  readonly provider: Provider;
  readonly target: Target;
};

export class TenantUsage {
  /** What it says of its size; null: it costs nothing. */
  requestSize: RequestSize | null = null;
  /** The cheaper model that answers because the budget is spent. */
  overBudgetModel: string | null = null;
  /** Budgets are not asked: they are spent, and this is the model for that. */
  isBeyondBudget = false;
  /** Tries under way, and what is promised for each. */
  readonly open: { readonly attempt: BilledAttempt; readonly reserved: Amount }[] = [];
  /** What is promised for the try that is about to begin. */
  next: Amount = zeroAmount;
  /** What tries that did not win may have cost; `failedUsage` null: nothing. */
  failedCost: Amount = zeroAmount;
  failedUsage: Usage | null = null;

  /** `payer`: the tenant on whose behalf something of our own is asked; its record is this tenant's too. */
  constructor(
    readonly reservation: Reservation,
    readonly refusesUnpriced: boolean,
    readonly payer: string | null = null,
  ) {}

  /** The try that was judged begins. */
  begin(attempt: BilledAttempt): void {
    if (this.requestSize === null) return;
    attempt.observer.countsBytes = true;
    this.open.push({ attempt, reserved: this.next });
    this.next = zeroAmount;
  }

  /** False: it was none that costs anything. */
  end(attempt: BilledAttempt): boolean {
    const at = this.open.findIndex((each) => each.attempt === attempt);
    if (at >= 0) this.open.splice(at, 1);
    return at >= 0;
  }
}
