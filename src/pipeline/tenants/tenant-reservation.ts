// Reserves a tenant's budget while its request goes from target to target: each attempt is checked at its own target's price
// before anything is sent, and what may have been billed already stays reserved. It costs nothing for a request without a tenant.

import type { Target } from "../../canon/decision.ts";
import { Failure } from "../../canon/failure.ts";
import type { RoutedDecision } from "../../routing/decision-builder.ts";
import type { MaybePromise } from "../../tenants/limit-store.ts";
import { answerWaitMs } from "../../tenants/limits.ts";
import type { Amount, BudgetRefusal } from "../../tenants/spending.ts";
import type { PipelineSnapshot, Provider } from "../dependencies.ts";
import type { Run } from "../run.ts";
import { type Ceiling, ceilingAt, type RequestSize, unpricedFailure } from "./tenant-price.ts";
import type { TenantUsage } from "./tenant-usage.ts";

/**
 * Longest Retry-After: whatever kept a cheaper target from answering may pass soon, and the rest of the budget covers
 * that one.
 */
const otherTargetMs = 30_000;

function plus(one: Amount, other: Amount): Amount {
  return { tokens: one.tokens + other.tokens, nanoUsd: one.nanoUsd + other.nanoUsd };
}

export type CeilingQuestion = {
  readonly requestSize: RequestSize;
  readonly providers: PipelineSnapshot["providers"];
  /** A target without a price is skipped. */
  readonly needsPrice: boolean;
  readonly atMs: number;
};

/**
 * What the decision's first target with a known price may cost; null: there is no target. Throws the Failure for the client
 * when no target has a price, or the model that the client itself named has none: no client gets another model unasked.
 */
export function firstCeiling(
  { targets, clientsTarget }: Pick<RoutedDecision, "targets" | "clientsTarget">,
  { requestSize, providers, needsPrice, atMs }: CeilingQuestion,
): Ceiling | null {
  let unpricedTarget: Target | null = null;
  for (const target of targets) {
    const provider = providers.get(target.provider);
    if (provider === undefined) continue;
    const ceiling = ceilingAt(requestSize, provider, target.model, atMs);
    if (ceiling.isPriced || !needsPrice) return ceiling;
    unpricedTarget ??= target;
    if (target === clientsTarget) break;
  }
  if (unpricedTarget !== null) throw unpricedFailure(unpricedTarget);
  return null;
}

/** Why the tenant's limits do not cover an attempt there; null: its possible cost is reserved. */
export function reserveFor(run: Run, provider: Provider, { model }: Target): MaybePromise<Failure | null> {
  const tenantUsage = run.tenantUsage;
  if (tenantUsage === null || tenantUsage.requestSize === null) return null;
  const { isBeyondBudget, reservation } = tenantUsage;
  const ceiling = ceilingAt(tenantUsage.requestSize, provider, model, run.context.startedAtMs);
  const target = { provider: provider.id, model };
  if (!ceiling.isPriced && tenantUsage.refusesUnpriced && !isBeyondBudget) return unpricedFailure(target);
  let total = plus(tenantUsage.failedCost, ceiling);
  for (const { reserved } of tenantUsage.open) total = plus(total, reserved);
  const wanted = { ...total, expectedTokens: ceiling.expectedTokens ?? total.tokens };
  try {
    const terms = { isBeyondBudget, startedAtMs: run.context.startedAtMs };
    const refusal = reservation.reserve(wanted, terms);
    return refusal instanceof Promise
      ? refusal.then((late) => outcomeOf(late, tenantUsage, ceiling, target), failureOnly)
      : outcomeOf(refusal, tenantUsage, ceiling, target);
  } catch (thrown) {
    return failureOnly(thrown);
  }
}

function outcomeOf(
  refusal: BudgetRefusal | null,
  tenantUsage: TenantUsage,
  { tokens, nanoUsd }: Ceiling,
  target: Target,
): Failure | null {
  if (refusal !== null) return budgetFailure(refusal, target);
  tenantUsage.next = { tokens, nanoUsd };
  return null;
}

function failureOnly(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  throw thrown;
}

export function budgetFailure(refusal: BudgetRefusal, target: Target | null): Failure {
  const { why, what, resetInMs } = refusal;
  const sentence = what.slice(0, 1).toUpperCase() + what.slice(1);
  const advice = refusal.advice === undefined ? "" : ` ${refusal.advice}`;
  switch (why) {
    case "used-up":
      return new Failure("over-budget", `${sentence} is spent.${advice}`, {
        // What never resets must not be tried again.
        retryAfterMs: Number.isFinite(resetInMs) ? resetInMs : null,
      });
    case "taken":
      return new Failure(
        "over-limit",
        `${sentence} is not used up, but running requests may use the rest. Try again when one of them has ended.`,
        { retryAfterMs: answerWaitMs },
      );
    case "too-dear": {
      const name = target === null ? "another model" : `${target.provider}/${target.model}`;
      return new Failure(
        "over-budget",
        `What is left of ${what} does not cover what an answer of ${name} may cost.${advice}`,
        {
          retryAfterMs: Number.isFinite(resetInMs)
            ? Math.max(1_000, Math.min(resetInMs, otherTargetMs))
            : null,
        },
      );
    }
  }
}
