// Several keys at one vendor: which one is used, what a limited or refused one costs, and when it is asked again.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { fingerprintOf } from "../../src/backends/http/auth.ts";
import { fakeClock } from "../support/clock.ts";
import { type Recorded, type Scripted, startUpstream } from "../support/upstream.ts";
import {
  allWell,
  goodAnswer,
  formatPairs,
  openTestPipeline,
  type TestPipeline,
  until,
} from "./test-pipeline.ts";

const keys = ["vendor-key-number-one", "vendor-key-number-two", "vendor-key-number-three"] as const;
const [one, two, three] = keys;
const upstreams = { bad: startUpstream(), good: startUpstream() };

const keyOf = ({ headers }: Recorded): string =>
  headers["x-api-key"] ?? (headers["authorization"] ?? "").replace("Bearer ", "");
const limited: Scripted = { status: 429, headers: { "retry-after": "20" }, body: {} };
const refused: Scripted = { status: 401, body: { error: { message: "bad key" } } };

/** Keys that get `answer`; the others get a good one. */
const failing =
  (answer: Scripted, ...which: string[]) =>
  (request: Recorded): Scripted =>
    which.includes(keyOf(request)) ? answer : goodAnswer(request);

describe.each([...formatPairs])("$endpoint endpoint, $wire vendor", ({ endpoint, wire }) => {
  const clock = fakeClock();
  let pipeline: TestPipeline;
  beforeAll(async () => {
    pipeline = await openTestPipeline({
      endpoint,
      wire,
      upstreams,
      clock,
      badProvider: { api_key: one, api_keys: [two, "", three] },
    });
  });
  afterEach(() => pipeline.clear());
  afterAll(() => pipeline.stop());
  const used = (): string[] => pipeline.bad.requests.map(keyOf);
  const well = async (more: Parameters<TestPipeline["receive"]>[1] = {}): Promise<Headers> => {
    const heard = await pipeline.receive("hello", more);
    expect(heard).toMatchObject({ status: 200, text: allWell });
    expect(heard.headers.get("x-clawgate-provider")).toBe("bad");
    return heard.headers;
  };

  test("without sessions the keys take turns", async () => {
    pipeline.bad.script(goodAnswer);
    for (let i = 0; i < 6; i++) await well();
    expect(used()).toEqual([one, two, three, one, two, three]);
  });

  test.each([true, false])(
    "429 on one key (stream: %p): the next one answers, in the same request",
    async (stream) => {
      pipeline.bad.script(failing(limited, one));
      const headers = await well({ stream });
      expect(headers.get("x-clawgate-attempts")).toBe("2");
      expect(used()).toEqual([one, two]);
      expect(pipeline.good.count()).toBe(0);
      const id = headers.get("x-request-id");
      const record = await pipeline.gateway.waitForRecord((each) => each.id === id);
      expect(record.attempts).toMatchObject([
        { provider: "bad", credential: fingerprintOf(one), outcome: "failed", failure: "rate-limited" },
        { provider: "bad", credential: fingerprintOf(two), outcome: "ok" },
      ]);
      expect(record.rule).not.toContain("fallback");
    },
  );

  test("a limited key rests for its Retry-After, and one request finds out whether it is well", async () => {
    pipeline.bad.script(failing(limited, one));
    await well();
    for (let i = 0; i < 4; i++) await well();
    expect(used().filter((key) => key === one)).toHaveLength(1);
    await clock.advance(20_100);
    pipeline.bad.script((request) =>
      keyOf(request) === one ? { ...limited, beforeHeadersMs: 30 } : goodAnswer(request),
    );
    await Promise.all(Array.from({ length: 8 }, () => well()));
    expect(used().filter((key) => key === one)).toHaveLength(2);
    await clock.advance(20_100);
    pipeline.bad.script(goodAnswer);
    await well();
    expect(used().at(-1)).toBe(one);
    expect(pipeline.gateway.app.services.health.view("bad").credentials[0]).toMatchObject({ state: "ok" });
  });

  test("a rate limit is of one model: the key still serves others", async () => {
    pipeline.bad.script(failing(limited, ...keys));
    const first = await pipeline.receive("hello");
    expect(first.headers.get("x-clawgate-provider")).toBe("good");
    expect(used().toSorted()).toEqual([...keys].toSorted());
    pipeline.bad.script(goodAnswer);
    await well({ model: "bad/other" });
    const later = await pipeline.receive("hello");
    expect(later.headers.get("x-clawgate-provider")).toBe("good");
  });

  test("a refused key is out for ten minutes, for every model; the others go on", async () => {
    pipeline.bad.script(failing(refused, two));
    for (let i = 0; i < 6; i++) await well({ model: i % 2 === 0 ? "bad" : "bad/other" });
    expect(used().filter((key) => key === two)).toHaveLength(1);
    const health = (await (await fetch(`${pipeline.gateway.url}/health`)).json()) as {
      providers: Record<string, { healthy: boolean; credential: string; credentials?: object[] }>;
    };
    expect(health.providers["bad"]).toMatchObject({
      healthy: true,
      credential: "ok",
      credentials: [
        { id: fingerprintOf(one), state: "ok", retry_at: null, cooling_models: [] },
        { id: fingerprintOf(two), state: "rejected", cooling_models: [] },
        { id: fingerprintOf(three), state: "ok" },
      ],
    });
    expect(health.providers["good"]).not.toHaveProperty("credentials");
    const told = JSON.stringify(health) + pipeline.gateway.log.join("\n");
    for (const key of keys) expect(told).not.toContain(key);
    expect(told).toContain(`its credential ${fingerprintOf(two)} is rejected`);
    await clock.advance(600_100);
    pipeline.bad.script(goodAnswer);
    await well();
    expect(used().at(-1)).toBe(two);
  });

  test("all keys refused: the next provider; and alone each is asked once", async () => {
    pipeline.bad.script(() => refused);
    const heard = await pipeline.receive("hello");
    expect(heard.headers.get("x-clawgate-provider")).toBe("good");
    expect(heard.headers.get("x-clawgate-attempts")).toBe("4");
    expect(pipeline.bad.count()).toBe(3);
    await pipeline.receive("hello");
    expect(pipeline.bad.count()).toBe(3);
    // Nowhere else to go: the last resort is one key, not all of them again.
    pipeline.bad.reset();
    pipeline.bad.script(() => refused);
    expect((await pipeline.receive("hello", { model: "alone" })).status).toBe(502);
    expect(pipeline.bad.count()).toBe(3);
    expect((await pipeline.receive("hello", { model: "alone" })).status).toBe(502);
    expect(pipeline.bad.count()).toBe(4);
  });

  test("what is no fault of the key goes to the next provider at once", async () => {
    pipeline.bad.script(() => ({ status: 500, body: {} }));
    const heard = await pipeline.receive("hello");
    expect(heard.headers.get("x-clawgate-provider")).toBe("good");
    expect(pipeline.bad.count()).toBe(1);
  });

  test("a session keeps its key while that may go, and comes back to it", async () => {
    pipeline.bad.script(goodAnswer);
    const sessions = Array.from({ length: 24 }, (_, i) => ({ "x-session-id": `session-${i}` }));
    const homes: string[] = [];
    for (const headers of sessions) {
      await well({ headers });
      homes.push(used().at(-1) ?? "");
      await well();
      await well({ headers });
      expect(used().at(-1)).toBe(homes.at(-1));
    }
    expect(new Set(homes).size).toBe(3);
    const at = homes.indexOf(one);
    const headers = sessions[at] ?? {};
    pipeline.bad.script(failing(limited, one));
    await well({ headers });
    const refuge = used().at(-1);
    await well({ headers });
    expect(used().at(-1)).toBe(refuge);
    await clock.advance(20_100);
    pipeline.bad.script(goodAnswer);
    await well({ headers });
    expect(used().at(-1)).toBe(one);
  });

  test("a probe whose client leaves gives its key to the next one", async () => {
    pipeline.bad.script(failing(limited, ...keys));
    await pipeline.receive("hello");
    await clock.advance(20_100);
    pipeline.bad.reset();
    pipeline.bad.script(() => ({ isSilent: true }));
    const leaver = new AbortController();
    const left = pipeline.ask("hello", { signal: leaver.signal }).catch(() => "left");
    await until("the probe is at the vendor", () => pipeline.bad.count() === 1);
    const [probed] = used();
    leaver.abort();
    expect(await left).toBe("left");
    await pipeline.gateway.assertClean(pipeline.bad.requests);
    pipeline.bad.script(goodAnswer);
    const seen: string[] = [];
    for (let i = 0; i < 3; i++) {
      await well();
      seen.push(used().at(-1) ?? "");
    }
    expect(seen).toContain(probed ?? "");
    expect(pipeline.gateway.app.services.health.load("bad").inFlight).toBe(0);
  });

  test("many at a time over failing keys: everybody is answered and no place in the budget is lost", async () => {
    pipeline.bad.script((request) => ({
      ...(keyOf(request) === one ? limited : refused),
      beforeHeadersMs: 5,
    }));
    const all = await Promise.all(
      Array.from({ length: 20 }, () => pipeline.receive("hello", { stream: false })),
    );
    const answered = all.filter((heard) => heard.text === allWell).length;
    expect(answered).toBeGreaterThan(0);
    // Who found no place in the budget in time hears why its own key failed.
    for (const heard of all) expect(heard.status).toBeOneOf([200, 429, 502]);
    await pipeline.gateway.assertClean();
    expect(pipeline.gateway.app.services.retryBudget.running()).toBe(0);
    expect(pipeline.gateway.app.services.health.load("bad").inFlight).toBe(0);
  });
});

afterAll(() => {
  upstreams.bad.stop();
  upstreams.good.stop();
});
