// What faults do to the requests after them: cooling, ejection and its single probe, and that no storm comes of it.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { fakeClock } from "../support/clock.ts";
import { type Scripted, startUpstream } from "../support/upstream.ts";
import {
  allWell,
  goodAnswer,
  receivedFrom,
  formatPairs,
  openTestPipeline,
  type TestPipeline,
  until,
} from "./test-pipeline.ts";

const upstreams = { bad: startUpstream(), good: startUpstream() };
const broken: Scripted = { status: 500, body: { error: { message: "broken" } } };

describe.each([...formatPairs])("$endpoint endpoint, $wire vendor", ({ endpoint, wire }) => {
  const clock = fakeClock();
  let pipeline: TestPipeline;
  beforeAll(async () => {
    pipeline = await openTestPipeline({ endpoint, wire, upstreams, clock });
  });
  afterEach(() => pipeline.clear());
  afterAll(() => pipeline.stop());
  const calls = (): number => pipeline.bad.count();
  const askTimes = async (times: number, stream = true): Promise<void> => {
    for (let i = 0; i < times; i++)
      expect(await pipeline.receive("hello", { stream })).toMatchObject({ status: 200, text: allWell });
  };

  describe.each([{ stream: true }, { stream: false }])("stream: $stream", ({ stream }) => {
    test.each([500, 502, 503, 529])(
      "five times %p: no call while it is out, one probe after, and back in",
      async (status) => {
        pipeline.bad.script(() => ({ status, body: "" }));
        await askTimes(8, stream);
        expect(calls()).toBe(5);
        await clock.advance(29_900);
        await askTimes(3, stream);
        expect(calls()).toBe(5);
        await clock.advance(200);
        await askTimes(4, stream);
        expect(calls()).toBe(6);
        await clock.advance(60_100);
        pipeline.bad.script(goodAnswer);
        await askTimes(4, stream);
        expect(calls()).toBe(10);
        expect(pipeline.gateway.app.services.health.view("bad")).toMatchObject({
          healthy: true,
          ejections: 0,
        });
      },
    );

    test("many at a time find it half open: one of them is the probe", async () => {
      pipeline.bad.script(() => broken);
      await askTimes(5, stream);
      await clock.advance(30_100);
      pipeline.bad.script(() => ({ ...broken, beforeHeadersMs: 30 }));
      const all = await Promise.all(Array.from({ length: 10 }, () => pipeline.receive("hello", { stream })));
      expect(all.every((heard) => heard.text === allWell)).toBe(true);
      expect(calls()).toBe(6);
    });

    test("a probe whose client leaves is given to the next one", async () => {
      pipeline.bad.script(() => broken);
      await askTimes(5, stream);
      await clock.advance(30_100);
      pipeline.bad.script(() => ({ isSilent: true }));
      const leaver = new AbortController();
      const left = pipeline.ask("hello", { stream, signal: leaver.signal }).catch(() => "left");
      await until("the probe is at the vendor", () => calls() === 6);
      leaver.abort();
      expect(await left).toBe("left");
      await pipeline.gateway.assertClean(pipeline.bad.requests);
      pipeline.bad.script(goodAnswer);
      await askTimes(1, stream);
      expect(calls()).toBe(7);
    });

    test.each([
      ["7", 7],
      ["0.5", 0.5],
      ["1e9", 300],
      ["soon", 30],
      ["", 30],
      [null, 30],
      ["-5", 30],
      ["date-60", 30],
      ["date+20", 20],
      ["date+9999999", 300],
    ] as const)("429 with Retry-After %p rests for %p s", async (written, seconds) => {
      const value =
        written?.startsWith("date") === true
          ? new Date(clock.nowMs() + Number(written.slice(4)) * 1000).toUTCString()
          : written;
      const headers: Record<string, string> = value === null ? {} : { "retry-after": value };
      pipeline.bad.script(() => ({ status: 429, headers, body: {} }));
      await askTimes(3, stream);
      expect(calls()).toBe(1);
      // A date is written in whole seconds.
      const grainMs = written?.startsWith("date") === true ? 1_000 : 10;
      await clock.advance(seconds * 1000 - grainMs);
      await askTimes(1, stream);
      expect(calls()).toBe(1);
      await clock.advance(grainMs + 10);
      await askTimes(1, stream);
      expect(calls()).toBe(2);
      expect(pipeline.gateway.app.services.health.view("bad").consecutiveFailures).toBe(0);
    });

    test("429 alone tells the client when to come back, and no nonsense", async () => {
      for (const [written, shown] of [
        ["7", "7"],
        ["0.2", "1"],
        ["299.5", "300"],
        ["86400", "300"],
        ["1e9", "300"],
        ["1e308", "300"],
        ["-5", null],
        ["-1e308", null],
        ["NaN", null],
        ["Infinity", null],
        ["Thu, 01 Jan 2099 00:00:00 GMT", "300"],
        ["Thu, 01 Jan 1970 00:00:00 GMT", null],
      ]) {
        pipeline.clear();
        pipeline.bad.script(() => ({ status: 429, headers: { "retry-after": written ?? "" }, body: {} }));
        const heard = await pipeline.receive("hello", { stream, model: "alone" });
        expect(heard.status).toBe(429);
        expect(heard.headers.get("retry-after")).toBe(shown ?? null);
      }
    });

    test("no vendor's word sends a client away for longer than the vendor rests, whatever went wrong", async () => {
      const { health } = pipeline.gateway.app.services;
      for (const [status, body] of [
        [400, { error: { message: "no", type: "invalid_request_error" } }],
        [402, { error: { message: "pay" } }],
        [429, { error: { message: "used up", type: "insufficient_quota", code: "insufficient_quota" } }],
        [500, { error: { message: "broken" } }],
        [503, { error: { message: "busy" } }],
        [529, { error: { message: "busy", type: "overloaded_error" } }],
      ] as const) {
        pipeline.clear();
        pipeline.bad.script(() => ({ status, headers: { "retry-after": "86400" }, body }));
        const heard = await pipeline.receive("hello", { stream, model: "alone" });
        expect([status, heard.headers.get("retry-after")]).toEqual([status, "300"]);
        const restsMs = (health.view("alone").retryAtMs ?? clock.nowMs() + 300_000) - clock.nowMs();
        expect(restsMs).toBeGreaterThan(299_000);
      }
    });

    test.each([401, 403])("%p: one alarm, and not asked again for ten minutes", async (status) => {
      const alarmsBefore = pipeline.gateway.log.filter((line) =>
        line.includes("its credential is rejected"),
      ).length;
      pipeline.bad.script(() => ({ status, body: { error: { message: "bad key vendor-secret-key" } } }));
      await askTimes(20, stream);
      expect(calls()).toBe(1);
      await clock.advance(600_100);
      await askTimes(2, stream);
      expect(calls()).toBe(2);
      const alarms = pipeline.gateway.log.filter((line) => line.includes("its credential is rejected"));
      expect(alarms).toHaveLength(alarmsBefore + 1);
      expect(alarms.join()).not.toContain("vendor-secret-key");
    });

    test("404 for a listed model rests that model only", async () => {
      pipeline.bad.script(() => ({ status: 404, body: { error: { message: "no such model" } } }));
      await askTimes(5, stream);
      expect(calls()).toBe(1);
      pipeline.bad.script(goodAnswer);
      const other = await pipeline.receive("hello", { stream, model: "bad/other" });
      expect(other.headers.get("x-clawgate-provider")).toBe("bad");
    });

    test("the last one is never taken out", async () => {
      pipeline.bad.script(() => broken);
      for (let i = 0; i < 12; i++)
        expect((await pipeline.receive("hello", { stream, model: "alone" })).status).toBe(502);
      expect(calls()).toBe(12);
      pipeline.bad.script(goodAnswer);
      expect((await pipeline.receive("hello", { stream, model: "alone" })).text).toBe(allWell);
    });

    test("all are out: the one that will be back first is asked, once a request", async () => {
      pipeline.bad.script(() => broken);
      pipeline.good.script(() => ({ status: 429, headers: { "retry-after": "200" }, body: {} }));
      for (let i = 0; i < 6; i++) await pipeline.receive("hello", { stream });
      const before = calls() + pipeline.good.count();
      for (let i = 0; i < 5; i++)
        expect((await pipeline.receive("hello", { stream })).status).toBeOneOf([429, 502]);
      expect(calls() + pipeline.good.count()).toBe(before + 5);
    });
  });

  test("a long stream that is the probe lets the others in as soon as it has begun", async () => {
    pipeline.bad.script(() => broken);
    await askTimes(5);
    await clock.advance(30_100);
    const path = wire === "openai" ? "/v1/chat/completions" : "/v1/messages";
    const frames = (goodAnswer({ path, body: { stream: true } }).chunks ?? []).map(String);
    const wordAt = frames.findIndex((frame) => frame.includes('"all "'));
    pipeline.bad.script(() => ({ chunks: frames.slice(0, wordAt + 1), ending: "hang" }));
    const leaver = new AbortController();
    const long = await pipeline.ask("hello", { signal: leaver.signal });
    expect(long.headers.get("x-clawgate-provider")).toBe("bad");
    const { health } = pipeline.gateway.app.services;
    expect(health.view("bad")).toMatchObject({ circuit: "closed", consecutiveFailures: 0 });
    pipeline.bad.script(goodAnswer);
    for (const stream of [true, false]) {
      const heard = await pipeline.receive("hello", { stream });
      expect(heard.headers.get("x-clawgate-provider")).toBe("bad");
    }
    const firstWord = Promise.withResolvers<void>();
    pipeline.bad.script(() => ({
      chunks: frames.slice(0, wordAt + 1),
      ending: "reset",
      endsAfter: firstWord.promise,
    }));
    const cut = await pipeline.ask("hello");
    expect((await receivedFrom(cut, endpoint, firstWord.resolve)).isEnded).toBe(false);
    expect(health.view("bad")).toMatchObject({ circuit: "closed", consecutiveFailures: 1 });
    leaver.abort();
    await long.text().catch(() => "left");
    await pipeline.gateway.assertClean(pipeline.bad.requests);
  });

  test("a provider that flaps causes no storm", async () => {
    let isUp = true;
    pipeline.bad.script((request) => (isUp ? goodAnswer(request) : broken));
    const requests = 240;
    let ejections = 0;
    for (let i = 0; i < requests; i++) {
      if (i % 10 === 0) isUp = !isUp;
      const before = pipeline.gateway.app.services.health.view("bad").ejections;
      expect((await pipeline.receive("hello")).text).toBe(allWell);
      if (pipeline.gateway.app.services.health.view("bad").ejections > before) ejections++;
      await clock.advance(100);
    }
    expect(ejections).toBeGreaterThan(0);
    expect(calls() + pipeline.good.count()).toBeLessThanOrEqual(requests * 1.2 + ejections * 5);
  });

  test("all providers fail for many at a time: second attempts stay within their budget", async () => {
    let asking = 0;
    let most = 0;
    pipeline.bad.script(() => ({ ...broken, beforeHeadersMs: 5 }));
    pipeline.good.script(() => {
      asking++;
      most = Math.max(most, asking);
      setTimeout(() => asking--, 15);
      return { ...broken, beforeHeadersMs: 20 };
    });
    const all = await Promise.all(
      Array.from({ length: 30 }, async () =>
        receivedFrom(await pipeline.ask("hello", { stream: false }), endpoint),
      ),
    );
    expect(all.every((heard) => heard.status === 502)).toBe(true);
    expect(most).toBeLessThanOrEqual(6);
    await pipeline.gateway.assertClean();
  });
});

afterAll(() => {
  upstreams.bad.stop();
  upstreams.good.stop();
});
