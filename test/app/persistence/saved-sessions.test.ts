// What sessions have spent, from one process to the next: written soon, not often, and read whatever stands there.

import { expect, test } from "bun:test";
import { createSavedSessions } from "../../../src/app/persistence/saved-sessions.ts";
import { createMemoryStore } from "../../../src/state/memory-store.ts";
import type { StateStore } from "../../../src/state/state-store.ts";
import { fakeClock, settleQueues } from "../../support/clock.ts";

function open(store?: StateStore) {
  const clock = fakeClock();
  const memory = store ?? createMemoryStore(clock.nowMs);
  const warnings: string[] = [];
  const saved = createSavedSessions({
    store: memory,
    clock,
    log: { warn: (message) => void warnings.push(message) },
  });
  const spend = (key: string, nanoUsd: number): void =>
    saved.sessions.hold(key, { named: 1_000, tenant: null })?.charge(nanoUsd);
  const isSpent = (key: string): boolean =>
    (saved.sessions.hold(key, { named: null, tenant: null })?.usedUp() ?? null) !== null;
  return { clock, store: memory, saved, spend, isSpent, warnings };
}

const rows = async (store: StateStore) =>
  (await store.list("session-spent")).map(({ key, value }) => [key, value]);

test("the first change is written at once, the next ones together", async () => {
  const { clock, store, spend } = open();
  spend("a:1", 400);
  clock.advance(0);
  await settleQueues();
  expect(await rows(store)).toEqual([["a:1", expect.objectContaining({ nanoUsd: 400, capNanoUsd: 1_000 })]]);
  spend("a:1", 300);
  spend("a:2", 100);
  clock.advance(100);
  await settleQueues();
  expect(await rows(store)).toHaveLength(1);
  clock.advance(60);
  await settleQueues();
  const written = new Map((await rows(store)) as [string, { nanoUsd: number }][]);
  expect([written.get("a:1")?.nanoUsd, written.get("a:2")?.nanoUsd]).toEqual([700, 100]);
});

test("the next process knows it, and what is not ours it leaves alone", async () => {
  const { store, saved, spend, clock } = open();
  spend("a:1", 1_000);
  await saved.flush();
  for (const [key, value] of [
    ["b", null],
    ["c", { nanoUsd: "5", capNanoUsd: 1 }],
    ["d", { nanoUsd: -5, capNanoUsd: null }],
    ["e", { nanoUsd: 5, capNanoUsd: "x" }],
  ] as const)
    await store.set("session-spent", key, value, clock.nowMs() + 1_000);
  const next = open(store);
  await next.saved.load();
  expect([next.isSpent("a:1"), next.isSpent("a:2")]).toEqual([true, false]);
  for (const key of ["b", "c", "d", "e"]) expect(next.saved.sessions.saved(key)).toBeNull();
  expect(next.warnings).toEqual([]);
});

test("a store that cannot be read is told, and everything goes on", async () => {
  const broken = createMemoryStore(() => 0);
  const { saved, warnings, spend, isSpent } = open({
    ...broken,
    list: () => Promise.reject(new Error("the disk is gone")),
  });
  await saved.load();
  expect(warnings).toEqual(["what sessions have spent earlier is unknown"]);
  spend("a:1", 1_000);
  expect(isSpent("a:1")).toBe(true);
});
