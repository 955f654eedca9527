// The share of its tenant's limits that one request holds, from admission to record. It must never decide anything:
// tenant-reservation.ts judges, tenant-bill.ts settles.

import type { Target } from "../../canon/decision.ts";
import type { Usage } from "../../canon/usage.ts";
import type { Reservation } from "../../tenants/limits.ts";
import type { SessionHold } from "../../tenants/session-spending.ts";
import { type Amount, zeroAmount } from "../../tenants/spending.ts";
import type { Provider } from "../dependencies.ts";
import type { Observer } from "../observer.ts";
import type { RequestSize } from "./tenant-price.ts";

/** The part of an attempt that its bill needs. */
export type BilledAttempt = {
  readonly observer: Observer;
  readonly isSent: boolean;
  readonly provider: Provider;
  readonly target: Target;
};

export class TenantUsage {
  /** What it says about its size; null: it costs nothing. */
  requestSize: RequestSize | null = null;
  /** The cheaper model that answers because the budget is spent. */
  overBudgetModel: string | null = null;
  /** Budgets are not checked: they are spent, and this is the model for that case. */
  isBeyondBudget = false;
  /** Running attempts, and what is reserved for each. */
  readonly open: { readonly attempt: BilledAttempt; readonly reserved: Amount }[] = [];
  /** What is reserved for the attempt that is about to begin. */
  next: Amount = zeroAmount;
  /** What attempts that did not win may have cost; `failedUsage` null: nothing. */
  failedCost: Amount = zeroAmount;
  failedUsage: Usage | null = null;

  /** `payer`: the tenant that an internal request is sent for; the record is this tenant's too. */
  constructor(
    readonly reservation: Reservation,
    readonly refusesUnpriced: boolean,
    readonly payer: string | null = null,
    /** Its share of its session's cap, a part of `reservation`; null: the session has none. */
    readonly session: SessionHold | null = null,
  ) {}

  /** The checked attempt begins. */
  begin(attempt: BilledAttempt): void {
    if (this.requestSize === null) return;
    attempt.observer.countsBytes = true;
    this.open.push({ attempt, reserved: this.next });
    this.next = zeroAmount;
  }

  /** False: the attempt cost nothing. */
  end(attempt: BilledAttempt): boolean {
    const at = this.open.findIndex((each) => each.attempt === attempt);
    if (at >= 0) this.open.splice(at, 1);
    return at >= 0;
  }
}
