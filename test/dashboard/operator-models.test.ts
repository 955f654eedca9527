// What the operator's pages show: states in words, quotas, hits of rules, limits with projections, findings in groups.

import { describe, expect, test } from "bun:test";
import {
  findingGroups,
  findingSummary,
  loginStatus,
  processesOf,
} from "../../src/dashboard/client/operator/claude-model.ts";
import { detailText } from "../../src/dashboard/client/operator/audit-log.tsx";
import { endOfDay } from "../../src/dashboard/client/operator/tenant-keys.tsx";
import { placeAfterSignIn } from "../../src/dashboard/client/pages/sign-in.tsx";
import type { ProviderEntry, RouteAnswer, TenantEntry } from "../../src/dashboard/client/operator/shapes.ts";
import {
  inOrderOfNeed,
  keyStatus,
  providerStatus,
  quotaOf,
  shareOf,
} from "../../src/dashboard/client/operator/providers-model.ts";
import {
  compareRoutes,
  headerLines,
  requestBody,
  ruleTable,
  sentAs,
} from "../../src/dashboard/client/operator/routing-model.ts";
import {
  limitRows,
  shareOfMonth,
  tenantKeyStatus,
  tenantTone,
} from "../../src/dashboard/client/operator/tenants-model.ts";
import type { SeriesPoints, SeriesReport, Sums } from "../../src/metrics/query-shapes.ts";

const provider = (over: Partial<ProviderEntry>): ProviderEntry => ({
  id: "openai",
  backend: "openai-compat",
  base_url: null,
  model: "m",
  models: ["m"],
  tier: null,
  state: "healthy",
  retry_at: null,
  retry_in_s: null,
  credentials: [],
  cooling_models: {},
  consecutive_failures: 0,
  ejections: 0,
  avg_latency_ms: null,
  last_error: null,
  last_check: null,
  running: 0,
  waiting: 0,
  requests_today: 0,
  ...over,
});

const sums = (over: Partial<Sums>): Sums => ({
  requests: 0,
  failures: 0,
  cancelled: 0,
  streams: 0,
  attempts: 0,
  fallbacks: 0,
  input_tokens: 0,
  cached_tokens: 0,
  cache_write_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
  cache_hit_pct: 0,
  cost_usd: 0,
  unknown_cost_requests: 0,
  unknown_usage_requests: 0,
  flat_rate_requests: 0,
  flat_rate_list_usd: 0,
  without_routing_usd: 0,
  without_cache_usd: 0,
  miss_usd: 0,
  misses: 0,
  avg_latency_ms: null,
  p50_latency_ms: null,
  p95_latency_ms: null,
  p50_first_token_ms: null,
  p95_first_token_ms: null,
  latency_sample: 0,
  ...over,
});

const points: SeriesPoints = {
  requests: [],
  failures: [],
  input_tokens: [],
  cached_tokens: [],
  output_tokens: [],
  cost_usd: [],
  avg_latency_ms: [],
};

const series = (all: number, groups: Readonly<Record<string, Partial<Sums>>>): SeriesReport => ({
  from_ms: 0,
  to_ms: 1,
  tz: "UTC",
  bucket: "total",
  by: "provider",
  buckets: [0],
  previous: null,
  exact: true,
  totals: sums({ requests: all }),
  groups: Object.entries(groups).map(([name, totals]) => ({ name, totals: sums(totals), points })),
});

const key = (state: string) => ({
  id: "ab12cd34",
  state,
  retry_at: null,
  held_since: null,
  limit_ends_at: null,
  cooling_models: {},
  allowances: [],
});

describe("providers", () => {
  test("a rest has a time and a reason, a missing program has no time", () => {
    const retryAt = "2026-11-30T16:35:04.000Z";
    const resting = provider({ state: "open", retry_at: retryAt, last_error: "refused" });
    expect(providerStatus(resting)).toEqual({
      label: "Resting after failures",
      tone: "bad",
      untilMs: Date.parse(retryAt),
      why: "refused",
    });
    expect(providerStatus(provider({ state: "open" })).label).toBe("Down");
  });

  test("a healthy provider that fails at the moment is not simply healthy", () => {
    expect(providerStatus(provider({})).tone).toBe("good");
    expect(providerStatus(provider({ consecutive_failures: 3, last_error: "x" }))).toMatchObject({
      label: "Healthy, 3 failures in a row",
      tone: "warn",
      why: "x",
    });
  });

  test("cooling says whether keys or models are on hold", () => {
    const some = provider({ state: "cooling", credentials: [key("rate-limited"), key("ok")] });
    expect(providerStatus(some).label).toBe("1 of 2 keys limited");
    const all = provider({ state: "cooling", credentials: [key("exhausted")] });
    expect(providerStatus(all).label).toBe("Limited by the vendor");
    const models = provider({
      state: "cooling",
      credentials: [key("ok")],
      cooling_models: { a: "x", b: "x" },
    });
    expect(providerStatus(models).label).toBe("2 models on hold");
    expect(keyStatus(key("exhausted"))).toMatchObject({ label: "Quota used up", tone: "bad" });
    expect(keyStatus(key("brand-new"))).toMatchObject({ label: "brand-new", tone: "warn" });
  });

  test("a quota is measured by what the vendor told, and never outside 0..100", () => {
    const told = {
      name: "five_hour",
      limit: null,
      remaining: null,
      used_percent: 83,
      status: "allowed",
      resets_at: null,
    };
    expect(quotaOf(told)).toMatchObject({ name: "five hour", usedPercent: 83, tone: "warn", status: null });
    expect(quotaOf({ ...told, used_percent: null, limit: 200, remaining: 50 }).usedPercent).toBe(75);
    expect(quotaOf({ ...told, used_percent: null, limit: 0, remaining: 0 }).usedPercent).toBeNull();
    expect(quotaOf({ ...told, used_percent: 140 })).toMatchObject({ usedPercent: 100, tone: "bad" });
    expect(quotaOf({ ...told, used_percent: 3, status: "rejected" })).toMatchObject({ tone: "bad" });
  });

  test("the share is of all requests, and who answered none has 0", () => {
    const report = series(8, { openai: { requests: 2, failures: 1 } });
    expect(shareOf("openai", report)).toMatchObject({ requests: 2, percent: 25, failures: 1 });
    expect(shareOf("other", report)).toMatchObject({ requests: 0, percent: 0 });
    expect(shareOf("openai", series(0, {})).percent).toBe(0);
  });

  test("what needs attention comes first, the rest stays in order", () => {
    const list = [
      provider({ id: "a" }),
      provider({ id: "b", state: "cooling" }),
      provider({ id: "c" }),
      provider({ id: "d", state: "rejected" }),
    ];
    expect(inOrderOfNeed(list).map(({ id }) => id)).toEqual(["d", "b", "a", "c"]);
  });
});

describe("routing", () => {
  const rule = (name: string, enabled = true) => ({
    layer: "static",
    name,
    target: "demo",
    enabled,
    description: "",
  });

  test("a rule that is on and chose nothing is unused; one that is off is not", () => {
    const table = ruleTable(
      [rule("used"), rule("idle"), rule("off", false)],
      series(10, {
        used: { requests: 3, cost_usd: 2 },
        "used->fallback": { requests: 1, cost_usd: 0.5 },
        "no-match->fallback": { requests: 6 },
      }),
    );
    expect(table.rules.map(({ name, requests, isUnused }) => [name, requests, isUnused])).toEqual([
      ["used", 4, false],
      ["idle", 0, true],
      ["off", 0, false],
    ]);
    expect(table.rules[0]).toMatchObject({ position: 1, diverted: 1, percent: 40, costUsd: 2.5 });
    expect(table.others).toEqual([{ name: "no-match", requests: 6, percent: 60, isGone: false }]);
  });

  test("an alias has no hits of its own: records say only that the client named a model", () => {
    const alias = { ...rule("fast*"), layer: "alias" };
    const table = ruleTable([alias], series(10, { "explicit-model": { requests: 10 } }));
    expect(table.rules[0]).toMatchObject({ requests: null, percent: null, isUnused: false });
    expect(table.others).toEqual([{ name: "explicit-model", requests: 10, percent: 100, isGone: false }]);
  });

  test("a rule that the config has no more is told from a decision without a rule", () => {
    const table = ruleTable(
      [rule("now")],
      series(10, { now: { requests: 3 }, before: { requests: 5 }, "": { requests: 2 } }),
    );
    expect(table.others.map(({ name, isGone }) => [name, isGone])).toEqual([
      ["before", true],
      ["no rule", false],
    ]);
  });

  test("nothing is called unused before the hits are known", () => {
    expect(ruleTable([rule("idle")], null).rules[0]?.isUnused).toBe(false);
  });

  test("a text becomes a request of each format", () => {
    const question = { format: "chat", model: " ", system: "Be brief.", text: "Hi" };
    expect(requestBody(question)).toEqual({
      model: "auto",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Hi" },
      ],
    });
    expect(requestBody({ ...question, format: "messages", system: "" })).toEqual({
      model: "auto",
      max_tokens: 1024,
      messages: [{ role: "user", content: "Hi" }],
    });
    expect(requestBody({ ...question, format: "responses", model: "x" })).toEqual({
      model: "x",
      instructions: "Be brief.",
      input: "Hi",
    });
    expect(requestBody({ ...question, format: "gemini" })).toEqual({
      model: "auto",
      systemInstruction: { parts: [{ text: "Be brief." }] },
      contents: [{ role: "user", parts: [{ text: "Hi" }] }],
    });
  });

  test("header lines are read, and what a page may not set is refused by line", () => {
    expect(headerLines("X-Report: nightly\n\nx-empty:\n")).toEqual({
      headers: { "x-report": "nightly", "x-empty": "" },
      problems: [],
    });
    const { headers, problems } = headerLines("no colon\nAuthorization: Bearer x\nx-a: ü\n: v");
    expect(headers).toEqual({});
    expect(problems.map((each) => each.slice(0, 6))).toEqual(["Line 1", "Line 2", "Line 3", "Line 4"]);
    expect(problems.join(" ")).not.toContain("Bearer");
  });

  test("two decisions differ where they differ", () => {
    const left: RouteAnswer = {
      tenant: null,
      provider: "demo",
      model: "demo",
      layer: "heuristic",
      rule: "math",
      confidence: 1,
      reason: "",
      elapsed_ms: 1,
      facts: { requested_model: "auto", has_tools: false },
      candidates: [],
      fallbacks: ["a/b"],
      passes: true,
      because: null,
      adapted: [],
      estimated_tokens: 1,
      estimated_cost_usd: null,
    };
    const rows = compareRoutes(left, { ...left, rule: "other", passes: false, because: "other-format" });
    const differing = rows.filter(({ differs }) => differs);
    expect(differing.map(({ label, left: one, right: two }) => [label, one, two])).toEqual([
      ["Rule", "math", "other"],
      ["Sent as", "unchanged", "translated (other-format)"],
    ]);
    expect(sentAs({ passes: true, because: "stream-options" })).toBe(
      "repaired in its own format (stream-options)",
    );
  });
});

describe("tenants", () => {
  const alice: TenantEntry = {
    name: "alice",
    keys: [],
    models: null,
    provider: null,
    limits: { requests_per_minute: 60, budget: { usd_per_day: 5, usd_per_month: 50 } },
    used: {
      running: 0,
      requests_last_minute: 48,
      tokens_last_minute: 0,
      today: { tokens: 10, usd: 2 },
      this_month: { tokens: 10, usd: 50 },
      reserved: { tokens: 0, usd: 0 },
      is_over_budget: false,
      budget_resets_in_s: null,
    },
  };
  const sixUtc = Date.UTC(2026, 10, 16, 6);

  test("each limit has its use, its projection by UTC, and a tone", () => {
    const rows = limitRows(alice, sixUtc);
    expect(rows.map(({ label }) => label)).toEqual([
      "Cost today",
      "Cost this month",
      "Requests in the last minute",
    ]);
    expect(rows[0]).toMatchObject({ usedPercent: 40, projected: 8, tone: "warn" });
    expect(rows[1]).toMatchObject({ usedPercent: 100, tone: "bad" });
    expect(rows[2]).toMatchObject({ usedPercent: 80, projected: null, tone: "warn" });
    expect(tenantTone(alice, sixUtc)).toBe("bad");
  });

  test("the first hour of a day projects nothing; a limit of 0 is full once something was used", () => {
    const [first] = limitRows(alice, Date.UTC(2026, 10, 16, 0, 30));
    expect(first?.projected).toBeNull();
    const none = { ...alice, limits: { budget: { usd_per_day: 0 } } };
    expect(limitRows(none, sixUtc)[0]).toMatchObject({ usedPercent: 100, tone: "bad" });
    expect(limitRows({ ...alice, limits: null }, sixUtc)).toEqual([]);
  });

  test("a month has its own length", () => {
    expect(shareOfMonth(Date.UTC(2026, 1, 15))).toBe(0.5);
    expect(shareOfMonth(Date.UTC(2026, 10, 16))).toBe(0.5);
  });

  test("keys expire", () => {
    const at = (expires: string | null) =>
      tenantKeyStatus({ fingerprint: "a", expires, is_expired: false }, sixUtc).label;
    expect(at(null)).toBe("Valid");
    expect(at("2026-11-17T00:00:00Z")).toBe("Expires soon");
    expect(at("2027-11-17T00:00:00Z")).toBe("Valid until");
    expect(at("2026-11-16T00:00:00Z")).toBe("Expired");
  });
});

describe("Claude Code", () => {
  const finding = (section: string, state: "ok" | "warning" | "failed" | "skipped") => ({
    section,
    id: state,
    state,
    title: state,
    detail: null,
    advice: null,
  });

  test("findings come in groups, what failed first", () => {
    const findings = [
      finding("a", "ok"),
      finding("b", "ok"),
      finding("b", "failed"),
      finding("c", "warning"),
    ];
    expect(findingGroups({ findings }).map(({ section, findings: own }) => [section, own[0]?.state])).toEqual(
      [
        ["b", "failed"],
        ["c", "warning"],
        ["a", "ok"],
      ],
    );
    expect(findingSummary({ findings })).toBe("1 failed, 1 warning, 2 fine");
  });

  test("a login that was good is over when its time is", () => {
    const now = Date.UTC(2026, 10, 30);
    const login = { state: "signed_in", expires: "2026-11-29T00:00:00Z" };
    expect(loginStatus({ login }, now)).toMatchObject({ label: "Login expired", tone: "bad" });
    expect(loginStatus({ login: { state: "signed_in" } }, now)).toMatchObject({ label: "Signed in" });
    expect(loginStatus({ login: { state: "odd" } }, now)).toMatchObject({ label: "odd", tone: "plain" });
  });

  test("the processes of a provider are counted once, whatever its tenants", () => {
    const one = {
      provider: "claude",
      tenant: null,
      version: null,
      path: null,
      processes: { busy: 1, idle: 2, parked: 3, starting: 0 },
      login: { state: "unknown" },
      problem: null,
    };
    const ofTenant = { ...one, tenant: "alice" };
    const other = { ...one, provider: "second" };
    expect(processesOf([one, ofTenant, other])).toEqual({ busy: 2, idle: 4, parked: 6, starting: 0 });
  });
});

describe("small readings", () => {
  test("after signing in only places inside of the dashboard are visited", () => {
    const inside = ["/dashboard", "/dashboard/config/edit", "/dashboard?from=now-1h"];
    expect(inside.map(placeAfterSignIn)).toEqual(inside);
    const outside = [
      "//evil.example/dashboard",
      "https://evil.example/dashboard",
      "/dashboard\\\\evil.example",
      "/dashboards",
      "javascript:alert(1)",
      "",
    ];
    for (const next of [...outside, null]) expect(placeAfterSignIn(next)).toBe("/dashboard");
  });

  test("a chosen day lasts to its end in the viewer's zone", () => {
    const end = endOfDay("2026-12-31");
    expect(new Date(String(end)).toString()).toContain("Dec 31 2026 23:59:59");
    expect(end).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:59Z$/);
    expect(endOfDay("")).toBeNull();
    expect(endOfDay("2026-13-77")).toBeNull();
  });

  test("details of the audit log are shown as what they are", () => {
    expect(detailText("plain")).toBe("plain");
    expect(detailText({ a: 1 })).toBe('{"a":1}');
    expect(detailText(null)).toBe("");
  });
});
