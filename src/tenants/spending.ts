// A tenant's spending per UTC day and month, and what running requests have reserved. Pure arithmetic; it must never
// know what a model costs.

export type Amount = { readonly tokens: number; readonly nanoUsd: number };

/** Budgets; null: none of that kind. */
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

/** One day or month, identified by its start. */
export type SpentPeriod = Amount & { readonly startMs: number };
export type SpentPeriods = { readonly days: readonly SpentPeriod[]; readonly months: readonly SpentPeriod[] };

/** A budget that is used up, in words, when it resets (Infinity: never), and what the client can do. */
export type UsedUp = { readonly what: string; readonly resetInMs: number; readonly advice?: string };

/**
 * Why nothing was reserved. `used-up`: nothing is left. `taken`: running requests have reserved the rest. `too-dear`:
 * no other request has a share in it, and yet it does not cover the amount.
 */
export type BudgetRefusal = UsedUp & { readonly why: "used-up" | "taken" | "too-dear" };

/** What one request asks for, and its account. */
export type Claim = {
  readonly want: Amount;
  /** What it has already reserved. */
  readonly own: Amount;
  /** What it may use even if the budget does not cover it, as long as it is the only request; null: anything. */
  readonly granted: Amount | null;
};

class Ledger {
  tokens = 0;
  nanoUsd = 0;
  reservedTokens = 0;
  reservedNanoUsd = 0;
  constructor(
    readonly startMs: number,
    readonly endMs: number,
  ) {}

  reserve(before: Amount, after: Amount): void {
    this.reservedTokens += after.tokens - before.tokens;
    this.reservedNanoUsd += after.nanoUsd - before.nanoUsd;
  }

  add(real: Amount): void {
    this.tokens += real.tokens;
    this.nanoUsd += real.nanoUsd;
  }

  amount(): Amount {
    return { tokens: this.tokens, nanoUsd: this.nanoUsd };
  }
}

/** The day and month in which a request began: they are charged whenever it ends. */
export type PeriodAccount = { readonly day: Ledger; readonly month: Ledger };

export type Spending = {
  /** The account of a request that begins at that moment. */
  at(ms: number): PeriodAccount;
  reserve(account: PeriodAccount, before: Amount, after: Amount): void;
  /** Replaces the reserved amount. */
  charge(account: PeriodAccount, reserved: Amount, real: Amount): void;
  /** Why the account does not cover the claim; null: it does. */
  judge(budget: Budget, account: PeriodAccount, claim: Claim): BudgetRefusal | null;
  /** The first budget that is used up. */
  usedUp(budget: Budget): UsedUp | null;
  spent(): Spent;
  /** All known spending, for saving. */
  periods(): SpentPeriods;
  /** Takes the larger of local and saved spending, for the same day and month. */
  restore(known: SpentPeriods): void;
};

export const zeroAmount: Amount = { tokens: 0, nanoUsd: 0 };

const dayMs = 86_400_000;
export const dayOf = (ms: number): number => Math.floor(ms / dayMs) * dayMs;
export const nextDayOf = (ms: number): number => dayOf(ms) + dayMs;
export function monthOf(ms: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}
export function nextMonthOf(ms: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

/** An erratic clock must not fill the memory. */
const maxDays = 62;
const maxMonths = 24;

/** `onNewDay`: called when a new day begins; must be cheap. */
export function createSpending(nowMs: () => number, onNewDay: () => void = () => undefined): Spending {
  const days = new Map<number, Ledger>();
  const months = new Map<number, Ledger>();
  let reachedMs = Number.NEGATIVE_INFINITY;
  let last: PeriodAccount | null = null;

  const dayAt = (ms: number): Ledger => ledgerIn(days, dayOf(ms), nextDayOf(ms), maxDays);
  const monthAt = (ms: number): Ledger => ledgerIn(months, monthOf(ms), nextMonthOf(ms), maxMonths);

  // When the clock steps away from a day and back, it is still the same day with all its spending. A clock that is set
  // back by less than a day starts no new period, so it frees no budget.
  const at = (ms: number): PeriodAccount => {
    if (last !== null && ms >= last.day.startMs && ms < last.day.endMs) return last;
    const isUnknown = !days.has(dayOf(ms));
    const counted = isUnknown && ms < reachedMs && reachedMs - ms <= dayMs ? reachedMs : ms;
    const account = { day: dayAt(counted), month: monthAt(counted) };
    if (counted !== ms) return account;
    if (isUnknown && last !== null) onNewDay();
    last = account;
    reachedMs = Math.max(reachedMs, account.day.startMs);
    return account;
  };
  at(nowMs());

  return {
    at,
    reserve({ day, month }, before, after) {
      day.reserve(before, after);
      month.reserve(before, after);
    },
    charge({ day, month }, reserved, real) {
      for (const ledger of [day, month]) {
        ledger.reserve(reserved, zeroAmount);
        ledger.add(real);
      }
    },
    judge(budget, { day, month }, claim) {
      const ofMonth = refusalOf(month, budget.usdPerMonth, budget.tokensPerMonth, claim);
      const ofDay = refusalOf(day, budget.usdPerDay, budget.tokensPerDay, claim);
      if (ofMonth === null && ofDay === null) return null;
      const why = moreSevere(ofMonth, ofDay);
      return why === ofMonth
        ? { why, what: "the budget of this month", resetInMs: Math.max(0, month.endMs - nowMs()) }
        : { why, what: "the budget of this day", resetInMs: Math.max(0, day.endMs - nowMs()) };
    },
    usedUp(budget) {
      const now = nowMs();
      const { day, month } = at(now);
      if (isUsedUp(month, budget.usdPerMonth, budget.tokensPerMonth))
        return { what: "the budget of this month", resetInMs: Math.max(0, month.endMs - now) };
      return isUsedUp(day, budget.usdPerDay, budget.tokensPerDay)
        ? { what: "the budget of this day", resetInMs: Math.max(0, day.endMs - now) }
        : null;
    },
    spent() {
      const { day, month } = at(nowMs());
      return { dayMs: day.startMs, monthMs: month.startMs, day: day.amount(), month: month.amount() };
    },
    periods: () => ({ days: periodsOf(days), months: periodsOf(months) }),
    restore(known) {
      for (const each of known.days) if (isSomething(each)) raiseTo(dayAt(each.startMs), each);
      for (const each of known.months) if (isSomething(each)) raiseTo(monthAt(each.startMs), each);
    },
  };
}

function ledgerIn(ledgers: Map<number, Ledger>, startMs: number, endMs: number, most: number): Ledger {
  let ledger = ledgers.get(startMs);
  if (ledger !== undefined) return ledger;
  ledger = new Ledger(startMs, endMs);
  ledgers.set(startMs, ledger);
  if (ledgers.size > most)
    ledgers.delete(Math.min(...[...ledgers.keys()].filter((each) => each !== startMs)));
  return ledger;
}

const isSomething = ({ tokens, nanoUsd }: Amount): boolean => tokens > 0 || nanoUsd > 0;

function periodsOf(ledgers: ReadonlyMap<number, Ledger>): readonly SpentPeriod[] {
  return [...ledgers.values()].flatMap((each) =>
    isSomething(each) ? [{ startMs: each.startMs, ...each.amount() }] : [],
  );
}

function raiseTo(ledger: Ledger, { tokens, nanoUsd }: Amount): void {
  ledger.tokens = Math.max(ledger.tokens, tokens);
  ledger.nanoUsd = Math.max(ledger.nanoUsd, nanoUsd);
}

export const nanoOfUsd = 1e9;
const nanoOf = (usd: number | null): number | null => (usd === null ? null : Math.round(usd * nanoOfUsd));

type Why = BudgetRefusal["why"] | null;

/** Reports first what waiting does not solve. */
function moreSevere(one: Why, other: Why): BudgetRefusal["why"] {
  for (const why of ["used-up", "too-dear"] as const) if (one === why || other === why) return why;
  return "taken";
}

function refusalOf(ledger: Ledger, usd: number | null, tokens: number | null, claim: Claim): Why {
  const { want, own, granted } = claim;
  const money = judgeClaim(ledger.nanoUsd, ledger.reservedNanoUsd - own.nanoUsd, nanoOf(usd), {
    want: want.nanoUsd,
    own: own.nanoUsd,
    granted: granted?.nanoUsd ?? null,
  });
  const count = judgeClaim(ledger.tokens, ledger.reservedTokens - own.tokens, tokens, {
    want: want.tokens,
    own: own.tokens,
    granted: granted?.tokens ?? null,
  });
  return money === null && count === null ? null : moreSevere(money, count);
}

type Part = { readonly want: number; readonly own: number; readonly granted: number | null };

/**
 * All requests together never reserve more than is left, with one exception: a single request may have the rest of a
 * budget, however little, because hardly any answer reaches its maximum length. So at most one answer exceeds a budget.
 */
export function judgeClaim(
  used: number,
  others: number,
  limit: number | null,
  { want, own, granted }: Part,
): Why {
  // A budget of zero still covers what costs nothing.
  if (limit === null || want === 0 || want <= own) return null;
  if (used >= limit) return "used-up";
  if (used + others + want <= limit) return null;
  const mayGoBeyond = granted === null || want <= granted;
  if (others <= 0) return mayGoBeyond ? null : "too-dear";
  return mayGoBeyond || used + want <= limit ? "taken" : "too-dear";
}

function isUsedUp(ledger: Ledger, usd: number | null, tokens: number | null): boolean {
  const isOver = (used: number, limit: number | null): boolean =>
    limit !== null && (used > limit || (used === limit && limit > 0));
  return isOver(ledger.nanoUsd, nanoOf(usd)) || isOver(ledger.tokens, tokens);
}
