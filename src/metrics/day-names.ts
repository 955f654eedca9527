// Which model a day's sums count a request under. Clients make up any number of names: of those that no config knows only so many
// have rows of their own in a day, the rest is one row. It must never push out a name of the config's.

/** Of names that no config knows: so many a day, of which half are kept for those that have answered. */
export const mostInvented = 500;
/** What all others are counted under. */
export const otherModels = "other";

/** What became of the request there. */
export type NameStanding = "answered" | "failed" | "unknown-model";

export type DayNames = {
  shown(dayMs: number, provider: string, model: string, standing: NameStanding): string;
};

export type DayNamesOptions = {
  /** The config in force names this model of this provider's. */
  readonly isListed: (provider: string, model: string) => boolean;
  /** What the database holds of the day already, at most `limit` of them. */
  readonly known: (
    dayMs: number,
    limit: number,
  ) => readonly { readonly provider: string; readonly model: string }[];
};

type Day = { readonly listed: Set<string>; readonly invented: Set<string> };

/** Around midnight, and while a clock is put right, records of several days come together. */
const mostDays = 4;

export function createDayNames({ isListed, known }: DayNamesOptions): DayNames {
  const days = new Map<number, Day>();
  // Most requests are like the one before them.
  let last = { dayMs: Number.NaN, provider: "", model: "" };

  const keyOf = (provider: string, model: string): string => `${provider}\n${model}`;
  const dayOf = (dayMs: number): Day => {
    let day = days.get(dayMs);
    if (day !== undefined) return day;
    day = { listed: new Set(), invented: new Set() };
    for (const { provider, model } of known(dayMs, mostInvented * 4))
      if (model !== "" && model !== otherModels)
        (isListed(provider, model) ? day.listed : day.invented).add(keyOf(provider, model));
    const [oldest] = days.keys();
    if (days.size >= mostDays && oldest !== undefined) days.delete(oldest);
    days.set(dayMs, day);
    return day;
  };

  const hasRow = (dayMs: number, provider: string, model: string, standing: NameStanding): boolean => {
    const { listed, invented } = dayOf(dayMs);
    const key = keyOf(provider, model);
    if (listed.has(key) || invented.has(key)) return true;
    if (isListed(provider, model)) {
      listed.add(key);
      return true;
    }
    if (standing === "unknown-model") return false;
    if (invented.size >= (standing === "answered" ? mostInvented : mostInvented / 2)) return false;
    invented.add(key);
    return true;
  };

  return {
    shown(dayMs, provider, model, standing) {
      if (model === "" || provider === "") return model === "" ? "" : otherModels;
      if (last.dayMs === dayMs && last.provider === provider && last.model === model) return model;
      if (!hasRow(dayMs, provider, model, standing))
        // A name that the upstream does not know either is no model at all.
        return standing === "unknown-model" ? "" : otherModels;
      last = { dayMs, provider, model };
      return model;
    },
  };
}
