// How much of a key's quota counts as used, by what vendors write.

import { expect, test } from "bun:test";
import {
  createReportedAllowance,
  recordEvent,
  recordHeaders,
} from "../../../src/backends/health/allowance.ts";
import { mostUsed } from "../../../src/backends/health/used-quota.ts";

const now = Date.UTC(2026, 10, 30);
const later = (seconds: number): string => String(now / 1_000 + seconds);

function usedOf(
  headers: Readonly<Record<string, string>>,
  model = "claude-opus-5",
  atMs = now,
): number | null {
  const reported = createReportedAllowance();
  recordHeaders(reported, new Headers(headers), true, now);
  return mostUsed(reported, model, atMs)?.usedPercent ?? null;
}

test("the limit that is used most counts, by share, by remainder or by refusal", () => {
  expect(
    usedOf({
      "anthropic-ratelimit-unified-5h-utilization": "0.4",
      "anthropic-ratelimit-unified-5h-reset": later(60),
      "anthropic-ratelimit-unified-7d-utilization": "0.875",
      "anthropic-ratelimit-unified-7d-reset": later(9_000),
    }),
  ).toBe(87.5);
  expect(usedOf({ "x-ratelimit-limit-tokens": "200", "x-ratelimit-remaining-tokens": "30" })).toBe(85);
  expect(
    usedOf({
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-reset": later(60),
    }),
  ).toBe(100);
  expect(usedOf({ server: "x" })).toBeNull();
});

test("a window that is full again counts no more; one without a time lasts a minute", () => {
  const window = {
    "anthropic-ratelimit-unified-5h-utilization": "0.99",
    "anthropic-ratelimit-unified-5h-reset": later(60),
  };
  expect(usedOf(window, "m", now + 59_000)).toBe(99);
  expect(usedOf(window, "m", now + 60_000)).toBeNull();
  const timeless = { "x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "0" };
  expect(usedOf(timeless, "m", now + 59_000)).toBe(100);
  expect(usedOf(timeless, "m", now + 60_000)).toBeNull();
});

test("a limit of a family counts for its models; extra usage and reserved capacity count for none", () => {
  const opus = {
    "anthropic-ratelimit-unified-7d_opus-utilization": "0.97",
    "anthropic-ratelimit-unified-7d_opus-reset": later(60),
  };
  expect(usedOf(opus, "claude-opus-5")).toBe(97);
  expect(usedOf(opus, "claude-sonnet-5")).toBeNull();
  expect(
    usedOf({
      "anthropic-ratelimit-unified-overage-utilization": "0.99",
      "anthropic-ratelimit-unified-overage-reset": later(60),
      "anthropic-priority-input-tokens-limit": "10",
      "anthropic-priority-input-tokens-remaining": "0",
    }),
  ).toBeNull();
});

test("the claude program's events count in the same way", () => {
  const reported = createReportedAllowance();
  recordEvent(reported, { rateLimitType: "five_hour", utilization: 0.95, resetsAt: now / 1_000 + 60 }, now);
  recordEvent(reported, { rateLimitType: "seven_day", utilization: 0.2, resetsAt: now / 1_000 + 90 }, now);
  expect(mostUsed(reported, "opus", now)).toMatchObject({ name: "five_hour", usedPercent: 95 });
  expect(mostUsed(reported, "opus", now + 61_000)).toMatchObject({ name: "seven_day" });
  recordEvent(reported, { rateLimitType: "five_hour", utilization: 0.01, resetsAt: now / 1_000 + 900 }, now);
  expect(mostUsed(reported, "opus", now)).toMatchObject({ name: "seven_day", usedPercent: 20 });
});
