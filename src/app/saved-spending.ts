// What tenants have spent outlives the process: put into slots when an answer ends, before its end is sent, and written into the
// state store a little later; taken from there, from the slots or from the records, whichever knows of most. Writing must never
// take more than a share of the process's time.

import type { MetricsStore } from "../metrics/metrics-store.ts";
import type { Slots } from "../state/slots.ts";
import type { StateStore } from "../state/state-store.ts";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import { createMeterRegistry, type MeterRegistry } from "../tenants/limits.ts";
import { MemoryLimitStore } from "../tenants/memory-limit-store.ts";
import type { TenantSettings } from "../tenants/settings.ts";
import {
  type Amount,
  dayOf,
  type SpentPeriod,
  type SpentPeriods,
  monthOf,
  nextDayOf,
  nextMonthOf,
} from "../tenants/spending.ts";

export type SavedSpending = {
  readonly meters: MeterRegistry;
  /** Where they count. */
  readonly limits: MemoryLimitStore;
  /** Fetches what those with a budget have spent already, once for each. Never rejects. */
  follow(tenants: readonly Pick<TenantSettings, "name" | "limits">[]): Promise<void>;
  /** To be called from time to time: slots that were deleted or replaced are made again. */
  checkSlots(): void;
  /** Writes what is outstanding, for the last time. */
  close(): Promise<void>;
};

const namespace = "spent";
/** The part of the time that writing may take, how much of it can be saved up, and how long it rests when that is used up. */
const writingShare = 0.05;
const maxSavedMs = 50;
const restMs = 20;
/** Without a budget nobody loses by a kill, and with a slot neither. */
const unhurriedMs = 150;
/** Days and months that are written: what lies further back is no budget of anybody's. */
const keptDays = 8;
const keptMonths = 3;
/** In a slot: around midnight answers of two of them end. */
const slotPeriods = 2;

export function createSavedSpending(options: {
  readonly store: StateStore;
  /** Null: there is no place for them. */
  readonly slots: Slots | null;
  readonly records: Pick<MetricsStore, "flush" | "spent">;
  readonly clock: Pick<Clock, "nowMs" | "monotonicMs" | "setTimer">;
  readonly log: Pick<Log, "warn">;
}): SavedSpending {
  const { store, slots, records, clock, log } = options;
  const dirty = new Set<string>();
  let followed: ReadonlySet<string> = new Set();
  let cancel: (() => void) | null = null;
  let writesAtMs = 0;
  let savedMs = maxSavedMs;
  let savedAtMs = clock.monotonicMs();

  /** Milliseconds that may be spent on writing now. */
  const saved = (now: number): number => {
    savedMs = Math.min(maxSavedMs, savedMs + (now - savedAtMs) * writingShare);
    savedAtMs = now;
    return savedMs;
  };

  const write = async (): Promise<void> => {
    cancel?.();
    cancel = null;
    saved(clock.monotonicMs());
    const names = [...dirty];
    dirty.clear();
    const kept = names.map((name) => {
      const { days, months } = limits.periods(name);
      const now = limits.spent(name);
      const value = { ...now, days: newest(days, keptDays), months: newest(months, keptMonths) };
      const endsAtMs = nextMonthOf(Math.max(now.monthMs, value.months[0]?.startMs ?? 0));
      return store.set(namespace, name, value, endsAtMs);
    });
    store.writeNow();
    const endMs = clock.monotonicMs();
    savedMs -= endMs - savedAtMs;
    savedAtMs = endMs;
    await Promise.all(kept);
  };
  const writeNow = (): void => {
    write().catch((error: unknown) => log.warn("what tenants spent could not be kept", { error }));
  };
  /** False: it has to be written. */
  const isPut = (name: string): boolean => {
    if (slots === null) return false;
    const { days, months } = limits.periods(name);
    const isKept = slots.put(name, {
      days: newest(days, slotPeriods),
      months: newest(months, slotPeriods),
    });
    const endMs = clock.monotonicMs();
    savedMs -= endMs - savedAtMs;
    savedAtMs = endMs;
    return isKept;
  };
  const writeIn = (delayMs: number): void => {
    const dueMs = clock.monotonicMs() + delayMs;
    if (cancel !== null && writesAtMs <= dueMs) return;
    cancel?.();
    writesAtMs = dueMs;
    cancel = clock.setTimer(delayMs, writeNow);
  };
  const limits = new MemoryLimitStore({
    clock,
    onCharge(name) {
      dirty.add(name);
      if (!followed.has(name)) writeIn(unhurriedMs);
      else if (saved(clock.monotonicMs()) <= 0) writeIn(restMs);
      else if (isPut(name)) writeIn(unhurriedMs);
      else writeNow();
    },
    // A clock that was wrong at the start, and a budget of a day that an earlier run has used already.
    onNewDay(name) {
      if (!followed.has(name)) return;
      clock.setTimer(0, () => {
        learn(name).catch((error: unknown) => log.warn("what tenants spent before is not known", { error }));
      });
    },
  });

  const learn = async (name: string): Promise<void> => {
    const kept = readKept(await store.get(namespace, name));
    if (kept !== null) limits.restore(name, kept);
    const put = (slots?.get(name) ?? {}) as Partial<Record<string, unknown>>;
    limits.restore(name, { days: readPeriods(put["days"]), months: readPeriods(put["months"]) });
    const now = clock.nowMs();
    const [dayMs, monthMs] = [dayOf(now), monthOf(now)];
    const day = await records.spent({ tenant: name, sinceMs: dayMs, untilMs: nextDayOf(now) });
    const month = await records.spent({ tenant: name, sinceMs: monthMs, untilMs: nextMonthOf(now) });
    limits.restore(name, {
      days: day === null ? [] : [{ startMs: dayMs, ...day }],
      months: month === null ? [] : [{ startMs: monthMs, ...month }],
    });
  };

  return {
    meters: createMeterRegistry(limits, clock.nowMs),
    limits,
    async follow(tenants) {
      const names = tenants.flatMap(({ name, limits: { budget } = {} }) =>
        budget === undefined ? [] : [name],
      );
      const isNew = names.filter((name) => !followed.has(name));
      followed = new Set(names);
      if (isNew.length === 0) return;
      try {
        await records.flush();
        for (const name of isNew) await learn(name);
      } catch (error) {
        log.warn("what tenants spent before is not known", { error });
      }
    },
    checkSlots() {
      slots?.checkFile();
    },
    async close() {
      await write();
      await store.flush();
      slots?.close();
    },
  };
}

const newest = (periods: readonly SpentPeriod[], most: number): readonly SpentPeriod[] =>
  periods.toSorted((left, right) => right.startMs - left.startMs).slice(0, most);

/** Null where somebody else wrote what is none. An older build wrote the current day and month alone. */
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
