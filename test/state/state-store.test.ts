// What both homes of state promise: the same answers, whoever keeps the rows.

import { afterEach, describe, expect, test } from "bun:test";
import { createMemoryStore } from "../../src/state/memory-store.ts";
import { type StateFixture, createStateFixture } from "./state-fixture.ts";

const homes: StateFixture[] = [];
afterEach(() => {
  for (const home of homes.splice(0)) home.remove();
});
const newHome = (): StateFixture => {
  const home = createStateFixture();
  homes.push(home);
  return home;
};

describe.each(["memory", "sqlite"] as const)("%s", (kind) => {
  const opened = () => {
    const home = newHome();
    const store = kind === "memory" ? createMemoryStore(home.clock.nowMs) : home.open();
    return { ...home, store };
  };

  test("gives back what JSON can say, by namespace and key", async () => {
    const { store } = opened();
    const value = { text: "a\nß\u2028", list: [1, null, true], nested: { n: 1.5 } };
    await store.set("one", "key", value, null);
    await store.set("two", "key", "other", null);
    await store.set("one", "", 0, null);
    expect(await store.get("one", "key")).toEqual(value);
    expect(await store.get("two", "key")).toBe("other");
    expect(await store.get("one", "")).toBe(0);
    expect(await store.get("one", "missing")).toBeUndefined();
    expect(await store.get("three", "key")).toBeUndefined();
    expect(await store.list("one")).toEqual([
      { key: "key", value, expiresAtMs: null },
      { key: "", value: 0, expiresAtMs: null },
    ]);
    await store.delete("one", "key");
    await store.delete("one", "never");
    expect(await store.list("one")).toEqual([{ key: "", value: 0, expiresAtMs: null }]);
    await store.close();
  });

  test("a value is a copy, and the last one counts", async () => {
    const { store } = opened();
    const value = { n: 1 };
    await store.set("one", "key", value, null);
    value.n = 2;
    expect(await store.get("one", "key")).toEqual({ n: 1 });
    await store.set("one", "key", value, null);
    expect(await store.get("one", "key")).toEqual({ n: 2 });
    await store.close();
  });

  test("what is over is gone", async () => {
    const { store, clock } = opened();
    await store.set("one", "short", 1, clock.nowMs() + 1_000);
    await store.set("one", "long", 2, clock.nowMs() + 9_000);
    await clock.advance(999);
    expect(await store.get("one", "short")).toBe(1);
    await clock.advance(1);
    expect(await store.get("one", "short")).toBeUndefined();
    expect((await store.list("one")).map((row) => row.key)).toEqual(["long"]);
    await store.close();
    expect(store.status().state).toBe("closed");
  });
});
