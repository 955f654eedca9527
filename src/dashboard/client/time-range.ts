// The range of time that a page shows: `from` and `to` of the address, as /api takes them. Absent is the last 24 hours.

export type RangeChoice = { readonly from: string; readonly label: string; readonly name: string };

export const rangeChoices: readonly RangeChoice[] = [
  { from: "now-1h", label: "1 h", name: "Last hour" },
  { from: "now-24h", label: "24 h", name: "Last 24 hours" },
  { from: "now-7d", label: "7 d", name: "Last 7 days" },
  { from: "now-30d", label: "30 d", name: "Last 30 days" },
];
const usual = "now-24h";

export type TimeRange = { readonly from: string; readonly to: string | null };

export function rangeOf(query: URLSearchParams): TimeRange {
  return { from: query.get("from") ?? usual, to: query.get("to") };
}

/** Null: a range of the viewer's own. */
export function choiceOf({ from, to }: TimeRange): RangeChoice | null {
  return to === null ? (rangeChoices.find((each) => each.from === from) ?? null) : null;
}

/** The shortest usual range that holds a time; null where it is older than all of them. */
export function shortestRange(ms: number, nowMs: number): string | null {
  const holds = ({ from }: RangeChoice): boolean => (millisecondsOf(from, nowMs) ?? nowMs) <= ms;
  return rangeChoices.find(holds)?.from ?? null;
}

/** What `<input type="datetime-local">` holds, of a time in the viewer's zone; "" if it is none. */
export function localInput(ms: number): string {
  if (!Number.isFinite(ms)) return "";
  const at = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** The other way; null for an incomplete input. */
export function inputTime(value: string): number | null {
  const ms = value === "" ? Number.NaN : new Date(value).getTime();
  return Number.isFinite(ms) ? ms : null;
}

/** Milliseconds of `from` or `to`; null for what only the gateway can read. */
export function millisecondsOf(value: string, nowMs: number): number | null {
  if (value === "now") return nowMs;
  const relative = /^now-(\d+)([mhdw])$/.exec(value);
  const unit = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
  if (relative !== null) return nowMs - Number(relative[1]) * unit[relative[2] as keyof typeof unit];
  if (/^\d{10,}$/.test(value)) return Number(value);
  const ms = Date.parse(value);
  return Number.isFinite(ms) ? ms : null;
}
