// Enforces how much a tenant may use: requests and tokens per minute, concurrent requests, budgets. One meter per tenant; usage
// is counted in a LimitStore, concurrent requests are counted here. It must never wait: a request that does not fit is refused.

import { Failure } from "../canon/failure.ts";
import {
  type LimitClaim,
  type LimitRefusal,
  type Limits,
  type LimitStatus,
  type LimitStore,
  type LimitUsage,
  type MaybePromise,
  noLimits,
  type RequestedAmount,
} from "./limit-store.ts";
import { type Amount, type BudgetRefusal, type UsedUp, zeroAmount } from "./spending.ts";

/** `isBeyondBudget`: budgets are not checked. `startedAtMs`: determines the day and month to charge; absent: now. */
export type ReservationTerms = { readonly isBeyondBudget?: boolean; readonly startedAtMs?: number };

/** One request of a tenant, from its admission to its record. */
export type Reservation = {
  /**
   * Reserves this much for the request, in place of its earlier reservation. Throws Failure over-limit (or rejects with it)
   * when the minute's tokens do not cover it. Returns the budget that does not cover it. Both change nothing.
   */
  reserve(wanted: RequestedAmount, terms?: ReservationTerms): MaybePromise<BudgetRefusal | null>;
  /** What is reserved; null: nothing. */
  reserved(): Amount | null;
  /** The request has ended: releases its slot. Idempotent. */
  leave(): void;
  /** Replaces the reservation by what the request really used. Idempotent. */
  charge(real: Amount): void;
};

export type Meter = {
  readonly name: string;
  limits(): Limits;
  adjust(limits: Limits): void;
  /** Counts a request and gives it a slot. Throws Failure over-limit, or rejects with it. */
  enter(): MaybePromise<Reservation>;
  /** The same for an internal request on the tenant's behalf: it is not counted and takes no slot. */
  enterWithoutPlace(): Reservation;
  /** The budget that is used up. */
  usedUp(): MaybePromise<UsedUp | null>;
  /** What `enter` and `reserve` would return for such a request; nothing is counted. Rejects with Failure over-limit. */
  preview(wanted: RequestedAmount): MaybePromise<BudgetRefusal | null>;
  status(): LimitStatus;
  running(): number;
  usage(): MaybePromise<LimitUsage>;
};

/** How long a client should wait for a slot: when one becomes free is unknown. */
const placeWaitMs = 1_000;
/**
 * How long to wait for the end of an answer that holds the rest of a budget: answers take time, and clients retry only
 * a few times.
 */
export const answerWaitMs = 5_000;

const defaultTerms: ReservationTerms = {};

class StoreMeter<Account> implements Meter {
  private current = noLimits;
  private places = 0;

  constructor(
    readonly name: string,
    readonly store: LimitStore<Account>,
    private readonly nowMs: () => number,
  ) {}

  limits(): Limits {
    return this.current;
  }

  adjust(limits: Limits): void {
    this.current = limits;
  }

  enter(): MaybePromise<Reservation> {
    this.requirePlace();
    // Before any wait, so that no slot is given twice.
    this.places += 1;
    const waitMs = this.store.countRequest(this.name, this.current.requestsPerMinute);
    return waitMs instanceof Promise ? waitMs.then((late) => this.entered(late)) : this.entered(waitMs);
  }

  enterWithoutPlace(): Reservation {
    return new StoreReservation(this, false);
  }

  usedUp(): MaybePromise<UsedUp | null> {
    const { budget } = this.current;
    return budget === null ? null : this.store.usedUp(this.name, budget);
  }

  preview(wanted: RequestedAmount): MaybePromise<BudgetRefusal | null> {
    this.requirePlace();
    const waitMs = this.store.requestWaitMs(this.name, this.current.requestsPerMinute);
    return waitMs instanceof Promise
      ? waitMs.then((late) => this.previewed(late, wanted))
      : this.previewed(waitMs, wanted);
  }

  status(): LimitStatus {
    return this.store.status(this.name, this.current);
  }

  running(): number {
    return this.places;
  }

  usage(): MaybePromise<LimitUsage> {
    return this.store.usage(this.name);
  }

  accountAt(startedAtMs: number | undefined): Account {
    return this.store.accountAt(this.name, startedAtMs ?? this.nowMs());
  }

  leave(): void {
    this.places -= 1;
  }

  /** Throws Failure over-limit for the minute's tokens; returns the budget that does not cover it. */
  budgetRefusal(refusal: LimitRefusal | null, { expectedTokens, want }: LimitClaim): BudgetRefusal | null {
    if (refusal?.why !== "minute") return refusal;
    const expected = Math.min(expectedTokens, want.tokens);
    throw tooManyTokens(expected, this.current.tokensPerMinute ?? 0, refusal.waitMs);
  }

  private requirePlace(): void {
    const { maxConcurrent } = this.current;
    if (maxConcurrent !== null && this.places >= maxConcurrent)
      throw new Failure("over-limit", `More than ${maxConcurrent} requests at once are not allowed.`, {
        retryAfterMs: placeWaitMs,
      });
  }

  private entered(waitMs: number | null): Reservation {
    if (waitMs === null) return new StoreReservation(this, true);
    this.places -= 1;
    throw this.tooManyRequests(waitMs);
  }

  private previewed(waitMs: number | null, wanted: RequestedAmount): MaybePromise<BudgetRefusal | null> {
    if (waitMs !== null) throw this.tooManyRequests(waitMs);
    const claim = claimOf(wanted, zeroAmount, null, false);
    const refusal = this.store.judge(this.accountAt(undefined), this.current, claim);
    return refusal instanceof Promise
      ? refusal.then((late) => this.budgetRefusal(late, claim))
      : this.budgetRefusal(refusal, claim);
  }

  private tooManyRequests(waitMs: number): Failure {
    const message = `The limit of ${this.current.requestsPerMinute ?? 0} requests a minute is reached.`;
    return new Failure("over-limit", message, { retryAfterMs: waitMs });
  }
}

class StoreReservation<Account> implements Reservation {
  private amount: Amount | null = null;
  private granted: Amount | null = null;
  private account: Account | null = null;
  private isGone: boolean;
  private isCharged = false;
  /** A pending answer of a remote store: the next step waits for it. */
  private pending: Promise<unknown> | null = null;

  constructor(
    private readonly meter: StoreMeter<Account>,
    hasPlace: boolean,
  ) {
    this.isGone = !hasPlace;
  }

  reserve(wanted: RequestedAmount, terms = defaultTerms): MaybePromise<BudgetRefusal | null> {
    if (this.pending !== null) return this.pending.then(() => this.reserve(wanted, terms));
    if (this.isCharged) return null;
    const { meter } = this;
    this.account ??= meter.accountAt(terms.startedAtMs);
    const claim = claimOf(wanted, this.amount ?? zeroAmount, this.granted, terms.isBeyondBudget ?? false);
    const refusal = meter.store.reserve(this.account, meter.limits(), claim);
    if (!(refusal instanceof Promise)) return this.promised(refusal, claim);
    const answer = refusal.then((late) => {
      this.pending = null;
      return this.promised(late, claim);
    });
    this.pending = answer.catch(() => undefined);
    return answer;
  }

  reserved(): Amount | null {
    return this.amount;
  }

  leave(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.meter.leave();
  }

  charge(real: Amount): void {
    if (this.isCharged) return;
    this.isCharged = true;
    if (this.pending === null) this.settle(real);
    else void this.pending.then(() => this.settle(real));
  }

  private settle(real: Amount): void {
    const account = this.account ?? this.meter.accountAt(undefined);
    void this.meter.store.settle(account, this.amount ?? zeroAmount, real);
  }

  private promised(refusal: LimitRefusal | null, claim: LimitClaim): BudgetRefusal | null {
    const budgetRefusal = this.meter.budgetRefusal(refusal, claim);
    if (budgetRefusal !== null) return budgetRefusal;
    this.amount = claim.want;
    this.granted ??= claim.want;
    return null;
  }
}

function claimOf(
  { tokens, nanoUsd, expectedTokens }: RequestedAmount,
  own: Amount,
  granted: Amount | null,
  isBeyondBudget: boolean,
): LimitClaim {
  return {
    want: { tokens, nanoUsd },
    own,
    granted,
    expectedTokens: expectedTokens ?? tokens,
    isBeyondBudget,
  };
}

/** `waitMs` 0: used tokens leave room for it, but tokens reserved by others do not. */
function tooManyTokens(estimate: number, limit: number, waitMs: number): Failure {
  if (estimate > limit)
    return new Failure(
      "over-limit",
      `The request is estimated at ${estimate} tokens, and the limit is ${limit} tokens a minute.`,
      { retryAfterMs: Math.max(placeWaitMs, waitMs) },
    );
  return waitMs > 0
    ? new Failure("over-limit", `The limit of ${limit} tokens a minute is reached.`, {
        retryAfterMs: Math.max(placeWaitMs, waitMs),
      })
    : new Failure(
        "over-limit",
        `The limit of ${limit} tokens a minute is not reached, but running requests may use the rest. Try again when one of them has ended.`,
        { retryAfterMs: answerWaitMs },
      );
}

export type MeterRegistry = {
  /** The meter of that name; a new one has no limits until `adjust`. */
  of(name: string): Meter;
  find(name: string): Meter | null;
};

/** Meters by the tenant's name. One that a config no longer names is kept: it comes back with what it has spent. */
export function createMeterRegistry<Account>(store: LimitStore<Account>, nowMs: () => number): MeterRegistry {
  const meters = new Map<string, Meter>();
  return {
    of(name) {
      let meter = meters.get(name);
      if (meter === undefined) meters.set(name, (meter = new StoreMeter(name, store, nowMs)));
      return meter;
    },
    find: (name) => meters.get(name) ?? null,
  };
}
