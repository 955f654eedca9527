// The checks of money: budgets that are nearly or wholly spent, or will be at this pace; spending far above that of earlier days;
// models whose price nobody knows.

import type { Condition } from "./alert.ts";
import { inertText } from "./alert.ts";
import type { AlertFacts, BudgetFacts } from "./facts.ts";
import { type Finding, held, replaced, timeText, wholePercent } from "./finding.ts";
import type { AlertsSettings } from "./settings.ts";
import { hourMs } from "./traffic-counts.ts";

type Rules = AlertsSettings["rules"];

/** A pace is judged only after this share of the period, and only when this share of the budget is spent. */
const leastElapsed = 0.1;
const leastSpent = 0.1;
const heldShare = 0.95;

const share = ({ spent, limit }: BudgetFacts): number => (limit <= 0 ? 1 : spent / limit);

export function budgetFindings({ budgets, nowMs }: AlertFacts, rules: Rules): readonly Finding[] {
  const steps = rules.budget_steps.toSorted((one, other) => one - other);
  // Dollars and tokens of a period are one cause: the one that is closer to its end counts.
  const worst = new Map<string, BudgetFacts>();
  for (const budget of budgets) {
    const subject = `${budget.tenant}/${budget.period}`;
    const known = worst.get(subject);
    if (known === undefined || share(budget) > share(known)) worst.set(subject, budget);
  }
  return [...worst].flatMap(([subject, budget]) => {
    const step = steps.findLast((each) => 100 * share(budget) >= each);
    const spent = step === undefined ? [] : [spentFinding(subject, budget, steps, step)];
    if (!rules.projection) return spent;
    // "Used up" is not good news of "will be used up".
    if (share(budget) >= 1) return [...spent, replaced({ kind: "budget-projected", subject })];
    return [...spent, ...projection(subject, budget, nowMs)];
  });
}

function spentFinding(subject: string, budget: BudgetFacts, steps: readonly number[], step: number): Finding {
  const { tenant, period, endMs, limit } = budget;
  const percent = 100 * share(budget);
  const isUsedUp = percent >= 100;
  return {
    state: "firing",
    condition: {
      kind: "budget",
      subject,
      severity: isUsedUp ? "critical" : "warning",
      level: steps.indexOf(step) + 1,
      basis: limit,
      message: isUsedUp
        ? `Tenant ${tenant}: the budget of this ${period} is used up (${amounts(budget)}); it begins again at ${timeText(endMs)}.`
        : `Tenant ${tenant}: ${wholePercent(Math.floor(percent))} of the budget of this ${period} is spent (${amounts(budget)}).`,
      untilMs: endMs,
      value: Math.round(percent * 10) / 10,
      limit: limit <= 0 ? null : step,
      partOf: null,
    },
  };
}

function projection(subject: string, budget: BudgetFacts, nowMs: number): readonly Finding[] {
  const { tenant, period, startMs, endMs, spent, limit } = budget;
  const elapsed = (nowMs - startMs) / (endMs - startMs);
  if (elapsed < leastElapsed || share(budget) < leastSpent) return [];
  const projected = spent / elapsed;
  const cause = { kind: "budget-projected", subject } as const;
  if (projected <= limit) return projected > limit * heldShare ? [held(cause)] : [];
  const hitsMs = startMs + (nowMs - startMs) * (limit / spent);
  return [
    {
      state: "firing",
      condition: {
        ...cause,
        severity: "warning",
        level: 1,
        message: `Tenant ${tenant}: at this pace the budget of this ${period} is used up at about ${timeText(hitsMs)} (${amounts(budget)}; an estimate).`,
        untilMs: endMs,
        value: Math.round(1000 * (projected / limit)) / 10,
        limit: 100,
        partOf: null,
      },
    },
  ];
}

function amounts({ unit, spent, limit }: BudgetFacts): string {
  return unit === "usd" ? `$${dollars(spent)} of $${dollars(limit)}` : `${spent} of ${limit} tokens`;
}

/** To the cent, or below a cent with its significant digits. */
function dollars(usd: number): string {
  return usd === 0 || usd >= 0.01 ? usd.toFixed(2) : usd.toPrecision(2);
}

const dayMs = 24 * hourMs;
const comparedDays = 7;
const fewestDays = 2;

/** The hour that runs and the one before, against the whole same hours of up to seven earlier days. */
export function spikeFinding(
  facts: AlertFacts,
  { spike_factor: factor, spike_min_usd: least }: Rules,
): readonly Finding[] {
  const { firstSpentHourMs: firstMs, nowMs } = facts;
  if (factor === 0 || firstMs === null) return [];
  const hour = Math.floor(nowMs / hourMs) * hourMs;
  const spentAt = (startMs: number): number =>
    (facts.spentIn(startMs) + facts.spentIn(startMs - hourMs)) / 1e9;
  const days = Math.min(comparedDays, Math.floor((hour - hourMs - firstMs) / dayMs));
  if (days < fewestDays) return [];
  let earlier = 0;
  for (let day = 1; day <= days; day++) earlier += spentAt(hour - day * dayMs);
  const usual = earlier / days;
  const now = spentAt(hour);
  const limit = Math.max(least, usual * factor);
  const cause = { kind: "spend-spike", subject: "all requests" } as const;
  if (now < limit || now === 0) return now >= limit * 0.7 && now > 0 ? [held(cause)] : [];
  return [
    {
      state: "firing",
      condition: {
        ...cause,
        severity: "warning",
        level: 1,
        message: `$${dollars(now)} were spent in the last two hours; in these hours it is usually $${dollars(usual)} (average of ${days} days).`,
        untilMs: null,
        value: Math.round(now * 1e6) / 1e6,
        limit: Math.round(limit * 1e6) / 1e6,
        partOf: null,
      },
    },
  ];
}

/** Old news: a model that nobody has used for a day. */
const unpricedMs = dayMs;

export function priceFindings({ unpriced, nowMs }: AlertFacts): readonly Finding[] {
  return unpriced.flatMap(({ provider, model, answered, seenMs }): Finding[] => {
    if (nowMs - seenMs > unpricedMs) return [];
    const subject = inertText(`${provider}/${answered ?? model}`);
    const condition: Condition = {
      kind: "unknown-price",
      subject,
      severity: "warning",
      level: 1,
      message: `Model ${subject} answered, and its price is unknown: what it costs is not counted. Set \`pricing\` of the provider or model.`,
      untilMs: null,
      value: null,
      limit: null,
      partOf: null,
    };
    return [{ state: "firing", condition }];
  });
}
