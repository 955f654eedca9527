// Which model a day's sums count a request under. Clients make up any number of names: of those that no config knows only so many
// have rows of their own in a day, the rest is one row. It must never push out a name of the config's.

/** Of names that no config knows: so many a day, of which half are kept for those that have answered. */
export const maxUnlistedNames = 500;
/** What all others are counted under. */
export const otherModels = "other";

/** What became of the request there. */
export type NameOutcome = "answered" | "failed" | "unknown-model";

export type ModelNameLimit = {
  countedAs(dayMs: number, provider: string, model: string, outcome: NameOutcome): string;
};

export type ModelNameLimitOptions = {
  /** The config in force names this model of this provider's. */
  readonly isListed: (provider: string, model: string) => boolean;
  /** What the database holds of the day already, at most `limit` of them. */
  readonly storedNames: (
    dayMs: number,
    limit: number,
  ) => readonly { readonly provider: string; readonly model: string }[];
};

type NamesOfDay = { readonly listed: Set<string>; readonly unlisted: Set<string> };

/** Around midnight, and while a clock is put right, records of several days come together. */
const maxDays = 4;

export function createModelNameLimit({ isListed, storedNames }: ModelNameLimitOptions): ModelNameLimit {
  const days = new Map<number, NamesOfDay>();
  // Most requests are like the one before them.
  let last = { dayMs: Number.NaN, provider: "", model: "" };

  const keyOf = (provider: string, model: string): string => `${provider}\n${model}`;
  const dayOf = (dayMs: number): NamesOfDay => {
    let day = days.get(dayMs);
    if (day !== undefined) return day;
    day = { listed: new Set(), unlisted: new Set() };
    for (const { provider, model } of storedNames(dayMs, maxUnlistedNames * 4))
      if (model !== "" && model !== otherModels)
        (isListed(provider, model) ? day.listed : day.unlisted).add(keyOf(provider, model));
    const [oldest] = days.keys();
    if (days.size >= maxDays && oldest !== undefined) days.delete(oldest);
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
        // A name that the upstream does not know either is no model at all.
        return outcome === "unknown-model" ? "" : otherModels;
      last = { dayMs, provider, model };
      return model;
    },
  };
}
