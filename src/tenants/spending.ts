// What a tenant has spent in the current UTC day and month, and what is promised to requests that still run. Pure sums;
// it must never know what a model costs.

export type Amount = { readonly tokens: number; readonly nanoUsd: number };

/** Budgets; null: there is none of that kind. */
export type Budget = {
  readonly usdPerDay: number | null;
  readonly usdPerMonth: number | null;
  readonly tokensPerDay: number | null;
  readonly tokensPerMonth: number | null;
};

/** `dayMs` and `monthMs`: when they began. */
export type Spent = {
  readonly dayMs: number;
  readonly monthMs: number;
  readonly day: Amount;
  readonly month: Amount;
};

/** A budget that is used up, in words, and when it is full again. */
export type UsedUp = { readonly what: string; readonly resetInMs: number };

export type Spending = {
  reserve(amount: Amount): void;
  /** In place of what was reserved. */
  charge(reserved: Amount, real: Amount): void;
  /** The first budget that cannot bear `amount` more; with null: that is used up already. */
  usedUp(budget: Budget, amount: Amount | null): UsedUp | null;
  spent(): Spent;
  /** Takes what is larger of what was known here and what is known elsewhere, for the same day and month. */
  restore(known: Spent): void;
};

export const nothing: Amount = { tokens: 0, nanoUsd: 0 };

const dayMs = 86_400_000;
export const dayOf = (ms: number): number => Math.floor(ms / dayMs) * dayMs;
export function monthOf(ms: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}
export function nextMonthOf(ms: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

const sumOf = (one: Amount, other: Amount): Amount => ({
  tokens: one.tokens + other.tokens,
  nanoUsd: one.nanoUsd + other.nanoUsd,
});
const largerOf = (one: Amount, other: Amount): Amount => ({
  tokens: Math.max(one.tokens, other.tokens),
  nanoUsd: Math.max(one.nanoUsd, other.nanoUsd),
});

export function createSpending(nowMs: () => number): Spending {
  let dayStartMs = dayOf(nowMs());
  let monthStartMs = monthOf(nowMs());
  let day = nothing;
  let month = nothing;
  let reserved = nothing;

  // A clock that is set back must not hand out a budget twice: only a later day is a new one.
  const roll = (): void => {
    const now = nowMs();
    if (now - dayStartMs >= dayMs) {
      dayStartMs = dayOf(now);
      day = nothing;
    }
    if (now >= nextMonthOf(monthStartMs)) {
      monthStartMs = monthOf(now);
      month = nothing;
    }
  };

  return {
    reserve(amount) {
      reserved = sumOf(reserved, amount);
    },
    charge(promised, real) {
      roll();
      reserved = sumOf(reserved, { tokens: -promised.tokens, nanoUsd: -promised.nanoUsd });
      day = sumOf(day, real);
      month = sumOf(month, real);
    },
    usedUp(budget, amount) {
      roll();
      const isOver = (used: number, promised: number, more: number | null, limit: number | null): boolean => {
        if (limit === null) return false;
        // Of a budget of nothing, what costs nothing may be had.
        return more === null ? used > limit || (used === limit && limit > 0) : used + promised + more > limit;
      };
      const usd = (limit: number | null): number | null => (limit === null ? null : Math.round(limit * 1e9));
      const money = amount === null ? null : amount.nanoUsd;
      const tokens = amount === null ? null : amount.tokens;
      const now = nowMs();
      const isMonthOver =
        isOver(month.nanoUsd, reserved.nanoUsd, money, usd(budget.usdPerMonth)) ||
        isOver(month.tokens, reserved.tokens, tokens, budget.tokensPerMonth);
      if (isMonthOver)
        return { what: "the budget of this month", resetInMs: nextMonthOf(monthStartMs) - now };
      const isDayOver =
        isOver(day.nanoUsd, reserved.nanoUsd, money, usd(budget.usdPerDay)) ||
        isOver(day.tokens, reserved.tokens, tokens, budget.tokensPerDay);
      return isDayOver ? { what: "the budget of this day", resetInMs: dayStartMs + dayMs - now } : null;
    },
    spent() {
      roll();
      return { dayMs: dayStartMs, monthMs: monthStartMs, day, month };
    },
    restore(known) {
      roll();
      if (known.dayMs === dayStartMs) day = largerOf(day, known.day);
      if (known.monthMs === monthStartMs) month = largerOf(month, known.month);
    },
  };
}
