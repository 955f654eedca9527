// What a tenant may ask for and how much, held against a request before anything is sent.
// It must never cost a request anything that has no tenant, or one without such settings.

import { Failure } from "../canon/failure.ts";
import type { Target } from "../canon/decision.ts";
import type { ChatRequest } from "../canon/request.ts";
import type { RoutedDecision } from "../routing/decision-builder.ts";
import type { Router } from "../routing/router.ts";
import type { Reservation } from "../tenants/limits.ts";
import type { MaybePromise } from "../tenants/limit-store.ts";
import { type UsedUp, zeroAmount } from "../tenants/spending.ts";
import type { Envelope } from "./envelope.ts";
import { grantedName, modelNotGranted } from "./granted-name.ts";
import type { Run } from "./run.ts";
import { TenantUsage } from "./tenant-usage.ts";
import { reserveFirst, budgetFailure } from "./tenant-reservation.ts";
import type { TenantPolicy } from "./tenant-policy.ts";
import { requestSizeOf, type Ceiling, unpricedFailure } from "./tenant-price.ts";

type Ask = (model: string, isAlone: boolean) => RoutedDecision | Promise<RoutedDecision>;

/** Who asks, and whose names count. */
type TenantSubject = {
  readonly tenant: string;
  readonly router: Pick<Router, "isAuto" | "isDefault" | "configName" | "targetOf">;
};

/** Takes the tenant's place and minute, before a byte of the body is read. Throws Failure over-limit, or rejects with it. */
export function enterTenant(run: Run, { meter, refusesUnpriced }: TenantPolicy): MaybePromise<void> {
  if (meter === null) return;
  const entry = meter.enter();
  if (entry instanceof Promise) return entry.then((late) => enterLate(run, late, refusesUnpriced));
  run.tenantUsage = new TenantUsage(entry, refusesUnpriced);
}

/** A request that ended in the meantime has been settled without it. */
function enterLate(run: Run, entry: Reservation, refusesUnpriced: boolean): void {
  if (run.context.abortReason === null) {
    run.tenantUsage = new TenantUsage(entry, refusesUnpriced);
    return;
  }
  entry.leave();
  entry.charge(zeroAmount);
  throw run.context.abortReason;
}

/** After `enterTenant`. Throws Failure unknown-model, over-limit, over-budget, and what routing throws. */
export async function decideForTenant(
  run: Run,
  policy: TenantPolicy,
  envelope: Envelope,
  decode: () => ChatRequest,
  ask: Ask,
): Promise<RoutedDecision> {
  const { meter } = policy;
  const subject = { tenant: run.context.tenant ?? "", router: run.snapshot.router };
  const tenantUsage = run.tenantUsage;
  const name = nameFor(subject, policy, envelope.model);
  // A count of tokens is free.
  const costs = run.endpoint.kind !== "count-tokens";
  const asked = costs ? (meter?.usedUp() ?? null) : null;
  let usedUp = asked instanceof Promise ? await asked : asked;
  if (usedUp === null) {
    const decision = withinGrant(subject, policy, envelope.model, name, await ask(name, false));
    if (tenantUsage === null || !costs) return decision;
    tenantUsage.requestSize = requestSizeOf(run.endpoint, envelope, decode);
    // Until it is loaded nothing would seem to cost anything.
    if (policy.countsMoney && run.services.prices.table() === null) await run.services.prices.load();
    const reserved = reserveFirst(run, tenantUsage, decision, false);
    const budgetRefusal = reserved instanceof Promise ? await reserved : reserved;
    if (budgetRefusal === null) return decision;
    // Of a budget that is only promised to others something will be left.
    if (budgetRefusal.why !== "used-up") throw budgetFailure(budgetRefusal, decision.targets[0] ?? null);
    usedUp = budgetRefusal;
  }
  const cheaper = run.endpoint.kind === "chat" ? policy.overBudgetModel : null;
  if (cheaper === null || tenantUsage === null) throw budgetSpent(usedUp);
  tenantUsage.requestSize ??= requestSizeOf(run.endpoint, envelope, decode);
  // Alone: the chain behind it may be dear.
  const decision = await ask(cheaper, true);
  await reserveFirst(run, tenantUsage, decision, true);
  tenantUsage.overBudgetModel = cheaper;
  return overBudgetDecision(decision, cheaper, usedUp);
}

export type Preview = TenantSubject & {
  readonly policy: TenantPolicy;
  readonly model: string;
  readonly ask: Ask;
  /** What a request that goes there may use; null where nobody is. */
  readonly ceilingFor: (target: Target) => Ceiling | null;
};

/** What `decideForTenant` would answer to a chat just now; nothing is counted or promised. Throws the same. */
export async function previewForTenant({ policy, model, ask, ceilingFor, ...subject }: Preview) {
  const { meter, overBudgetModel: cheaper } = policy;
  const name = nameFor(subject, policy, model);
  await meter?.preview(zeroAmount);
  let usedUp = (await meter?.usedUp()) ?? null;
  if (usedUp === null) {
    const decision = withinGrant(subject, policy, model, name, await ask(name, false));
    if (meter === null) return decision;
    const [target = null] = decision.targets;
    const isNamed = target !== null && target === decision.clientsTarget;
    const asked = isNamed ? decision.targets.slice(0, 1) : decision.targets;
    const ceilings = asked.map(ceilingFor).filter((each) => each !== null);
    const ceiling = ceilings.find(({ isPriced }) => isPriced || !policy.refusesUnpriced);
    if (ceiling === undefined && ceilings.length > 0 && target !== null) throw unpricedFailure(target);
    const budgetRefusal = ceiling === undefined ? null : await meter.preview(ceiling);
    if (budgetRefusal === null) return decision;
    if (budgetRefusal.why !== "used-up") throw budgetFailure(budgetRefusal, target);
    usedUp = budgetRefusal;
  }
  if (cheaper === null) throw budgetSpent(usedUp);
  return overBudgetDecision(await ask(cheaper, true), cheaper, usedUp);
}

const budgetSpent = (usedUp: UsedUp): Failure => budgetFailure({ ...usedUp, why: "used-up" }, null);

const overBudgetDecision = (decision: RoutedDecision, cheaper: string, usedUp: UsedUp): RoutedDecision => ({
  ...decision,
  rule: "over-budget",
  reason: `${usedUp.what} is spent, so ${cheaper} answers; ${decision.reason}`,
  isClientsOwnModel: false,
  clientsTarget: null,
});

/** The name to route by. Throws where the tenant may not ask for it: it learns no more than of a name that nobody knows. */
function nameFor({ router }: TenantSubject, { models, provider }: TenantPolicy, name: string): string {
  const granted = models === null ? name : grantedName(router, models, name);
  return provider !== null && router.isAuto(granted) ? provider : granted;
}

function withinGrant(
  { tenant, router }: TenantSubject,
  { models, provider }: TenantPolicy,
  written: string,
  asked: string,
  decision: RoutedDecision,
): RoutedDecision {
  const settled: RoutedDecision =
    asked !== provider || !router.isAuto(written)
      ? decision
      : {
          ...decision,
          rule: "tenant-provider",
          reason: `auto of the tenant ${tenant} goes to ${asked}; ${decision.reason}`,
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
