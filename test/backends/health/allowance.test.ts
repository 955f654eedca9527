// What vendors say is left of a key's quota, in each of their ways.

import { describe, expect, test } from "bun:test";
import {
  allowancesIn,
  createReportedAllowance,
  recordEvent,
  recordHeaders,
} from "../../../src/backends/health/allowance.ts";

const nowMs = Date.parse("2026-11-30T12:00:00Z");
const read = (headers: Record<string, string>, isGood = true) => {
  const told = createReportedAllowance();
  recordHeaders(told, new Headers(headers), isGood, nowMs);
  return allowancesIn(told);
};

describe("headers", () => {
  test("OpenAI and those like it", () => {
    expect(
      read({
        "x-ratelimit-limit-requests": "5000",
        "x-ratelimit-remaining-requests": "4000",
        "x-ratelimit-reset-requests": "6m0.5s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "12ms",
      }),
    ).toEqual([
      {
        name: "requests",
        limit: 5_000,
        remaining: 4_000,
        usedPercent: 20,
        status: null,
        resetsAtMs: nowMs + 360_500,
      },
      { name: "tokens", limit: 1_000, remaining: 0, usedPercent: 100, status: null, resetsAtMs: nowMs + 12 },
    ]);
  });

  test("OpenRouter's, in milliseconds, and seconds from now", () => {
    expect(
      read({
        "x-ratelimit-limit": "50",
        "x-ratelimit-remaining": "50",
        "x-ratelimit-reset": "1796083200000",
      }),
    ).toMatchObject([{ name: "requests", limit: 50, usedPercent: 0, resetsAtMs: 1_796_083_200_000 }]);
    expect(read({ "ratelimit-limit": "10", "ratelimit-reset": "30" })).toMatchObject([
      { limit: 10, remaining: null, usedPercent: null, resetsAtMs: nowMs + 30_000 },
    ]);
  });

  test("Anthropic's, of the API and of its plans", () => {
    expect(
      read({
        "anthropic-ratelimit-input-tokens-limit": "40000",
        "anthropic-ratelimit-input-tokens-remaining": "10000",
        "anthropic-ratelimit-input-tokens-reset": "2026-11-30T12:01:00Z",
        "anthropic-ratelimit-unified-status": "allowed_warning",
        "anthropic-ratelimit-unified-5h-utilization": "0.82",
        "anthropic-ratelimit-unified-5h-reset": "1796050800",
        "anthropic-ratelimit-unified-5h-status": "allowed_warning",
      }),
    ).toMatchObject([
      { name: "input-tokens", usedPercent: 75, resetsAtMs: nowMs + 60_000 },
      { name: "unified-5h", usedPercent: 82, status: "allowed_warning", resetsAtMs: 1_796_050_800_000 },
      { name: "unified", status: "allowed_warning", usedPercent: null },
    ]);
  });

  test("nonsense is nothing, and there is never much of it", () => {
    expect(
      read({ "x-ratelimit-limit-requests": "many", "x-ratelimit-reset-requests": "soon" }),
    ).toMatchObject([{ limit: null, resetsAtMs: null }]);
    const flood = Object.fromEntries(
      Array.from({ length: 500 }, (_, i) => [`x-ratelimit-limit-${i}`, "1"] as const),
    );
    expect(read(flood).length).toBeLessThanOrEqual(24);
  });

  test("an error that says nothing of it wipes nothing out", () => {
    const told = createReportedAllowance();
    recordHeaders(told, new Headers({ "x-ratelimit-remaining-requests": "7" }), true, nowMs);
    recordHeaders(told, new Headers({ server: "nginx" }), false, nowMs);
    expect(allowancesIn(told)).toMatchObject([{ remaining: 7 }]);
    recordHeaders(told, new Headers({ "x-ratelimit-remaining-requests": "0" }), false, nowMs);
    expect(allowancesIn(told)).toMatchObject([{ remaining: 0 }]);
  });
});

test("the program's events, one window each", () => {
  const told = createReportedAllowance();
  recordEvent(told, { status: "allowed", rateLimitType: "five_hour", resetsAt: 1_796_050_800 }, nowMs);
  recordEvent(
    told,
    { status: "rejected", rateLimitType: "five_hour", utilization: 1, resetsAt: 1_796_050_800 },
    nowMs,
  );
  recordEvent(told, { status: "allowed_warning", rateLimitType: "seven_day", utilization: 0.9 }, nowMs);
  expect(allowancesIn(told)).toMatchObject([
    { name: "five_hour", status: "rejected", usedPercent: 100, resetsAtMs: 1_796_050_800_000 },
    { name: "seven_day", status: "allowed_warning", usedPercent: 90, resetsAtMs: null },
  ]);
});
