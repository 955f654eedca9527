// What one request of a tenant holds of its tenant's limits, from its admission to its record.
// It must never decide anything: tenant-holding.ts judges, tenant-bill.ts settles.

import type { Target } from "../canon/decision.ts";
import type { Usage } from "../canon/usage.ts";
import type { Entry } from "../tenants/limits.ts";
import { type Amount, nothing } from "../tenants/spending.ts";
import type { Provider } from "./generation.ts";
import type { Observer } from "./observe.ts";
import type { Appetite } from "./tenant-price.ts";

/** A try, as far as its bill goes. */
export type HeldTrial = {
  readonly observer: Observer;
  readonly isSent: boolean;
  readonly provider: Provider;
  readonly target: Target;
};

export class TenantEntry {
  /** What it says of its size; null: it costs nothing. */
  appetite: Appetite | null = null;
  /** The cheaper model that answers because the budget is spent. */
  overBudgetModel: string | null = null;
  /** Budgets are not asked: they are spent, and this is the model for that. */
  isBeyondBudget = false;
  /** Tries under way, and what is promised for each. */
  readonly open: { readonly trial: HeldTrial; readonly promised: Amount }[] = [];
  /** What is promised for the try that is about to begin. */
  next: Amount = nothing;
  /** What tries that did not win may have cost; `sunkUsage` null: nothing. */
  sunk: Amount = nothing;
  sunkUsage: Usage | null = null;

  /** `payer`: the tenant on whose behalf something of our own is asked; its record is this tenant's too. */
  constructor(
    readonly entry: Entry,
    readonly refusesUnpriced: boolean,
    readonly payer: string | null = null,
  ) {}

  /** The try that was judged begins. */
  begin(trial: HeldTrial): void {
    if (this.appetite === null) return;
    trial.observer.countsWords = true;
    this.open.push({ trial, promised: this.next });
    this.next = nothing;
  }

  /** False: it was none that costs anything. */
  end(trial: HeldTrial): boolean {
    const at = this.open.findIndex((each) => each.trial === trial);
    if (at >= 0) this.open.splice(at, 1);
    return at >= 0;
  }
}
