// Whatever tenants ask for at once, in whatever chain, however often they leave early and however the clock steps: what is on
// their account is never less than what they got, and never more than their budget and one answer. The real gateway, real sockets.

import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import type { Clock } from "../../src/system/clock.ts";
import { systemClock } from "../../src/system/clock.ts";
import type { Amount } from "../../src/tenants/spending.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type SpeakingVendor, startSpeakingVendor } from "./speaking-vendor.ts";
import { memoryLimits } from "./tenant-gateways.ts";

const dayMs = 86_400_000;
const runs = 250;
/** USD per million tokens of each provider: from nothing to a thousand times the next one. */
const prices = [0, 1, 20, 400, 20_000] as const;
const tokensOf = (bytes: number): number => Math.ceil(bytes / 4);

let stepMs = 0;
/** The wall steps as the test says; nothing else does. */
const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + stepMs };

let vendor: SpeakingVendor;
let gateway: TestGateway;

beforeAll(async () => {
  vendor = startSpeakingVendor();
  const providers = prices.map((price, at) => [
    `p${at}`,
    {
      base_url: `${vendor.url}/p${at}/v1`,
      api_key: "vendor-secret-key",
      models: [{ id: "m", max_output: 500 }],
      pricing: { input: price, output: price },
    },
  ]);
  gateway = await startTestGateway({
    clock,
    config: {
      health: { check_interval_seconds: 0, consecutive_failures_before_skip: 1_000 },
      providers: Object.fromEntries(providers),
      fallback_chain: prices.map((_price, at) => `p${at}`).toReversed(),
      metrics: { enabled: false },
      tenants: Array.from({ length: runs }, (_none, at) => ({
        name: `t${at}`,
        api_key: keyOf(at),
        limits: { budget: { usd_per_day: budgetUsd(at) } },
      })),
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  vendor.stop();
});

const keyOf = (at: number): string => `tenant-key-${String(at).padStart(8, "0")}`;
/** From a tenth of a cent to ten dollars. */
const budgetUsd = (at: number): number => [0.001, 0.01, 0.1, 1, 10][at % 5] ?? 1;

const asking = fc.record({
  provider: fc.nat(prices.length - 1),
  /** What the vendor has to say, in tokens; it obeys the limit. */
  says: fc.integer({ min: 1, max: 700 }),
  limit: fc.option(fc.integer({ min: 1, max: 600 })),
  isStream: fc.boolean(),
  tellsUsage: fc.boolean(),
  /** The client leaves when it has so many tokens. */
  leavesAfter: fc.option(fc.integer({ min: 1, max: 300 })),
  failing: fc.uniqueArray(fc.nat(prices.length - 1), { maxLength: 3 }),
  stepsDays: fc.constantFrom(0, 0, 0, 0, 1, -1, 31),
});
type Asking = typeof asking extends fc.Arbitrary<infer Each> ? Each : never;

/** What came through, what it is worth where it came from, and what a token costs where it was asked for; 0: nothing was sent. */
type Got = Amount & { readonly price: number };
const seen = { answers: 0, refusals: 0, cuts: 0, beyond: 0 };

async function askAs(at: number, each: Asking): Promise<Got> {
  const leaver = new AbortController();
  let text = "";
  let provider: string | null = null;
  try {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${keyOf(at)}` },
      body: JSON.stringify({
        model: `p${each.provider}/m`,
        stream: each.isStream,
        ...(each.limit === null ? {} : { max_tokens: each.limit }),
        messages: [{ role: "user", content: JSON.stringify({ ...each, holds: each.leavesAfter }) }],
      }),
      signal: leaver.signal,
    });
    provider = answer.headers.get("x-clawgate-provider");
    if (answer.status !== 200) {
      expect([429, 502]).toContain(answer.status);
      seen.refusals += 1;
      return { tokens: 0, nanoUsd: 0, price: 0 };
    }
    seen.answers += 1;
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (each.leavesAfter !== null && wordsIn(text) >= each.leavesAfter * 4) leaver.abort();
    }
  } catch (thrown) {
    if (!leaver.signal.aborted) throw thrown;
    seen.cuts += 1;
  }
  const tokens = tokensOf(wordsIn(text));
  const price = prices[Number(provider?.slice(1))] ?? 0;
  return { tokens, nanoUsd: tokens * price * 1_000, price: prices[each.provider] ?? 0 };
}

/** The vendor says nothing but this. */
const wordsIn = (text: string): number => text.split("abcd").length * 4 - 4;

async function nobodyRuns(): Promise<void> {
  while (gateway.app.services.live.count() > 0) await new Promise<void>((resolve) => setTimeout(resolve, 1));
}

test("spent is at least what was delivered and at most the budget and one answer", async () => {
  let next = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(asking, { minLength: 1, maxLength: 14 }), async (all) => {
      const at = next++ % runs;
      // A tenant of its own for every run.
      const meter = gateway.app.services.meters.of(`t${at}`);
      const delivered: Promise<Got>[] = [];
      for (const each of all) {
        stepMs += each.stepsDays * dayMs;
        delivered.push(askAs(at, each));
        // Some at once, some one after the other.
        if (each.says % 3 === 0) await Promise.all(delivered);
      }
      const answers = await Promise.all(delivered);
      const got = totalOf(answers);
      await nobodyRuns();
      const { days } = memoryLimits(gateway).periods(`t${at}`);
      const spent = totalOf(days);
      expect(spent.tokens).toBeGreaterThanOrEqual(got.tokens);
      expect(spent.nanoUsd).toBeGreaterThanOrEqual(got.nanoUsd);
      // The longest answer of the dearest model that was asked for and sent to, with its question.
      const oneAnswer = 600 * Math.max(...answers.map(({ price }) => price)) * 1_000;
      const budget = budgetUsd(at) * 1e9;
      for (const day of days) {
        expect(day.nanoUsd).toBeLessThanOrEqual(budget + oneAnswer);
        if (day.nanoUsd > budget) seen.beyond += 1;
      }
      expect(meter.running()).toBe(0);
    }),
    // Not made smaller: what a tenant has spent, it has spent.
    { numRuns: runs, seed: Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31), endOnFailure: true },
  );
  // It was about something.
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(10);
}, 120_000);

function totalOf(all: readonly Amount[]): Amount {
  return all.reduce<Amount>(
    (sum, each) => ({ tokens: sum.tokens + each.tokens, nanoUsd: sum.nanoUsd + each.nanoUsd }),
    { tokens: 0, nanoUsd: 0 },
  );
}
