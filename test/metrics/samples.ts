// Records, folders and logs for the metrics tests.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AttemptRecord, RequestRecord } from "../../src/canon/record.ts";
import type { MetricsLog } from "../../src/metrics/connection.ts";
import { type SqliteMetricsOptions, SqliteMetricsStore } from "../../src/metrics/sqlite-metrics-store.ts";

export const noonMs = Date.UTC(2026, 10, 21, 12, 0, 0);

export function sampleAttempt(change: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    provider: "alpha",
    model: "alpha-1",
    credential: null,
    outcome: "ok",
    lane: "hub",
    status: 200,
    failure: null,
    message: null,
    startedAtMs: noonMs,
    waitMs: 0,
    headersMs: 20,
    firstTokenMs: 40,
    durationMs: 100,
    maybeBilled: false,
    adapted: [],
    ...change,
  };
}

export function sampleRecord(id: string, change: Partial<RequestRecord> = {}): RequestRecord {
  return {
    id,
    startedAtMs: noonMs,
    tenant: null,
    keyId: null,
    session: null,
    door: "chat",
    client: "openai-node",
    tags: [],
    requestedModel: "auto",
    stream: false,
    layer: "static",
    rule: "coding",
    confidence: 0.75,
    reason: "keyword",
    facts: { tokens: 12 },
    candidates: [{ provider: "alpha", model: "alpha-1", note: "chosen", kept: true }],
    attempts: [sampleAttempt()],
    provider: "alpha",
    model: "alpha-1",
    upstreamModel: "alpha-1-2026",
    queueWaitMs: 0,
    overheadMs: 0.4321,
    firstTokenMs: 40,
    durationMs: 100,
    usage: {
      input: 1000,
      inputUncached: 600,
      inputCached: 400,
      inputCacheWrite: 0,
      output: 50,
      outputReasoning: 10,
    },
    costNanoUsd: 2_500_000,
    status: 200,
    finish: "stop",
    failure: null,
    error: null,
    ...change,
  };
}

export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "clawgate-metrics-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export type LoggedLine = { readonly level: string; readonly message: string };

export function recordingLog(): MetricsLog & { readonly heard: LoggedLine[] } {
  const heard: LoggedLine[] = [];
  const hear = (level: string) => (message: string) => {
    heard.push({ level, message });
  };
  return { heard, info: hear("info"), warn: hear("warn"), error: hear("error") };
}

export function testStore(path: string, change: Partial<SqliteMetricsOptions> = {}): SqliteMetricsStore {
  return new SqliteMetricsStore({
    paths: [path],
    retentionDays: 0,
    keepsDecisions: true,
    log: recordingLog(),
    clock: { nowMs: () => noonMs },
    closeWaitMs: 0,
    ...change,
  });
}

export function rowCount(store: SqliteMetricsStore): number | null {
  return store.read(
    (db) => db.query<{ n: number }, []>("SELECT count(*) AS n FROM request_records").get()?.n ?? 0,
  );
}

/** Lets the process turn until `isSo`; the test's own time limit ends a wait for nothing. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise<void>((resolve) => setTimeout(resolve, 5));
}

/** Folders and stores of one test file; `clear` in afterEach closes and removes them. */
export function createStoreFixture() {
  const stores: SqliteMetricsStore[] = [];
  const folders: { remove(): void }[] = [];
  return {
    place(): string {
      const folder = temporaryFolder();
      folders.push(folder);
      return folder.path;
    },
    opened(path: string, change: Partial<SqliteMetricsOptions> = {}): SqliteMetricsStore {
      const store = testStore(path, change);
      stores.push(store);
      return store;
    },
    async clear(): Promise<void> {
      for (const store of stores.splice(0)) await store.close();
      for (const folder of folders.splice(0)) folder.remove();
    },
  };
}

export function fill(store: SqliteMetricsStore, name: string, count: number): void {
  for (let i = 0; i < count; i++) store.record(sampleRecord(`${name}-${i}`));
}
