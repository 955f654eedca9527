// Keeps tenant spending across restarts: it is written to slots before the end of an answer is sent, and to the state store a
// little later; a start takes the highest of store, slots and records. Writing must never take more than a share of the process's
// time.

import type { MetricsStore } from "../../metrics/metrics-store.ts";
import type { Slots } from "../../state/slots.ts";
import type { StateStore } from "../../state/state-store.ts";
import type { Clock } from "../../system/clock.ts";
import type { Log } from "../../system/log.ts";
import { createMeterRegistry, type MeterRegistry } from "../../tenants/limits.ts";
import { MemoryLimitStore } from "../../tenants/memory-limit-store.ts";
import type { TenantSettings } from "../../tenants/settings.ts";
import {
  type Amount,
  dayOf,
  type SpentPeriod,
  type SpentPeriods,
  monthOf,
  nextDayOf,
  nextMonthOf,
} from "../../tenants/spending.ts";

export type SavedSpending = {
  readonly meters: MeterRegistry;
  /** Loads what tenants with a budget have already spent, once for each. Never rejects. */
  follow(tenants: readonly Pick<TenantSettings, "name" | "limits">[]): Promise<void>;
  /** To be called periodically: creates slots again that were deleted or replaced. */
  checkSlots(): void;
  /** Writes what is spent; from then on another process writes, and is told of every charge. */
  handOver(to: OnCharged): void;
  /** After `handOver`: that process is gone, and this one writes again. */
  takeBack(): Promise<void>;
  /** Writes pending changes for the last time. */
  close(): Promise<void>;
};

/** `dayMs`: the day that was charged. */
export type OnCharged = (tenant: string, dayMs: number, real: Amount) => void;

/** The same where limits are counted in memory; another home of them keeps by itself what it counts. */
export type SavedMemorySpending = SavedSpending & { readonly limits: MemoryLimitStore };

const namespace = "spent";
/** The share of the time that writing may use, how much of it can be saved up, and the pause after it is used up. */
const writingShare = 0.05;
const maxSavedMs = 50;
const restMs = 20;
/** Without a budget a kill loses nothing that matters; with a slot it loses nothing at all. */
const lazyWriteMs = 150;
/** Days and months that are kept: no budget looks further back. */
const keptDays = 8;
const keptMonths = 3;
/** In a slot: around midnight, answers of two periods end. */
const slotPeriods = 2;

export type SavedSpendingOptions = {
  readonly store: StateStore;
  /** Null: slots cannot be stored. */
  readonly slots: Slots | null;
  readonly records: Pick<MetricsStore, "flush" | "spent">;
  readonly clock: Pick<Clock, "nowMs" | "monotonicMs" | "setTimer">;
  readonly log: Pick<Log, "warn">;
};

export function createSavedSpending(options: SavedSpendingOptions): SavedMemorySpending {
  const spending = new Spending(options);
  return {
    meters: spending.meters,
    limits: spending.limits,
    follow: (tenants) => spending.follow(tenants),
    handOver: (to) => spending.handOver(to),
    takeBack: () => spending.takeBack(),
    checkSlots: () => options.slots?.checkFile(),
    close: () => spending.close(),
  };
}

class Spending {
  readonly meters: MeterRegistry;
  readonly limits: MemoryLimitStore;
  private readonly dirty = new Set<string>();
  private followed: ReadonlySet<string> = new Set();
  /** Not null: another process writes. */
  private heir: OnCharged | null = null;
  private cancel: (() => void) | null = null;
  private writesAtMs = 0;
  private readonly budget: WriteBudget;

  constructor(private readonly options: SavedSpendingOptions) {
    const { clock, log } = options;
    this.budget = new WriteBudget(clock);
    this.limits = new MemoryLimitStore({
      clock,
      onCharge: (name, startMs, real) => this.charged(name, startMs, real),
      // Happens after a start with a wrong clock, or if an earlier run has used up the day's budget.
      onNewDay: (name) => {
        if (!this.followed.has(name)) return;
        clock.setTimer(0, () => {
          this.learn(name).catch((error: unknown) =>
            log.warn("earlier tenant spending is unknown", { error }),
          );
        });
      },
    });
    this.meters = createMeterRegistry(this.limits, clock.nowMs);
  }

  async follow(tenants: readonly Pick<TenantSettings, "name" | "limits">[]): Promise<void> {
    const { records, log } = this.options;
    const names = tenants.flatMap(({ name, limits }) => (limits?.budget === undefined ? [] : [name]));
    const isNew = names.filter((name) => !this.followed.has(name));
    this.followed = new Set(names);
    if (isNew.length === 0) return;
    try {
      await records.flush();
      for (const name of isNew) await this.learn(name);
    } catch (error) {
      log.warn("earlier tenant spending is unknown", { error });
    }
  }

  async close(): Promise<void> {
    await this.write();
    await this.options.store.flush();
    this.options.slots?.close();
  }

  handOver(to: OnCharged): void {
    this.writeNow();
    this.heir = to;
  }

  async takeBack(): Promise<void> {
    this.heir = null;
    for (const name of this.limits.names()) this.dirty.add(name);
    this.writeNow();
    // The other process may have charged something too: by now it is in the records.
    try {
      await this.options.records.flush();
      for (const name of this.followed) await this.learn(name);
    } catch (error) {
      this.options.log.warn("earlier tenant spending is unknown", { error });
    }
  }

  private charged(name: string, startMs: number, real: Amount): void {
    if (this.heir !== null) {
      this.heir(name, startMs, real);
      return;
    }
    this.dirty.add(name);
    if (!this.followed.has(name)) this.writeIn(lazyWriteMs);
    else if (this.budget.left() <= 0) this.writeIn(restMs);
    else if (this.isPut(name)) this.writeIn(lazyWriteMs);
    else this.writeNow();
  }

  private async write(): Promise<void> {
    this.cancel?.();
    this.cancel = null;
    this.budget.left();
    const { store } = this.options;
    const names = [...this.dirty];
    this.dirty.clear();
    const kept = names.map((name) => {
      const { days, months } = this.limits.periods(name);
      const now = this.limits.spent(name);
      const value = { ...now, days: newest(days, keptDays), months: newest(months, keptMonths) };
      const endsAtMs = nextMonthOf(Math.max(now.monthMs, value.months[0]?.startMs ?? 0));
      return store.set(namespace, name, value, endsAtMs);
    });
    store.writeNow();
    this.budget.used();
    await Promise.all(kept);
  }

  private writeNow(): void {
    this.write().catch((error: unknown) =>
      this.options.log.warn("tenant spending could not be saved", { error }),
    );
  }

  private writeIn(delayMs: number): void {
    const { clock } = this.options;
    const dueMs = clock.monotonicMs() + delayMs;
    if (this.cancel !== null && this.writesAtMs <= dueMs) return;
    this.cancel?.();
    this.writesAtMs = dueMs;
    this.cancel = clock.setTimer(delayMs, () => this.writeNow());
  }

  /** False: it must be written to the store. */
  private isPut(name: string): boolean {
    const { slots } = this.options;
    if (slots === null) return false;
    const { days, months } = this.limits.periods(name);
    const isKept = slots.put(name, {
      days: newest(days, slotPeriods),
      months: newest(months, slotPeriods),
    });
    this.budget.used();
    return isKept;
  }

  private async learn(name: string): Promise<void> {
    const { store, slots, records, clock } = this.options;
    const kept = readKept(await store.get(namespace, name));
    if (kept !== null) this.limits.restore(name, kept);
    const put = (slots?.get(name) ?? {}) as Partial<Record<string, unknown>>;
    this.limits.restore(name, { days: readPeriods(put["days"]), months: readPeriods(put["months"]) });
    const now = clock.nowMs();
    const [dayMs, monthMs] = [dayOf(now), monthOf(now)];
    const day = await records.spent({ tenant: name, sinceMs: dayMs, untilMs: nextDayOf(now) });
    const month = await records.spent({ tenant: name, sinceMs: monthMs, untilMs: nextMonthOf(now) });
    this.limits.restore(name, {
      days: day === null ? [] : [{ startMs: dayMs, ...day }],
      months: month === null ? [] : [{ startMs: monthMs, ...month }],
    });
  }
}

/** The time that writing may take: a share of the process's time, part of which can be saved up. */
class WriteBudget {
  private savedMs = maxSavedMs;
  private savedAtMs: number;

  constructor(private readonly clock: Pick<Clock, "monotonicMs">) {
    this.savedAtMs = clock.monotonicMs();
  }

  /** Milliseconds that may be used now. Starts the measurement that `used` ends. */
  left(): number {
    const now = this.clock.monotonicMs();
    this.savedMs = Math.min(maxSavedMs, this.savedMs + (now - this.savedAtMs) * writingShare);
    this.savedAtMs = now;
    return this.savedMs;
  }

  used(): void {
    const endMs = this.clock.monotonicMs();
    this.savedMs -= endMs - this.savedAtMs;
    this.savedAtMs = endMs;
  }
}

const newest = (periods: readonly SpentPeriod[], most: number): readonly SpentPeriod[] =>
  periods.toSorted((left, right) => right.startMs - left.startMs).slice(0, most);

/** Null where the value is not ours. An older build wrote only the current day and month. */
function readKept(value: unknown): SpentPeriods | null {
  const { dayMs, monthMs, day, month, days, months } = (value ?? {}) as Partial<Record<string, unknown>>;
  const [ofDay, ofMonth] = [readPeriod(dayMs, day), readPeriod(monthMs, month)];
  if (ofDay === null || ofMonth === null) return null;
  return { days: [ofDay, ...readPeriods(days)], months: [ofMonth, ...readPeriods(months)] };
}

function readPeriods(value: unknown): readonly SpentPeriod[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, keptDays).flatMap((each: unknown) => {
    const period = readPeriod((each as { startMs?: unknown } | null)?.startMs, each);
    return period === null ? [] : [period];
  });
}

function readPeriod(startMs: unknown, value: unknown): SpentPeriod | null {
  const amount = readAmount(value);
  if (typeof startMs !== "number" || !Number.isSafeInteger(startMs) || amount === null) return null;
  return { startMs, ...amount };
}

function readAmount(value: unknown): Amount | null {
  const { tokens, nanoUsd } = (value ?? {}) as Partial<Record<keyof Amount, unknown>>;
  const isSum = (sum: unknown): sum is number => typeof sum === "number" && Number.isFinite(sum) && sum >= 0;
  return isSum(tokens) && isSum(nanoUsd) ? { tokens, nanoUsd } : null;
}
