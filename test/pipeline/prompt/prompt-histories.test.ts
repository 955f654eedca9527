// What is remembered of sessions: bounded, per conversation, also of very long ones.

import { expect, test } from "bun:test";
import type { PromptOutline } from "../../../src/canon/prompt-outline.ts";
import type { UnpricedRecord } from "../../../src/canon/record.ts";
import { unknownUsage, type Usage } from "../../../src/canon/usage.ts";
import { PromptHistories } from "../../../src/pipeline/prompt/prompt-histories.ts";

const outline = (messages: readonly number[], more: Partial<PromptOutline> = {}): PromptOutline => ({
  tools: [1, 2],
  system: [3],
  messages,
  firstMessage: 0,
  options: 0,
  cacheTtlMs: 300_000,
  toolCalls: [],
  contentHash: "",
  ...more,
});
const usage = (input: number, cached: number | null, written: number | null = null): Usage => ({
  ...unknownUsage,
  input,
  inputCached: cached,
  inputCacheWrite: written,
});
let minutes = 0;
const record = (session: string, more: Partial<UnpricedRecord> = {}): UnpricedRecord =>
  ({
    tenant: null,
    session,
    provider: "p",
    model: "m",
    startedAtMs: ++minutes * 60_000,
    firstTokenMs: 10,
    durationMs: 20,
    queueWaitMs: 0,
    ...more,
  }) as UnpricedRecord;
const from = (start: number, count: number): number[] => Array.from({ length: count }, (_, at) => start + at);

test("beyond a thousand messages it still knows that something changed", () => {
  const histories = new PromptHistories();
  const long = from(100, 3_000);
  histories.take(record("s"), outline(long), usage(90_000, 80_000));
  expect(histories.size.hashes).toBeLessThan(1_100);
  expect(histories.take(record("s"), outline([...long, 1, 2]), usage(90_100, 0))?.cause).toBe("unknown");
  const edited = [...long.with(2_000, 7), 1, 2, 3, 4];
  expect(histories.take(record("s"), outline(edited), usage(90_200, 85_000))).toBeNull();
  histories.take(record("s"), outline([...long, 1, 2]), usage(90_100, 90_000));
  expect(histories.take(record("s"), outline(edited), usage(90_200, 0))).toEqual({
    cause: "message",
    index: null,
    change: "changed",
    missedTokens: 90_000,
  });
});

test("sessions and hashes are bounded, the ones that were not used go first", () => {
  const histories = new PromptHistories({ maxSessions: 50, maxHashes: 5_000 });
  for (let at = 0; at < 500; at++)
    histories.take(record(`s${at}`), outline(from(0, 40)), usage(5_000, 4_000));
  expect(histories.size).toEqual({ sessions: 50, hashes: 50 * 43 });
  expect(histories.take(record("s499"), outline(from(9, 40)), usage(5_000, 0))?.cause).toBe("message");
  expect(histories.take(record("s0"), outline(from(9, 40)), usage(5_000, 0))).toBeNull();
  for (let at = 0; at < 50; at++)
    histories.take(record(`t${at}`), outline(from(0, 1_000)), usage(5_000, 4_000));
  expect(histories.size.hashes).toBeLessThanOrEqual(5_000);
  // Side requests of one session are bounded too.
  for (let at = 0; at < 500; at++)
    histories.take(
      record("t49"),
      outline([at * 7 + 1_000_000], { tools: [], system: [at + 50] }),
      usage(5_000, 0),
    );
  expect(histories.size.hashes).toBeLessThanOrEqual(5_000);
});

test("turns at the same time owe each other nothing", () => {
  const histories = new PromptHistories();
  const one = record("s");
  histories.take(one, outline(from(0, 3)), usage(10_000, 0, 9_000));
  const parallel = record("s", { startedAtMs: one.startedAtMs + 5 });
  expect(histories.take(parallel, outline(from(0, 4)), usage(10_100, 0, 9_000))).toBeNull();
  // An older turn that ends late is not the last one.
  histories.take(record("s", { startedAtMs: one.startedAtMs - 1 }), outline(from(50, 3)), usage(10_000, 0));
  expect(histories.take(record("s"), outline(from(0, 6)), usage(10_200, 9_000))).toBeNull();
});

test("a conversation without a session, and one whose vendor tells nothing, are not explained", () => {
  const histories = new PromptHistories();
  expect(histories.take({ ...record("s"), session: null }, outline([1]), usage(10, 0))).toBeNull();
  histories.take(record("s"), outline(from(0, 3)), usage(10_000, null));
  expect(histories.take(record("s"), outline(from(5, 3)), usage(10_000, 0))).toBeNull();
  expect(histories.size.sessions).toBe(1);
});
