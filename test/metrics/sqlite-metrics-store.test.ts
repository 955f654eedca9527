// The store against real files: ordinary use, locks, a full disk, kill -9, retention.

import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { disabledMetricsStore } from "../../src/metrics/disabled-metrics-store.ts";
import { dayMs } from "../../src/metrics/tables.ts";
import {
  fill,
  recordingLog,
  noonMs,
  rowCount,
  sampleRecord,
  temporaryFolder,
  testStore,
  until,
  createStoreFixture,
} from "./samples.ts";

const { place, opened, clear } = createStoreFixture();
afterEach(clear);

describe("an ordinary file", () => {
  test("is made with its folder, private to its owner, and holds every record", async () => {
    const path = join(place(), "deep", "er", "clawgate.db");
    const store = opened(path);
    fill(store, "a", 250);
    expect(store.status().queued).toBe(250);
    expect(await store.flush()).toBe(true);
    expect(rowCount(store)).toBe(250);
    expect(store.status()).toEqual({ path, queued: 0, dropped: 0, written: 250, state: "ok", detail: null });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o600);
    expect(statSync(join(path, "..")).mode & 0o777).toBe(0o700);
  });

  test("is written without anybody asking", async () => {
    const store = opened(join(place(), "clawgate.db"));
    fill(store, "a", 3);
    await until(() => store.status().written === 3);
    expect(rowCount(store)).toBe(3);
  });

  test("keeps its rows over a restart", async () => {
    const path = join(place(), "clawgate.db");
    const first = testStore(path);
    fill(first, "a", 5);
    await first.close();
    await first.close();
    const second = opened(path);
    fill(second, "b", 5);
    await second.flush();
    expect(rowCount(second)).toBe(10);
    expect(readdirSync(join(path, ".."))).not.toContain("clawgate.db-corrupt");
  });

  test("leaves out the decision when decisions are not to be kept", async () => {
    const store = opened(join(place(), "clawgate.db"), { keepsDecisions: false });
    fill(store, "a", 1);
    await store.flush();
    const row = store.read((db) =>
      db
        .query(
          "SELECT detail ->> 'facts' AS facts, detail ->> 'candidates' AS candidates, detail ->> 'reason' AS reason, rule FROM request_records",
        )
        .get(),
    );
    expect(row).toEqual({ facts: null, candidates: null, reason: null, rule: "coding" });
  });

  test("serves two gateways at once", async () => {
    const path = join(place(), "clawgate.db");
    const [one, two] = [opened(path), opened(path)];
    for (let round = 0; round < 20; round++) {
      fill(one, `one-${round}`, 10);
      fill(two, `two-${round}`, 10);
      await Promise.all([one.flush(), two.flush()]);
    }
    await until(() => one.status().queued === 0 && two.status().queued === 0);
    expect(rowCount(one)).toBe(400);
    expect(one.status().dropped + two.status().dropped).toBe(0);
    const sums = one.read((db) =>
      db.query<{ n: number }, []>("SELECT sum(requests) AS n FROM usage_days").get(),
    );
    expect(sums?.n).toBe(400);
  });
});

describe("a process that is killed", () => {
  test("loses no acknowledged row", async () => {
    const path = join(place(), "clawgate.db");
    const { spawn } = await import("node:child_process");
    const child = spawn(process.execPath, [join(import.meta.dir, "writing-child.ts"), path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let acknowledged = 0;
    const gone = new Promise<void>((resolve) => child.on("exit", () => resolve()));
    child.stdout.on("data", (chunk: Buffer) => {
      const line = chunk.toString().trim().split("\n").at(-1) ?? "{}";
      const said: unknown = JSON.parse(line);
      if (typeof said === "object" && said !== null && "written" in said) acknowledged = Number(said.written);
      if (acknowledged > 300) child.kill("SIGKILL");
    });
    await gone;
    expect(acknowledged).toBeGreaterThan(300);
    const db = new Database(path);
    const rows = db.query<{ n: number }, []>("SELECT count(*) AS n FROM request_records").get()?.n ?? 0;
    const sums = db.query<{ n: number }, []>("SELECT sum(requests) AS n FROM usage_days").get()?.n ?? 0;
    expect(rows).toBeGreaterThanOrEqual(acknowledged);
    expect(sums).toBe(rows);
    expect(db.query("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    db.close();
  }, 30_000);
});

describe("a file that takes nothing just now", () => {
  test("locked by another: rows wait and arrive", async () => {
    const path = join(place(), "clawgate.db");
    const store = opened(path);
    fill(store, "a", 1);
    await store.flush();
    const other = new Database(path);
    other.run("BEGIN IMMEDIATE");
    fill(store, "b", 150);
    expect(await store.flush()).toBe(false);
    expect(store.status()).toMatchObject({ state: "failed", queued: 150, written: 1, dropped: 0 });
    expect(store.status().detail).toStartWith("SQLITE_BUSY");
    expect(rowCount(store)).toBe(1);
    other.run("COMMIT");
    other.close();
    await until(() => store.status().queued === 0);
    expect(store.status()).toMatchObject({ state: "ok", written: 151, dropped: 0, detail: null });
  });

  test("locked before the start: the same", async () => {
    const path = join(place(), "clawgate.db");
    const other = new Database(path, { create: true });
    other.run("BEGIN EXCLUSIVE");
    const store = opened(path);
    fill(store, "a", 2);
    expect(await store.flush()).toBe(false);
    expect(store.status()).toMatchObject({ path, state: "failed", queued: 2 });
    other.run("COMMIT");
    other.close();
    await until(() => store.status().queued === 0);
    expect(rowCount(store)).toBe(2);
  });

  test("counts exactly what its queue could not hold", async () => {
    const path = join(place(), "clawgate.db");
    const other = new Database(path, { create: true });
    other.run("BEGIN EXCLUSIVE");
    const store = opened(path, { queueLimit: 10 });
    fill(store, "a", 25);
    expect(await store.flush()).toBe(false);
    expect(store.status()).toMatchObject({ queued: 10, dropped: 15, written: 0 });
    other.run("COMMIT");
    other.close();
    expect(await store.flush()).toBe(true);
    expect(store.status()).toMatchObject({ queued: 0, dropped: 15, written: 10 });
  });

  test("what is left at the end is counted too", async () => {
    const path = join(place(), "clawgate.db");
    const other = new Database(path, { create: true });
    other.run("BEGIN EXCLUSIVE");
    const store = opened(path);
    fill(store, "a", 4);
    await store.close();
    store.record(sampleRecord("late"));
    expect(store.status()).toMatchObject({ queued: 0, dropped: 5, written: 0, state: "closed" });
    other.close();
  });

  test("a disk with no room: rows wait, and arrive when there is room", async () => {
    const limiter = Bun.which("prlimit");
    if (limiter === null || process.platform !== "linux") return expect(limiter).toBeNull();
    const path = join(place(), "clawgate.db");
    const { spawn, spawnSync } = await import("node:child_process");
    // The kernel refuses writes beyond this size (EFBIG), as a full disk refuses them; SIGXFSZ must be ignored for that.
    const script = `trap '' XFSZ; ulimit -S -f 200; exec "$0" "$@"`;
    const child = spawn(
      "bash",
      ["-c", script, process.execPath, join(import.meta.dir, "writing-child.ts"), path, "500"],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const gone = new Promise<void>((resolve) => child.on("exit", () => resolve()));
    let isLifted = false;
    let writtenBefore = 0;
    let last = { written: 0, queued: 0, dropped: 0, sent: 0, state: "", detail: "" };
    child.stdout.on("data", (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split("\n")) if (line.endsWith("}")) last = JSON.parse(line);
      if (!isLifted && last.state === "failed" && last.queued >= 300) {
        writtenBefore = last.written;
        isLifted = true;
        spawnSync(limiter, ["--pid", String(child.pid), "--fsize=unlimited"]);
      } else if (isLifted && last.state === "ok" && last.written > writtenBefore + 400) child.kill("SIGKILL");
    });
    await gone;
    expect(writtenBefore).toBeGreaterThan(0);
    expect(last.sent).toBe(last.written + last.queued + last.dropped);
    expect(last.dropped).toBe(0);
  }, 30_000);
});

describe("rows that can never be written", () => {
  test("are dropped and counted, and hold up nothing", async () => {
    const store = opened(join(place(), "clawgate.db"));
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    store.record(sampleRecord("a"));
    store.record(sampleRecord("b", { facts: circular }));
    store.record(sampleRecord("c", { startedAtMs: Number.NaN }));
    store.record(sampleRecord("d"));
    expect(await store.flush()).toBe(true);
    expect(store.status()).toMatchObject({ queued: 0, written: 2, dropped: 2, state: "ok" });
    const sums = store.read((db) =>
      db.query<{ n: number }, []>("SELECT sum(requests) AS n FROM usage_days").get(),
    );
    expect(sums?.n).toBe(2);
  });
});

describe("what is thrown away", () => {
  test("rows and sums older than the retention, in steps", async () => {
    const path = join(place(), "clawgate.db");
    const before = testStore(path);
    for (let i = 0; i < 1300; i++)
      before.record(sampleRecord(`old-${i}`, { startedAtMs: noonMs - 8 * dayMs - i }));
    for (let i = 0; i < 20; i++)
      before.record(sampleRecord(`new-${i}`, { startedAtMs: noonMs - 6 * dayMs - i }));
    await before.close();
    const store = opened(path, { retentionDays: 7 });
    await until(() => rowCount(store) === 20);
    const oldest = noonMs - 7 * dayMs - dayMs;
    const sums = () =>
      store.read((db) =>
        db
          .query<{ n: number; first: number }, []>(
            "SELECT sum(requests) AS n, min(day_ms) AS first FROM usage_days",
          )
          .get(),
      );
    await until(() => sums()?.n === 20);
    expect(sums()?.first).toBeGreaterThan(oldest);
  });

  test("old rows wherever they stand: behind newer ones, and behind those of a clock that was wrong", async () => {
    const path = join(place(), "clawgate.db");
    const before = testStore(path);
    for (let i = 0; i < 1200; i++) {
      const days = i % 2 === 0 ? 8 : i < 600 ? -900 : 1;
      before.record(sampleRecord(`r-${i}`, { startedAtMs: noonMs - days * dayMs }));
    }
    await before.close();
    const store = opened(path, { retentionDays: 7 });
    await until(() => rowCount(store) === 600);
    const sums = () =>
      store.read((db) => db.query<{ n: number }, []>("SELECT sum(requests) AS n FROM usage_days").get());
    await until(() => sums()?.n === 600);
    expect(
      store.read((db) =>
        db.query("SELECT count(*) AS n FROM request_records WHERE started_at_ms < ?").get(noonMs - 7 * dayMs),
      ),
    ).toEqual({ n: 0 });
  });

  test("the oldest rows, when the file has reached its size", async () => {
    const path = join(place(), "clawgate.db");
    const log = recordingLog();
    const store = opened(path, { maxFileBytes: 2 * 1024 * 1024, log });
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 100; i++)
        store.record(sampleRecord(`r-${round}-${i}`, { reason: "x".repeat(500) }));
      await store.flush();
    }
    await until(() => store.status().queued === 0);
    expect(store.status()).toMatchObject({ written: 4000, dropped: 0, state: "ok" });
    expect(rowCount(store)).toBeLessThan(4000);
    const newest = store.read((db) =>
      db.query("SELECT request_id FROM request_records ORDER BY id DESC LIMIT 1").get(),
    );
    expect(newest).toEqual({ request_id: "r-39-99" });
    expect(statSync(path).size).toBeLessThanOrEqual(2 * 1024 * 1024);
  });
});

test("switched off, nothing is kept, and no query says that there was nothing", async () => {
  const store = disabledMetricsStore();
  const why = expect.stringContaining("metrics.log_requests");
  const series = { nowMs: noonMs, tz: "UTC", bucket: "total" } as const;
  const pieces = store.export({}, new AbortController().signal)[Symbol.asyncIterator]();
  for (const asked of [store.series(series), store.requests({}), store.sessions({}), pieces.next()])
    expect(await (asked as Promise<unknown>).catch((thrown: unknown) => thrown)).toMatchObject({
      message: why,
    });
  store.record(sampleRecord("a"));
  expect(await store.flush()).toBe(true);
  expect(await store.recent({})).toEqual([]);
  expect(store.status()).toMatchObject({ state: "disabled", written: 0, queued: 0 });
  await store.close();
});

test("a query waits for records that are not complete yet", async () => {
  const folder = temporaryFolder();
  const late = testStore(join(folder.path, "late.db"), {
    completeRecords: async () => {
      await Bun.sleep(1);
      late.record(sampleRecord("late"));
    },
  });
  expect((await late.recent({})).map(({ request_id }) => request_id)).toEqual(["late"]);
  await late.close();
  folder.remove();
});
