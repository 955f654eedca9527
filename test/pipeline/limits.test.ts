// Limits of time and of places: total_s, request_timeout_s, max_concurrent with its queue, and clients that do not read.

import { connect } from "node:net";
import { afterAll, describe, expect, test } from "bun:test";
import { startUpstream } from "../support/upstream.ts";
import { testPipelinesOver, allWell, fastClock, goodAnswer, formatPairs, until } from "./test-pipeline.ts";

const upstreams = { bad: startUpstream(), good: startUpstream() };

const withPipeline = testPipelinesOver(upstreams);

type Unread = {
  leave(): void;
  /** Reads after all what is still there. Settles when the other side has closed. */
  rest(): Promise<string>;
};

/** A request whose answer is not read. */
function askWithoutReading(url: string, path: string, body: object): Unread {
  const { hostname, port } = new URL(url);
  const text = JSON.stringify(body);
  const socket = connect(Number(port), hostname, () => {
    socket.pause();
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
  });
  socket.on("error", () => undefined);
  return {
    leave: () => void socket.destroy(),
    rest: () =>
      new Promise((resolve) => {
        const parts: Buffer[] = [];
        socket.on("data", (part) => parts.push(part));
        socket.on("close", () => resolve(Buffer.concat(parts).toString("latin1")));
        socket.resume();
      }),
  };
}

const chatPath = "/v1/chat/completions";
const streamed = (model: string): object => ({
  model,
  max_tokens: 9,
  stream: true,
  messages: [{ role: "user", content: "hello" }],
});

describe.each([...formatPairs])("$endpoint endpoint, $wire vendor", (formats) => {
  const path = formats.endpoint === "openai" ? "/v1/chat/completions" : "/v1/messages";
  const body = streamed("bad");

  describe.each([{ stream: true }, { stream: false }])("stream: $stream", ({ stream }) => {
    test("request_timeout_s holds over all attempts: 504", () =>
      withPipeline(
        {
          ...formats,
          clock: fastClock(10),
          // Far enough apart that a machine which stalls for a moment still comes to the second attempt.
          config: { server: { request_timeout_s: 6 } },
          provider: { timeout: { read_s: 2 } },
        },
        async (pipeline) => {
          pipeline.bad.script(() => ({ isSilent: true }));
          pipeline.good.script(() => ({ isSilent: true }));
          const startedMs = performance.now();
          const answer = await pipeline.ask("hello", { stream });
          expect(answer.status).toBe(504);
          expect(performance.now() - startedMs).toBeLessThan(5_000);
          const record = await pipeline.gateway.recordOf(answer);
          expect(record.attempts.map((each) => each.provider)).toEqual(["bad", "good"]);
          expect(record.failure).toBe("timed-out");
          await answer.text();
        },
      ));

    test("total_s ends one attempt", () =>
      withPipeline({ ...formats, badProvider: { timeout: { total_s: 0.1 } } }, async (pipeline) => {
        pipeline.bad.script(() => ({ isSilent: true }));
        expect(await pipeline.receive("hello", { stream })).toMatchObject({ status: 200, text: allWell });
      }));

    test("a place that comes free in time is waited for", () =>
      withPipeline({ ...formats, badProvider: { max_concurrent: 1 } }, async (pipeline) => {
        pipeline.bad.script((request) => ({ ...goodAnswer(request), beforeHeadersMs: 40 }));
        const heard = await Promise.all([1, 2, 3].map(() => pipeline.receive("hello", { stream })));
        expect(heard.map((each) => each.headers.get("x-clawgate-provider"))).toEqual(["bad", "bad", "bad"]);
        expect(pipeline.gateway.records().some((each) => each.queueWaitMs > 10)).toBe(true);
      }));

    test("no place in time: the next target; none at all: 429 with Retry-After", () =>
      withPipeline(
        { ...formats, badProvider: { max_concurrent: 1 }, config: { queue: { wait_s: 0.05, depth: 1 } } },
        async (pipeline) => {
          pipeline.bad.script(() => ({ isSilent: true }));
          const leaver = new AbortController();
          const holders = ["bad", "alone"].map((model) =>
            pipeline.ask("hello", { stream, model, signal: leaver.signal }).catch(() => "left"),
          );
          await until("the places are taken", () => pipeline.bad.count() === 2);
          expect((await pipeline.receive("hello", { stream })).headers.get("x-clawgate-provider")).toBe(
            "good",
          );
          const alone = await pipeline.receive("hello", { stream, model: "alone" });
          expect(alone.status).toBe(429);
          expect(Number(alone.headers.get("retry-after"))).toBeGreaterThan(0);
          expect(alone.error?.message).toContain("max_concurrent");
          expect(pipeline.gateway.app.services.health.view("alone").consecutiveFailures).toBe(0);
          expect(pipeline.bad.count()).toBe(2);
          leaver.abort();
          await Promise.all(holders);
        },
      ));

    test("a full queue is told at once", () =>
      withPipeline(
        { ...formats, badProvider: { max_concurrent: 1 }, config: { queue: { wait_s: 600, depth: 1 } } },
        async (pipeline) => {
          pipeline.bad.script(() => ({ isSilent: true }));
          const leaver = new AbortController();
          const waiting = [1, 2].map(() =>
            pipeline.ask("hello", { stream, model: "alone", signal: leaver.signal }).catch(() => "left"),
          );
          const queue = pipeline.gateway.app.current().pipeline.providers.get("alone")?.queue;
          await until(
            "one runs and one waits",
            () => queue?.counts().running === 1 && queue.counts().waiting === 1,
          );
          expect((await pipeline.receive("hello", { stream, model: "alone" })).status).toBe(429);
          leaver.abort();
          await Promise.all(waiting);
        },
      ));
  });

  test("total_s ends a stream that goes on", () =>
    withPipeline({ ...formats, badProvider: { timeout: { total_s: 0.15 } } }, async (pipeline) => {
      const frames = (
        goodAnswer({
          path: formats.wire === "openai" ? "/v1/chat/completions" : "/v1/messages",
          body: { stream: true },
        }).chunks ?? []
      ).map(String);
      const at = frames.findIndex((frame) => frame.includes('"all "'));
      pipeline.bad.script(() => ({
        chunks: [...frames.slice(0, at), ...Array.from({ length: 200 }, () => frames[at] ?? "")],
        betweenChunksMs: 15,
      }));
      const answer = await pipeline.ask("hello");
      expect(await answer.text()).toContain("error");
      expect(await pipeline.gateway.recordOf(answer)).toMatchObject({
        failure: "timed-out",
        provider: "bad",
      });
    }));

  test("a client that stays and does not read loses its place, and the vendor is cut off", () =>
    withPipeline(
      {
        ...formats,
        clock: fastClock(10),
        config: { streaming: { stall_s: 1 } },
        badProvider: { max_concurrent: 1 },
      },
      async (pipeline) => {
        const frames = (
          goodAnswer({
            path: formats.wire === "openai" ? "/v1/chat/completions" : "/v1/messages",
            body: { stream: true },
          }).chunks ?? []
        ).map(String);
        const at = frames.findIndex((frame) => frame.includes('"all "'));
        const long = (frames[at] ?? "").replace("all ", "x".repeat(1_000_000));
        pipeline.bad.script(() => ({
          chunks: [...frames.slice(0, at + 1), ...Array.from({ length: 64 }, () => long)],
        }));
        const client = askWithoutReading(pipeline.gateway.url, path, body);
        await until("it streams", () => pipeline.gateway.app.services.live.list()[0]?.stage === "streaming");
        await until("it is let go", () => pipeline.gateway.app.services.live.count() === 0);
        const [record] = pipeline.gateway.records();
        expect(record).toMatchObject({
          failure: "cancelled",
          provider: "bad",
          error: "The client stopped reading.",
        });
        await until("the vendor is cut off", () => pipeline.bad.requests.every((each) => each.isAborted));
        pipeline.bad.script(goodAnswer);
        expect((await pipeline.receive("hello")).headers.get("x-clawgate-provider")).toBe("bad");
        client.leave();
      },
    ));
});

test(
  "a client that stays and does not read loses its connection too",
  () =>
    withPipeline(
      { endpoint: "openai", wire: "openai", config: { streaming: { stall_s: 1 } } },
      async (pipeline) => {
        const frames = (goodAnswer({ path: chatPath, body: { stream: true } }).chunks ?? []).map(String);
        const at = frames.findIndex((frame) => frame.includes('"all "'));
        const long = (frames[at] ?? "").replace("all ", "x".repeat(1_000_000));
        pipeline.bad.script(() => ({
          chunks: [...frames.slice(0, at + 1), ...Array.from({ length: 64 }, () => long)],
        }));
        const client = askWithoutReading(pipeline.gateway.url, chatPath, streamed("bad"));
        const { services, server } = pipeline.gateway.app;
        await until("it streams", () => services.live.list()[0]?.stage === "streaming");
        // Bun counts idle time in steps of 4 s.
        await until("its connection is closed", () => server.pendingRequests() === 0, 12_000);
        expect(pipeline.gateway.records()[0]).toMatchObject({ error: "The client stopped reading." });
        const rest = await client.rest();
        expect(rest).toStartWith("HTTP/1.1 200");
        expect(rest).not.toEndWith("0\r\n\r\n");
      },
    ),
  20_000,
);

afterAll(() => {
  upstreams.bad.stop();
  upstreams.good.stop();
});
