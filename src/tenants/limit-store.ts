// The store that counts what tenants use of their limits. A single gateway counts in memory (memory-limit-store.ts); gateways
// that share tenants would share a store. Types only; concurrent requests are counted per gateway and not here.

import type { Amount, Budget, BudgetRefusal, Claim, Spent, UsedUp } from "./spending.ts";

/** A value or a promise of it: a store that has the value at hand creates no promise. */
export type MaybePromise<T> = T | Promise<T>;

/** Null: no such limit. */
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

/** A tenant's use in the current minute; null where there is no limit. */
export type LimitStatus = { readonly requests: LimitShare | null; readonly tokens: LimitShare | null };

/**
 * The most that a request may use. `expectedTokens`: what answers rarely exceed, for requests larger than the minute's limit.
 */
export type RequestedAmount = Amount & { readonly expectedTokens?: number };

/** `isBeyondBudget`: budgets are not checked. */
export type LimitClaim = Claim & { readonly expectedTokens: number; readonly isBeyondBudget: boolean };

/** The minute's tokens do not cover it. `waitMs` 0: used tokens leave room for it, but tokens reserved by others do not. */
export type MinuteRefusal = { readonly why: "minute"; readonly waitMs: number };

export type LimitRefusal = MinuteRefusal | BudgetRefusal;

export type LimitUsage = {
  /** Of the last minute. */
  readonly requests: number;
  readonly tokens: number;
  /** What running requests have reserved. */
  readonly reserved: Amount;
  readonly spent: Spent;
};

/**
 * `Account`: a tenant's day and month, as the store writes it down. Each step is atomic. Money is in whole nano-dollars. No
 * step rejects: a client of a store that cannot be reached decides by itself.
 */
export type LimitStore<Account> = {
  /** Counts one request in the tenant's minute. Null: counted; else not, and there is room after this many milliseconds. */
  countRequest(tenant: string, limit: number | null): MaybePromise<number | null>;
  /** What `countRequest` would return; nothing is counted. */
  requestWaitMs(tenant: string, limit: number | null): MaybePromise<number | null>;
  /** The account of a request that begins at that moment: it is charged there whenever it ends. Computed locally. */
  accountAt(tenant: string, startedAtMs: number): Account;
  /** Why the limits do not cover the claim; null: they do. Nothing is reserved. */
  judge(account: Account, limits: Limits, claim: LimitClaim): MaybePromise<LimitRefusal | null>;
  /** The same, but the amount is reserved in place of the claim's earlier one. A refusal changes nothing. */
  reserve(account: Account, limits: Limits, claim: LimitClaim): MaybePromise<LimitRefusal | null>;
  /** Replaces the reserved amount by the amount really used. */
  settle(account: Account, reserved: Amount, real: Amount): MaybePromise<void>;
  /** The first budget that is used up. */
  usedUp(tenant: string, budget: Budget): MaybePromise<UsedUp | null>;
  usage(tenant: string): MaybePromise<LimitUsage>;
  /** For an answer's headers: as far as it is known locally now. */
  status(tenant: string, limits: Limits): LimitStatus;
};
