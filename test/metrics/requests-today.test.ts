// Requests since midnight UTC, by provider.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { disabledMetricsStore } from "../../src/metrics/disabled-metrics-store.ts";
import type { MetricsStore } from "../../src/metrics/metrics-store.ts";
import { dayMs } from "../../src/metrics/tables.ts";
import { noonMs, sampleRecord, temporaryFolder, testStore } from "./samples.ts";

let folder: ReturnType<typeof temporaryFolder>;
let store: MetricsStore;

beforeEach(() => {
  folder = temporaryFolder();
  store = testStore(join(folder.path, "clawgate.db"));
});
afterEach(async () => {
  await store.close();
  folder.remove();
});

test("counts who answered today, and not what was yesterday", async () => {
  store.record(sampleRecord("a"));
  store.record(sampleRecord("b", { provider: "beta", model: "beta-1" }));
  store.record(sampleRecord("c", { layer: "heuristic" }));
  store.record(sampleRecord("d", { startedAtMs: noonMs - dayMs }));
  expect(await store.requestsToday(noonMs)).toEqual(
    new Map([
      ["alpha", 2],
      ["beta", 1],
    ]),
  );
  expect(await store.requestsToday(noonMs + dayMs)).toEqual(new Map());
});

test("unknown where nothing is recorded", async () => {
  expect(await disabledMetricsStore().requestsToday(noonMs)).toBeNull();
});
