// A LimitStore in this process's memory, which answers without promises. It outlives every config, so that a reload resets
// nothing; app/persistence/saved-spending.ts listens to charges and saves what must outlive the process.

import type {
  LimitClaim,
  LimitRefusal,
  Limits,
  LimitShare,
  LimitStatus,
  LimitStore,
  LimitUsage,
} from "./limit-store.ts";
import { createMinuteWindow, type MinuteWindow } from "./minute-window.ts";
import {
  type Amount,
  type Budget,
  createSpending,
  type PeriodAccount,
  type Spending,
  type Spent,
  type SpentPeriods,
  type UsedUp,
} from "./spending.ts";

export type MemoryLimitOptions = {
  readonly clock: { nowMs(): number; monotonicMs(): number };
  /** Called after every charge, with the day that was charged and how much; must be cheap. */
  readonly onCharge: (tenant: string, dayMs: number, real: Amount) => void;
  /** Called when a day without known charges begins; must be cheap. */
  readonly onNewDay?: (tenant: string) => void;
};

/** What ends now leaves the minute after at most this long. */
const longestWaitMs = 61_000;

/** One tenant. */
class Counts {
  readonly requests: MinuteWindow;
  readonly tokens: MinuteWindow;
  readonly spending: Spending;
  /** Reserved by running requests: it is not used yet, however long they run. */
  reservedTokens = 0;
  reservedNanoUsd = 0;
  private last: MemoryAccount | null = null;

  constructor(
    readonly tenant: string,
    { clock, onNewDay }: MemoryLimitOptions,
  ) {
    this.requests = createMinuteWindow(clock.monotonicMs);
    this.tokens = createMinuteWindow(clock.monotonicMs);
    this.spending = createSpending(clock.nowMs, () => onNewDay?.(tenant));
  }

  accountAt(ms: number): MemoryAccount {
    const period = this.spending.at(ms);
    if (this.last?.period !== period) this.last = new MemoryAccount(this, period);
    return this.last;
  }

  reserve(by: Amount, before: Amount): void {
    this.reservedTokens += by.tokens - before.tokens;
    this.reservedNanoUsd += by.nanoUsd - before.nanoUsd;
  }
}

class MemoryAccount {
  constructor(
    readonly counts: Counts,
    readonly period: PeriodAccount,
  ) {}
}

export class MemoryLimitStore implements LimitStore<MemoryAccount> {
  private readonly tenants = new Map<string, Counts>();

  constructor(private readonly options: MemoryLimitOptions) {}

  countRequest(tenant: string, limit: number | null): number | null {
    const waitMs = this.requestWaitMs(tenant, limit);
    if (waitMs === null) this.countsOf(tenant).requests.take(1);
    return waitMs;
  }

  requestWaitMs(tenant: string, limit: number | null): number | null {
    if (limit === null) return null;
    const { requests } = this.countsOf(tenant);
    return requests.used() >= limit ? requests.waitMs(1, limit) : null;
  }

  accountAt(tenant: string, startedAtMs: number): MemoryAccount {
    return this.countsOf(tenant).accountAt(startedAtMs);
  }

  judge(
    { counts, period }: MemoryAccount,
    { tokensPerMinute, budget }: Limits,
    claim: LimitClaim,
  ): LimitRefusal | null {
    if (tokensPerMinute !== null) {
      const refusal = judgeMinute(counts, tokensPerMinute, claim);
      if (refusal !== null) return refusal;
    }
    if (budget === null || claim.isBeyondBudget) return null;
    return counts.spending.judge(budget, period, claim);
  }

  reserve(account: MemoryAccount, limits: Limits, claim: LimitClaim): LimitRefusal | null {
    const refusal = this.judge(account, limits, claim);
    if (refusal !== null) return refusal;
    const { counts, period } = account;
    counts.reserve(claim.want, claim.own);
    counts.spending.reserve(period, claim.own, claim.want);
    return null;
  }

  settle({ counts, period }: MemoryAccount, reserved: Amount, real: Amount): void {
    counts.reservedTokens -= reserved.tokens;
    counts.reservedNanoUsd -= reserved.nanoUsd;
    if (real.tokens > 0) counts.tokens.take(real.tokens);
    counts.spending.charge(period, reserved, real);
    if (real.tokens > 0 || real.nanoUsd > 0) this.options.onCharge(counts.tenant, period.day.startMs, real);
  }

  usedUp(tenant: string, budget: Budget): UsedUp | null {
    return this.countsOf(tenant).spending.usedUp(budget);
  }

  usage(tenant: string): LimitUsage {
    const { requests, tokens, reservedTokens, reservedNanoUsd, spending } = this.countsOf(tenant);
    return {
      requests: requests.used(),
      tokens: tokens.used(),
      reserved: { tokens: reservedTokens, nanoUsd: reservedNanoUsd },
      spent: spending.spent(),
    };
  }

  status(tenant: string, { requestsPerMinute, tokensPerMinute }: Limits): LimitStatus {
    const { requests, tokens, reservedTokens } = this.countsOf(tenant);
    return {
      requests: shareOf(requestsPerMinute, requests, 0),
      tokens: shareOf(tokensPerMinute, tokens, reservedTokens),
    };
  }

  spent(tenant: string): Spent {
    return this.countsOf(tenant).spending.spent();
  }

  /** All known days and months, for saving. */
  periods(tenant: string): SpentPeriods {
    return this.countsOf(tenant).spending.periods();
  }

  /** All tenants that were ever counted here. */
  names(): readonly string[] {
    return [...this.tenants.keys()];
  }

  /** Takes over a minute that was counted elsewhere. */
  restoreMinute(tenant: string, used: { readonly requests: number; readonly tokens: number }): void {
    const { requests, tokens } = this.countsOf(tenant);
    requests.take(used.requests);
    tokens.take(used.tokens);
  }

  restore(tenant: string, known: SpentPeriods): void {
    this.countsOf(tenant).spending.restore(known);
  }

  private countsOf(tenant: string): Counts {
    let counts = this.tenants.get(tenant);
    if (counts === undefined) this.tenants.set(tenant, (counts = new Counts(tenant, this.options)));
    return counts;
  }
}

/** The same rule as for budgets: at most one answer exceeds the limit. */
function judgeMinute(
  { tokens, reservedTokens }: Counts,
  limit: number,
  { want, own, granted, expectedTokens }: LimitClaim,
): LimitRefusal | null {
  const expected = Math.min(expectedTokens, want.tokens);
  if (want.tokens <= own.tokens) return null;
  const used = tokens.used();
  const others = reservedTokens - own.tokens;
  if (expected <= limit && used + others + want.tokens <= limit) return null;
  const mayGoBeyond = granted === null || want.tokens <= granted.tokens;
  if (mayGoBeyond && others <= 0 && used + expected <= limit) return null;
  return { why: "minute", waitMs: tokens.waitMs(expected, limit) };
}

function shareOf(limit: number | null, window: MinuteWindow, reserved: number): LimitShare | null {
  if (limit === null) return null;
  return {
    limit,
    remaining: Math.max(0, limit - window.used() - reserved),
    resetInMs: reserved > 0 ? longestWaitMs : window.emptyInMs(),
  };
}
