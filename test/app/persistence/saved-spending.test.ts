// What tenants spent, kept off the request path and brought back: with a real state file, one that cannot be written, and rubbish.

import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createSavedSpending } from "../../../src/app/persistence/saved-spending.ts";
import { disabledMetricsStore } from "../../../src/metrics/disabled-metrics-store.ts";
import { createMemoryStore } from "../../../src/state/memory-store.ts";
import { SqliteStateStore } from "../../../src/state/sqlite-state-store.ts";
import { openSlots, type Slots } from "../../../src/state/slots.ts";
import type { StateStore } from "../../../src/state/state-store.ts";
import { fakeClock, type FakeClock } from "../../support/clock.ts";
import { enterLocally, spentOf } from "../../support/local-meter.ts";

const directory = mkdtempSync(join(tmpdir(), "clawgate-spending-"));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const alice = { name: "alice", limits: { budget: { usd_per_day: 1 } } };
const warnings: string[] = [];
const log = { info: () => undefined, warn: (message: string) => void warnings.push(message) };

const memoryOn = (store: StateStore, clock: FakeClock, slots: Slots | null = null) =>
  createSavedSpending({ store, slots, records: disabledMetricsStore(), clock, log });

test("an answer is written when it ends, many of them once in a while, and a new process knows of all of them", async () => {
  const clock = fakeClock(Date.UTC(2026, 6, 1, 10));
  const open = (): StateStore => new SqliteStateStore({ path: join(directory, "state.db"), clock, log });
  const first = open();
  let writes = 0;
  let writingMs = 0;
  let passedMs = 0;
  const set = first.set.bind(first);
  const writeNow = first.writeNow.bind(first);
  first.set = (...row) => ((writes += 1), set(...row));
  first.writeNow = () => {
    passedMs += writingMs;
    writeNow();
  };
  const memory = memoryOn(first, { ...clock, monotonicMs: () => clock.monotonicMs() + passedMs });
  const answer = (): void => enterLocally(memory.meters.of("alice")).charge({ tokens: 10, nanoUsd: 1_000 });
  await memory.follow([alice]);
  answer();
  // No time has passed, and whoever is killed now has left it behind.
  const left = open();
  expect((await left.list("spent")).map(({ key, value }) => [key, value])).toEqual([
    ["alice", expect.objectContaining({ day: { tokens: 10, nanoUsd: 1_000 } })],
  ]);
  await left.close();
  // A disk that is slow must not take the time of everybody.
  writingMs = 20;
  writes = 0;
  for (let i = 0; i < 99; i++) answer();
  expect(writes).toBe(3);
  await clock.advance(500);
  expect(writes).toBe(4);
  await memory.close();
  await first.close();

  const second = open();
  const again = memoryOn(second, clock);
  await again.follow([alice]);
  expect(spentOf(again.meters.of("alice"))).toMatchObject({
    day: { tokens: 1_000, nanoUsd: 100_000 },
    month: { tokens: 1_000, nanoUsd: 100_000 },
  });
  await second.close();

  // Next month nothing of it is left, in the file either.
  await clock.advance(31 * 86_400_000);
  const third = open();
  expect(await third.list("spent")).toEqual([]);
  await third.close();
  expect(warnings).toEqual([]);
});

test("however many answers end at once, each is kept before the next, and the store hears of them later", async () => {
  const clock = fakeClock(Date.UTC(2026, 6, 1, 10));
  const path = join(mkdtempSync(join(tmpdir(), "clawgate-slots-")), "spent.slots");
  const store = createMemoryStore(clock.nowMs);
  let writes = 0;
  const memory = memoryOn(
    { ...store, set: (...row) => ((writes += 1), store.set(...row)) },
    clock,
    openSlots(path),
  );
  await memory.follow([alice, { ...alice, name: "bob" }]);
  for (let i = 1; i <= 200; i++) {
    enterLocally(memory.meters.of(i % 2 === 0 ? "alice" : "bob")).charge({ tokens: 10, nanoUsd: 1_000 });
    // Whoever is killed here has left behind the slots alone.
    if (i % 40 !== 0) continue;
    const next = memoryOn(createMemoryStore(clock.nowMs), clock, openSlots(path));
    await next.follow([alice, { ...alice, name: "bob" }]);
    for (const name of ["alice", "bob"]) expect(spentOf(next.meters.of(name)).day.nanoUsd).toBe(500 * i);
    await next.close();
  }
  expect(writes).toBe(0);
  await clock.advance(200);
  expect(writes).toBe(2);
  await memory.close();
  rmSync(dirname(path), { recursive: true });
});

test("slots that are deleted or replaced are made again, unless their place is somebody else's by now", async () => {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-slots-"));
  const path = join(folder, "spent.slots");
  let mayOpen = true;
  const slots = openSlots(path, () => mayOpen);
  const kept = (): unknown => {
    const next = openSlots(path);
    const value = next.get("alice");
    next.close();
    return value;
  };
  slots.checkFile();
  expect(slots.put("alice", 1)).toBe(true);
  slots.checkFile();
  for (const takeAway of [() => rmSync(path), () => (rmSync(path), writeFileSync(path, "rubbish"))]) {
    takeAway();
    slots.checkFile();
    expect(slots.put("bob", 2)).toBe(true);
    expect(slots.put("alice", 3)).toBe(true);
    expect(kept()).toBe(3);
  }
  rmSync(path);
  mayOpen = false;
  slots.checkFile();
  expect(slots.put("alice", 4)).toBe(false);
  expect(existsSync(path)).toBe(false);
  mayOpen = true;
  slots.checkFile();
  expect(slots.put("alice", 5)).toBe(true);
  expect(kept()).toBe(5);
  rmSync(path);
  slots.close();
  slots.checkFile();
  expect(slots.put("alice", 6)).toBe(false);
  rmSync(folder, { recursive: true });
});

test("slots that cannot be used, and rubbish in them, are no slots", async () => {
  const clock = fakeClock(Date.UTC(2026, 6, 1, 10));
  const folder = mkdtempSync(join(tmpdir(), "clawgate-slots-"));
  writeFileSync(
    join(folder, "rubbish"),
    `${"x".repeat(700)}\n${JSON.stringify(["alice", { days: [7, {}] }])}`,
  );
  writeFileSync(join(folder, "elsewhere"), "mine");
  symlinkSync(join(folder, "elsewhere"), join(folder, "link"));
  for (const name of ["rubbish", "link", "none/there", "."]) {
    const store = createMemoryStore(clock.nowMs);
    const memory = memoryOn(store, clock, openSlots(join(folder, name)));
    await memory.follow([alice]);
    expect([name, spentOf(memory.meters.of("alice")).day.tokens]).toEqual([name, 0]);
    enterLocally(memory.meters.of("alice")).charge({ tokens: 10, nanoUsd: 0 });
    expect([name, (await store.list("spent")).length]).toEqual([name, name === "rubbish" ? 0 : 1]);
    await memory.close();
    expect((await store.list("spent")).length).toBe(1);
  }
  expect(readFileSync(join(folder, "elsewhere"), "utf8")).toBe("mine");
  rmSync(folder, { recursive: true });
});

test("rubbish in the state is nothing spent", async () => {
  const clock = fakeClock();
  for (const value of [
    null,
    7,
    "x",
    [],
    {},
    { dayMs: 1 },
    { dayMs: 0, monthMs: 0, day: { tokens: -1 }, month: 3 },
  ]) {
    const store = createMemoryStore(clock.nowMs);
    await store.set("spent", "alice", value, null);
    const memory = memoryOn(store, clock);
    await memory.follow([alice]);
    expect(spentOf(memory.meters.of("alice")).month).toEqual({ tokens: 0, nanoUsd: 0 });
  }
});

test("a tenant without a budget is in no hurry", async () => {
  const clock = fakeClock();
  const store = createMemoryStore(clock.nowMs);
  const memory = memoryOn(store, clock);
  enterLocally(memory.meters.of("bob")).charge({ tokens: 10, nanoUsd: 0 });
  expect(await store.list("spent")).toEqual([]);
  await memory.follow([alice]);
  enterLocally(memory.meters.of("alice")).charge({ tokens: 10, nanoUsd: 0 });
  expect((await store.list("spent")).length).toBe(2);
  expect(clock.waiting()).toBe(0);
});

test("a tenant without a budget is not looked for, and nothing waits", async () => {
  const clock = fakeClock();
  const store = createMemoryStore(clock.nowMs);
  store.get = () => Promise.reject(new Error("asked"));
  const memory = memoryOn(store, clock);
  await memory.follow([{ name: "bob", limits: undefined }]);
  expect(warnings).toEqual([]);
  await memory.follow([alice]);
  expect(warnings).toEqual(["earlier tenant spending is unknown"]);
  expect(clock.waiting()).toBe(0);
});
