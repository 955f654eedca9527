// A tenant's meter over the counts of this process, whose answers are all synchronous: a promise would be an error.

import type { LimitUsage, Limits, MaybePromise, RequestedAmount } from "../../src/tenants/limit-store.ts";
import { createMeterRegistry, type Meter, type ReservationTerms } from "../../src/tenants/limits.ts";
import { MemoryLimitStore, type MemoryLimitOptions } from "../../src/tenants/memory-limit-store.ts";
import type { Amount, BudgetRefusal, Spent, SpentPeriods, UsedUp } from "../../src/tenants/spending.ts";

export function atHand<T>(answer: MaybePromise<T>): T {
  if (answer instanceof Promise) throw new Error("the answer is not at hand");
  return answer;
}

/** One request. */
export type LocalEntry = {
  reserve(wanted: RequestedAmount, terms?: ReservationTerms): BudgetRefusal | null;
  reserved(): Amount | null;
  leave(): void;
  charge(real: Amount): void;
};

export type LocalMeter = Pick<Meter, "name" | "limits" | "status" | "running"> & {
  adjust(limits: Limits): void;
  enter(): LocalEntry;
  usedUp(): UsedUp | null;
  preview(wanted: RequestedAmount): BudgetRefusal | null;
  usedThisMinute(): Pick<LimitUsage, "requests" | "tokens">;
  reserved(): Amount;
  spent(): Spent;
  periods(): SpentPeriods;
  restore(known: SpentPeriods): void;
};

export function enterLocally(meter: Meter): LocalEntry {
  const entry = atHand(meter.enter());
  return {
    reserve: (wanted, terms) => atHand(entry.reserve(wanted, terms)),
    reserved: () => entry.reserved(),
    leave: () => entry.leave(),
    charge: (real) => entry.charge(real),
  };
}

export const spentOf = (meter: Meter): Spent => atHand(meter.usage()).spent;

export function localMeter(name: string, options: MemoryLimitOptions): LocalMeter {
  const store = new MemoryLimitStore(options);
  const meter = createMeterRegistry(store, options.clock.nowMs).of(name);
  return {
    name,
    limits: () => meter.limits(),
    status: () => meter.status(),
    running: () => meter.running(),
    adjust: (limits) => meter.adjust(limits),
    enter: () => enterLocally(meter),
    usedUp: () => atHand(meter.usedUp()),
    preview: (wanted) => atHand(meter.preview(wanted)),
    usedThisMinute() {
      const { requests, tokens } = atHand(meter.usage());
      return { requests, tokens };
    },
    reserved: () => atHand(meter.usage()).reserved,
    spent: () => spentOf(meter),
    periods: () => store.periods(name),
    restore: (known) => store.restore(name, known),
  };
}
