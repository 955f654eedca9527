// What is counted of finished requests, and what a restart keeps of it.

import { expect, test } from "bun:test";
import { TrafficCounts } from "../../src/alerts/traffic-counts.ts";
import type { AttemptRecord, RequestRecord } from "../../src/canon/record.ts";
import { unknownUsage } from "../../src/canon/usage.ts";
import { fakeClock } from "../support/clock.ts";

const attempt = (provider: string, failure: AttemptRecord["failure"]): AttemptRecord => ({
  provider,
  model: "m",
  credential: null,
  outcome: failure === null ? "ok" : "failed",
  lane: "relay",
  status: null,
  failure,
  message: null,
  startedAtMs: 0,
  waitMs: 0,
  headersMs: null,
  firstTokenMs: null,
  durationMs: 0,
  maybeBilled: false,
  adapted: [],
});
const record = (change: Partial<RequestRecord>): RequestRecord => ({
  id: "1",
  startedAtMs: 0,
  tenant: null,
  keyId: null,
  session: null,
  door: "chat",
  client: null,
  tags: [],
  requestedModel: "m",
  stream: false,
  layer: null,
  rule: null,
  confidence: null,
  reason: null,
  facts: null,
  candidates: [],
  attempts: [],
  provider: "one",
  model: "m",
  upstreamModel: null,
  queueWaitMs: 0,
  overheadMs: null,
  firstTokenMs: null,
  durationMs: 0,
  usage: { ...unknownUsage, input: 1, output: 1 },
  costNanoUsd: 0,
  status: 200,
  finish: "stop",
  failure: null,
  error: null,
  ...change,
});

test("failures by provider, without those of the client; the window forgets", async () => {
  const clock = fakeClock();
  const counts = new TrafficCounts(clock.nowMs);
  counts.count(record({ attempts: [attempt("one", "unreachable"), attempt("two", null)] }));
  counts.count(record({ failure: "invalid-request", attempts: [attempt("one", "invalid-request")] }));
  counts.count(record({ failure: "over-budget" }));
  counts.count(record({ failure: "cancelled", attempts: [attempt("one", "cancelled")] }));
  counts.count(record({ failure: "timed-out", attempts: [attempt("one", "timed-out")] }));
  expect(counts.failures("one", 300_000)).toEqual({ total: 3, failed: 2 });
  expect(counts.failures("two", 300_000)).toEqual({ total: 1, failed: 0 });
  expect(counts.failures(null, 300_000)).toEqual({ total: 4, failed: 1 });
  await clock.advance(299_000);
  expect(counts.failures(null, 300_000).total).toBe(4);
  await clock.advance(121_000);
  expect(counts.failures(null, 300_000).total).toBe(0);
});

test("spending by hour and models without a price, kept over a restart and bounded", async () => {
  const clock = fakeClock();
  const counts = new TrafficCounts(clock.nowMs);
  for (let hour = 0; hour < 300; hour++) {
    counts.count(record({ costNanoUsd: 5 }));
    await clock.advance(3_600_000);
  }
  for (let model = 0; model < 300; model++)
    counts.count(record({ costNanoUsd: null, upstreamModel: `m${model}` }));
  counts.count(record({ costNanoUsd: null, usage: unknownUsage, upstreamModel: "unused" }));
  const last = Math.floor((clock.nowMs() - 1) / 3_600_000) * 3_600_000;
  const next = new TrafficCounts(clock.nowMs);
  next.restore(counts.saved());
  expect([next.spentIn(last), next.unpricedModels().length]).toEqual([5, 100]);
  expect(next.saved().hours).toHaveLength(9 * 24);
  expect(next.unpricedModels().map(({ answered }) => answered)).not.toContain("unused");
});
