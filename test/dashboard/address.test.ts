import { describe, expect, test } from "bun:test";
import { apiPath } from "../../src/dashboard/client/api.ts";
import { addressWith, segment, withRange } from "../../src/dashboard/client/location.ts";
import { filtersOf, rowMatches } from "../../src/dashboard/client/request-filters.ts";
import {
  choiceOf,
  inputTime,
  localInput,
  shortestRange,
  millisecondsOf,
  rangeOf,
} from "../../src/dashboard/client/time-range.ts";
import { fakeRecords, rowOf } from "./fake-records.ts";

const query = (text: string): URLSearchParams => new URLSearchParams(text);

describe("the address", () => {
  test("keeps what was not changed, and loses what is null or empty", () => {
    const place = { path: "/dashboard/requests", query: query("from=now-7d&model=a%2Fb&cursor=9") };
    expect(addressWith(place, { cursor: null, status: "" })).toBe(
      "/dashboard/requests?from=now-7d&model=a%2Fb",
    );
    expect(addressWith(place, { model: "x&y=z" })).toBe(
      "/dashboard/requests?from=now-7d&model=x%26y%3Dz&cursor=9",
    );
    expect(addressWith({ path: "/dashboard", query: query("a=1") }, { a: null })).toBe("/dashboard");
  });

  test("takes the range to another page, and no other filter", () => {
    expect(withRange("/dashboard/live", query("from=now-1h&to=5&model=x"))).toBe(
      "/dashboard/live?from=now-1h&to=5",
    );
    expect(withRange("/dashboard", query("model=x"))).toBe("/dashboard");
  });

  test("has an id as one segment, whatever is in it", () => {
    expect(segment("a/b?c#d%")).toBe("a%2Fb%3Fc%23d%25");
  });

  test("is asked of the API without keys that have no value", () => {
    expect(apiPath("/api/x", { a: null, b: undefined, c: "", d: 0, e: "1&2" })).toBe("/api/x?d=0&e=1%262");
    expect(apiPath("/api/x", {})).toBe("/api/x");
  });
});

describe("filters", () => {
  test("are those of the list and nothing else of the address", () => {
    expect(filtersOf(query("model=m&from=now-1h&cursor=3&status=failed&tenant=&evil=1"))).toEqual({
      status: "failed",
      model: "m",
    });
  });
});

describe("a request that has just ended", () => {
  const [first] = fakeRecords(0, 1);
  if (first === undefined) throw new Error("no record");
  const row = {
    ...rowOf(first),
    tenant: "t",
    agent: null,
    parent_agent: "boss",
    status: 429,
    failure: "rate-limited",
    tags: ["a", "b"],
    cost_usd: 0.5,
  };
  test.each([
    ["", true],
    ["tenant=t&status=4xx&tag=b&min_usd=0.5", true],
    ["agent=boss", true],
    ["status=429", true],
    ["status=rate-limited", true],
    ["status=failed", true],
    ["status=ok", false],
    ["status=5xx", false],
    ["tenant=u", false],
    ["tag=c", false],
    ["agent=other", false],
    ["min_usd=0.51", false],
    ["model=x", false],
  ])("belongs to the list with %p: %p", (text, belongs) => {
    expect(rowMatches(row, filtersOf(query(text)))).toBe(belongs);
  });

  test("whose client left has not failed, and costs nothing while that is unknown", () => {
    const left = { ...row, status: 499, failure: "cancelled", cost_usd: null };
    expect(rowMatches(left, filtersOf(query("status=failed")))).toBe(false);
    expect(rowMatches(left, filtersOf(query("status=cancelled")))).toBe(true);
    expect(rowMatches(left, filtersOf(query("min_usd=0.1")))).toBe(false);
  });
});

describe("the range", () => {
  const now = Date.UTC(2026, 10, 30, 12);
  test("is the last day where none is said", () => {
    expect(rangeOf(query(""))).toEqual({ from: "now-24h", to: null });
    expect(choiceOf(rangeOf(query("from=now-7d")))?.label).toBe("7 d");
    expect(choiceOf(rangeOf(query("from=now-7d&to=now-1d")))).toBe(null);
    expect(choiceOf(rangeOf(query("from=now-9d")))).toBe(null);
  });

  test("is read in every spelling that the API takes", () => {
    expect(millisecondsOf("now", now)).toBe(now);
    expect(millisecondsOf("now-90m", now)).toBe(now - 5_400_000);
    expect(millisecondsOf("now-2w", now)).toBe(now - 1_209_600_000);
    expect(millisecondsOf(String(now), now)).toBe(now);
    expect(millisecondsOf("2026-11-30T12:00:00Z", now)).toBe(now);
    expect([millisecondsOf("yesterday-ish", now), millisecondsOf("", now)]).toEqual([null, null]);
  });

  test("goes through an input and back", () => {
    expect(inputTime(localInput(now))).toBe(now);
    expect([1, 23, 100, 1000].map((hours) => shortestRange(now - hours * 3_600_000, now))).toEqual([
      "now-1h",
      "now-24h",
      "now-7d",
      null,
    ]);
    expect([inputTime(""), inputTime("2026-13-45T99:99"), localInput(Number.NaN)]).toEqual([null, null, ""]);
  });
});
