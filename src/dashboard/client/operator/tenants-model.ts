// What the page of tenants shows of one: each limit with what was used of it, and where the period will end at this pace.

import type { TenantEntry, TenantKey } from "./shapes.ts";
import type { Tone } from "./providers-model.ts";

export type LimitUnit = "requests" | "tokens" | "usd";

export type LimitRow = {
  readonly label: string;
  readonly unit: LimitUnit;
  readonly used: number;
  readonly limit: number;
  /** Above 100 where the limit was exceeded. */
  readonly usedPercent: number;
  /** The end of the period at this pace; null where there is no period, or too little of it has passed. */
  readonly projected: number | null;
  readonly tone: Tone;
};

/** Budgets count days and months of UTC. A projection from the first hour of a day would be a guess. */
const leastShare = 1 / 24;

function shareOfDay(nowMs: number): number {
  const start = new Date(nowMs).setUTCHours(0, 0, 0, 0);
  return (nowMs - start) / 86_400_000;
}

export function shareOfMonth(nowMs: number): number {
  const now = new Date(nowMs);
  const start = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1);
  const end = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
  return (nowMs - start) / (end - start);
}

type Measured = {
  readonly label: string;
  readonly unit: LimitUnit;
  readonly used: number;
  readonly limit: number | undefined;
  /** How much of its period has passed; absent: it has none. */
  readonly passed?: number;
};

function limitRow({ label, unit, used, limit, passed }: Measured): readonly LimitRow[] {
  if (limit === undefined) return [];
  const usedPercent = limit === 0 ? (used > 0 ? 100 : 0) : (used / limit) * 100;
  const projected = passed === undefined || passed < leastShare ? null : used / passed;
  const isFull = used >= limit;
  const isNear = usedPercent >= 80 || (projected !== null && projected > limit);
  const tone: Tone = isFull ? "bad" : isNear ? "warn" : "good";
  return [{ label, unit, used, limit, usedPercent, projected, tone }];
}

export function limitRows({ limits, used }: TenantEntry, nowMs: number): readonly LimitRow[] {
  if (limits === null || used === null) return [];
  const { budget } = limits;
  const day = shareOfDay(nowMs);
  const month = shareOfMonth(nowMs);
  const { today, this_month: thisMonth } = used;
  const measured: readonly Measured[] = [
    { label: "Cost today", unit: "usd", used: today.usd, limit: budget?.usd_per_day, passed: day },
    {
      label: "Cost this month",
      unit: "usd",
      used: thisMonth.usd,
      limit: budget?.usd_per_month,
      passed: month,
    },
    { label: "Tokens today", unit: "tokens", used: today.tokens, limit: budget?.tokens_per_day, passed: day },
    {
      label: "Tokens this month",
      unit: "tokens",
      used: thisMonth.tokens,
      limit: budget?.tokens_per_month,
      passed: month,
    },
    {
      label: "Requests in the last minute",
      unit: "requests",
      used: used.requests_last_minute,
      limit: limits.requests_per_minute,
    },
    {
      label: "Tokens in the last minute",
      unit: "tokens",
      used: used.tokens_last_minute,
      limit: limits.tokens_per_minute,
    },
    { label: "Requests at once", unit: "requests", used: used.running, limit: limits.max_concurrent },
  ];
  return measured.flatMap(limitRow);
}

export type TenantKeyStatus = {
  readonly label: string;
  readonly tone: Tone;
  readonly expiresMs: number | null;
};

const soonMs = 7 * 86_400_000;

export function tenantKeyStatus(
  { expires, is_expired: isExpired }: TenantKey,
  nowMs: number,
): TenantKeyStatus {
  if (expires === null) return { label: "Valid", tone: "good", expiresMs: null };
  const expiresMs = Date.parse(expires);
  if (isExpired || expiresMs <= nowMs) return { label: "Expired", tone: "plain", expiresMs };
  return expiresMs - nowMs < soonMs
    ? { label: "Expires soon", tone: "warn", expiresMs }
    : { label: "Valid until", tone: "good", expiresMs };
}

/** The worst of a tenant's limits. */
export function tenantTone(tenant: TenantEntry, nowMs: number): Tone {
  if (tenant.limits === null) return "plain";
  const tones = limitRows(tenant, nowMs).map(({ tone }) => tone);
  if (tones.includes("bad") || tenant.used?.is_over_budget === true) return "bad";
  return tones.includes("warn") ? "warn" : "good";
}
