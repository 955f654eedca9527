// What a tenant's request is promised while it goes from target to target: each try is judged at its own target's price before
// anything is sent, and what may have been billed already stays on the bill. It must never cost a request without a tenant.

import type { Target } from "../canon/decision.ts";
import { Failure } from "../canon/failure.ts";
import type { RoutedDecision } from "../routing/settle.ts";
import { answerWaitMs } from "../tenants/limits.ts";
import type { Amount, Unborne } from "../tenants/spending.ts";
import type { Provider } from "./generation.ts";
import type { Run } from "./run.ts";
import type { TenantEntry } from "./tenant-entry.ts";
import { ceilingAt, unpriced } from "./tenant-price.ts";

/** Why nothing cheaper answered may be over soon, and then the rest of the budget will do. */
const otherTargetMs = 30_000;

function plus(one: Amount, other: Amount): Amount {
  return { tokens: one.tokens + other.tokens, nanoUsd: one.nanoUsd + other.nanoUsd };
}

/**
 * Promises what the decision's first target may cost that has a price at all. Throws Failure over-limit, and what is told when
 * there is none, or none for the model that the client itself named: nobody gets another one unasked, whatever is told at the
 * start of it.
 */
export function holdFirst(
  run: Run,
  held: TenantEntry,
  { targets, clientsTarget }: Pick<RoutedDecision, "targets" | "clientsTarget">,
  isBeyondBudget: boolean,
): Unborne | null {
  const { appetite, refusesUnpriced } = held;
  if (appetite === null) return null;
  held.isBeyondBudget = isBeyondBudget;
  let withoutPrice: Target | null = null;
  for (const target of targets) {
    const provider = run.generation.providers.get(target.provider);
    if (provider === undefined) continue;
    const ceiling = ceilingAt(appetite, provider, target.model, run.context.startedAtMs);
    if (ceiling.isPriced || !refusesUnpriced || isBeyondBudget)
      return held.entry.reserve(ceiling, { isBeyondBudget, startedAtMs: run.context.startedAtMs });
    withoutPrice ??= target;
    if (target === clientsTarget) break;
  }
  if (withoutPrice !== null) throw unpriced(withoutPrice);
  return null;
}

/** Why the tenant cannot bear a try there; null: it is promised what the try may cost. */
export function holdFor(run: Run, provider: Provider, { model }: Target): Failure | null {
  const held = run.tenantEntry;
  if (held === null || held.appetite === null) return null;
  const { isBeyondBudget, entry } = held;
  const ceiling = ceilingAt(held.appetite, provider, model, run.context.startedAtMs);
  const target = { provider: provider.id, model };
  if (!ceiling.isPriced && held.refusesUnpriced && !isBeyondBudget) return unpriced(target);
  let total = plus(held.sunk, ceiling);
  for (const { promised } of held.open) total = plus(total, promised);
  const wanted = { ...total, expectedTokens: ceiling.expectedTokens ?? total.tokens };
  try {
    const terms = { isBeyondBudget, startedAtMs: run.context.startedAtMs };
    const unborne = entry.reserve(wanted, terms);
    if (unborne !== null) return notBorne(unborne, target);
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  held.next = { tokens: ceiling.tokens, nanoUsd: ceiling.nanoUsd };
  return null;
}

export function notBorne({ why, what, resetInMs }: Unborne, target: Target | null): Failure {
  const sentence = what.slice(0, 1).toUpperCase() + what.slice(1);
  switch (why) {
    case "used-up":
      return new Failure("over-budget", `${sentence} is spent.`, { retryAfterMs: resetInMs });
    case "taken":
      return new Failure(
        "over-limit",
        `${sentence} is not spent, but requests that still run may use what is left of it. Try again when one of them has ended.`,
        { retryAfterMs: answerWaitMs },
      );
    case "too-dear": {
      const name = target === null ? "another model" : `${target.provider}/${target.model}`;
      return new Failure(
        "over-budget",
        `What is left of ${what} does not bear what an answer of ${name} may cost.`,
        { retryAfterMs: Math.max(1_000, Math.min(resetInMs, otherTargetMs)) },
      );
    }
  }
}
