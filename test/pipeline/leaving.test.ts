// Clients that leave, operators that cancel, and a gateway that closes: at whatever stage, nothing stays behind.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type Scripted, startUpstream } from "../support/upstream.ts";
import {
  allWell,
  fastClock,
  type Format,
  goodAnswer,
  receivedFrom,
  formatPairs,
  openTestPipeline,
  type TestPipeline,
  until,
} from "./test-pipeline.ts";

const upstreams = { bad: startUpstream(), good: startUpstream() };
const framesOf = (wire: Format): readonly string[] =>
  (
    goodAnswer({ path: wire === "openai" ? "/v1/chat/completions" : "/v1/messages", body: { stream: true } })
      .chunks ?? []
  ).map(String);

/** A sequence of numbers below `limit` that is the same in every run. */
function chance(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * limit);
  };
}

describe.each([...formatPairs])("$endpoint endpoint, $wire vendor", ({ endpoint, wire }) => {
  const frames = framesOf(wire);
  const wordAt = frames.findIndex((frame) => frame.includes('"all "'));
  let pipeline: TestPipeline;
  beforeAll(async () => {
    pipeline = await openTestPipeline({
      endpoint,
      wire,
      upstreams,
      clock: fastClock(20),
      config: { streaming: { commit_after_s: 1, keepalive_s: 1 }, queue: { wait_s: 60, depth: 100 } },
      badProvider: { max_concurrent: 8 },
    });
  });
  afterEach(async () => {
    await pipeline.gateway.assertClean();
    pipeline.clear();
  });
  afterAll(() => pipeline.stop());
  const live = () => pipeline.gateway.app.services.live;

  test("200 clients leave at any stage: queued, asking, committed, streaming, at the end", async () => {
    const random = chance(7);
    const broken: Scripted = { status: 500, body: {} };
    pipeline.bad.script((request) => {
      const slow = { beforeHeadersMs: random(15), beforeBodyMs: random(100), betweenChunksMs: random(6) };
      return random(4) === 0
        ? { ...broken, beforeHeadersMs: random(15) }
        : { ...goodAnswer(request), ...slow };
    });
    pipeline.good.script((request) => ({
      ...goodAnswer(request),
      beforeHeadersMs: random(10),
      betweenChunksMs: random(4),
    }));
    const leave = async (): Promise<"left" | "heard"> => {
      const leaver = new AbortController();
      setTimeout(() => leaver.abort(), random(180));
      try {
        const answer = await pipeline.ask("hello", { stream: random(4) !== 0, signal: leaver.signal });
        await answer.text();
        return "heard";
      } catch {
        return "left";
      }
    };
    const outcomes = await Promise.all(Array.from({ length: 200 }, leave));
    expect(outcomes.filter((each) => each === "left").length).toBeGreaterThan(30);
    await pipeline.gateway.assertClean([...pipeline.bad.requests, ...pipeline.good.requests]);
    expect(pipeline.gateway.records().length).toBeGreaterThanOrEqual(live().count());
    pipeline.clear();
    pipeline.bad.script(goodAnswer);
    expect(await pipeline.receive("hello")).toMatchObject({ text: allWell, isEnded: true });
  });

  describe("one client leaves", () => {
    const stages: readonly (readonly [string, Scripted, string | null])[] = [
      ["while the vendor says nothing", { isSilent: true }, "asking"],
      ["between headers and the first word", { chunks: [], ending: "hang" }, "asking"],
      ["in the middle of the words", { chunks: frames.slice(0, wordAt + 2), ending: "hang" }, "streaming"],
    ];
    test.each([...stages])("%s", async (_, answer, stage) => {
      pipeline.bad.script(() => answer);
      const before = pipeline.gateway.records().length;
      const leaver = new AbortController();
      const asking = pipeline.ask("hello", { signal: leaver.signal }).then(
        (response) => response.text(),
        () => "left",
      );
      await until(`it is ${stage}`, () => live().list()[0]?.stage === stage && pipeline.bad.count() === 1);
      const leftMs = performance.now();
      leaver.abort();
      await asking.catch(() => "left");
      await pipeline.gateway.assertClean(pipeline.bad.requests);
      expect((pipeline.bad.requests[0]?.abortedAtMs ?? Number.POSITIVE_INFINITY) - leftMs).toBeLessThan(
        10_000,
      );
      const record = pipeline.gateway.records()[before];
      expect(record).toMatchObject({ failure: "cancelled" });
      expect(record?.attempts[0]?.outcome).toBe("cancelled");
      expect(pipeline.gateway.app.services.health.view("bad").consecutiveFailures).toBe(0);
    });

    test("after the commit, before any word", async () => {
      pipeline.bad.script(() => ({ isSilent: true }));
      const leaver = new AbortController();
      const answer = await pipeline.ask("hello", { signal: leaver.signal });
      expect(answer.status).toBe(200);
      leaver.abort();
      await answer.text().catch(() => "left");
      await pipeline.gateway.assertClean(pipeline.bad.requests);
      expect(pipeline.good.count()).toBe(0);
    });

    test("in the queue: it is never served", async () => {
      pipeline.bad.script(() => ({ isSilent: true }));
      const holder = new AbortController();
      const held = Array.from({ length: 8 }, () =>
        pipeline.ask("hello", { signal: holder.signal, stream: false }).catch(() => "left"),
      );
      await until("all places are taken", () => pipeline.bad.count() === 8);
      const leaver = new AbortController();
      const waiting = pipeline.ask("hello", { signal: leaver.signal, stream: false }).catch(() => "left");
      await until("one waits", () =>
        live()
          .list()
          .some((each) => each.stage === "waiting"),
      );
      leaver.abort();
      expect(await waiting).toBe("left");
      await until("its place is empty", () => live().count() === 8);
      holder.abort();
      await Promise.all(held);
      await pipeline.gateway.assertClean(pipeline.bad.requests);
      expect(pipeline.bad.count()).toBe(8);
    });

    test("while its body is still under way", async () => {
      const { hostname, port } = new URL(pipeline.gateway.url);
      const socket = await Bun.connect({ hostname, port: Number(port), socket: { data() {}, error() {} } });
      socket.write(
        `POST /v1/messages HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"mod`,
      );
      await until("it is read", () =>
        live()
          .list()
          .some((each) => each.stage === "reading"),
      );
      socket.terminate();
      await pipeline.gateway.assertClean();
      expect(pipeline.bad.count()).toBe(0);
    });
  });

  describe("the operator", () => {
    const cancelAll = (): void => {
      const gateway = pipeline.gateway.app;
      for (const { id } of live().list())
        expect(gateway.services.live.cancel(id, operatorsWord())).toBe(true);
    };

    test("cancels a stream: its client is told and it has no happy end", async () => {
      pipeline.bad.script(() => ({ chunks: frames.slice(0, wordAt + 1), ending: "hang" }));
      const answer = await pipeline.ask("hello");
      cancelAll();
      const heard = await receivedFrom(answer, endpoint);
      expect(heard.isEnded).toBe(false);
      expect(heard.error?.message).toContain("operator");
      expect(await pipeline.gateway.recordOf(answer)).toMatchObject({ failure: "cancelled" });
    });

    test("cancels a request that nobody has answered yet", async () => {
      pipeline.bad.script(() => ({ isSilent: true }));
      const asking = pipeline.receive("hello", { stream: false });
      await until("it asks", () => pipeline.bad.count() === 1);
      cancelAll();
      const heard = await asking;
      expect(heard.status).toBe(499);
      expect(heard.error?.message).toContain("operator");
      expect(pipeline.good.count()).toBe(0);
      expect(live().cancel("nobody", operatorsWord())).toBe(false);
    });
  });
});

const { Failure } = await import("../../src/canon/failure.ts");
const operatorsWord = () => new Failure("cancelled", "The operator cancelled this request.");

describe.each([...formatPairs])("a gateway that closes: $endpoint endpoint, $wire vendor", (formats) => {
  const frames = framesOf(formats.wire);
  const wordAt = frames.findIndex((frame) => frame.includes('"all "'));

  test("what runs may finish, new ones are not let in", async () => {
    const pipeline = await openTestPipeline({ ...formats, upstreams });
    upstreams.bad.reset();
    upstreams.bad.script(() => ({ chunks: frames, betweenChunksMs: 10 }));
    const answer = await pipeline.ask("hello");
    const stopping = pipeline.gateway.app.stop(5_000);
    expect(await receivedFrom(answer, formats.endpoint)).toMatchObject({ text: allWell, isEnded: true });
    await stopping;
    expect(await pipeline.ask("hello").catch(() => "refused")).toBe("refused");
    await pipeline.stop();
  });

  test("what does not finish in time is told so", async () => {
    const pipeline = await openTestPipeline({ ...formats, upstreams });
    upstreams.bad.reset();
    upstreams.bad.script(() => ({ chunks: frames.slice(0, wordAt + 1), ending: "hang" }));
    const answer = await pipeline.ask("hello");
    const stopping = pipeline.gateway.app.stop(30);
    const heard = await receivedFrom(answer, formats.endpoint);
    expect(heard).toMatchObject({ text: "all ", isEnded: false });
    expect(heard.error?.message).toContain("shutting down");
    await stopping;
    expect(pipeline.gateway.records()[0]).toMatchObject({ failure: "shutting-down" });
    expect(pipeline.gateway.app.services.health.view("bad").consecutiveFailures).toBe(0);
    await pipeline.stop();
  });
});

afterAll(() => {
  upstreams.bad.stop();
  upstreams.good.stop();
});
