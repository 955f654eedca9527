// The parameters that select requests: what each accepts, what is refused, and how a refusal names the parameter.

import { describe, expect, test } from "bun:test";
import { Failure } from "../../src/canon/failure.ts";
import { readRequestQuery } from "../../src/canon/request-filters.ts";

const nowMs = Date.UTC(2026, 10, 30, 12);

const read = (text: string) => readRequestQuery(new URLSearchParams(text), nowMs);

function refusal(text: string): { readonly param: string | null; readonly message: string } {
  try {
    read(text);
  } catch (thrown) {
    if (thrown instanceof Failure) {
      expect(thrown.kind).toBe("invalid-request");
      return thrown;
    }
    throw thrown;
  }
  throw new Error(`"${text}" was accepted`);
}

describe("a query of requests", () => {
  test("holds every filter, and money to the nano", () => {
    const query = read(
      "from=now-24h&to=now&tz=Europe/Berlin&tenant=a&client=c&session=s&agent=g&provider=p&model=m%2Fn&rule=r&status=4xx&tag=t&min_usd=0.1&cursor=a.b-c&limit=7",
    );
    expect(query.filter).toEqual({
      fromMs: nowMs - 86_400_000,
      toMs: nowMs,
      tenant: "a",
      client: "c",
      session: "s",
      agent: "g",
      provider: "p",
      model: "m/n",
      rule: "r",
      status: "4xx",
      tag: "t",
      minNanoUsd: 100_000_000,
    });
    expect(query).toMatchObject({ tz: "Europe/Berlin", cursor: "a.b-c", limit: 7, bucket: "auto" });
  });

  test("an empty value is an absent one, and nothing given selects everything", () => {
    expect(read("model=&limit=").filter).toEqual({});
    expect(read("")).toEqual({
      filter: {},
      tz: "UTC",
      bucket: "auto",
      previous: false,
      waste: false,
      format: "csv",
    });
  });

  test.each([
    ["from=yesterday", "from", "ISO 8601"],
    ["from=2026-02-30", "from", "ISO 8601"],
    ["to=1e12", "to", "ISO 8601"],
    ["tz=Mars/Phobos", "tz", "IANA"],
    ["tz=%2B02:00", "tz", "IANA"],
    ["status=maybe", "status", "HTTP status"],
    ["min_usd=1e-3", "min_usd", "USD"],
    ["min_usd=-1", "min_usd", "USD"],
    ["limit=0", "limit", "1 to 1000"],
    ["limit=1001", "limit", "1 to 1000"],
    ["limit=ten", "limit", "1 to 1000"],
    ["bucket=2h", "bucket", "15m"],
    ["by=colour", "by", "tenant"],
    ["previous=yes", "previous", "1 or 0"],
    ["cursor=a%00b", "cursor", "earlier page"],
    [`model=${"x".repeat(301)}`, "model", "300"],
    ["from=now&to=now-1h", "to", "later"],
    ["model=a&model=b", "model", "twice"],
    ["modle=a", "modle", "Did you mean model?"],
  ])("%s is refused and named", (text, param, words) => {
    const failure = refusal(text);
    expect(failure.param).toBe(param);
    expect(failure.message).toContain(words);
  });

  test("a refusal can name the parameter as a command does", () => {
    expect(() =>
      readRequestQuery([["min_usd", "x"]], nowMs, (name) => `--${name.replaceAll("_", "-")}`),
    ).toThrow("--min-usd must be an amount in USD");
  });
});

describe("times", () => {
  const timeOf = (text: string, tz = "UTC"): string =>
    new Date(read(new URLSearchParams({ from: text, tz }).toString()).filter.fromMs ?? 0).toISOString();

  test.each([
    ["1700000000000", "UTC", "2023-11-14T22:13:20.000Z"],
    ["now-7d", "UTC", "2026-11-23T12:00:00.000Z"],
    ["2026-11-30", "Europe/Berlin", "2026-11-29T23:00:00.000Z"],
    ["2026-11-30T08:15", "Asia/Kathmandu", "2026-11-30T02:30:00.000Z"],
    ["2026-11-30T08:15:30.25Z", "Asia/Kathmandu", "2026-11-30T08:15:30.250Z"],
    ["2026-11-30T08:15:30+05:30", "UTC", "2026-11-30T02:45:30.000Z"],
    // Nobody encodes a plus sign in a query.
    ["2026-11-30T08:15:30 05:30", "UTC", "2026-11-30T02:45:30.000Z"],
    // The night in which the clocks are put back: the first of both.
    ["2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00.000Z"],
    // A time that the clocks skip: the end of the gap.
    ["2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:00:00.000Z"],
    // A day that begins at one o'clock.
    ["2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00.000Z"],
    // Clocks that move by half an hour.
    ["2026-04-05", "Australia/Lord_Howe", "2026-04-04T13:00:00.000Z"],
    ["2026-04-05T12:00", "Australia/Lord_Howe", "2026-04-05T01:30:00.000Z"],
  ])("%s in %s", (text, tz, expected) => {
    expect(timeOf(text, tz)).toBe(expected);
  });
});
