// A tenant's budget when a request's targets are decided: what is used up, and what the first target may cost. A preview asks
// the same and neither counts nor reserves anything.

import type { RoutedDecision } from "../../routing/decision-builder.ts";
import type { MaybePromise } from "../../tenants/limit-store.ts";
import type { Meter } from "../../tenants/limits.ts";
import type { BudgetRefusal, UsedUp } from "../../tenants/spending.ts";
import type { PipelineSnapshot } from "../dependencies.ts";
import type { IncomingRequest } from "../incoming-request.ts";
import type { Run } from "../run.ts";
import type { TenantPolicy } from "./tenant-policy.ts";
import { requestSizeOf } from "./tenant-price.ts";
import { firstCeiling } from "./tenant-reservation.ts";
import type { TenantUsage } from "./tenant-usage.ts";

export type RequestBudget = {
  usedUp(): MaybePromise<UsedUp | null>;
  /** Reserves what the decision may cost; null: the budget covers it. Throws Failure over-limit or unsupported (no price). */
  reserve(decision: RoutedDecision): MaybePromise<BudgetRefusal | null>;
  /**
   * The budget is used up, and `cheaper` answers: its cost is counted but not limited, except by what the client itself has named for
   * its session.
   */
  reserveBeyond(decision: RoutedDecision, cheaper: string): MaybePromise<BudgetRefusal | null>;
};

/** For a request that is answered: what it reserves stays reserved until its bill is settled. */
export class RunBudget implements RequestBudget {
  constructor(
    private readonly run: Run,
    private readonly incoming: IncomingRequest,
    private readonly policy: TenantPolicy,
    private readonly tenantUsage: TenantUsage,
  ) {}

  usedUp(): MaybePromise<UsedUp | null> {
    return this.tenantUsage.session?.usedUp() ?? this.policy.meter?.usedUp() ?? null;
  }

  reserve(decision: RoutedDecision): MaybePromise<BudgetRefusal | null> {
    const { prices } = this.run.services;
    // Until prices are loaded, everything would seem free.
    const countsMoney = this.policy.countsMoney || this.tenantUsage.session !== null;
    return countsMoney && prices.table() === null
      ? prices.load().then(() => this.reserveFirst(decision, false))
      : this.reserveFirst(decision, false);
  }

  reserveBeyond(decision: RoutedDecision, cheaper: string): MaybePromise<BudgetRefusal | null> {
    const reserved = this.reserveFirst(decision, true);
    return reserved instanceof Promise
      ? reserved.then((late) => this.usedCheaper(cheaper, late))
      : this.usedCheaper(cheaper, reserved);
  }

  private usedCheaper(model: string, refusal: BudgetRefusal | null): BudgetRefusal | null {
    if (refusal === null) this.tenantUsage.overBudgetModel = model;
    return refusal;
  }

  private reserveFirst(
    decision: RoutedDecision,
    isBeyondBudget: boolean,
  ): MaybePromise<BudgetRefusal | null> {
    const { run, tenantUsage } = this;
    const { startedAtMs } = run.context;
    const requestSize = (tenantUsage.requestSize ??= requestSizeOf(this.incoming));
    tenantUsage.isBeyondBudget = isBeyondBudget;
    const ceiling = firstCeiling(decision, {
      requestSize,
      providers: run.snapshot.providers,
      needsPrice: tenantUsage.refusesUnpriced && !isBeyondBudget,
      atMs: startedAtMs,
    });
    return ceiling === null
      ? null
      : tenantUsage.reservation.reserve(ceiling, { isBeyondBudget, startedAtMs });
  }
}

/** For a request that is only explained. Prices must be loaded before. */
export class PreviewBudget implements RequestBudget {
  constructor(
    private readonly snapshot: Pick<PipelineSnapshot, "providers">,
    private readonly incoming: IncomingRequest,
    private readonly policy: TenantPolicy & { readonly meter: Meter },
    private readonly nowMs: number,
  ) {}

  usedUp(): MaybePromise<UsedUp | null> {
    return this.policy.meter.usedUp();
  }

  reserve(decision: RoutedDecision): MaybePromise<BudgetRefusal | null> {
    const ceiling = firstCeiling(decision, {
      requestSize: requestSizeOf(this.incoming),
      providers: this.snapshot.providers,
      needsPrice: this.policy.refusesUnpriced,
      atMs: this.nowMs,
    });
    return ceiling === null ? null : this.policy.meter.preview(ceiling);
  }

  reserveBeyond(): null {
    // Nothing is counted.
    return null;
  }
}
