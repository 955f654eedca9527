// What tenants have spent outlives the process: written into the state store after it changed, never with a request, and taken
// from there or from the records, whichever knows of more. A kill loses at most what was spent within the last moment.

import { readUsed } from "../metrics/spent.ts";
import type { RecordSource } from "../metrics/store.ts";
import type { StateStore } from "../state/store.ts";
import type { Clock } from "../system/clock.ts";
import type { Log } from "../system/log.ts";
import { createMeterBook, type MeterBook } from "../tenants/limits.ts";
import type { TenantSettings } from "../tenants/settings.ts";
import { type Amount, dayOf, monthOf, nextMonthOf, nothing, type Spent } from "../tenants/spending.ts";

export type SpendingMemory = {
  readonly meters: MeterBook;
  /** Fetches what those with a budget have spent already, once for each. Never rejects. */
  follow(tenants: readonly Pick<TenantSettings, "name" | "limits">[]): Promise<void>;
  /** Writes what is outstanding. */
  flush(): Promise<void>;
};

const namespace = "spent";
/** What is spent within this time is written once. */
const settleMs = 500;

export function createSpendingMemory(options: {
  readonly store: StateStore;
  readonly records: RecordSource;
  readonly clock: Pick<Clock, "nowMs" | "monotonicMs" | "setTimer">;
  readonly log: Pick<Log, "warn">;
}): SpendingMemory {
  const { store, records, clock, log } = options;
  const dirty = new Set<string>();
  let followed: ReadonlySet<string> = new Set();
  let cancel: (() => void) | null = null;

  const write = async (): Promise<void> => {
    cancel?.();
    cancel = null;
    const names = [...dirty];
    dirty.clear();
    for (const name of names) {
      const spent = meters.of(name).spent();
      await store.set(namespace, name, spent, nextMonthOf(spent.monthMs));
    }
  };
  const meters = createMeterBook({
    clock,
    onCharge(name) {
      dirty.add(name);
      cancel ??= clock.setTimer(settleMs, () => {
        write().catch((error: unknown) => log.warn("what tenants spent could not be kept", { error }));
      });
    },
  });

  const learn = async (name: string): Promise<void> => {
    const meter = meters.of(name);
    const kept = readSpent(await store.get(namespace, name));
    if (kept !== null) meter.restore(kept);
    const now = clock.nowMs();
    const [dayMs, monthMs] = [dayOf(now), monthOf(now)];
    const day = readUsed(records, name, dayMs);
    const month = readUsed(records, name, monthMs);
    meter.restore({ dayMs, monthMs, day: day ?? nothing, month: month ?? nothing });
  };

  return {
    meters,
    async follow(tenants) {
      const names = tenants.flatMap(({ name, limits }) => (limits?.budget === undefined ? [] : [name]));
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
    async flush() {
      await write();
      await store.flush();
    },
  };
}

/** Null where somebody else wrote what is none. */
function readSpent(value: unknown): Spent | null {
  const { dayMs, monthMs, day, month } = (value ?? {}) as Partial<Record<keyof Spent, unknown>>;
  const [known, knownMonth] = [readAmount(day), readAmount(month)];
  if (typeof dayMs !== "number" || typeof monthMs !== "number") return null;
  return known === null || knownMonth === null ? null : { dayMs, monthMs, day: known, month: knownMonth };
}

function readAmount(value: unknown): Amount | null {
  const { tokens, nanoUsd } = (value ?? {}) as Partial<Record<keyof Amount, unknown>>;
  const isSum = (sum: unknown): sum is number => typeof sum === "number" && Number.isFinite(sum) && sum >= 0;
  return isSum(tokens) && isSum(nanoUsd) ? { tokens, nanoUsd } : null;
}
