// What a vendor reports as left of a key's quota: rate-limit headers and the claude program's events, stored as received and
// parsed only for display and where routing asks (used-quota.ts). It must never cost a request more than an assignment.

export type Allowance = {
  /** The vendor's own name for it: requests, tokens, five_hour, unified-5h. */
  readonly name: string;
  readonly limit: number | null;
  readonly remaining: number | null;
  /** 0 to 100 or beyond. */
  readonly usedPercent: number | null;
  /** The vendor's status: allowed, allowed_warning, rejected. */
  readonly status: string | null;
  readonly resetsAtMs: number | null;
};

type Event = Readonly<Record<string, unknown>>;

export type ReportedAllowance = {
  headers: Headers | null;
  headersAtMs: number;
  /** What they say; null: not read yet. Many requests may be routed between two answers. */
  read: readonly Allowance[] | null;
  /** The program reports one window at a time. */
  readonly windows: Map<string, { readonly allowance: () => Allowance; readonly atMs: number }>;
};

export const createReportedAllowance = (): ReportedAllowance => ({
  headers: null,
  headersAtMs: 0,
  read: null,
  windows: new Map(),
});

const maxWindows = 12;
const maxNames = 24;
const longestWord = 60;

/** From a failed answer only if it has such headers: a proxy's error must not erase the vendor's numbers. */
export function recordHeaders(
  reported: ReportedAllowance,
  headers: Headers,
  isGood: boolean,
  nowMs: number,
): void {
  if (!isGood && allowancesOf(headers, nowMs).length === 0) return;
  reported.headers = headers;
  reported.headersAtMs = nowMs;
  reported.read = null;
}

export function recordEvent(reported: ReportedAllowance, event: Event, nowMs: number): void {
  const name = text(event["rateLimitType"]) ?? "plan";
  if (reported.windows.size >= maxWindows && !reported.windows.has(name)) return;
  let read: Allowance | null = null;
  reported.windows.set(name, { allowance: () => (read ??= readEvent(name, event, nowMs)), atMs: nowMs });
}

export function allowancesIn(reported: ReportedAllowance): readonly Allowance[] {
  return [
    ...headerAllowances(reported),
    ...[...reported.windows.values()].map(({ allowance }) => allowance()),
  ];
}

export function headerAllowances(reported: ReportedAllowance): readonly Allowance[] {
  const { headers, headersAtMs } = reported;
  if (headers === null) return [];
  return (reported.read ??= allowancesOf(headers, headersAtMs));
}

const text = (value: unknown): string | null =>
  typeof value === "string" && value !== "" ? value.slice(0, longestWord) : null;
const count = (value: unknown): number | null => {
  const read = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof read === "number" && Number.isFinite(read) && read >= 0 ? read : null;
};
/** Vendors write fractions such as 0.42. */
const percent = (value: unknown): number | null => {
  const share = count(value);
  return share === null ? null : Math.round(share * 1_000) / 10;
};

function readEvent(name: string, event: Event, atMs: number): Allowance {
  return {
    name,
    limit: null,
    remaining: null,
    usedPercent: percent(event["utilization"]),
    status: text(event["status"]),
    resetsAtMs: moment(String(event["resetsAt"] ?? ""), atMs),
  };
}

type Parts = Partial<Record<"limit" | "remaining" | "reset" | "status" | "utilization", string>>;

const anthropic = /^anthropic-(?:ratelimit-)?(.+)-(limit|remaining|reset|status|utilization)$/;
const others = /^(?:x-)?ratelimit-(limit|remaining|reset)(?:-(.+))?$/;

export function allowancesOf(headers: Headers, atMs: number): readonly Allowance[] {
  const found = new Map<string, Parts>();
  for (const [header, value] of headers) {
    if (!header.includes("ratelimit") && !header.startsWith("anthropic-priority")) continue;
    const own = anthropic.exec(header);
    const other = own === null ? others.exec(header) : null;
    const name = (own?.[1] ?? (other === null ? null : (other[2] ?? "requests")))?.slice(0, longestWord);
    const part = own?.[2] ?? other?.[1];
    if (name === undefined || part === undefined) continue;
    const parts = found.get(name) ?? {};
    parts[part as keyof Parts] = value;
    if (found.size < maxNames) found.set(name, parts);
  }
  return [...found].map(([name, parts]) => {
    const limit = count(parts.limit);
    const remaining = count(parts.remaining);
    const left = limit === null || remaining === null || limit === 0 ? null : 1 - remaining / limit;
    return {
      name,
      limit,
      remaining,
      usedPercent: percent(parts.utilization) ?? (left === null ? null : percent(Math.max(0, left))),
      status: text(parts.status),
      resetsAtMs: parts.reset === undefined ? null : moment(parts.reset, atMs),
    };
  });
}

const unitMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** A date, seconds or milliseconds since 1970, seconds from now, or OpenAI's "6m0s". */
function moment(said: string, atMs: number): number | null {
  const value = said.trim();
  const number = count(value);
  if (number !== null) {
    if (number > 100_000_000_000) return Math.round(number);
    return Math.round(number > 1_000_000_000 ? number * 1_000 : atMs + number * 1_000);
  }
  if (/^(?:\d+(?:\.\d+)?(?:ms|[dhms]))+$/.test(value)) {
    let sum = 0;
    for (const [, length, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g))
      sum += Number(length) * (unitMs[unit ?? ""] ?? 0);
    return Math.round(atMs + sum);
  }
  const date = Date.parse(value);
  return Number.isFinite(date) ? date : null;
}
