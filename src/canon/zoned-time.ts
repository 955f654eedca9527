// Times as people write them: milliseconds since 1970, ISO 8601, or relative to now; a time without a zone is one of the reader's
// zone. It must never guess: what cannot be read is null.

const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** The end of the year 9999, the last that ISO 8601 writes with four digits. */
const latestMs = 253_402_300_799_999;

const relative = /^now(?:([+-])(\d{1,7})([smhdw]))?$/;
// A plus sign in a query that nobody encoded arrives as a space.
const iso =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?(Z|[+ -]\d\d:?\d\d)?)?$/i;

export const timeForms =
  "milliseconds since 1970, an ISO 8601 time or date, `now`, or `now-24h` (units s, m, h, d, w)";

export function readTime(text: string, nowMs: number, zone: string): number | null {
  const found = msOf(text, nowMs, zone);
  return found === null || !(found >= 0 && found <= latestMs) ? null : found;
}

function msOf(text: string, nowMs: number, zone: string): number | null {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const [isRelative, sign, count = "0", unit = "s"] = relative.exec(text) ?? [];
  if (isRelative !== undefined) return nowMs + (sign === "-" ? -1 : 1) * Number(count) * (unitMs[unit] ?? 0);
  return isoMs(text, zone);
}

function isoMs(text: string, zone: string): number | null {
  const [whole, ...parts] = iso.exec(text) ?? [];
  if (whole === undefined) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(0, 6)
    .map((part) => Number(part ?? 0));
  const wallMs = Date.UTC(
    year,
    month - 1,
    day,
    hour,
    minute,
    second,
    Number((parts[6] ?? "").padEnd(3, "0") || 0),
  );
  // Date.UTC moves the 30th of February into March.
  const read = new Date(wallMs);
  if (read.getUTCMonth() !== month - 1 || read.getUTCDate() !== day) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  const offset = parts[7];
  if (offset === undefined) return zonedMs(wallMs, zone);
  if (offset.toUpperCase() === "Z") return wallMs;
  const [hours, minutes] = [Number(offset.slice(1, 3)), Number(offset.slice(-2))];
  if (hours > 23 || minutes > 59) return null;
  return wallMs - (offset.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/** Whether this is a zone of the IANA database, such as Europe/Berlin; not a bare offset. */
export function isZone(zone: string): boolean {
  if (!/^[A-Za-z][\w+/-]{0,63}$/.test(zone)) return false;
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: zone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/**
 * The moment at which the zone's clocks show `wallMs` (as if it were UTC): the first one, if they show it twice; the end
 * of the gap, if they skip it.
 */
function zonedMs(wallMs: number, zone: string): number {
  const offsetAt = offsetReader(zone);
  const first = wallMs - offsetAt(wallMs);
  const candidates = [first, wallMs - offsetAt(first), wallMs - offsetAt(wallMs - 86_400_000)];
  const fitting = candidates.filter((atMs) => atMs + offsetAt(atMs) === wallMs);
  return fitting.length > 0 ? Math.min(...fitting) : gapEnd(wallMs, offsetAt);
}

/** The clocks are put forward over this time. */
function gapEnd(wallMs: number, offsetAt: (atMs: number) => number): number {
  let [before, after] = [wallMs - 86_400_000 * 2, wallMs + 86_400_000 * 2];
  const shows = (atMs: number): number => atMs + offsetAt(atMs);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (shows(middle) < wallMs) before = middle;
    else after = middle;
  }
  return after;
}

function offsetReader(zone: string): (atMs: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    calendar: "gregory",
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  return (atMs) => {
    const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    const shown = Date.UTC(
      part("year"),
      part("month") - 1,
      part("day"),
      part("hour"),
      part("minute"),
      part("second"),
    );
    return shown - Math.floor(atMs / 1000) * 1000;
  };
}

/** The day that the zone's calendar shows, YYYY-MM-DD. */
export function dayIn(zone: string, atMs: number): string {
  return new Date(atMs + offsetReader(zone)(atMs)).toISOString().slice(0, 10);
}
