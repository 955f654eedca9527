// What a tenant may ask for and how much, held against a request before anything is sent.
// It must never cost a request anything that has no tenant, or one without such settings.

import { Failure } from "../canon/failure.ts";
import type { Target } from "../canon/decision.ts";
import type { ChatRequest } from "../canon/request.ts";
import type { RoutedDecision } from "../routing/settle.ts";
import type { Router } from "../routing/router.ts";
import type { UsedUp } from "../tenants/spending.ts";
import type { Enrolled } from "./enrol.ts";
import { grantedName, notYours } from "./granted-name.ts";
import type { Run } from "./run.ts";
import { TenantEntry } from "./tenant-entry.ts";
import { holdFirst, notBorne } from "./tenant-holding.ts";
import type { TenantPolicy } from "./tenant-policy.ts";
import { appetiteOf, type Ceiling, unpriced } from "./tenant-price.ts";

type Ask = (model: string, isAlone: boolean) => RoutedDecision | Promise<RoutedDecision>;

/** Who asks, and whose names count. */
type Subject = {
  readonly tenant: string;
  readonly router: Pick<Router, "isAuto" | "isDefault" | "plainName" | "targetOf">;
};

/** Takes the tenant's place and minute, before a byte of the body is read. Throws Failure over-limit. */
export function enterTenant(run: Run, { meter, refusesUnpriced }: TenantPolicy): void {
  if (meter !== null) run.tenantEntry = new TenantEntry(meter.enter(), refusesUnpriced);
}

/** After `enterTenant`. Throws Failure unknown-model, over-limit, over-budget, and what routing throws. */
export async function decideForTenant(
  run: Run,
  policy: TenantPolicy,
  enrolled: Enrolled,
  decode: () => ChatRequest,
  ask: Ask,
): Promise<RoutedDecision> {
  const { meter } = policy;
  const subject = { tenant: run.context.tenant ?? "", router: run.generation.router };
  const held = run.tenantEntry;
  const name = nameFor(subject, policy, enrolled.model);
  // A count of tokens is free.
  const costs = run.door.road !== "count-tokens";
  let usedUp = costs ? (meter?.usedUp() ?? null) : null;
  if (usedUp === null) {
    const decision = allowed(subject, policy, enrolled.model, name, await ask(name, false));
    if (held === null || !costs) return decision;
    held.appetite = appetiteOf(run.door, enrolled, decode);
    // Until it is loaded nothing would seem to cost anything.
    if (policy.countsMoney && run.estate.prices.table() === null) await run.estate.prices.load();
    const unborne = holdFirst(run, held, decision, false);
    if (unborne === null) return decision;
    // Of a budget that is only promised to others something will be left.
    if (unborne.why !== "used-up") throw notBorne(unborne, decision.targets[0] ?? null);
    usedUp = unborne;
  }
  const cheaper = run.door.road === "chat" ? policy.overBudgetModel : null;
  if (cheaper === null || held === null) throw spent(usedUp);
  held.appetite ??= appetiteOf(run.door, enrolled, decode);
  // Alone: the chain behind it may be dear.
  const decision = await ask(cheaper, true);
  holdFirst(run, held, decision, true);
  held.overBudgetModel = cheaper;
  return diverted(decision, cheaper, usedUp);
}

export type Preview = Subject & {
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
  meter?.preview({ tokens: 0, nanoUsd: 0 });
  let usedUp = meter?.usedUp() ?? null;
  if (usedUp === null) {
    const decision = allowed(subject, policy, model, name, await ask(name, false));
    if (meter === null) return decision;
    const [target = null] = decision.targets;
    const isNamed = target !== null && target === decision.clientsTarget;
    const asked = isNamed ? decision.targets.slice(0, 1) : decision.targets;
    const ceilings = asked.map(ceilingFor).filter((each) => each !== null);
    const ceiling = ceilings.find(({ isPriced }) => isPriced || !policy.refusesUnpriced);
    if (ceiling === undefined && ceilings.length > 0 && target !== null) throw unpriced(target);
    const unborne = ceiling === undefined ? null : meter.preview(ceiling);
    if (unborne === null) return decision;
    if (unborne.why !== "used-up") throw notBorne(unborne, target);
    usedUp = unborne;
  }
  if (cheaper === null) throw spent(usedUp);
  return diverted(await ask(cheaper, true), cheaper, usedUp);
}

const spent = (usedUp: UsedUp): Failure => notBorne({ ...usedUp, why: "used-up" }, null);

const diverted = (decision: RoutedDecision, cheaper: string, usedUp: UsedUp): RoutedDecision => ({
  ...decision,
  rule: "over-budget",
  reason: `${usedUp.what} is spent, so ${cheaper} answers; ${decision.reason}`,
  isClientsOwnModel: false,
  clientsTarget: null,
});

/** The name to route by. Throws where the tenant may not ask for it: it learns no more than of a name that nobody knows. */
function nameFor({ router }: Subject, { models, provider }: TenantPolicy, name: string): string {
  const granted = models === null ? name : grantedName(router, models, name);
  return provider !== null && router.isAuto(granted) ? provider : granted;
}

function allowed(
  { tenant, router }: Subject,
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
  if (targets.length === 0) throw notYours(written);
  return {
    ...settled,
    targets,
    candidates: settled.candidates.map((each) =>
      isKept(each) ? each : { ...each, kept: false, note: "dropped: not one of the tenant's models" },
    ),
  };
}
