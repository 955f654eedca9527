// Lists of requests and sessions, one of each, waste and exports: pages that add up to everything, and filters that mean what they say.

import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { RequestRecord } from "../../src/canon/record.ts";
import type { RecordFilter } from "../../src/metrics/query-shapes.ts";
import { answerTo } from "../../src/metrics/record-questions.ts";
import { writeRollupPiece } from "../../src/metrics/rollup.ts";
import type { SqliteMetricsStore } from "../../src/metrics/sqlite-metrics-store.ts";
import { createStoreFixture, noonMs, sampleAttempt, sampleRecord } from "./samples.ts";

const { place, opened, clear } = createStoreFixture();
afterEach(clear);

const minute = 60_000;

function rollUp(store: SqliteMetricsStore): void {
  for (;;) {
    const piece = store.read((db) => answerTo(db, { kind: "rollup" }));
    if (piece === null || piece === undefined) return;
    store.read((db) => writeRollupPiece(db, piece));
  }
}

/** 3,000 requests over 50 hours, one a minute; the last 200 in no rollup. */
async function filled(change: (i: number) => Partial<RequestRecord>) {
  const store = opened(join(place(), "clawgate.db"));
  const records = Array.from({ length: 3_000 }, (_, i) =>
    sampleRecord(`r-${i}`, { startedAtMs: noonMs - (3_000 - i) * minute, ...change(i) }),
  );
  for (const record of records.slice(0, 2_800)) store.record(record);
  await store.flush();
  rollUp(store);
  for (const record of records.slice(2_800)) store.record(record);
  await store.flush();
  return { store, records };
}

async function allIds(store: SqliteMetricsStore, filter: RecordFilter, limit: number): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const page = await store.requests({ ...filter, limit, ...(cursor === "" ? {} : { cursor }) });
    expect(page.requests.length).toBeLessThanOrEqual(limit);
    for (const row of page.requests) ids.push(row.request_id);
    cursor = page.next;
  }
  return ids;
}

describe("requests", () => {
  const filters: [string, RecordFilter, (i: number) => boolean][] = [
    ["none", {}, () => true],
    ["a rare client", { client: "rare" }, (i) => i % 700 === 3],
    ["a client of one hour", { client: "once" }, (i) => i === 1_234],
    [
      "time",
      { fromMs: noonMs - 1_500 * minute, toMs: noonMs - 1_400 * minute },
      (i) => i >= 1_500 && i < 1_600,
    ],
    ["cost", { minNanoUsd: 2_500_001 }, (i) => i % 500 === 0],
    ["an agent or its subagent", { agent: "boss" }, (i) => i % 400 === 0 || i % 400 === 1],
    ["a tag that looks like another", { tag: "a" }, (i) => i % 300 === 5],
    ["a session", { session: "s-7" }, (i) => i % 60 === 7],
    ["two at once", { client: "rare", status: "ok" }, (i) => i % 700 === 3],
    ["nothing", { client: "nobody" }, () => false],
  ];
  test("of any filter: every page of them, newest first, and none twice", async () => {
    const { store, records } = await filled((i) => ({
      client: i % 700 === 3 ? "rare" : i === 1_234 ? "once" : "cli",
      session: `s-${i % 60}`,
      costNanoUsd: i % 500 === 0 ? 9_000_000_000 : 2_500_000,
      ...(i % 400 === 0 ? { agent: "boss" } : i % 400 === 1 ? { agent: "hand", parentAgent: "boss" } : {}),
      tags: i % 300 === 5 ? ["a"] : i % 300 === 6 ? ['"a"', "ab"] : [],
    }));
    for (const [name, filter, isMeant] of filters) {
      const expected = records.flatMap((record, i) => (isMeant(i) ? [record.id] : [])).toReversed();
      expect([name, await allIds(store, filter, 37)]).toEqual([name, expected]);
    }
  }, 60_000);

  test("a cursor of somebody else is the first page; a limit outside is the nearest", async () => {
    const { store } = await filled(() => ({}));
    for (const cursor of ["x", "-1", "1e9", "9".repeat(40)])
      expect((await store.requests({ cursor, limit: 1 })).requests[0]?.request_id).toBe("r-2999");
    expect((await store.requests({ limit: 0 })).requests).toHaveLength(1);
    expect((await store.requests({ limit: 5_000 })).requests).toHaveLength(1_000);
  });

  test("one by its number or its id, in a rollup or behind it; null for any other", async () => {
    const old = "01KAJM3SG0ABCDEFGHJKMNPQRS";
    const startedAtMs = Number.parseInt("0", 10) + ulidMs(old);
    const store = opened(join(place(), "clawgate.db"));
    store.record(sampleRecord(old, { startedAtMs }));
    await store.flush();
    rollUp(store);
    store.record(sampleRecord("01KAJM3SG0ABCDEFGHJKMNPQRT", { startedAtMs, attempts: [] }));
    expect((await store.request(old))?.id).toBe(1);
    expect((await store.request(old))?.attempts).toHaveLength(1);
    expect((await store.request("01KAJM3SG0ABCDEFGHJKMNPQRT"))?.id).toBe(2);
    expect((await store.request("2"))?.request_id).toBe("01KAJM3SG0ABCDEFGHJKMNPQRT");
    for (const id of ["3", "01KAJM3SG0ABCDEFGHJKMNPQRV", "'; DROP TABLE sessions; --", ""])
      expect(await store.request(id)).toBeNull();
  });

  test("say what happened before the answer, and what the money is made of", async () => {
    const store = opened(join(place(), "clawgate.db"));
    const failed = sampleAttempt({ outcome: "failed", failure: "overloaded", status: 529 });
    store.record(
      sampleRecord("one", {
        attempts: [sampleAttempt({ outcome: "skipped" }), failed, sampleAttempt()],
        costParts: { input: 1_000, cached: 2_000, cacheWrite: 0, output: 4_000 },
        cacheMiss: { cause: "tools", index: 2, change: "changed", missedTokens: 9, nanoUsd: 5_000 },
        listNanoUsd: null,
        baselineNanoUsd: 8_000,
        toolCalls: ["Read"],
      }),
    );
    const [row] = (await store.requests({})).requests;
    expect(row).toMatchObject({
      attempt_count: 2,
      fallbacks: 1,
      cost_parts: { input_usd: 0.000001, cached_usd: 0.000002, cache_write_usd: 0, output_usd: 0.000004 },
      missed_cache: { cause: "tools", index: 2, change: "changed", missed_tokens: 9, usd: 0.000005 },
      list_usd: null,
      baseline_usd: 0.000008,
      uncached_usd: null,
      tool_calls: ["Read"],
    });
    expect(Object.keys(row ?? {})).not.toContain("candidates");
  });
});

function ulidMs(id: string): number {
  let ms = 0;
  for (const letter of id.slice(0, 10)) ms = ms * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".indexOf(letter);
  return ms;
}

describe("sessions", () => {
  test("are paged, the latest first, each with all that it amounts to", async () => {
    const { store } = await filled((i) => ({
      tenant: i % 2 === 0 ? "red" : "blue",
      session: `s-${i % 60}`,
      model: i % 4 < 3 ? "big" : "small",
      rule: i % 60 === 9 ? "special" : "coding",
      failure: i % 60 === 9 ? "overloaded" : null,
    }));
    const names: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const page = await store.sessions({ limit: 7, ...(cursor === "" ? {} : { cursor }) });
      for (const { session, requests, tenant } of page.sessions) {
        names.push(session);
        expect(requests).toBe(50);
        expect(tenant).toBe(Number(session.slice(2)) % 2 === 0 ? "red" : "blue");
      }
      cursor = page.next;
    }
    expect(names).toEqual(Array.from({ length: 60 }, (_, i) => `s-${59 - i}`));
    expect((await store.sessions({ rule: "special" })).sessions).toMatchObject([
      { session: "s-9", failures: 50 },
    ]);
    expect((await store.sessions({ tenant: "green" })).sessions).toEqual([]);
  });

  test("one has its turns, agents and tools; another tenant's session of that name stays its own", async () => {
    const store = opened(join(place(), "clawgate.db"));
    for (let i = 0; i < 6; i++)
      store.record(
        sampleRecord(`red-${i}`, {
          tenant: "red",
          session: "same",
          ...(i < 2 ? { agent: "a1", parentAgent: "a0" } : {}),
          toolCalls: i < 3 ? ["Read", "Bash"] : ["Read"],
        }),
      );
    store.record(sampleRecord("blue", { tenant: "blue", session: "same", startedAtMs: noonMs + 1 }));
    const red = await store.session("same", { tenant: "red" });
    expect(red?.session).toMatchObject({ tenant: "red", requests: 6, agents: 1, models: ["alpha-1"] });
    expect(red?.agents).toMatchObject([
      { agent: null, requests: 4, cost_usd: 0.01 },
      { agent: "a1", parent_agent: "a0", requests: 2, cost_usd: 0.005 },
    ]);
    expect(red?.tools).toEqual({ Read: 6, Bash: 3 });
    expect(red?.turns.map(({ request_id }) => request_id)).toEqual([5, 4, 3, 2, 1, 0].map((i) => `red-${i}`));
    expect((await store.session("same", {}))?.session.tenant).toBe("blue");
    expect(await store.session("same", { tenant: "green" })).toBeNull();
  });
});

test("a session says how many of its costs are unknown, and is found by each of its clients", async () => {
  const store = opened(join(place(), "clawgate.db"));
  const turn = (id: string, change: Partial<RequestRecord>): void =>
    store.record(sampleRecord(id, { session: "s", tenant: "red", ...change }));
  turn("known", { client: "first" });
  turn("unknown", { client: "second", agent: "a", costNanoUsd: null, failure: "overloaded" });
  turn("untried", { client: "second", costNanoUsd: null, attempts: [], failure: "unknown-model" });
  turn("later", { client: "third", startedAtMs: noonMs + minute });
  const [row] = (await store.sessions({})).sessions;
  expect(row?.unknown_cost_requests).toBe(1);
  const report = await store.session("s", {});
  expect(report?.agents.map(({ agent, unknown_cost_requests: unknown }) => [agent, unknown])).toEqual([
    [null, 0],
    ["a", 1],
  ]);
  const found = async (filter: RecordFilter) => (await store.sessions(filter)).sessions.length;
  expect(await found({ client: "first" })).toBe(1);
  expect(await found({ client: "second" })).toBe(1);
  expect(await found({ client: "nobody" })).toBe(0);
  // One request of the time has to meet all of it.
  expect(await found({ client: "first", status: "failed" })).toBe(0);
  expect(await found({ client: "first", fromMs: noonMs + 1 })).toBe(0);
  expect(await found({ client: "third", fromMs: noonMs + 1 })).toBe(1);
});

test("the most expensive session of two tenants is one group, whatever the limit", async () => {
  const store = opened(join(place(), "clawgate.db"));
  for (const [tenant, session, costNanoUsd] of [
    ["red", "same", 5_000_000],
    ["blue", "same", 1_000_000],
    ["blue", "own", 3_000_000],
  ] as const)
    store.record(sampleRecord(`${tenant}-${session}`, { tenant, session, costNanoUsd }));
  const query = { nowMs: noonMs, tz: "UTC", bucket: "total", by: "session" } as const;
  const { groups } = await store.series({ ...query, limit: 1 });
  expect(groups.map(({ name, totals }) => [name, totals.requests, totals.cost_usd])).toEqual([
    ["same", 2, 0.006],
    ["other", 1, 0.003],
  ]);
});

describe("waste", () => {
  test("is what was marked when it was recorded, with a filter that shows it", async () => {
    const store = opened(join(place(), "clawgate.db"));
    const at = (i: number) => ({ startedAtMs: noonMs + i * 5 * minute });
    for (let i = 0; i < 6; i++) store.record(sampleRecord(`beat-${i}`, { ...at(i), contentHash: "beat" }));
    store.record(sampleRecord("asked", { contentHash: "same", tenant: "red" }));
    store.record(
      sampleRecord("again", { contentHash: "same", tenant: "red", startedAtMs: noonMs + 7 * minute }),
    );
    store.record(sampleRecord("other", { contentHash: "same", tenant: "blue" }));
    store.record(
      sampleRecord("late", { contentHash: "same", tenant: "red", startedAtMs: noonMs + 90 * minute }),
    );
    store.record(sampleRecord("tagged", { tags: ["heartbeat"] }));
    const lines = await store.waste({ nowMs: noonMs + 1e7 });
    expect(lines.map(({ kind, requests, usd }) => [kind, requests, usd])).toEqual([
      ["cache-miss", 0, 0],
      // The first three of a regular distance cannot be told from requests that are merely repeated.
      ["idle", 4, 0.01],
      ["repeated", 3, 0.0075],
    ]);
    for (const line of lines) {
      expect(line.text).toStartWith("Estimate");
      const tag = new URLSearchParams(line.filter).get("tag") ?? "";
      expect((await store.requests({ tag })).requests).toHaveLength(line.requests);
      expect(
        (await store.series({ tag, nowMs: noonMs + 1e7, tz: "UTC", bucket: "total" })).totals.requests,
      ).toBe(line.requests);
    }
  });

  test("of requests with a tag has a filter that shows those alone", async () => {
    const store = opened(join(place(), "clawgate.db"));
    for (const [id, tags] of [
      ["a", ["mine", "heartbeat"]],
      ["b", ["heartbeat"]],
      ["c", ["mine"]],
      ["d", ["mine", "cron"]],
    ] as const)
      store.record(sampleRecord(id, { tags }));
    const [, idle] = await store.waste({ nowMs: noonMs + 1, tag: "mine" });
    const tag = new URLSearchParams(idle?.filter).get("tag") ?? "";
    expect([idle?.requests, tag]).toEqual([2, "mine,waste:idle"]);
    const ids = async (filter: RecordFilter) => allIds(store, filter, 2);
    expect(await ids({ tag })).toEqual(["d", "a"]);
    expect(await ids({ tag: "mine, heartbeat" })).toEqual(["a"]);
    await store.flush();
    rollUp(store);
    for (const [each, requests] of [
      ["mine,cron", 1],
      ["mine", 3],
      ["mine,nobody", 0],
    ] as const) {
      const series = await store.series({ tag: each, nowMs: noonMs, tz: "UTC", bucket: "total" });
      expect(series.totals.requests).toBe(requests);
    }
  });

  test("is a dearer target also where the cheap one answered only instead of it", async () => {
    const store = opened(join(place(), "clawgate.db"));
    const candidates = [
      { provider: "alpha", model: "alpha-1", note: "chosen", kept: true },
      { provider: "beta", model: "beta-1", note: "fallback", kept: true },
    ];
    for (let i = 0; i < 60; i++) {
      const cheap = { rule: "coding->fallback", provider: "beta", model: "beta-1", costNanoUsd: 1_050_000 };
      // A dear one that stood in for another is not wasted.
      const stoodIn = { rule: "coding->fallback", costNanoUsd: 10_500_000 };
      const dear = { costNanoUsd: 10_500_000 };
      store.record(sampleRecord(`r-${i}`, { candidates, ...[cheap, dear, stoodIn][i % 3] }));
    }
    const line = (await store.waste({ nowMs: noonMs + 1 })).find(({ kind }) => kind === "dear-model");
    expect(line).toMatchObject({ requests: 20, usd: 0.189 });
    const shown = Object.fromEntries(new URLSearchParams(line?.filter)) as RecordFilter;
    expect((await store.requests(shown)).requests).toHaveLength(20);
  });

  test("is a dearer target of the rule, as far as the cheap one was a candidate", async () => {
    const store = opened(join(place(), "clawgate.db"));
    const both = [
      { provider: "alpha", model: "alpha-1", note: "chosen", kept: true },
      { provider: "beta", model: "beta-1", note: "fallback", kept: true },
    ];
    for (let i = 0; i < 40; i++) {
      const isDear = i % 2 === 0;
      store.record(
        sampleRecord(`r-${i}`, {
          provider: isDear ? "alpha" : "beta",
          model: isDear ? "alpha-1" : "beta-1",
          costNanoUsd: isDear ? 10_500_000 : 1_050_000,
          candidates: i % 4 === 0 ? both : both.slice(0, 1),
        }),
      );
    }
    const line = (await store.waste({ nowMs: noonMs + 1 })).find(({ kind }) => kind === "dear-model");
    // Twenty dear requests, half of them with the cheap target as a candidate: 20 x $0.00945 x 1/2.
    expect(line).toMatchObject({ requests: 10, usd: 0.0945 });
    expect(line?.text).toContain("alpha/alpha-1");
  });
});

describe("an export", () => {
  test("is every row once, oldest first, in pieces; it stops where it is told to", async () => {
    const { store, records } = await filled((i) => ({ client: i % 2 === 0 ? "even" : "odd" }));
    const ids: string[] = [];
    for await (const rows of store.export({ client: "odd" }, new AbortController().signal))
      for (const row of rows) ids.push(row.request_id);
    expect(ids).toEqual(records.filter(({ client }) => client === "odd").map(({ id }) => id));
    const stop = new AbortController();
    let pieces = 0;
    for await (const rows of store.export({}, stop.signal)) {
      expect(rows.length).toBeLessThanOrEqual(1_000);
      pieces += 1;
      stop.abort();
    }
    expect(pieces).toBe(1);
  });
});

test("what is older than the retention goes from sums and sessions as well", async () => {
  const path = join(place(), "clawgate.db");
  const before = opened(path);
  const old = noonMs - 8 * 86_400_000;
  for (let i = 0; i < 30; i++)
    before.record(sampleRecord(`o-${i}`, { startedAtMs: old, session: `old-${i}` }));
  for (let i = 0; i < 5; i++) before.record(sampleRecord(`n-${i}`, { session: "new" }));
  await before.flush();
  rollUp(before);
  await before.close();
  const store = opened(path, { retentionDays: 7 });
  const left = async () => (await store.sessions({})).sessions.map(({ session }) => session);
  while ((await left()).length > 1) await Bun.sleep(20);
  expect(await left()).toEqual(["new"]);
  const report = await store.series({ nowMs: noonMs, tz: "UTC", bucket: "total", fromMs: old - 1 });
  expect(report.totals.requests).toBe(5);
  expect(
    store.read((db) =>
      db.query("SELECT count(*) AS n FROM rollups WHERE start_ms < ?").get(noonMs - 86_400_000),
    ),
  ).toEqual({ n: 0 });
});
