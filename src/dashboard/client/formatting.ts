// How figures are written: money, tokens, durations, times of the viewer's own zone. Unknown is written as a dash, never as 0.

export const dash = "–";

/** To the cent; below a cent two significant digits, because most requests cost less than one. */
export function money(usd: number | null | undefined): string {
  if (usd === null || usd === undefined || !Number.isFinite(usd)) return dash;
  const sign = usd < 0 ? "−" : "";
  const amount = Math.abs(usd);
  if (amount === 0) return "$0";
  // The smallest step of the gateway's answers.
  if (amount < 0.000_001) return `${sign}<$0.000001`;
  if (amount < 0.01) return `${sign}$${amount.toFixed(Math.min(8, 1 - Math.floor(Math.log10(amount))))}`;
  return `${sign}$${amount.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

/** Money at a mark of an axis: as many digits as tell it from the next mark. */
export function moneyTick(usd: number, step: number): string {
  if (usd === 0 || step >= 1e3) return `$${short(usd)}`;
  const digits = step >= 1 ? 0 : Math.max(2, Math.ceil(-Math.log10(step) - 1e-9));
  return `$${usd.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

/** 1234567 -> "1,234,567". */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? dash : value.toLocaleString("en-US");
}

const steps: readonly (readonly [number, string])[] = [
  [1e12, "T"],
  [1e9, "B"],
  [1e6, "M"],
  [1e3, "k"],
];

/** 1234567 -> "1.23M": three digits say enough beside each other. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return dash;
  for (const [step, unit] of steps) {
    // 999,950 would be written as "1000k".
    if (Math.abs(value) < step * 0.9995) continue;
    const scaled = value / step;
    return scaled.toFixed(Math.abs(scaled) >= 99.95 ? 0 : Math.abs(scaled) >= 9.995 ? 1 : 2) + unit;
  }
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}

export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return dash;
  if (ms < 1) return "0 ms";
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${pad(seconds % 60)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} m`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

const pad = (value: number): string => String(value).padStart(2, "0");

export function percent(value: number | null | undefined, digits = 1): string {
  return value === null || value === undefined || !Number.isFinite(value)
    ? dash
    : `${value.toFixed(digits)} %`;
}

export const viewerZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

const formats = {
  full: { dateStyle: "medium", timeStyle: "medium" },
  clock: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
  minute: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  day: { month: "short", day: "numeric" },
  dayAndMinute: { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

export function time(ms: number | null | undefined, form: keyof typeof formats, zone?: string): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return dash;
  return new Intl.DateTimeFormat("en-GB", {
    ...formats[form],
    ...(zone === undefined ? {} : { timeZone: zone }),
  }).format(ms);
}

/** Today only the clock, else with the day. */
export function shortTime(ms: number, nowMs = Date.now()): string {
  return time(ms, "day") === time(nowMs, "day") ? time(ms, "clock") : time(ms, "dayAndMinute");
}

/** The change against the time before in percent; null where there was nothing to compare with. */
export function change(now: number | null, before: number | null | undefined): number | null {
  if (now === null || before === null || before === undefined || before === 0) return null;
  return ((now - before) / before) * 100;
}

/** A name from outside: control, format and direction characters become visible, and what is endless gets an end. */
export function shown(name: string | null | undefined, most = 160): string {
  if (name === null || name === undefined || name === "") return dash;
  const visible = name.replaceAll(
    // oxlint-disable-next-line no-control-regex
    /[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  const points = Array.from(visible.slice(0, most * 4));
  return points.length > most ? `${points.slice(0, most).join("")}…` : points.join("");
}
