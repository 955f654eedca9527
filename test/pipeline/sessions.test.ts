// Conversations of several tenants: what is remembered for one is never another's, and for how long it is remembered.

import { describe, expect, test } from "bun:test";
import { sessionKey, sweepSessions } from "../../src/tenants/sessions.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { fakeClock } from "../support/clock.ts";
import { goodAnswer, openTestPipeline, type TestPipeline } from "./test-pipeline.ts";

const keys = { alice: "alice-key-0123456789", bob: "bob-key-0123456789", nobody: "other-key-0123456789" };
const tenants = [
  { name: "alice", api_key: keys.alice },
  { name: "bob", api_key: keys.bob },
];
const people = ["alice", "bob", "nobody"] as const;

const cleanups = cleanupsAfterEach();

async function open(config: object = {}, badProvider: object = {}) {
  const clock = fakeClock();
  const pipeline = cleanups.stopAtEnd(
    await openTestPipeline({
      endpoint: "openai",
      wire: "openai",
      clock,
      config: { tenants, auth: { keys: [keys.nobody] }, routing: { strategy: "round-robin" }, ...config },
      badProvider,
    }),
  );
  pipeline.bad.script(goodAnswer);
  const { stickiness } = pipeline.gateway.app.services;
  return { clock, pipeline, stickiness };
}

async function providerFor(
  pipeline: TestPipeline,
  who: keyof typeof keys,
  more: Parameters<TestPipeline["ask"]>[1] = {},
) {
  const headers = { authorization: `Bearer ${keys[who]}`, ...more.headers };
  const heard = await pipeline.receive("hello", { model: "auto", ...more, headers });
  expect(heard.status).toBe(200);
  return heard.headers.get("x-clawgate-provider");
}

test("no two tenants have the same key, and without a conversation there is none", () => {
  const all = [sessionKey(null, "a:b"), sessionKey("a", "b"), sessionKey("a", ":b"), sessionKey(null, "b")];
  expect(new Set(all).size).toBe(all.length);
  expect(sessionKey("alice", null)).toBeNull();
});

describe("the same conversation of several tenants", () => {
  test.each<[string, Parameters<TestPipeline["ask"]>[1]]>([
    ["a header", { headers: { "x-session-id": "one" } }],
    ["Claude Code's header", { headers: { "x-claude-code-session-id": "one" } }],
    ["prompt_cache_key", { body: { prompt_cache_key: "one" } }],
    ["metadata.user_id", { body: { metadata: { user_id: "one" } } }],
  ])("stays with each one's own provider (%s)", async (_, more) => {
    const { pipeline, stickiness } = await open();
    const first: Record<string, string | null> = {};
    for (const who of people) first[who] = await providerFor(pipeline, who, more);
    // By turns: nobody was sent where another's conversation is.
    expect(first).toEqual({ alice: "bad", bob: "good", nobody: "bad" });
    expect(stickiness.count()).toBe(3);
    for (const who of [...people, ...people.toReversed()])
      expect(await providerFor(pipeline, who, more)).toBe(first[who] ?? "");
    expect(stickiness.count()).toBe(3);
    expect(pipeline.gateway.records().at(-1)).toMatchObject({ tenant: "alice", session: "one" });
  });

  test("has a key of the vendor's for each", async () => {
    const own = ["vendor-key-number-one", "vendor-key-number-two", "vendor-key-number-three"];
    const { pipeline } = await open({}, { api_key: own[0], api_keys: own.slice(1) });
    const used = new Map<string, string[]>();
    for (let number = 0; number < 12; number++) {
      const headers = { "x-session-id": `conversation-${number}` };
      const ofThis: string[] = [];
      for (const who of people) {
        for (const _ of [1, 2]) await providerFor(pipeline, who, { model: "bad", headers });
        const [before, after] = pipeline.bad.requests
          .slice(-2)
          .map((each) => each.headers["authorization"] ?? "");
        expect(after).toBe(before ?? "none");
        ofThis.push(before ?? "");
      }
      used.set(String(number), ofThis);
    }
    expect([...used.values()].some((ofThis) => new Set(ofThis).size > 1)).toBe(true);
  });
});

describe("session.ttl", () => {
  const headers = { "x-session-id": "one" };

  test("counts from the last answer", async () => {
    const { pipeline, clock, stickiness } = await open({ session: { ttl: 100, cleanup_interval: 1_000 } });
    const home = await providerFor(pipeline, "alice", { headers });
    await clock.advance(90_000);
    expect(await providerFor(pipeline, "alice", { headers })).toBe(home);
    await clock.advance(90_000);
    expect(await providerFor(pipeline, "alice", { headers })).toBe(home);
    await clock.advance(100_000);
    // It is nobody's turn but the next one's.
    expect(await providerFor(pipeline, "alice", { headers })).not.toBe(home);
    expect(stickiness.count()).toBe(1);
  });

  test("a sweep takes the forgotten away, every cleanup_interval, and ends with the gateway", async () => {
    const { pipeline, clock, stickiness } = await open({ session: { ttl: 100, cleanup_interval: 300 } });
    await providerFor(pipeline, "alice", { headers });
    await clock.advance(290_000);
    expect(stickiness.count()).toBe(1);
    await clock.advance(20_000);
    expect(stickiness.count()).toBe(0);
    await providerFor(pipeline, "bob", { headers });
    await clock.advance(300_000);
    expect(stickiness.count()).toBe(0);
  });
});

test("a sweep asks for its interval each time, and leaves no timer when it is stopped", async () => {
  const clock = fakeClock();
  let intervalMs = 100;
  let sweeps = 0;
  const stop = sweepSessions(
    clock,
    () => intervalMs,
    () => void sweeps++,
  );
  await clock.advance(250);
  expect(sweeps).toBe(2);
  intervalMs = 1_000;
  await clock.advance(1_049);
  expect(sweeps).toBe(3);
  stop();
  expect(clock.waiting()).toBe(0);
});
