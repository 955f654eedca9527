// Whose a vendor's responses are: bounded, saved, and never another's.

import { expect, test } from "bun:test";
import { createSavedVendorIds } from "../../../src/app/persistence/saved-vendor-ids.ts";
import { VendorIds } from "../../../src/pipeline/responses/vendor-ids.ts";
import { createMemoryStore } from "../../../src/state/memory-store.ts";
import { fakeClock } from "../../support/clock.ts";

test("the oldest of too many is forgotten, and an id stays whose it was first", () => {
  const forgotten: string[] = [];
  const ids = new VendorIds({
    onGiven: () => undefined,
    onForgotten: (id) => void forgotten.push(id),
    mostIds: 2,
  });
  ids.given("a", "alice");
  ids.given("a", "bob");
  expect(ids.mayContinue("a", "bob", true)).toBe(false);
  expect(ids.mayContinue("a", "alice", false)).toBe(true);
  ids.given("b", null);
  ids.given("c", "bob");
  expect(forgotten).toEqual(["a"]);
  expect(ids.mayContinue("a", "alice", false)).toBe(false);
  expect(ids.mayContinue("b", null, false)).toBe(true);
  expect(ids.mayContinue("b", "alice", true)).toBe(false);
});

test("they are saved within a second, for 30 days, and rows that are not ours are left out", async () => {
  const clock = fakeClock();
  const store = createMemoryStore(clock.nowMs);
  const lines: string[] = [];
  const log = { warn: (line: string) => void lines.push(line) };
  const first = createSavedVendorIds({ store, clock, log });
  first.ids.given("resp_1", "alice");
  first.ids.given("resp_2", null);
  await clock.advance(1_100);
  await store.set("vendor-response", "odd", { tenant: 7 }, null);
  const second = createSavedVendorIds({ store, clock, log });
  await second.load();
  expect(second.ids.mayContinue("resp_1", "alice", false)).toBe(true);
  expect(second.ids.mayContinue("resp_2", null, false)).toBe(true);
  expect(second.ids.mayContinue("odd", "alice", false)).toBe(false);
  await clock.advance(31 * 86_400_000);
  const third = createSavedVendorIds({ store, clock, log });
  await third.load();
  expect(third.ids.mayContinue("resp_1", "alice", false)).toBe(false);
  expect(lines).toEqual([]);
});
