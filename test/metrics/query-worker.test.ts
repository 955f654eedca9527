// The thread that reads: it dies, hangs, cannot read; the store answers nevertheless, and the next question starts it again.

import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { Database } from "bun:sqlite";
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { QueryWorker } from "../../src/metrics/query-worker.ts";
import { createStoreFixture, fill, noonMs, recordingLog, sampleRecord } from "./samples.ts";

const { place, opened, clear } = createStoreFixture();
const workers: QueryWorker[] = [];
afterEach(async () => {
  for (const worker of workers.splice(0)) worker.close();
  await clear();
});

const thread = (source: string) => () =>
  new Worker(URL.createObjectURL(new Blob([source], { type: "application/javascript" })));

const lost = "metrics: the thread that reads records was lost, the next report starts it again";

function asking(start: () => Worker, timeLimitMs = 5_000) {
  const log = recordingLog();
  const worker = new QueryWorker({ log, timeLimitMs, start });
  workers.push(worker);
  return { log, ask: () => worker.ask("/nowhere", { kind: "request", id: "1" }), worker };
}

describe("a thread", () => {
  test("that throws is lost, said so, and started again for the next question", async () => {
    let started = 0;
    const { log, ask } = asking(() => {
      started += 1;
      return thread(
        started === 1
          ? "onmessage = () => { throw new Error('boom'); };"
          : "onmessage = ({ data }) => postMessage({ id: data.id, answer: 7 });",
      )();
    });
    expect(await ask()).toMatchObject({ outcome: "gone", detail: expect.stringContaining("boom") });
    expect(log.heard.map(({ message }) => message)).toEqual([lost]);
    expect((await ask()) as unknown).toEqual({ outcome: "answered", answer: 7 });
    expect(started).toBe(2);
  });

  test("that does not end is ended at the time limit, and who waits behind it is answered by a new one", async () => {
    let started = 0;
    const { ask } = asking(() => {
      started += 1;
      return thread(
        started === 1
          ? "onmessage = () => { for (;;); };"
          : "onmessage = ({ data }) => postMessage({ id: data.id, answer: 8 });",
      )();
    }, 1_000);
    const [first, second] = await Promise.all([ask(), ask()]);
    expect(first).toMatchObject({ outcome: "gone" });
    expect(second as unknown).toEqual({ outcome: "answered", answer: 8 });
  });

  test("that does not exist leaves nobody waiting; after a close nobody waits either", async () => {
    const { ask, worker } = asking(() => new Worker(join(place(), "absent.ts")));
    expect(await ask()).toMatchObject({ outcome: "gone" });
    const waiting = ask();
    worker.close();
    expect(await waiting).toMatchObject({ outcome: "gone" });
    expect(await ask()).toMatchObject({ outcome: "gone" });
  });
});

const series = { nowMs: noonMs, tz: "UTC", bucket: "total" } as const;

describe("the store", () => {
  test("answers of the new file after the old one was moved away", async () => {
    const path = join(place(), "clawgate.db");
    const store = opened(path);
    fill(store, "a", 3);
    expect((await store.series(series)).totals.requests).toBe(3);
    for (const suffix of ["", "-wal", "-shm"]) renameSync(path + suffix, `${path}.away${suffix}`);
    fill(store, "b", 2);
    expect((await store.series(series)).totals.requests).toBe(2);
    expect((await store.stats({ nowMs: noonMs })).totals.total_requests).toBe(2);
  });

  test("says that it cannot read, instead of telling that there was nothing", async () => {
    const store = opened(join(place(), "clawgate.db"));
    fill(store, "a", 1_200);
    await store.flush();
    const signal = new AbortController().signal;
    const pieces = store.export({}, signal)[Symbol.asyncIterator]();
    expect((await pieces.next()).done).toBe(false);
    const answers = spyOn(QueryWorker.prototype, "ask").mockResolvedValue({
      outcome: "gone",
      detail: "too slow",
    });
    try {
      const failure = { kind: "at-capacity", message: expect.stringContaining("cannot be read") };
      for (const asked of [
        () => pieces.next(),
        () => store.series(series),
        () => store.requests({}),
        () => store.request("1"),
        () => store.sessions({}),
        () => store.session("s", {}),
        () => store.waste({ nowMs: noonMs }),
      ])
        expect(await asked().catch((thrown: unknown) => thrown)).toMatchObject(failure);
      expect((await store.stats({ nowMs: noonMs })).totals.total_requests).toBe(0);
    } finally {
      answers.mockRestore();
    }
    expect((await store.series(series)).totals.requests).toBe(1_200);
  });

  test("answers in memory where no file can be opened", async () => {
    const folder = join(place(), "clawgate.db");
    mkdirSync(folder);
    const store = opened(folder);
    store.record(sampleRecord("one", { session: "s", tenant: "red" }));
    expect((await store.series(series)).totals.requests).toBe(1);
    expect((await store.sessions({})).sessions).toMatchObject([{ session: "s", tenant: "red", requests: 1 }]);
    expect(store.status().state).toBe("memory");
  });

  test("sees what was recorded just before, while another program holds the file", async () => {
    const path = join(place(), "clawgate.db");
    const store = opened(path);
    fill(store, "a", 2);
    await store.flush();
    const other = new Database(path);
    other.run("BEGIN IMMEDIATE");
    fill(store, "b", 1);
    const without = await store.series(series);
    expect([without.totals.requests, without.exact]).toEqual([2, false]);
    other.run("COMMIT");
    other.close();
    await store.flush();
    const whole = await store.series(series);
    expect([whole.totals.requests, whole.exact]).toEqual([3, true]);
  });
});
