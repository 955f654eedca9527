// A file of which most is copied answers as one that was recorded: every sum says the same as the rows, and each id is found.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repeatRecords } from "../scripts/trials/copied-records.ts";
import { writeRecords } from "../scripts/trials/record-file.ts";
import { answerTo } from "../src/metrics/record-questions.ts";
import { schema } from "../src/metrics/records-file.ts";
import { openDatabaseFile } from "../src/sqlite/database-file.ts";

const hourMs = 3_600_000;

test("copies have times, ids, sessions and sums of their own", () => {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-copies-"));
  const path = join(folder, "clawgate.db");
  const fromMs = Date.UTC(2026, 9, 1, 5);
  const lengthMs = 30 * hourMs;
  writeRecords(path, { rows: 3_000, fromMs, toMs: fromMs + lengthMs, seed: 3 });
  const opened = openDatabaseFile(path, { schema, makesFolder: false, mayShrink: true });
  if (opened.kind !== "open") throw new Error(opened.detail);
  const { db } = opened.file;
  try {
    repeatRecords(db, 3, lengthMs);
    const nowMs = fromMs + 3 * lengthMs;
    const rows = db
      .query<{ n: number; cost: number }, []>(
        "SELECT count(*) AS n, sum(cost_nano_usd) AS cost FROM request_records",
      )
      .get();
    expect(rows?.n).toBe(9_000);
    const series = answerTo(db, {
      kind: "series",
      query: { nowMs, fromMs, toMs: nowMs, tz: "UTC", bucket: "1h" },
    });
    expect(series.exact).toBe(true);
    expect(series.totals.requests).toBe(9_000);
    expect(series.totals.cost_usd).toBe(Math.round((rows?.cost ?? 0) / 1_000) / 1e6);
    const points = series.groups[0]?.points.requests ?? [];
    expect(points.slice(30, 60)).toEqual(points.slice(0, 30));
    expect(answerTo(db, { kind: "stats", nowMs, tenant: undefined }).totals.total_requests).toBe(9_000);
    const last = db
      .query<{ request_id: string; id: number; session_id: number }, []>(
        "SELECT id, request_id, session_id FROM request_records ORDER BY id DESC LIMIT 1",
      )
      .get();
    expect(answerTo(db, { kind: "request", id: last?.request_id ?? "" })?.id).toBe(last?.id as never);
    const pages = answerTo(db, { kind: "sessions", query: { limit: 1_000 } }).sessions;
    expect(pages.reduce((sum, { requests }) => sum + requests, 0)).toBe(9_000);
  } finally {
    opened.file.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
