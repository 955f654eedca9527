// While a gateway hands over, what only one process may do rests, and goes on if it stays: its claim on the directory, its alerts.

import { expect, test } from "bun:test";
import { BackgroundWork } from "../../src/app/background-work.ts";

type Parts = ConstructorParameters<typeof BackgroundWork>[0];

function parts() {
  const running = new Set<string>();
  let facts: (() => Promise<unknown>) | null = null;
  const watch = (name: string) => (): (() => void) => {
    expect(running.has(name)).toBe(false);
    running.add(name);
    return () => void running.delete(name);
  };
  const services = {
    descriptors: { watch: watch("descriptors"), limit: null },
    clock: { setTimer: () => () => undefined, nowMs: () => 0, monotonicMs: () => 0 },
    health: { view: () => ({}) },
    state: { checkFile: () => undefined },
    spending: { checkSlots: () => undefined },
    stickiness: { sweep: () => undefined },
    requestLog: { watch: watch("request log") },
    keptAnswers: { watch: watch("kept answers") },
    alerts: {
      watch(asked: () => Promise<unknown>) {
        facts = asked;
        return watch("alerts")();
      },
    },
  };
  const made: Parts = {
    clock: services.clock,
    log: {},
    services,
    snapshots: {
      current: () => ({ loaded: { config: { health: {}, providers: {} } } }),
      currentConfig: () => ({ config: { session: { cleanup_interval: 60 } } }),
    },
    claim: { watch: watch("claim") },
    server: { closeIdle: () => undefined },
    machineChecks: { watch: watch("machine"), latest: () => ({}) },
    reloader: { reload: () => Promise.resolve(), diskState: () => ({}) },
    startProblems: () => [],
    source: { watch: watch("config file") },
  } as never;
  return { made, running, ask: () => facts?.() ?? Promise.resolve() };
}

const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
  const settled = promise.then(
    () => true,
    () => true,
  );
  return Promise.race([settled, Bun.sleep(200).then(() => false)]);
};

test("a pause ends with resume, and then everything runs once", async () => {
  const { made, running, ask } = parts();
  const work = new BackgroundWork(made);
  const all = [...running];
  expect(all).toEqual(expect.arrayContaining(["claim", "alerts", "machine", "config file"]));
  work.pause();
  work.pause();
  expect([...running]).toEqual(all.filter((name) => name !== "claim"));
  const facts = ask();
  expect(await isSettled(facts)).toBe(false);
  work.resume();
  work.resume();
  expect([...running].toSorted()).toEqual(all.toSorted());
  expect(await isSettled(facts)).toBe(true);
  work.stop();
  work.stop();
  work.resume();
  expect([...running]).toEqual([]);
});

test("what was paused stays so when all of it is stopped", async () => {
  const { made, running, ask } = parts();
  const work = new BackgroundWork(made);
  work.pause();
  work.stop();
  work.resume();
  expect([...running]).toEqual([]);
  expect(await isSettled(ask())).toBe(false);
});
