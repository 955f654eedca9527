// The model name under which the daily sums count a request. Clients make up any number of names: of names that no config knows, only
// a limited number have their own rows in a day, the rest share one. It must never drop a name of the config.

import { LRUCache } from "lru-cache";

/** Limit per day for names that no config knows; half of it is kept for names that have answered. */
export const maxUnlistedNames = 500;
/** The name that all others are counted under. */
export const otherModels = "other";

/** The outcome of the request there. */
export type NameOutcome = "answered" | "failed" | "unknown-model";

export type ModelNameLimit = {
  countedAs(dayMs: number, provider: string, model: string, outcome: NameOutcome): string;
};

export type ModelNameLimitOptions = {
  /** The active config names this model of this provider. */
  readonly isListed: (provider: string, model: string) => boolean;
  /** The names that the database already has for the day, at most `limit` of them. */
  readonly storedNames: (
    dayMs: number,
    limit: number,
  ) => readonly { readonly provider: string; readonly model: string }[];
};

type NamesOfDay = { readonly listed: Set<string>; readonly unlisted: Set<string> };

/** Around midnight, and while a clock is corrected, records of several days arrive together. */
const maxDays = 4;

export function createModelNameLimit({ isListed, storedNames }: ModelNameLimitOptions): ModelNameLimit {
  const days = new LRUCache<number, NamesOfDay>({ max: maxDays });
  // Most requests are like the previous one.
  let last = { dayMs: Number.NaN, provider: "", model: "" };

  const keyOf = (provider: string, model: string): string => `${provider}\n${model}`;
  const dayOf = (dayMs: number): NamesOfDay => {
    let day = days.get(dayMs);
    if (day !== undefined) return day;
    day = { listed: new Set(), unlisted: new Set() };
    for (const { provider, model } of storedNames(dayMs, maxUnlistedNames * 4))
      if (model !== "" && model !== otherModels)
        (isListed(provider, model) ? day.listed : day.unlisted).add(keyOf(provider, model));
    days.set(dayMs, day);
    return day;
  };

  const hasOwnRow = (dayMs: number, provider: string, model: string, outcome: NameOutcome): boolean => {
    const { listed, unlisted } = dayOf(dayMs);
    const key = keyOf(provider, model);
    if (listed.has(key) || unlisted.has(key)) return true;
    if (isListed(provider, model)) {
      listed.add(key);
      return true;
    }
    if (outcome === "unknown-model") return false;
    if (unlisted.size >= (outcome === "answered" ? maxUnlistedNames : maxUnlistedNames / 2)) return false;
    unlisted.add(key);
    return true;
  };

  return {
    countedAs(dayMs, provider, model, outcome) {
      if (model === "" || provider === "") return model === "" ? "" : otherModels;
      if (last.dayMs === dayMs && last.provider === provider && last.model === model) return model;
      if (!hasOwnRow(dayMs, provider, model, outcome))
        // A name that the upstream does not know either is not a model.
        return outcome === "unknown-model" ? "" : otherModels;
      last = { dayMs, provider, model };
      return model;
    },
  };
}
