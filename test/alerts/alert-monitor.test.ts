// The life of alerts on a clock of the test: one message for a cause and one for its end, hysteresis, levels, quiet hours, restarts.

import { expect, test } from "bun:test";
import { AlertMonitor, type MonitorOptions } from "../../src/alerts/alert-monitor.ts";
import type { AlertMessage } from "../../src/alerts/delivery/message.ts";
import type { AlertFacts } from "../../src/alerts/facts.ts";
import { isQuiet } from "../../src/alerts/quiet-hours.ts";
import { alertsSettings } from "../../src/alerts/settings.ts";
import { TrafficCounts } from "../../src/alerts/traffic-counts.ts";
import { type FakeClock, fakeClock } from "../support/clock.ts";
import { facts, provider } from "./facts.ts";

const out = provider("one", { circuit: "open" });
const halfOpen = provider("one", { circuit: "half-open" });
const good = provider("one");

function createStore() {
  const values = new Map<string, string>();
  return {
    values,
    get: (_space: string, name: string) => Promise.resolve(JSON.parse(values.get(name) ?? "null") as unknown),
    set(_space: string, name: string, value: unknown) {
      values.set(name, JSON.stringify(value));
      return Promise.resolve();
    },
  };
}

type Desk = {
  readonly monitor: AlertMonitor;
  readonly sent: AlertMessage[];
  readonly lines: string[];
  now: Partial<AlertFacts>;
  /** Nothing that is sent arrives. */
  isAway: boolean;
  readonly resumed: Undelivered[number][];
  settings: object;
  stop(): void;
};

type Undelivered = Parameters<MonitorOptions["outbox"]["resume"]>[0];

async function start(clock: FakeClock, store = createStore(), settings: object = {}): Promise<Desk> {
  const sent: AlertMessage[] = [];
  const lines: string[] = [];
  const line = (message: string): void => void lines.push(message);
  const monitor = new AlertMonitor({
    clock,
    log: { info: line, warn: line, error: line },
    settings: () => alertsSettings.parse({ check_interval_s: 10, resolve_after_s: 60, ...desk.settings }),
    traffic: new TrafficCounts(clock.nowMs),
    outbox: {
      send: (message) => void sent.push(message),
      test: () => Promise.resolve([]),
      stop: () => undefined,
      undelivered: () => (desk.isAway ? sent.map((message) => ({ message, channels: ["webhook"] })) : []),
      resume: (undelivered) => void desk.resumed.push(...undelivered),
    },
    store,
  });
  const desk: Desk = {
    monitor,
    sent,
    lines,
    now: {},
    isAway: false,
    resumed: [],
    settings,
    stop: () => undefined,
  };
  await monitor.load();
  desk.stop = monitor.watch(() => Promise.resolve(facts({ nowMs: clock.nowMs(), ...desk.now })));
  return desk;
}

const told = ({ sent }: Desk): string[] => sent.map(({ status, text }) => `${status}: ${text}`);

test("a provider goes out, flaps and comes back: one message, one when it is over", async () => {
  const clock = fakeClock();
  const desk = await start(clock);
  const heard: string[] = [];
  desk.monitor.subscribe(({ status, kind }) => void heard.push(`${status} ${kind}`));
  for (const state of [out, halfOpen, out, good, out, halfOpen, good]) {
    desk.now = { providers: [state, provider("two")] };
    await clock.advance(20_000);
  }
  expect(told(desk)).toEqual(["firing: Provider one is out of use."]);
  expect(desk.monitor.report().alerts).toHaveLength(1);
  await clock.advance(60_000);
  expect(told(desk)).toEqual([
    "firing: Provider one is out of use.",
    "resolved: Resolved: Provider one is out of use.",
  ]);
  expect(heard).toEqual(["firing provider-out", "resolved provider-out"]);
  expect(desk.lines).toEqual([
    "alert: Provider one is out of use.",
    "alert resolved: Provider one is out of use.",
  ]);
  const { alerts, recent } = desk.monitor.report();
  expect([alerts, recent.length]).toEqual([[], 1]);
  expect(recent[0]?.ended_ms).toBeGreaterThan(recent[0]?.since_ms ?? Infinity);
  desk.stop();
  expect(clock.waiting()).toBe(0);
});

test("a restart repeats nothing, and the end is told by the next process", async () => {
  const clock = fakeClock();
  const store = createStore();
  const first = await start(clock, store);
  first.now = { providers: [out, provider("two")] };
  await clock.advance(30_000);
  first.stop();
  const id = first.monitor.report().alerts[0]?.id;
  const second = await start(clock, store);
  second.now = first.now;
  await clock.advance(120_000);
  expect([told(first).length, told(second)]).toEqual([1, []]);
  expect(second.monitor.report().alerts.map((each) => each.id)).toEqual([id ?? ""]);
  second.now = {};
  await clock.advance(120_000);
  expect(told(second)).toEqual(["resolved: Resolved: Provider one is out of use."]);
  second.stop();
});

test("what has not arrived before a restart goes out after it: not a day later, and not in quiet hours", async () => {
  const clock = fakeClock(Date.UTC(2026, 0, 1, 21, 59));
  const store = createStore();
  const first = await start(clock, store);
  first.isAway = true;
  first.now = { providers: [out] };
  await clock.advance(20_000);
  first.stop();
  const ids = first.sent.map(({ id }) => id);
  const copyOf = () => {
    const copy = createStore();
    for (const [name, value] of store.values) copy.values.set(name, value);
    return copy;
  };
  const soon = await start(clock, copyOf());
  expect(soon.resumed.map(({ message }) => message.id)).toEqual(ids);
  soon.stop();
  const night = { quiet_hours: { from: "21:00", to: "22:30", tz: "UTC" } };
  const quiet = await start(clock, copyOf(), night);
  quiet.now = { providers: [out] };
  expect(quiet.resumed).toEqual([]);
  await clock.advance(3_600_000);
  expect(told(quiet)).toEqual([
    "summary: In the quiet hours one message was held back:\n- firing: Provider one is out of use.",
  ]);
  quiet.stop();
  await clock.advance(86_400_000);
  const late = await start(clock, copyOf());
  expect(late.resumed).toEqual([]);
  late.stop();
});

test("what was kept by another build or is damaged is no reason not to start", async () => {
  const store = createStore();
  store.values.set("known", JSON.stringify({ active: [{ kind: "unheard" }] }));
  const desk = await start(fakeClock(), store);
  expect(desk.monitor.report()).toEqual({ enabled: true, alerts: [], recent: [] });
  desk.stop();
});

test("a worse level of a budget is told again, the same level is not", async () => {
  const clock = fakeClock(Date.UTC(2026, 0, 1, 23));
  const desk = await start(clock, createStore(), { rules: { projection: false } });
  const day = Date.UTC(2026, 0, 1);
  for (const spent of [50, 80, 85, 90, 85, 90, 101, 150]) {
    const period = { period: "day", startMs: day, endMs: day + 86_400_000 } as const;
    desk.now = { budgets: [{ tenant: "alice", unit: "tokens", spent, limit: 100, ...period }] };
    await clock.advance(10_000);
  }
  expect(told(desk).map((text) => text.split(" ").slice(0, 5).join(" "))).toEqual([
    "firing: Tenant alice: 80 %",
    "changed: Tenant alice: 90 %",
    "changed: Tenant alice: the budget",
  ]);
  desk.stop();
});

test("a raised budget begins its levels anew, and so does the next day", async () => {
  const start0 = Date.UTC(2026, 0, 1);
  const clock = fakeClock(start0 + 80_000_000);
  const desk = await start(clock, createStore(), { rules: { projection: false }, resolve_after_s: 86_400 });
  const see = async (spent: number, limit: number, startMs: number): Promise<void> => {
    const period = { period: "day", startMs, endMs: startMs + 86_400_000 } as const;
    desk.now = { budgets: [{ tenant: "alice", unit: "usd", spent, limit, ...period }] };
    await clock.advance(10_000);
  };
  await see(2, 2, start0);
  await see(2, 2.2, start0);
  await see(2.2, 2.2, start0);
  await see(2, 2, start0 + 86_400_000);
  const usedUp = (end: string, spent: string) =>
    `Tenant alice: the budget of this day is used up (${spent}); it begins again at ${end} 00:00 UTC.`;
  expect(told(desk)).toEqual([
    `firing: ${usedUp("2026-01-02", "$2.00 of $2.00")}`,
    `changed: ${usedUp("2026-01-02", "$2.20 of $2.20")}`,
    `firing: ${usedUp("2026-01-03", "$2.00 of $2.00")}`,
  ]);
  desk.stop();
});

test("a budget that is used up does not end the news that it will be", async () => {
  const startMs = Date.UTC(2026, 0, 1);
  const clock = fakeClock(startMs + 43_200_000);
  const desk = await start(clock, createStore(), { resolve_after_s: 0 });
  const period = { period: "day", startMs, endMs: startMs + 86_400_000 } as const;
  for (const spent of [6, 10, 10]) {
    desk.now = { budgets: [{ tenant: "alice", unit: "usd", spent, limit: 10, ...period }] };
    await clock.advance(10_000);
  }
  expect(desk.sent.map(({ status, alert }) => `${status} ${alert?.kind}`)).toEqual([
    "firing budget-projected",
    "firing budget",
  ]);
  expect(desk.monitor.report().alerts.map(({ kind }) => kind)).toEqual(["budget"]);
  desk.stop();
});

test("what follows from another cause is shown and not told", async () => {
  const clock = fakeClock();
  const desk = await start(clock);
  desk.now = { providers: [out, provider("two", { circuit: "open" })] };
  await clock.advance(10_000);
  expect(told(desk)).toEqual(["firing: No provider of the fallback chain can answer: one, two."]);
  expect(
    desk.monitor
      .report()
      .alerts.map(({ kind }) => kind)
      .toSorted(),
  ).toEqual(["provider-out", "provider-out", "route-out"]);
  // One is back: the chain answers again, and of the other one is told now.
  desk.now = { providers: [good, provider("two", { circuit: "open" })] };
  await clock.advance(70_000);
  expect(told(desk).slice(1).toSorted()).toEqual([
    "firing: Provider two is out of use.",
    "resolved: Resolved: No provider of the fallback chain can answer: one, two.",
  ]);
  desk.stop();
});

test("quiet hours: held back, over a restart too, and told as one summary at their end", async () => {
  const clock = fakeClock(Date.UTC(2026, 0, 1, 22, 59, 55));
  const store = createStore();
  const settings = { quiet_hours: { from: "23:00", to: "01:00", tz: "UTC" } };
  const first = await start(clock, store, settings);
  first.now = { providers: [out], chain: ["one"] };
  await clock.advance(20_000);
  expect([told(first), first.lines.length]).toEqual([[], 1]);
  first.stop();
  const second = await start(clock, store, { ...settings, check_interval_s: 300 });
  await clock.advance(3_600_000);
  expect(told(second)).toEqual([]);
  await clock.advance(3_600_000);
  expect(told(second)).toEqual([
    "summary: In the quiet hours 2 messages were held back:\n- firing: Provider one is out of use.\n- resolved: Provider one is out of use.",
  ]);
  expect(second.sent[0]).toMatchObject({ severity: "critical", alert: null });
  expect(second.sent[0]?.summarized.map(({ status }) => status)).toEqual(["firing", "resolved"]);
  await clock.advance(3_600_000);
  expect(second.sent).toHaveLength(1);
  second.stop();
});

test("quiet hours with critical: true let a critical alert pass and hold a warning", async () => {
  const clock = fakeClock(Date.UTC(2026, 0, 1, 12));
  const quiet = { from: "00:00", to: "23:59", tz: "UTC", critical: true };
  const desk = await start(clock, createStore(), { quiet_hours: quiet });
  desk.now = { providers: [out, provider("two")] };
  await clock.advance(10_000);
  expect(told(desk)).toEqual([]);
  desk.now = { providers: [out], chain: ["one"] };
  await clock.advance(10_000);
  expect(told(desk)).toEqual(["changed: Provider one is out of use."]);
  desk.stop();
});

test("the hours span midnight and follow their zone through the change of the clocks", () => {
  const berlin = { from: "22:00", to: "07:00", tz: "Europe/Berlin", critical: false };
  const at = (...parts: [number, number, number, number]): boolean => isQuiet(berlin, Date.UTC(...parts));
  // Winter: UTC+1. Summer: UTC+2.
  expect([at(2026, 0, 10, 20), at(2026, 0, 10, 21), at(2026, 0, 11, 5), at(2026, 0, 11, 6)]).toEqual([
    false,
    true,
    true,
    false,
  ]);
  expect([at(2026, 6, 10, 19), at(2026, 6, 10, 20), at(2026, 6, 11, 4), at(2026, 6, 11, 5)]).toEqual([
    false,
    true,
    true,
    false,
  ]);
  expect(isQuiet(undefined, 0)).toBe(false);
});

test("switched off by a reload: nothing lasts, nothing is told", async () => {
  const clock = fakeClock();
  const desk = await start(clock);
  desk.now = { providers: [out, provider("two")] };
  await clock.advance(10_000);
  desk.settings = { enabled: false };
  await clock.advance(10_000);
  expect([desk.monitor.report().alerts, told(desk).length]).toEqual([[], 1]);
  desk.stop();
});

test("an error rate of which nothing is known any more ends after half an hour, not after a minute", async () => {
  const clock = fakeClock();
  const desk = await start(clock);
  desk.now = { failures: () => ({ total: 100, failed: 100 }) };
  await clock.advance(10_000);
  desk.now = {};
  await clock.advance(1_700_000);
  expect(told(desk)).toHaveLength(2);
  await clock.advance(200_000);
  expect(desk.monitor.report().alerts).toEqual([]);
  desk.stop();
});

test("a check that fails is logged, and the next one judges", async () => {
  const clock = fakeClock();
  const lines: string[] = [];
  const monitor = new AlertMonitor({
    clock,
    log: { info: () => undefined, warn: () => undefined, error: (message) => void lines.push(message) },
    settings: () => alertsSettings.parse({}),
    traffic: new TrafficCounts(clock.nowMs),
    outbox: {
      send: () => undefined,
      test: () => Promise.resolve([]),
      stop: () => undefined,
      undelivered: () => [],
      resume: () => undefined,
    },
    store: createStore(),
  });
  let isBroken = true;
  const stop = monitor.watch(() =>
    isBroken ? Promise.reject(new Error("no")) : Promise.resolve(facts({ providers: [out] })),
  );
  await clock.advance(10_000);
  isBroken = false;
  await clock.advance(10_000);
  expect([lines, monitor.report().alerts.length]).toEqual([["the alerts could not be judged"], 1]);
  stop();
});
