// The queue as clients, operators and records see it: who is next, what is told while waiting, and what a full line answers.

import { describe, expect, test } from "bun:test";
import { cleanupsAfterEach } from "../support/cleanups.ts";
import { fakeClock } from "../support/clock.ts";
import { startTestGateway } from "../support/gateway.ts";
import type { Recorded } from "../support/upstream.ts";
import { goodAnswer, formatPairs, openTestPipeline, type TestPipeline, until } from "./test-pipeline.ts";

const cleanups = cleanupsAfterEach();

const keys = { alice: "alice-key-0123456789", bob: "bob-key-0123456789" };
const tenants = [
  { name: "alice", api_key: keys.alice },
  { name: "bob", api_key: keys.bob },
];
const as = (tenant: keyof typeof keys) => ({ headers: { authorization: `Bearer ${keys[tenant]}` } });
const promptOf = ({ body }: Recorded): string =>
  JSON.stringify(body["messages"]).match(/hold|(alice|bob) \d+/)?.[0] ?? "";

type App = {
  readonly pipeline: TestPipeline;
  readonly clock: ReturnType<typeof fakeClock>;
  release(): Promise<void>;
};

/** A vendor with one turn, which alice holds until `release`. */
async function openHeld(formats: (typeof formatPairs)[number], queue: object): Promise<App> {
  const clock = fakeClock();
  const pipeline = await openTestPipeline({
    ...formats,
    clock,
    badProvider: { max_concurrent: 1 },
    config: { tenants, queue, streaming: { commit_after_s: 1, keepalive_s: 1 } },
  });
  cleanups.push(() => pipeline.stop());
  pipeline.bad.script((request) => (promptOf(request) === "hold" ? { isSilent: true } : goodAnswer(request)));
  const leaver = new AbortController();
  const holder = pipeline.ask("hold", { ...as("alice"), model: "alone", signal: leaver.signal }).then(
    (answer) => answer.text(),
    () => "left",
  );
  await until("the turn is taken", () => pipeline.bad.count() === 1);
  return {
    pipeline,
    clock,
    async release() {
      leaver.abort();
      await holder.catch(() => "left");
    },
  };
}

const waiting = ({ pipeline }: App): number =>
  pipeline.gateway.app.current().pipeline.providers.get("alone")?.queue.counts().waiting ?? -1;

type Live = {
  requests: { tenant: string; stage: string; queue: { provider: string; position: number } | null }[];
};

describe.each([...formatPairs])("$endpoint endpoint, $wire vendor", (formats) => {
  test("a stream that waits for its turn hears keep-alives, the operator its place, and the record both", async () => {
    const app = await openHeld(formats, { wait_s: 600 });
    const { pipeline, clock } = app;
    const asking = pipeline.ask("bob 1", { ...as("bob"), model: "alone" });
    await until("it waits", () => waiting(app) === 1);
    const live = (await (await fetch(`${pipeline.gateway.url}/api/live`)).json()) as Live;
    const [, seen] = live.requests.toSorted((left, right) => left.tenant.localeCompare(right.tenant));
    expect(seen).toMatchObject({
      tenant: "bob",
      stage: "waiting",
      queue: { provider: "alone", position: 1, waited_ms: 0 },
    });
    const health = (await (await fetch(`${pipeline.gateway.url}/health`)).json()) as { providers: object };
    expect(health).toMatchObject({
      providers: { alone: { running: 1, waiting: 1 } },
      tenants: ["alice", "bob"],
      queue: { running: 1, queued: 1, perTenant: { alice: 1 } },
    });
    await clock.advance(1_100);
    const answer = await asking;
    expect(answer.status).toBe(200);
    const reader = answer.body?.getReader();
    const decoder = new TextDecoder();
    for (let pings = 0; pings < 3; pings++) {
      expect(decoder.decode((await reader?.read())?.value)).toStartWith(":");
      await clock.advance(1_100);
    }
    await app.release();
    let rest = "";
    for (;;) {
      const next = await reader?.read();
      if (next?.value === undefined) break;
      rest += decoder.decode(next.value);
    }
    expect(rest).toContain(formats.endpoint === "openai" ? "[DONE]" : "message_stop");
    const record = await pipeline.gateway.recordOf(answer);
    expect(record.attempts).toMatchObject([{ provider: "alone", outcome: "ok", queuePosition: 1 }]);
    expect(record.attempts[0]?.waitMs).toBeGreaterThanOrEqual(3_300);
    expect(record.queueWaitMs).toBe(record.attempts[0]?.waitMs ?? -1);
    await pipeline.gateway.assertClean();
  });
});

const [formats] = formatPairs as [(typeof formatPairs)[number]];

test("A floods: beyond its share of the places it hears 429 at once, and B is next", async () => {
  const app = await openHeld(formats, { wait_s: 600, depth: 40 });
  const { pipeline } = app;
  const flood = Array.from({ length: 100 }, (_, at) =>
    pipeline.receive(`alice ${at}`, { ...as("alice"), model: "alone", stream: at % 2 === 0 }),
  );
  await until("the rest was refused", () => pipeline.gateway.records().length === 80);
  expect(waiting(app)).toBe(20);
  const bob = [1, 2].map((at) => pipeline.receive(`bob ${at}`, { ...as("bob"), model: "alone" }));
  await until("both wait", () => waiting(app) === 22);
  await app.release();
  const heard = await Promise.all([...flood, ...bob]);
  const served = pipeline.bad.requests.map(promptOf);
  expect(served.filter((each) => each.startsWith("bob"))).toHaveLength(2);
  expect(served.slice(0, 5).map((each) => each.split(" ")[0])).toEqual([
    "hold",
    "bob",
    "alice",
    "bob",
    "alice",
  ]);
  expect(heard.filter(({ status }) => status === 200)).toHaveLength(22);
  const refused = heard.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(80);
  for (const { headers, error } of refused) {
    expect(Number(headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(error?.message).toContain("max_per_tenant");
  }
  await pipeline.gateway.assertClean();
});

test("Retry-After says how long turns have lasted; who waited in vain has its wait in the record", async () => {
  const app = await openHeld(formats, { wait_s: 3, depth: 2 });
  const { pipeline, clock } = app;
  await clock.advance(30_000);
  await app.release();
  await pipeline.gateway.waitForRecord(({ failure }) => failure === "cancelled");
  const leaver = new AbortController();
  const second = pipeline
    .ask("hold", { ...as("alice"), model: "alone", signal: leaver.signal })
    .catch(() => "left");
  await until("the turn is taken again", () => pipeline.bad.count() === 2);
  const asking = pipeline.receive("bob 1", { ...as("bob"), model: "alone", stream: false });
  await until("it waits", () => waiting(app) === 1);
  await clock.advance(3_100);
  const { status, headers } = await asking;
  expect([status, headers.get("retry-after")]).toEqual([429, "30"]);
  const record = await pipeline.gateway.waitForRecord(({ tenant }) => tenant === "bob");
  expect(record).toMatchObject({ failure: "busy", attempts: [] });
  expect(record.queueWaitMs).toBeGreaterThanOrEqual(3_000);
  leaver.abort();
  await second;
});

describe("max_per_tenant", () => {
  const turnsOf = async (config: object, who: readonly (string | null)[]) => {
    const gateway = await startTestGateway({ config });
    cleanups.push(gateway.stop);
    const take = (names: readonly (string | null)[]): boolean[] =>
      names.map((name) => {
        const [provider] = gateway.app.current().pipeline.providers.values();
        const turn = provider?.queue.tryTake(name) ?? null;
        if (turn !== null) cleanups.push(() => turn.release());
        return turn !== null;
      });
    return { gateway, take, taken: take(who) };
  };
  const who = ["alice", "alice", "bob", null, "bob"];

  test.each<[string, object, boolean[]]>([
    ["1 for the CLI where there are tenants", { cli: {}, tenants }, [true, false, true, true, false]],
    ["none where there are none", { cli: {} }, [true, true, true, false, false]],
    ["as the file says", { cli: { max_per_tenant: 2 }, tenants }, [true, true, true, false, false]],
    [
      "of any provider, with max_concurrent or without",
      { providers: { one: { backend: "demo", max_per_tenant: 1 } }, tenants },
      [true, false, true, true, false],
    ],
    ["none for other providers", { providers: { one: { backend: "demo" } }, tenants }, who.map(() => true)],
  ])("%s", async (_, config, expected) => {
    expect((await turnsOf(config, who)).taken).toEqual(expected);
  });

  test("is another one after a reload, for turns that are out as well", async () => {
    const config = (max_per_tenant: number) => ({ cli: { max_per_tenant, max_concurrent: 9 }, tenants });
    const { gateway, take, taken } = await turnsOf(config(1), ["alice", "alice"]);
    expect(taken).toEqual([true, false]);
    gateway.write(config(2));
    expect((await gateway.app.reload("test")).ok).toBe(true);
    expect(take(["alice", "alice"])).toEqual([true, false]);
  });
});
