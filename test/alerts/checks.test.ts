// What the checks find in given facts: limits, steps, what is held in between, and what is a part of another cause.

import { describe, expect, test } from "bun:test";
import type { Condition } from "../../src/alerts/alert.ts";
import { findingsOf } from "../../src/alerts/checks.ts";
import type { AlertFacts, BudgetFacts } from "../../src/alerts/facts.ts";
import { alertsSettings } from "../../src/alerts/settings.ts";
import { facts, key, provider } from "./facts.ts";

const settings = (change: object = {}) => alertsSettings.parse(change);
const found = (given: AlertFacts, change: object = {}): Condition[] =>
  findingsOf(given, settings(change)).flatMap((each) => (each.state === "firing" ? [each.condition] : []));
const causes = (given: AlertFacts, change: object = {}): string[] =>
  found(given, change).map(({ kind, subject, severity }) => `${kind} ${subject} ${severity}`);
const stateOf = (given: AlertFacts, cause: string): string | undefined =>
  findingsOf(given, settings()).find((each) => each.state !== "firing" && each.cause === cause)?.state;
const hour = 3_600_000;

describe("providers", () => {
  test("a quiet gateway has nothing to report", () => expect(causes(facts())).toEqual([]));

  test("one of two is out: a warning with the reason, one of one: critical", () => {
    const out = provider("one", { circuit: "open", lastError: "it\u001b[31m broke\n", retryAtMs: 0 });
    expect(causes(facts({ providers: [out, provider("two")] }))).toEqual(["provider-out one warning"]);
    const [only] = found(facts({ providers: [out], chain: ["one"] }));
    expect(only).toMatchObject({ kind: "provider-out", severity: "critical" });
    expect(only?.message).toBe("Provider one is out of use, until 1970-01-01 00:00 UTC: it [31m broke.");
  });

  test("every provider of the chain is out: critical, and each one is a part of it", () => {
    const all = found(
      facts({
        providers: [provider("one", { circuit: "open" }), provider("two", { keys: [key("exhausted", 5)] })],
      }),
    );
    expect(all.map(({ kind, subject, partOf }) => [kind, subject, partOf])).toEqual([
      ["route-out", "fallback_chain", null],
      ["provider-out", "one", "route-out:fallback_chain"],
      ["quota", "two", "route-out:fallback_chain"],
    ]);
  });

  test("a half-open circuit is neither an alert nor its end", () => {
    const given = facts({ providers: [provider("one", { circuit: "half-open" })] });
    expect([causes(given), stateOf(given, "provider-out:one")]).toEqual([[], "held"]);
  });

  test("neither a restart nor a closed circuit with a failure since proves that it works", () => {
    const after = (lastResult: "none" | "failed" | "ok"): string | undefined =>
      stateOf(facts({ providers: [provider("one", { lastResult })] }), "provider-out:one");
    expect([after("none"), after("failed"), after("ok")]).toEqual(["unknown", "held", undefined]);
  });

  test("a quota with its end; a short rest is no alert; a refused login and a refused key", () => {
    const now = facts().nowMs;
    const quota = facts({ providers: [provider("one", { keys: [key("exhausted", now + hour)] })] });
    expect(found(quota)[0]).toMatchObject({ kind: "quota", untilMs: now + hour });
    expect(found(quota)[0]?.message).toContain("until 2026-06-15 13:00 UTC");
    const rest = facts({ providers: [provider("one", { keys: [key("rate-limited", now + 30_000)] })] });
    expect(causes(rest)).toEqual([]);
    const rejected = { keys: [key("rejected", now + hour)] };
    const given = facts({
      providers: [provider("cli", { ...rejected, isProgram: true }), provider("one", rejected)],
    });
    expect(causes(given)).toEqual(["login cli warning", "credential one warning"]);
  });

  test("a quota of one model alone is no more than a warning that names it, and its provider is not out", () => {
    const limited = { ...key("rate-limited", facts().nowMs + 3_600_000), models: ["big\u001b[31m"] };
    const given = facts({ providers: [provider("one", { keys: [limited] })], chain: ["one"] });
    expect(found(given)).toEqual([
      expect.objectContaining({
        kind: "quota",
        severity: "warning",
        message: "Provider one: the vendor's quota for big [31m is reached until 2026-06-15 13:00 UTC.",
      }),
    ]);
  });

  test("one of two keys is refused: only a warning, even of the only provider", () => {
    const keys = [key("rejected"), key("ok")];
    const given = facts({ providers: [provider("one", { keys })], chain: ["one"] });
    expect(causes(given)).toEqual(["credential one warning"]);
    expect(found(given)[0]?.message).toContain("(1 of its 2 keys)");
  });

  test("a key to be tried again after a refusal does not end the alert", () => {
    const keys = [{ ...key("ok"), unproven: "rejected" as const }];
    const given = facts({ providers: [provider("one", { keys })] });
    expect([causes(given), stateOf(given, "credential:one")]).toEqual([[], "held"]);
  });
});

describe("error rate", () => {
  const rate = (failed: number, total: number, id = "one"): AlertFacts =>
    facts({ failures: (of) => (of === id ? { total, failed } : { total: 0, failed: 0 }) });

  test("needs enough requests, fires at its limit, is held near it, is over below", () => {
    expect([causes(rate(19, 19)), stateOf(rate(19, 19), "error-rate:one")]).toEqual([[], "unknown"]);
    expect(causes(rate(5, 20))).toEqual(["error-rate one warning"]);
    expect(stateOf(rate(4, 20), "error-rate:one")).toBe("held");
    expect(stateOf(rate(1, 20), "error-rate:one")).toBe("over");
    expect(found(rate(5, 20))[0]).toMatchObject({ value: 25, limit: 25 });
    expect(causes(rate(20, 20), { rules: { error_rate: 0 } })).toEqual([]);
    expect(causes(rate(2, 2), { rules: { min_requests: 2 } })).toEqual(["error-rate one warning"]);
  });

  test("of a provider that is out it is a part of that, and the overall one follows from it", () => {
    const given = facts({
      providers: [provider("one", { circuit: "open" }), provider("two")],
      failures: (of) => ({ total: 100, failed: of === "two" ? 0 : 60 }),
    });
    expect(found(given).map(({ kind, subject, partOf }) => [kind, subject, partOf])).toEqual([
      ["provider-out", "one", null],
      ["error-rate", "one", "provider-out:one"],
      ["error-rate", "all requests", "provider-out:one"],
    ]);
  });
});

describe("money", () => {
  const day = Date.UTC(2026, 5, 15);
  const budget = (spent: number, change: Partial<BudgetFacts> = {}): AlertFacts =>
    facts({
      nowMs: day + 23 * hour,
      budgets: [
        {
          tenant: "alice",
          period: "day",
          unit: "usd",
          spent,
          limit: 10,
          startMs: day,
          endMs: day + 24 * hour,
          ...change,
        },
      ],
    });

  test.each([
    [7.9, null],
    [8, 1],
    [8.999, 1],
    [9, 2],
    [10, 3],
    [25, 3],
  ])("$%d of $10 is at level %p", (spent, level) => {
    const [first] = found(budget(spent), { rules: { projection: false } });
    expect(first?.level ?? null).toBe(level);
    expect(first?.severity ?? null).toBe(level === null ? null : level === 3 ? "critical" : "warning");
  });

  test("other steps, and none", () => {
    const at = (spent: number, steps: number[]) =>
      found(budget(spent), { rules: { projection: false, budget_steps: steps } }).map(({ limit }) => limit);
    expect([at(4.9, [50, 20]), at(5, [50, 20]), at(10, [])]).toEqual([[20], [50], []]);
  });

  test("dollars and tokens of one day are one cause, the nearer end counts; a budget of nothing is used up", () => {
    const dollars = budget(8.5).budgets[0];
    const tokens = budget(95, { unit: "tokens", limit: 100 }).budgets[0];
    if (dollars === undefined || tokens === undefined) throw new Error("no budget");
    const both = found(facts({ nowMs: day + 23 * hour, budgets: [dollars, tokens] }), {
      rules: { projection: false },
    });
    expect(both.map(({ kind, subject, level }) => [kind, subject, level])).toEqual([
      ["budget", "alice/day", 2],
    ]);
    expect(both[0]?.message).toBe(
      "Tenant alice: 95 % of the budget of this day is spent (95 of 100 tokens).",
    );
    expect(causes(budget(0, { limit: 0 }), { rules: { projection: false } })).toEqual([
      "budget alice/day critical",
    ]);
  });

  test("a pace that exceeds the budget, held just below it, not judged early or on crumbs", () => {
    const at = (spent: number, hours: number): AlertFacts => ({
      ...budget(spent),
      nowMs: day + hours * hour,
    });
    expect(causes(at(6, 12))).toEqual(["budget-projected alice/day warning"]);
    expect(found(at(6, 12))[0]?.message).toContain("at about 2026-06-15 20:00 UTC");
    expect(stateOf(at(4.9, 12), "budget-projected:alice/day")).toBe("held");
    expect(causes(at(4, 12))).toEqual([]);
    expect(causes(at(2, 2))).toEqual([]);
    expect(causes(at(10, 12))).toEqual(["budget alice/day critical"]);
  });

  test("spending three times that of the same hours of earlier days, not without two such days", () => {
    const now = Date.UTC(2026, 5, 15, 12, 30);
    const given = (last: number, firstDaysAgo: number): AlertFacts =>
      facts({
        nowMs: now,
        firstSpentHourMs: Date.UTC(2026, 5, 15 - firstDaysAgo, 3),
        spentIn: (startMs) => (startMs === Date.UTC(2026, 5, 15, 12) ? last : 0.5) * 1e9,
      });
    expect(causes(given(5, 4))).toEqual(["spend-spike all requests warning"]);
    expect(found(given(5, 4))[0]?.message).toBe(
      "$5.50 were spent in the last two hours; in these hours it is usually $1.00 (average of 4 days).",
    );
    expect(causes(given(2, 4))).toEqual([]);
    expect(stateOf(given(2, 4), "spend-spike:all requests")).toBe("held");
    expect(causes(given(5, 1))).toEqual([]);
    expect(causes(given(5, 4), { rules: { spike_min_usd: 6 } })).toEqual([]);
    expect(causes(given(5, 4), { rules: { spike_factor: 0 } })).toEqual([]);
  });

  test("a model without a price, by its hostile name, for a day", () => {
    const given = (ageMs: number): AlertFacts =>
      facts({
        unpriced: [
          { provider: "one", model: "m", answered: "new\n\u001b[2Jmodel", seenMs: facts().nowMs - ageMs },
        ],
      });
    expect(found(given(0))[0]?.subject).toBe("one/new [2Jmodel");
    expect(causes(given(25 * hour))).toEqual([]);
  });
});

test("stores are critical, config and certificates are warnings", () => {
  const problems = [
    { kind: "store", subject: "records", message: "records wait in memory" },
    { kind: "config", subject: "config", message: "it is not valid" },
  ] as const;
  expect(causes(facts({ problems }))).toEqual(["store records critical", "config config warning"]);
});
