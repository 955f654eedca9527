// The one text of a row: what goes in comes out, and what is absent costs nothing.

import { expect, test } from "bun:test";
import { readDetail, writeDetail } from "../../src/metrics/detail.ts";
import { sampleAttempt, sampleRecord } from "./samples.ts";

test("an attempt keeps the fingerprint of its key; without one it is no longer than before", () => {
  const attempts = [sampleAttempt({ credential: "1a2b3c4d", outcome: "failed" }), sampleAttempt()];
  const record = sampleRecord("r", { attempts });
  const written = writeDetail(record, true);
  expect(readDetail(written, record.startedAtMs).attempts).toEqual(attempts);
  const [named, unnamed] = (JSON.parse(written) as { attempts: unknown[][] }).attempts;
  expect(named?.at(-1)).toBe("1a2b3c4d");
  expect(unnamed?.length).toBeLessThan(named?.length ?? 0);
});

test("what was adapted is kept, with a fingerprint and without one; nothing adapted costs nothing", () => {
  const adapted = ["thinking-blocks-dropped", "max-tokens-cut:8192"];
  const attempts = [
    sampleAttempt({ adapted }),
    sampleAttempt({ adapted, credential: "1a2b3c4d" }),
    sampleAttempt(),
  ];
  const record = sampleRecord("r", { attempts });
  const written = writeDetail(record, true);
  expect(readDetail(written, record.startedAtMs).attempts).toEqual(attempts);
  const [, , plain] = (JSON.parse(written) as { attempts: unknown[][] }).attempts;
  expect(plain?.some((value) => Array.isArray(value))).toBe(false);
});

test("the place in the queue is kept, where there was one", () => {
  const attempts = [
    sampleAttempt({ queuePosition: 3, waitMs: 200 }),
    sampleAttempt({ queuePosition: 1, credential: "1a2b3c4d", adapted: ["max-tokens-cut:8192"] }),
  ];
  const record = sampleRecord("r", { attempts });
  expect(readDetail(writeDetail(record, true), record.startedAtMs).attempts).toEqual(attempts);
});

const chosen = { provider: "openai", model: "gpt-4.1", note: "chosen", kept: true };

test("the only candidate of a request that named its target is not written, and is read again", () => {
  const attempt = sampleAttempt({ provider: chosen.provider, model: chosen.model });
  const own = sampleRecord("r", { layer: "direct", candidates: [chosen], attempts: [attempt] });
  const written = writeDetail(own, true);
  expect(written).not.toContain("candidates");
  expect(readDetail(written, own.startedAtMs).candidates).toEqual([chosen]);
  expect(readDetail(writeDetail(own, false), own.startedAtMs).candidates).toEqual([]);
  for (const part of [
    { layer: "static" as const },
    { candidates: [{ ...chosen, note: "fallback" }] },
    { candidates: [chosen, { ...chosen, model: "other" }] },
    { candidates: [{ ...chosen, model: "other" }] },
    { attempts: [attempt, sampleAttempt({ provider: "second" })] },
    { attempts: [] },
  ]) {
    const record = sampleRecord("r", { ...own, ...part });
    expect(readDetail(writeDetail(record, true), 0).candidates).toEqual(record.candidates);
  }
});

test("every amount, time and name comes out as it went in, known or not", () => {
  const attempts = [sampleAttempt({ model: "m" })];
  for (const upstreamModel of ["m", "m-2026-11-01", "", null])
    for (const costParts of [{ input: 1, cached: 2, cacheWrite: 3, output: 4 }, undefined]) {
      const record = sampleRecord("r", {
        attempts,
        upstreamModel,
        confidence: null,
        overheadMs: upstreamModel === null ? null : 0.125,
        queueWaitMs: 7,
        ...(costParts === undefined ? {} : { costParts }),
      });
      const read = readDetail(writeDetail(record, true), record.startedAtMs);
      const { door, requestedModel, confidence, overheadMs, queueWaitMs } = record;
      expect(read).toMatchObject({
        door,
        requestedModel,
        upstreamModel,
        confidence,
        overheadMs,
        queueWaitMs,
      });
      expect(read.inputUncached).toBe(record.usage.inputUncached);
      expect(read.costParts).toEqual(costParts ?? null);
      expect(read.attempts).toEqual(attempts);
    }
});

test("what earlier versions wrote is read: names of fields, and attempts in full", () => {
  const written =
    '{"door":"openai-chat","requestedModel":"auto","upstreamModel":"m1","confidence":0.85,"reason":"why",' +
    '"candidates":[{"provider":"g","model":"m","note":"chosen","kept":true}],"overheadMs":0.123,"inputUncached":1200,' +
    '"costParts":{"input":1,"cached":2,"cacheWrite":3,"output":4},' +
    '"attempts":[["g","m","ok","relay",200,null,null,1,0,4.1,4.5,4,0]]}';
  const { attempts, ...read } = readDetail(written, 1_000);
  expect(attempts).toMatchObject([
    {
      provider: "g",
      model: "m",
      outcome: "ok",
      lane: "relay",
      status: 200,
      startedAtMs: 1_001,
      headersMs: 4.1,
    },
  ]);
  expect(read).toMatchObject({
    door: "openai-chat",
    requestedModel: "auto",
    upstreamModel: "m1",
    confidence: 0.85,
    overheadMs: 0.123,
    queueWaitMs: 0,
    inputUncached: 1_200,
    costParts: { input: 1, cached: 2, cacheWrite: 3, output: 4 },
    candidates: [{ provider: "g", model: "m", note: "chosen", kept: true }],
  });
});
