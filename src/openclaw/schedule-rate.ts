// How often a schedule of OpenClaw's automations fires in a day. Null: nobody can say beforehand.

/** `{kind: "every", everyMs}`, `{kind: "cron", expr}`, `{kind: "at"}`, or something that waits for an event. */
export function runsPerDay(schedule: unknown): number | null {
  if (typeof schedule !== "object" || schedule === null || !("kind" in schedule)) return null;
  if (schedule.kind === "at") return 0;
  if (schedule.kind === "every" && "everyMs" in schedule) {
    const every = schedule.everyMs;
    return typeof every === "number" && every > 0 ? dayMs / every : null;
  }
  if (schedule.kind === "cron" && "expr" in schedule && typeof schedule.expr === "string")
    return cronRunsPerDay(schedule.expr);
  return null;
}

const dayMs = 86_400_000;

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** Of five or six fields (the first are seconds), averaged over a year. Null: an expression of another form. */
function cronRunsPerDay(expression: string): number | null {
  const fields = expression.trim().toLowerCase().split(/\s+/);
  const [second, minute, hour, day, month, weekday] = fields.length === 5 ? ["0", ...fields] : fields;
  if (fields.length < 5 || fields.length > 6) return null;
  const seconds = valuesOf(second, 0, 59);
  const minutes = valuesOf(minute, 0, 59);
  const hours = valuesOf(hour, 0, 23);
  const days = valuesOf(day, 1, 31);
  const monthsOfYear = valuesOf(month, 1, 12, months);
  const daysOfWeek = valuesOf(weekday, 0, 7, weekdays);
  if (!seconds || !minutes || !hours || !days || !monthsOfYear || !daysOfWeek) return null;
  const isAnyDay = day === "*" || day === "?";
  const isAnyWeekday = weekday === "*" || weekday === "?";
  let matching = 0;
  // A common year that begins on a Sunday: which one it is changes an average by less than a percent.
  for (let at = 0; at < 365; at++) {
    const date = new Date(Date.UTC(2023, 0, 1 + at));
    if (!monthsOfYear.has(date.getUTCMonth() + 1)) continue;
    const fitsDay = days.has(date.getUTCDate());
    const fitsWeekday = daysOfWeek.has(date.getUTCDay()) || (date.getUTCDay() === 0 && daysOfWeek.has(7));
    // Where both are restricted, either is enough.
    const fits = isAnyDay || isAnyWeekday ? fitsDay && fitsWeekday : fitsDay || fitsWeekday;
    if (fits) matching += 1;
  }
  return (seconds.size * minutes.size * hours.size * matching) / 365;
}

/** `*`, `5`, `1-5`, a step behind a slash, `mon-fri`, and lists of them. Null: something else. */
function valuesOf(
  field: string | undefined,
  least: number,
  most: number,
  names: readonly string[] = [],
): ReadonlySet<number> | null {
  const values = new Set<number>();
  const numberOf = (text: string | undefined): number => {
    const named = names.indexOf(text ?? "");
    return named >= 0
      ? named + (least === 1 ? 1 : 0)
      : /^\d{1,2}$/.test(text ?? "")
        ? Number(text)
        : Number.NaN;
  };
  for (const part of (field ?? "").split(",")) {
    const [range = "", step = "1", ...rest] = part.split("/");
    const isAll = range === "*" || range === "?";
    const [low, high = part.includes("/") ? String(most) : low, ...more] = range.split("-");
    const from = isAll ? least : numberOf(low);
    const to = isAll ? most : numberOf(high);
    const by = /^\d{1,2}$/.test(step) ? Number(step) : Number.NaN;
    if (rest.length > 0 || more.length > 0 || !(from >= least && to <= most && from <= to && by > 0))
      return null;
    for (let value = from; value <= to; value += by) values.add(value);
  }
  return values;
}
