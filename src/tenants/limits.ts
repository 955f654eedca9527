// How much a tenant may use: requests and tokens of a minute, requests at once, budgets. One meter a tenant, and it outlives
// every config, so that a reload neither forgives nor forgets. It must never wait: a request that does not fit is refused.

import { Failure } from "../canon/failure.ts";
import { type Amount, type Budget, createSpending, nothing, type Spent, type UsedUp } from "./spending.ts";
import { createWindow } from "./window.ts";

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

/** One request of a tenant, from its admission to its record. */
export type Entry = {
  /**
   * Promises this much to the request. Throws Failure over-limit when the minute's tokens do not bear it.
   * Answers the budget that does not; then nothing is promised. `isBeyondBudget`: budgets are not asked.
   */
  reserve(estimate: Amount, isBeyondBudget?: boolean): UsedUp | null;
  /** What was promised; null when nothing was. */
  reserved(): Amount | null;
  /** The request has ended: its place is free. Idempotent. */
  leave(): void;
  /** What it really used takes the place of what was promised. Idempotent. */
  charge(real: Amount): void;
};

export type Share = { readonly limit: number; readonly remaining: number; readonly resetInMs: number };

/** Where a tenant stands in its minute; null where there is no limit. */
export type Standing = { readonly requests: Share | null; readonly tokens: Share | null };

export type Meter = {
  readonly name: string;
  limits(): Limits;
  adjust(limits: Limits): void;
  /** Counts a request and gives it a place. Throws Failure over-limit. */
  enter(): Entry;
  /** The budget that is used up already. */
  usedUp(): UsedUp | null;
  /** What `enter` and `reserve` would say to a request like this one; nothing is counted. Throws Failure over-limit. */
  preview(estimate: Amount): UsedUp | null;
  standing(): Standing;
  running(): number;
  usedThisMinute(): { readonly requests: number; readonly tokens: number };
  spent(): Spent;
  restore(known: Spent): void;
};

export type MeterOptions = {
  readonly clock: { nowMs(): number; monotonicMs(): number };
  /** Told after every charge; cheap. */
  readonly onCharge: (name: string) => void;
};

/** How long a client should wait for a place: nobody knows when one is free. */
const placeWaitMs = 1_000;

function createMeter(name: string, { clock, onCharge }: MeterOptions): Meter {
  const requests = createWindow(clock.monotonicMs);
  const tokens = createWindow(clock.monotonicMs);
  const spending = createSpending(clock.nowMs);
  let limits = noLimits;
  let running = 0;

  const share = (limit: number | null, window: typeof requests): Share | null =>
    limit === null
      ? null
      : { limit, remaining: Math.max(0, limit - window.used()), resetInMs: window.emptyInMs() };

  /** Throws Failure over-limit. */
  const demandPlace = (): void => {
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
  /** Throws Failure over-limit for the minute's tokens; answers the budget that does not bear it. */
  const judge = (estimate: Amount, isBeyondBudget: boolean): UsedUp | null => {
    const { tokensPerMinute, budget } = limits;
    if (tokensPerMinute !== null && tokens.used() + estimate.tokens > tokensPerMinute)
      throw tooManyTokens(estimate.tokens, tokensPerMinute, tokens.waitMs(estimate.tokens, tokensPerMinute));
    return budget === null || isBeyondBudget ? null : spending.usedUp(budget, estimate);
  };

  const entryOf = (): Entry => {
    let promised: Amount | null = null;
    let slot = 0;
    let isGone = false;
    let isCharged = false;
    return {
      reserve(estimate, isBeyondBudget = false) {
        const usedUp = judge(estimate, isBeyondBudget);
        if (usedUp !== null) return usedUp;
        promised = estimate;
        slot = tokens.take(estimate.tokens);
        spending.reserve(estimate);
        return null;
      },
      reserved: () => promised,
      leave() {
        if (isGone) return;
        isGone = true;
        running -= 1;
      },
      charge(real) {
        if (isCharged) return;
        isCharged = true;
        const before = promised ?? nothing;
        if (before.tokens > 0) tokens.giveBack(slot, before.tokens);
        if (real.tokens > 0) tokens.take(real.tokens);
        spending.charge(before, real);
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
      demandPlace();
      requests.take(1);
      running += 1;
      return entryOf();
    },
    usedUp: () => (limits.budget === null ? null : spending.usedUp(limits.budget, null)),
    preview(estimate) {
      demandPlace();
      return judge(estimate, false);
    },
    standing: () => ({
      requests: share(limits.requestsPerMinute, requests),
      tokens: share(limits.tokensPerMinute, tokens),
    }),
    running: () => running,
    usedThisMinute: () => ({ requests: requests.used(), tokens: tokens.used() }),
    spent: spending.spent,
    restore: spending.restore,
  };
}

function tooManyTokens(estimate: number, limit: number, waitMs: number): Failure {
  const message =
    estimate > limit
      ? `The request is estimated at ${estimate} tokens, and the limit is ${limit} tokens a minute.`
      : `The limit of ${limit} tokens a minute is reached.`;
  return new Failure("over-limit", message, { retryAfterMs: Math.max(placeWaitMs, waitMs) });
}

export type MeterBook = {
  /** The meter of that name; a new one has no limits until `adjust`. */
  of(name: string): Meter;
  find(name: string): Meter | null;
};

/** Meters by the tenant's name. One that a config no longer names is kept: it comes back with what it has spent. */
export function createMeterBook(options: MeterOptions): MeterBook {
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
