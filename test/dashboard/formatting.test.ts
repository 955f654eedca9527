import { describe, expect, test } from "bun:test";
import {
  change,
  dash,
  duration,
  money,
  moneyTick,
  percent,
  short,
  shortTime,
  shown,
  time,
} from "../../src/dashboard/client/formatting.ts";

describe("money", () => {
  test.each([
    [0, "$0"],
    [1234.5, "$1,234.50"],
    [12, "$12.00"],
    [0.01, "$0.01"],
    [0.00994, "$0.0099"],
    [0.00421, "$0.0042"],
    [0.000_012_34, "$0.000012"],
    [0.000_001, "$0.0000010"],
    [0.000_000_4, "<$0.000001"],
    [-2.5, "−$2.50"],
    [-0.004, "−$0.0040"],
  ])("%p is written %p", (usd, text) => expect(money(usd)).toBe(text));

  test("what is unknown is no amount", () => {
    expect([money(null), money(undefined), money(Number.NaN)]).toEqual([dash, dash, dash]);
  });
});

describe("figures", () => {
  test.each([
    [0, "0"],
    [999, "999"],
    [1000, "1.00k"],
    [12_345, "12.3k"],
    [99_949, "99.9k"],
    [99_950, "100k"],
    [999_499, "999k"],
    [999_950, "1.00M"],
    [18_300_000, "18.3M"],
    [2.5e9, "2.50B"],
    [0.25, "0.3"],
  ])("%p in short is %p", (value, text) => expect(short(value)).toBe(text));

  test.each([
    [0, "0 ms"],
    [999.4, "999 ms"],
    [999.6, "1.00 s"],
    [9_994, "9.99 s"],
    [9_996, "10.0 s"],
    [59_949, "59.9 s"],
    [59_960, "1 m 00 s"],
    [3_599_400, "59 m 59 s"],
    [3_600_000, "1 h 00 m"],
    [172_800_000, "2 d 0 h"],
  ])("%p ms last %p", (ms, text) => expect(duration(ms)).toBe(text));

  test.each([
    [0.015, 0.005, "$0.015"],
    [0.1, 0.05, "$0.10"],
    [0.005, 0.005, "$0.005"],
    [20, 20, "$20"],
    [0, 0.01, "$0"],
    [0.5, 0.1, "$0.50"],
    [15_000, 5_000, "$15.0k"],
  ])("a mark at %p, %p from the next one, is %p", (usd, step, text) =>
    expect(moneyTick(usd, step)).toBe(text),
  );

  test("nothing is unknown and zero at once", () => {
    expect([short(null), duration(null), percent(null), time(null, "full")]).toEqual([
      dash,
      dash,
      dash,
      dash,
    ]);
  });

  test("a change needs something to compare with", () => {
    expect([change(3, 2), change(1, 2), change(1, 0), change(null, 2), change(1, null)]).toEqual([
      50,
      -50,
      null,
      null,
      null,
    ]);
  });
});

describe("times", () => {
  const noon = Date.UTC(2026, 2, 29, 12);
  test("are of the zone that is asked for, summer time too", () => {
    expect(time(noon, "minute", "Europe/Berlin")).toBe("14:00");
    expect(time(noon - 86_400_000, "minute", "Europe/Berlin")).toBe("13:00");
    expect(time(noon, "minute", "Asia/Kathmandu")).toBe("17:45");
  });

  test("name the day only when it is not today", () => {
    expect(shortTime(noon, noon + 60_000)).toMatch(/^\d\d:\d\d:\d\d$/);
    expect(shortTime(noon, noon + 172_800_000)).toMatch(/Mar/);
  });
});

describe("names from outside", () => {
  test("show what would hide or turn the text", () => {
    expect(shown("a\u202eb\u001b[31m\u0000\u200b")).toBe("a\\u202eb\\u001b[31m\\u0000\\u200b");
  });

  test("have an end, which never cuts a character in two", () => {
    expect(shown("🦀".repeat(10_000), 3)).toBe("🦀🦀🦀…");
    expect(shown("x".repeat(200)).length).toBe(161);
  });

  test("keep emoji and other writings, and markup as text", () => {
    expect(shown("🏳️‍🌈 שלום 你好 <img>")).toBe("🏳️‍🌈 שלום 你好 <img>");
    expect([shown(null), shown("")]).toEqual([dash, dash]);
  });
});
