// Where it is counted what tenants use of their limits. One gateway counts in memory (memory-limit-store.ts); gateways that share
// their tenants would count in one place. Types only; requests at once are each gateway's own and are not counted here.

import type { Amount, Budget, BudgetRefusal, Claim, Spent, UsedUp } from "./spending.ts";

/** At hand, or on its way: whoever has it at hand makes no promise of it. */
export type MaybePromise<T> = T | Promise<T>;

/** Null: there is no such limit. */
export type Limits = {
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly maxConcurrent: number | null;
  readonly budget: Budget | null;
};

export const noLimits: Limits = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  maxConcurrent: null,
  budget: null,
};

export type LimitShare = { readonly limit: number; readonly remaining: number; readonly resetInMs: number };

/** Where a tenant stands in its minute; null where there is no limit. */
export type LimitStatus = { readonly requests: LimitShare | null; readonly tokens: LimitShare | null };

/** The most that a request may use. `expectedTokens`: what hardly an answer exceeds, for what can never be had in a minute. */
export type RequestedAmount = Amount & { readonly expectedTokens?: number };

/** `isBeyondBudget`: budgets are not asked. */
export type LimitClaim = Claim & { readonly expectedTokens: number; readonly isBeyondBudget: boolean };

/** The minute's tokens do not bear it. `waitMs` 0: what was used leaves room for it, what is promised to others does not. */
export type MinuteRefusal = { readonly why: "minute"; readonly waitMs: number };

export type LimitRefusal = MinuteRefusal | BudgetRefusal;

export type LimitUsage = {
  /** Of the last minute. */
  readonly requests: number;
  readonly tokens: number;
  /** What is promised to requests that still run. */
  readonly reserved: Amount;
  readonly spent: Spent;
};

/**
 * `Account`: a tenant's day and month, as the store writes it down. Each step is one: nobody else's comes between its question
 * and its answer. Money is in whole nano-dollars. None of them rejects: a store that cannot be reached decides by itself.
 */
export type LimitStore<Account> = {
  /** Counts one request in the tenant's minute. Null: it is counted; else it is not, and there is room for it after so long. */
  countRequest(tenant: string, limit: number | null): MaybePromise<number | null>;
  /** What `countRequest` would say; nothing is counted. */
  requestWaitMs(tenant: string, limit: number | null): MaybePromise<number | null>;
  /** The account of what begins at that moment: whenever it ends, it is charged there. Asks nobody. */
  accountAt(tenant: string, startedAtMs: number): Account;
  /** Why the limits do not bear the claim; null: they do. Nothing is promised. */
  judge(account: Account, limits: Limits, claim: LimitClaim): MaybePromise<LimitRefusal | null>;
  /** The same, and what is wanted is promised in place of the claim's own. A refusal leaves everything as it was. */
  reserve(account: Account, limits: Limits, claim: LimitClaim): MaybePromise<LimitRefusal | null>;
  /** What was really used takes the place of what was promised. */
  settle(account: Account, reserved: Amount, real: Amount): MaybePromise<void>;
  /** The first budget that is used up already. */
  usedUp(tenant: string, budget: Budget): MaybePromise<UsedUp | null>;
  usage(tenant: string): MaybePromise<LimitUsage>;
  /** For the headers of an answer: as far as it is known here just now. */
  status(tenant: string, limits: Limits): LimitStatus;
};
