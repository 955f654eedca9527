// How much a tenant may use: requests and tokens of a minute, requests at once, budgets. One meter a tenant, and it outlives
// every config, so that a reload neither forgives nor forgets. It must never wait: a request that does not fit is refused.

import { Failure } from "../canon/failure.ts";
import {
  type PeriodAccount,
  type Amount,
  type Budget,
  createSpending,
  type SpentPeriods,
  zeroAmount,
  type Spent,
  type BudgetRefusal,
  type UsedUp,
} from "./spending.ts";
import { createMinuteWindow } from "./minute-window.ts";

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

/** The most that a request may use. `expectedTokens`: what hardly an answer exceeds, for what can never be had in a minute. */
export type RequestedAmount = Amount & { readonly expectedTokens?: number };

/** `isBeyondBudget`: budgets are not asked. `startedAtMs`: whose day and month it is in; absent: now. */
export type ReservationTerms = { readonly isBeyondBudget?: boolean; readonly startedAtMs?: number };

/** One request of a tenant, from its admission to its record. */
export type Reservation = {
  /**
   * Promises this much to the request, in place of what was promised to it. Throws Failure over-limit when the minute's tokens
   * do not bear it. Answers the budget that does not. Both leave everything as it was.
   */
  reserve(wanted: RequestedAmount, terms?: ReservationTerms): BudgetRefusal | null;
  /** What is promised; null when nothing was. */
  reserved(): Amount | null;
  /** The request has ended: its place is free. Idempotent. */
  leave(): void;
  /** What it really used takes the place of what was promised. Idempotent. */
  charge(real: Amount): void;
};

export type LimitShare = { readonly limit: number; readonly remaining: number; readonly resetInMs: number };

/** Where a tenant stands in its minute; null where there is no limit. */
export type LimitStatus = { readonly requests: LimitShare | null; readonly tokens: LimitShare | null };

export type Meter = {
  readonly name: string;
  limits(): Limits;
  adjust(limits: Limits): void;
  /** Counts a request and gives it a place. Throws Failure over-limit. */
  enter(): Reservation;
  /** The same for what is asked on the tenant's behalf: it is no request of its own and takes no place. */
  enterWithoutPlace(): Reservation;
  /** The budget that is used up already. */
  usedUp(): UsedUp | null;
  /** What `enter` and `reserve` would say to a request like this one; nothing is counted. Throws Failure over-limit. */
  preview(wanted: RequestedAmount): BudgetRefusal | null;
  status(): LimitStatus;
  running(): number;
  usedThisMinute(): { readonly requests: number; readonly tokens: number };
  /** What is promised to requests that still run. */
  reserved(): Amount;
  spent(): Spent;
  /** Everything that is known of its days and months. */
  periods(): SpentPeriods;
  restore(known: SpentPeriods): void;
};

export type MeterOptions = {
  readonly clock: { nowMs(): number; monotonicMs(): number };
  /** Told after every charge; cheap. */
  readonly onCharge: (name: string) => void;
  /** Told when a day begins that this meter knew nothing of; cheap. */
  readonly onNewDay?: (name: string) => void;
};

/** How long a client should wait for a place: nobody knows when one is free. */
const placeWaitMs = 1_000;
/** For the end of an answer that may use what is left: it takes its time, and clients ask a few times only. */
export const answerWaitMs = 5_000;
/** What ends now leaves the minute at the latest after so long. */
const longestWaitMs = 61_000;

const defaultTerms: ReservationTerms = {};
const noReservation = { own: zeroAmount, granted: null };

function createMeter(name: string, { clock, onCharge, onNewDay }: MeterOptions): Meter {
  const requests = createMinuteWindow(clock.monotonicMs);
  const tokens = createMinuteWindow(clock.monotonicMs);
  const spending = createSpending(clock.nowMs, () => onNewDay?.(name));
  let limits = noLimits;
  let running = 0;
  /** Of requests that still run: however long they do, it is not used yet. */
  let reservedTokens = 0;
  let reservedNanoUsd = 0;

  const share = (limit: number | null, window: typeof requests, reserved: number): LimitShare | null =>
    limit === null
      ? null
      : {
          limit,
          remaining: Math.max(0, limit - window.used() - reserved),
          resetInMs: reserved > 0 ? longestWaitMs : window.emptyInMs(),
        };

  /** Throws Failure over-limit. */
  const requirePlace = (): void => {
    const { maxConcurrent, requestsPerMinute } = limits;
    if (maxConcurrent !== null && running >= maxConcurrent)
      throw new Failure("over-limit", `More than ${maxConcurrent} requests at once are not allowed.`, {
        retryAfterMs: placeWaitMs,
      });
    if (requestsPerMinute !== null && requests.used() >= requestsPerMinute)
      throw new Failure("over-limit", `The limit of ${requestsPerMinute} requests a minute is reached.`, {
        retryAfterMs: requests.waitMs(1, requestsPerMinute),
      });
  };
  /** The same rule as for budgets: at most one answer goes beyond the limit. Throws Failure over-limit. */
  const requireTokens = (
    limit: number,
    wanted: RequestedAmount,
    own: Amount,
    granted: Amount | null,
  ): void => {
    const expected = Math.min(wanted.expectedTokens ?? wanted.tokens, wanted.tokens);
    if (wanted.tokens <= own.tokens) return;
    const used = tokens.used();
    const others = reservedTokens - own.tokens;
    if (expected <= limit && used + others + wanted.tokens <= limit) return;
    const mayGoBeyond = granted === null || wanted.tokens <= granted.tokens;
    if (mayGoBeyond && others <= 0 && used + expected <= limit) return;
    throw tooManyTokens(expected, limit, tokens.waitMs(expected, limit));
  };
  /** Throws Failure over-limit for the minute's tokens; answers the budget that does not bear it. */
  const judge = (
    wanted: RequestedAmount,
    account: PeriodAccount,
    { own, granted }: { readonly own: Amount; readonly granted: Amount | null },
    isBeyondBudget: boolean,
  ): BudgetRefusal | null => {
    const { tokensPerMinute, budget } = limits;
    if (tokensPerMinute !== null) requireTokens(tokensPerMinute, wanted, own, granted);
    if (budget === null || isBeyondBudget) return null;
    return spending.judge(budget, account, { want: wanted, own, granted });
  };

  const reservationFor = (hasPlace: boolean): Reservation => {
    let reservedAmount: Amount | null = null;
    let granted: Amount | null = null;
    let account: PeriodAccount | null = null;
    let isGone = !hasPlace;
    let isCharged = false;
    const setReserved = (to: PeriodAccount, next: Amount): void => {
      const before = reservedAmount ?? zeroAmount;
      reservedTokens += next.tokens - before.tokens;
      reservedNanoUsd += next.nanoUsd - before.nanoUsd;
      spending.reserve(to, before, next);
      reservedAmount = next;
    };
    return {
      reserve(wanted, { isBeyondBudget = false, startedAtMs } = defaultTerms) {
        if (isCharged) return null;
        account ??= spending.at(startedAtMs ?? clock.nowMs());
        const budgetRefusal = judge(
          wanted,
          account,
          { own: reservedAmount ?? zeroAmount, granted },
          isBeyondBudget,
        );
        if (budgetRefusal !== null) return budgetRefusal;
        const { tokens: count, nanoUsd } = wanted;
        setReserved(account, { tokens: count, nanoUsd });
        granted ??= reservedAmount;
        return null;
      },
      reserved: () => reservedAmount,
      leave() {
        if (isGone) return;
        isGone = true;
        running -= 1;
      },
      charge(real) {
        if (isCharged) return;
        isCharged = true;
        const before = reservedAmount ?? zeroAmount;
        reservedTokens -= before.tokens;
        reservedNanoUsd -= before.nanoUsd;
        if (real.tokens > 0) tokens.take(real.tokens);
        spending.charge(account ?? spending.at(clock.nowMs()), before, real);
        if (real.tokens > 0 || real.nanoUsd > 0) onCharge(name);
      },
    };
  };

  return {
    name,
    limits: () => limits,
    adjust(next) {
      limits = next;
    },
    enter() {
      requirePlace();
      requests.take(1);
      running += 1;
      return reservationFor(true);
    },
    enterWithoutPlace: () => reservationFor(false),
    usedUp: () => (limits.budget === null ? null : spending.usedUp(limits.budget)),
    preview(wanted) {
      requirePlace();
      return judge(wanted, spending.at(clock.nowMs()), noReservation, false);
    },
    status: () => ({
      requests: share(limits.requestsPerMinute, requests, 0),
      tokens: share(limits.tokensPerMinute, tokens, reservedTokens),
    }),
    running: () => running,
    usedThisMinute: () => ({ requests: requests.used(), tokens: tokens.used() }),
    reserved: () => ({ tokens: reservedTokens, nanoUsd: reservedNanoUsd }),
    spent: spending.spent,
    periods: spending.periods,
    restore: spending.restore,
  };
}

/** `waitMs` 0: what was used leaves room for it, what is promised to others does not. */
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
export function createMeterRegistry(options: MeterOptions): MeterRegistry {
  const meters = new Map<string, Meter>();
  return {
    of(name) {
      let meter = meters.get(name);
      if (meter === undefined) meters.set(name, (meter = createMeter(name, options)));
      return meter;
    },
    find: (name) => meters.get(name) ?? null,
  };
}
