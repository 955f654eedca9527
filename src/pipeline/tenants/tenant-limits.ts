// Checks a request against what its tenant may ask for and how much, before anything is sent. It must cost nothing for
// a request without a tenant, or with a tenant without such settings.

import type { Failure } from "../../canon/failure.ts";
import type { Target } from "../../canon/decision.ts";
import type { RoutedDecision } from "../../routing/decision-builder.ts";
import type { Router } from "../../routing/router.ts";
import type { Reservation } from "../../tenants/limits.ts";
import type { MaybePromise } from "../../tenants/limit-store.ts";
import { type UsedUp, zeroAmount } from "../../tenants/spending.ts";
import { grantedName, modelNotGranted } from "./granted-name.ts";
import { type IncomingRequest, routeRequestOf } from "../incoming-request.ts";
import type { RequestBudget } from "./request-budget.ts";
import type { Run } from "../run.ts";
import { TenantUsage } from "./tenant-usage.ts";
import { budgetFailure } from "./tenant-reservation.ts";
import type { TenantPolicy } from "./tenant-policy.ts";

/**
 * Takes the tenant's concurrency slot and counts its minute, before a byte of the body is read. Throws Failure over-limit,
 * or rejects with it.
 */
export function enterTenant(run: Run, { meter, refusesUnpriced }: TenantPolicy): MaybePromise<void> {
  if (meter === null) return;
  const entry = meter.enter();
  if (entry instanceof Promise) return entry.then((late) => enterLate(run, late, refusesUnpriced));
  run.tenantUsage = new TenantUsage(entry, refusesUnpriced);
}

/** A request that ended meanwhile has been settled without it. */
function enterLate(run: Run, entry: Reservation, refusesUnpriced: boolean): void {
  if (run.context.abortReason === null) {
    run.tenantUsage = new TenantUsage(entry, refusesUnpriced);
    return;
  }
  entry.leave();
  entry.charge(zeroAmount);
  throw run.context.abortReason;
}

/** The request to decide for, and what the decision uses. */
type TenantQuestion = {
  readonly incoming: IncomingRequest;
  readonly policy: TenantPolicy;
  readonly router: Router;
  /** Nothing is remembered, counted or reserved. */
  readonly isDry: boolean;
};

/**
 * Applies the tenant's grant and budget to the router's decision. `budget` null: the request costs nothing, or there is no
 * budget. Throws Failure unknown-model, over-limit, over-budget, and what routing throws.
 */
export async function decideForTenant(
  question: TenantQuestion,
  budget: RequestBudget | null,
): Promise<RoutedDecision> {
  const { incoming, policy, router, isDry } = question;
  const name = nameFor(question);
  const spent = budget?.usedUp() ?? null;
  let usedUp = spent instanceof Promise ? await spent : spent;
  if (usedUp === null) {
    const asked = router.decide(routeRequestOf(incoming, name, false), isDry);
    const decision = withinGrant(question, name, asked instanceof Promise ? await asked : asked);
    if (budget === null) return decision;
    const reserved = budget.reserve(decision);
    const refusal = reserved instanceof Promise ? await reserved : reserved;
    if (refusal === null) return decision;
    // A budget that other requests have only reserved may have something left later.
    if (refusal.why !== "used-up") throw budgetFailure(refusal, decision.targets[0] ?? null);
    usedUp = refusal;
  }
  const cheaper = incoming.endpoint.kind === "chat" ? policy.overBudgetModel : null;
  if (cheaper === null || budget === null) throw budgetSpent(usedUp);
  // Without the fallback chain, which may be expensive.
  const decision = await router.decide(routeRequestOf(incoming, cheaper, true), isDry);
  const beyond = budget.reserveBeyond(decision, cheaper);
  const refusal = beyond instanceof Promise ? await beyond : beyond;
  // What a client has capped itself holds for every model.
  if (refusal !== null) throw budgetFailure(refusal, decision.targets[0] ?? null);
  return overBudgetDecision(decision, cheaper, usedUp);
}

const budgetSpent = (usedUp: UsedUp): Failure => budgetFailure({ ...usedUp, why: "used-up" }, null);

const overBudgetDecision = (decision: RoutedDecision, cheaper: string, usedUp: UsedUp): RoutedDecision => ({
  ...decision,
  rule: "over-budget",
  reason: `${usedUp.what} is spent, so ${cheaper} answers; ${decision.reason}`,
  isClientsOwnModel: false,
  clientsTarget: null,
});

/** The name to route by. Throws where the tenant may not use it: the message is the same as for an unknown name. */
function nameFor({ incoming, policy: { models, provider }, router }: TenantQuestion): string {
  const { model } = incoming.envelope;
  const granted = models === null ? model : grantedName(router, models, model);
  return provider !== null && router.isAuto(granted) ? provider : granted;
}

/** `asked`: the name that the decision was for. */
function withinGrant(
  { incoming, policy: { models, provider }, router }: TenantQuestion,
  asked: string,
  decision: RoutedDecision,
): RoutedDecision {
  const written = incoming.envelope.model;
  const settled: RoutedDecision =
    asked !== provider || !router.isAuto(written)
      ? decision
      : {
          ...decision,
          rule: "tenant-provider",
          reason: `auto of the tenant ${incoming.tenant ?? ""} goes to ${asked}; ${decision.reason}`,
          isClientsOwnModel: false,
          clientsTarget: null,
        };
  if (models === null || models.hasAuto) return settled;
  const isKept = (target: Target): boolean =>
    models.allowsTarget(target) ||
    (target.provider === settled.clientsTarget?.provider && target.model === settled.clientsTarget.model);
  if (settled.candidates.every(isKept)) return settled;
  const targets = settled.targets.filter(isKept);
  if (targets.length === 0) throw modelNotGranted(written);
  return {
    ...settled,
    targets,
    candidates: settled.candidates.map((each) =>
      isKept(each) ? each : { ...each, kept: false, note: "dropped: not one of the tenant's models" },
    ),
  };
}
