import { expect, test } from "bun:test";
import { createUlids, normaliseToolId, ulid } from "../../src/canon/id.ts";

test("a ULID is the specification's example in its time, 26 letters of its alphabet, and in order", () => {
  expect(ulid(1_469_918_176_385)).toStartWith("01ARYZ6S41");
  expect(ulid(0, new Uint8Array(16))).toBe("0".repeat(26));
  expect(ulid(2 ** 48 - 1, new Uint8Array(16).fill(31))).toBe("7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  const ids = Array.from({ length: 1_000 }, (_, at) => ulid(1_700_000_000_000 + at));
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(Array.from({ length: 1_000 }, () => ulid(5))).size).toBe(1_000);
  for (const id of ids) expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
});

test("ids of a request are ULIDs as well, none twice", () => {
  const next = createUlids();
  const ids = Array.from({ length: 3_000 }, (_, at) => next(1_469_918_176_385 + (at >> 9)));
  expect(new Set(ids).size).toBe(3_000);
  for (const id of ids) expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  expect(ids[0]).toStartWith("01ARYZ6S41");
  expect(ids.at(-1)?.slice(0, 10)).toBe(ulid(1_469_918_176_385 + (2_999 >> 9)).slice(0, 10));
});

test("a tool id without its punctuation", () => {
  expect(normaliseToolId("call_a-0.é")).toBe("calla0");
});
