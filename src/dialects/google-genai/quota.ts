// Reads Google's quota errors: which quota is used up, and when to retry. It must never know anything about health or
// cooldowns.

import { isRecord } from "../decoding.ts";

type Members = Readonly<Record<string, unknown>>;

function detailsOf(error: Members | null, name: string): readonly Members[] {
  const details = error?.["details"];
  if (!Array.isArray(details)) return [];
  return details.filter(isRecord).filter((each) => String(each["@type"]).endsWith(`google.rpc.${name}`));
}

/** ErrorInfo's reason ("API_KEY_INVALID"); null when the vendor gave none. */
export function reasonOf(error: Members | null): string | null {
  for (const { reason } of detailsOf(error, "ErrorInfo"))
    if (typeof reason === "string" && reason !== "") return reason.slice(0, 200);
  return null;
}

/** RetryInfo's "37s" or "1.5s" in milliseconds; null when the vendor gave none. */
export function retryDelayOf(error: Members | null): number | null {
  for (const detail of detailsOf(error, "RetryInfo")) {
    const found = /^(\d{1,9}(?:\.\d+)?)s$/.exec(String(detail["retryDelay"]));
    if (found?.[1] !== undefined) return Math.ceil(Number(found[1]) * 1000);
  }
  return null;
}

/** A daily quota (GenerateRequestsPerDayPerProjectPerModel-FreeTier), or no quota at all ("limit: 0"). */
export function isDayQuota(error: Members | null): boolean {
  const violations = detailsOf(error, "QuotaFailure").flatMap((detail) =>
    Array.isArray(detail["violations"]) ? detail["violations"].filter(isRecord) : [],
  );
  if (violations.some((each) => /PerDay/i.test(`${String(each["quotaId"])} ${String(each["quotaMetric"])}`)))
    return true;
  const message = error?.["message"];
  return typeof message === "string" && /\blimit: 0\b|prepayment credits are depleted/i.test(message);
}

const dayMs = 86_400_000;

/** "Requests per day quotas reset at midnight Pacific time" (ai.google.dev/gemini-api/docs/rate-limits). */
export function msUntilNewDay(nowMs: number): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: "America/Los_Angeles",
    hourCycle: "h23",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(nowMs);
  const read = (type: string): number => Number(parts.find((part) => part.type === type)?.value ?? 0);
  return dayMs - ((read("hour") * 60 + read("minute")) * 60 + read("second")) * 1000;
}
