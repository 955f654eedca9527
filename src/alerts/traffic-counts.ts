// What the checks need to know of finished requests: how many failed in each minute, what each hour cost, which models answered without
// a price. Counted as requests end; it must never cost one more than a few additions.

import { consequences, type FailureKind } from "../canon/failure.ts";
import type { RequestRecord } from "../canon/record.ts";

export type FailureCount = { total: number; failed: number };

/** A model that answered, and nobody knows what that cost. */
export type UnpricedModel = {
  readonly provider: string;
  /** As it was asked for. */
  readonly model: string;
  /** As the upstream named it; null: it named none. */
  readonly answered: string | null;
  readonly seenMs: number;
};

export type SavedTraffic = {
  /** Start of the UTC hour -> nano-USD. */
  readonly hours: readonly (readonly [number, number])[];
  readonly unpriced: readonly UnpricedModel[];
};

const minuteMs = 60_000;
export const hourMs = 3_600_000;
/** The longest window of an error rate, and the minute that runs. */
const keptMinutes = 61;
const keptHours = 9 * 24;
const maxUnpriced = 100;

/** A failure that is not the client's: it counts against a provider, or is our own bug. */
const isFault = (failure: FailureKind): boolean =>
  consequences[failure].penalizes !== "nobody" || failure === "internal" || failure === "at-capacity";

type Minute = {
  readonly startMs: number;
  readonly all: FailureCount;
  readonly by: Map<string, FailureCount>;
};

export class TrafficCounts {
  private readonly minutes: Minute[] = [];
  private readonly hours = new Map<number, number>();
  private readonly unpriced = new Map<string, UnpricedModel>();

  constructor(private readonly nowMs: () => number) {}

  count(record: RequestRecord): void {
    const nowMs = this.nowMs();
    const { failure, costNanoUsd } = record;
    if (failure !== "cancelled") {
      const minute = this.minuteAt(nowMs);
      add(minute.all, failure !== null && isFault(failure));
      for (const attempt of record.attempts) {
        if (attempt.outcome !== "ok" && attempt.outcome !== "failed") continue;
        let counts = minute.by.get(attempt.provider);
        if (counts === undefined) minute.by.set(attempt.provider, (counts = { total: 0, failed: 0 }));
        add(counts, attempt.failure !== null && isFault(attempt.failure));
      }
    }
    if (costNanoUsd !== null && costNanoUsd > 0) this.spend(nowMs, costNanoUsd);
    else if (costNanoUsd === null) this.noteUnpriced(record, nowMs);
  }

  /** Of the last minutes; `provider` null: every request. */
  failures(provider: string | null, windowMs: number): FailureCount {
    const fromMs = this.nowMs() - Math.ceil(windowMs / minuteMs) * minuteMs;
    const sum = { total: 0, failed: 0 };
    for (const minute of this.minutes) {
      if (minute.startMs <= fromMs - minuteMs) continue;
      const counts = provider === null ? minute.all : minute.by.get(provider);
      sum.total += counts?.total ?? 0;
      sum.failed += counts?.failed ?? 0;
    }
    return sum;
  }

  /** Nano-USD of the UTC hour that begins then. */
  spentIn(hourStartMs: number): number {
    return this.hours.get(hourStartMs) ?? 0;
  }

  /** The first hour in which anything was spent. */
  firstHourMs(): number | null {
    return this.hours.size === 0 ? null : Math.min(...this.hours.keys());
  }

  unpricedModels(): readonly UnpricedModel[] {
    return [...this.unpriced.values()];
  }

  saved(): SavedTraffic {
    return { hours: [...this.hours], unpriced: this.unpricedModels() };
  }

  restore({ hours, unpriced }: SavedTraffic): void {
    for (const [startMs, nanoUsd] of hours) this.addTo(startMs, nanoUsd);
    for (const each of unpriced) this.unpriced.set(keyOf(each), each);
  }

  private minuteAt(nowMs: number): Minute {
    const startMs = Math.floor(nowMs / minuteMs) * minuteMs;
    const last = this.minutes.at(-1);
    if (last?.startMs === startMs) return last;
    const minute: Minute = { startMs, all: { total: 0, failed: 0 }, by: new Map() };
    this.minutes.push(minute);
    if (this.minutes.length > keptMinutes) this.minutes.shift();
    return minute;
  }

  private spend(nowMs: number, nanoUsd: number): void {
    this.addTo(Math.floor(nowMs / hourMs) * hourMs, nanoUsd);
  }

  private addTo(startMs: number, nanoUsd: number): void {
    this.hours.set(startMs, (this.hours.get(startMs) ?? 0) + nanoUsd);
    if (this.hours.size > keptHours) this.hours.delete(Math.min(...this.hours.keys()));
  }

  private noteUnpriced({ provider, model, upstreamModel, usage }: RequestRecord, seenMs: number): void {
    if (provider === null || model === null || (usage.input === null && usage.output === null)) return;
    const found = { provider, model, answered: upstreamModel, seenMs };
    const key = keyOf(found);
    if (this.unpriced.size < maxUnpriced || this.unpriced.has(key)) this.unpriced.set(key, found);
  }
}

const keyOf = ({ provider, model, answered }: UnpricedModel): string => `${provider}\n${answered ?? model}`;

function add(counts: FailureCount, isFailed: boolean): void {
  counts.total += 1;
  if (isFailed) counts.failed += 1;
}
