// Faults after the first word: never a retry, never a splice. The stream ends with the endpoint's error and without its happy
// end, what was used so far is in the record, and everything is let go.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { startUpstream } from "../support/upstream.ts";
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

/** Limits of a few hundred milliseconds of real time: a machine that stalls as long breaks the case, not the gateway. */
const timed = (name: string, run: () => Promise<void>): void => test(name, run, { retry: 2 });

const upstreams = { bad: startUpstream(), good: startUpstream() };
const pathOf: Readonly<Record<Format, string>> = {
  openai: "/v1/chat/completions",
  anthropic: "/v1/messages",
};
/** The frames of a correct stream on a wire. */
const framesOf = (wire: Format): readonly string[] =>
  (goodAnswer({ path: pathOf[wire], body: { stream: true } }).chunks ?? []).map(String);

describe.each([...formatPairs])("$endpoint endpoint, $wire vendor", ({ endpoint, wire }) => {
  const frames = framesOf(wire);
  const firstWordAt = frames.findIndex((frame) => frame.includes('"all "'));
  const finishAt = frames.findIndex((frame) => /"finish_reason":"stop"|"stop_reason":"end_turn"/.test(frame));
  let pipeline: TestPipeline;
  beforeAll(async () => {
    const timeout = { first_token_s: 0.3, idle_s: 0.2 };
    pipeline = await openTestPipeline({ endpoint, wire, upstreams, badProvider: { timeout } });
  });
  afterEach(() => pipeline.clear());
  afterAll(() => pipeline.stop());

  const expectBroken = async (answer: Response, failure: string, onFirstWord?: () => void): Promise<void> => {
    const heard = await receivedFrom(answer, endpoint, onFirstWord);
    expect(heard.status).toBe(200);
    expect(heard.isEnded).toBe(false);
    expect(heard.error?.message).toBeTruthy();
    expect(allWell.startsWith(heard.text)).toBe(true);
    expect(heard.raw.match(/"error":\s*\{/g)).toHaveLength(1);
    const record = await pipeline.gateway.recordOf(answer);
    expect(record.failure).toBe(failure as typeof record.failure);
    expect(record.provider).toBe("bad");
    expect(record.attempts).toHaveLength(1);
    expect(record.attempts[0]?.maybeBilled).toBe(true);
    expect(pipeline.good.count()).toBe(0);
    expect(pipeline.gateway.app.services.health.view("bad").consecutiveFailures).toBe(1);
    await pipeline.gateway.assertClean(pipeline.bad.requests);
  };

  for (const ending of ["reset", "fin", "hang"] as const) {
    for (let k = firstWordAt + 1; k <= finishAt; k++) {
      timed(`${ending} after ${k} frames`, async () => {
        // A reset throws away what was not read yet: it waits until the client has the first word.
        const firstWord = Promise.withResolvers<void>();
        pipeline.bad.script(() => ({ chunks: frames.slice(0, k), ending, endsAfter: firstWord.promise }));
        const failure = ending === "hang" ? "timed-out" : "unreachable";
        await expectBroken(await pipeline.ask("hello"), failure, firstWord.resolve);
      });
    }
  }

  for (let k = 0; k < firstWordAt; k++) {
    timed(
      `a reset after ${k} frames, before the first word: the next one answers, in one clean stream`,
      async () => {
        pipeline.bad.script(() => ({ chunks: frames.slice(0, k), ending: "reset" }));
        const heard = await pipeline.receive("hello");
        expect(heard).toMatchObject({ status: 200, text: allWell, isEnded: true, error: null });
        expect(heard.raw.match(/"role":"assistant"/g)).toHaveLength(1);
        await pipeline.gateway.assertClean(pipeline.bad.requests);
      },
    );
  }

  timed("an error event in the middle", async () => {
    const error = {
      type: "error",
      error: { type: "overloaded_error", message: "busy, key vendor-secret-key" },
    };
    const event = `event: error\ndata: ${JSON.stringify(error)}\n\n`;
    const chunks = [...frames.slice(0, firstWordAt + 2), event, ...frames.slice(firstWordAt + 2)];
    pipeline.bad.script(() => ({ chunks, betweenChunksMs: 12 }));
    const answer = await pipeline.ask("hello");
    const copy = answer.clone();
    await expectBroken(answer, "overloaded");
    expect(await copy.text()).not.toContain("vendor-secret-key");
  });

  timed("an end by closing, half-way: it is no end", async () => {
    pipeline.bad.script(() => ({ chunks: frames.slice(0, firstWordAt + 2), framing: "close" }));
    await expectBroken(await pipeline.ask("hello"), "bad-output");
  });

  timed("an end by closing after the reason to stop is an end", async () => {
    pipeline.bad.script(() => ({
      chunks: frames.filter((frame) => !/DONE|message_stop/.test(frame)),
      framing: "close",
    }));
    const heard = await pipeline.receive("hello");
    expect(heard).toMatchObject({ text: allWell, isEnded: true, error: null });
  });

  timed("the bytes may be cut anywhere", async () => {
    for (const pieceBytes of [1, 2, 3, 7, 64]) {
      pipeline.bad.script(() => ({ chunks: frames, pieceBytes }));
      expect(await pipeline.receive("hello")).toMatchObject({ text: allWell, isEnded: true, error: null });
    }
  });

  test.each(["\r\n", "\r"])("line ends of %j", async (lineEnd) => {
    pipeline.bad.script(() => ({ chunks: frames.map((frame) => frame.replaceAll("\n", lineEnd)) }));
    expect(await pipeline.receive("hello")).toMatchObject({ text: allWell, isEnded: true, error: null });
  });

  timed("comments, pings and half frames keep a silent thinker alive", async () => {
    const alive = [
      ": thinking\n\n",
      ": thi",
      "nking\n",
      "\n",
      ...Array.from({ length: 8 }, () => ": still here\n\n"),
    ];
    const chunks = [...frames.slice(0, firstWordAt + 1), ...alive, ...frames.slice(firstWordAt + 1)];
    pipeline.bad.script(() => ({ chunks, betweenChunksMs: 25 }));
    expect(await pipeline.receive("hello")).toMatchObject({ text: allWell, isEnded: true, error: null });
  });

  timed("a whole answer may take longer than the first word and the idle time together", async () => {
    pipeline.bad.script(() => ({
      chunks: frames.flatMap((frame) => [frame, ": \n\n"]),
      betweenChunksMs: 40,
    }));
    const heard = await pipeline.receive("hello", { stream: false });
    expect(heard).toMatchObject({ status: 200, text: allWell });
    expect(heard.headers.get("x-clawgate-provider")).toBe("bad");
  });

  timed("a whole answer that stops in the middle of being written falls back", async () => {
    pipeline.bad.script(() => ({ chunks: frames.slice(0, firstWordAt + 2), ending: "hang" }));
    const heard = await pipeline.receive("hello", { stream: false });
    expect(heard).toMatchObject({ status: 200, text: allWell });
    expect(heard.headers.get("x-clawgate-provider")).toBe("good");
    await pipeline.gateway.assertClean(pipeline.bad.requests);
  });

  describe("usage", () => {
    const withUsage = (edit: (usage: string) => string): readonly string[] =>
      frames.map((frame) =>
        frame.replace(/"usage":(\{[^}]*\})/, (_, usage: string) => `"usage":${edit(usage)}`),
      );
    const usageOf = async (chunks: readonly string[]) => {
      pipeline.bad.script(() => ({ chunks }));
      const answer = await pipeline.ask("hello");
      expect(await receivedFrom(answer, endpoint)).toMatchObject({ text: allWell, isEnded: true });
      return (await pipeline.gateway.recordOf(answer)).usage;
    };

    timed("missing is unknown, not 0", async () => {
      const chunks = withUsage(() => "null").filter((frame) => !frame.includes('"choices":[]'));
      expect(await usageOf(chunks)).toMatchObject({ input: null, output: null });
    });

    timed("negative and broken numbers are unknown", async () => {
      const usage = await usageOf(withUsage((each) => each.replaceAll(/\d+/g, "-5")));
      expect(usage).toMatchObject({ input: null, output: null });
    });

    timed("twice is once", async () => {
      const twice = frames.flatMap((frame) =>
        /"usage":\{/.test(frame) && !frame.includes("message_start") ? [frame, frame] : [frame],
      );
      expect(await usageOf(twice)).toMatchObject({ input: 9, output: 3 });
    });

    timed("what was known when the stream broke is kept", async () => {
      if (wire === "openai") return;
      pipeline.bad.script(() => ({ chunks: frames.slice(0, firstWordAt + 1), ending: "reset" }));
      const answer = await pipeline.ask("hello");
      await answer.text();
      expect((await pipeline.gateway.recordOf(answer)).usage.input).toBe(9);
    });
  });
});

describe.each([...formatPairs])("long silences: $endpoint endpoint, $wire vendor", ({ endpoint, wire }) => {
  const frames = framesOf(wire);
  const firstWordAt = frames.findIndex((frame) => frame.includes('"all "'));
  let pipeline: TestPipeline;
  beforeAll(async () => {
    pipeline = await openTestPipeline({
      endpoint,
      wire,
      upstreams,
      clock: fastClock(40),
      config: {
        streaming: { commit_after_s: 1, keepalive_s: 1, stall_s: 60 },
        server: { request_timeout_s: 24 },
      },
      provider: { timeout: { first_token_s: 40, idle_s: 40 } },
    });
  });
  afterEach(() => pipeline.clear());
  afterAll(() => pipeline.stop());

  timed(
    "after the commit the client hears keep-alives until the first word, then the whole answer",
    async () => {
      pipeline.bad.script(() => ({ chunks: frames, beforeBodyMs: 150 }));
      const heard = await pipeline.receive("hello");
      expect(heard).toMatchObject({ status: 200, text: allWell, isEnded: true, error: null });
      expect((heard.raw.match(/: keep-alive/g) ?? []).length).toBeGreaterThan(2);
    },
  );

  timed("after the commit the next target still answers", async () => {
    pipeline.bad.script(() => ({ beforeHeadersMs: 75, status: 500, body: {} }));
    const answer = await pipeline.ask("hello");
    expect(answer.headers.get("x-clawgate-provider")).toBe("bad");
    const heard = await receivedFrom(answer, endpoint);
    expect(heard).toMatchObject({ status: 200, text: allWell, isEnded: true, error: null });
    expect(await pipeline.gateway.recordOf(answer)).toMatchObject({
      provider: "good",
      rule: "explicit-model->fallback",
      failure: null,
    });
    await pipeline.gateway.assertClean(pipeline.bad.requests);
  });

  timed("after the commit a failure is told in the stream", async () => {
    pipeline.bad.script(() => ({ beforeHeadersMs: 75, status: 500, body: {} }));
    const answer = await pipeline.ask("hello", { model: "alone" });
    const heard = await receivedFrom(answer, endpoint);
    expect(heard).toMatchObject({ status: 200, text: "", isEnded: false });
    expect(heard.error?.message).toBeTruthy();
    expect((await pipeline.gateway.recordOf(answer)).failure).toBe("upstream-error");
  });

  timed("silence between two words is filled with keep-alives and the answer is whole", async () => {
    pipeline.bad.script(() => ({
      chunks: [...frames.slice(0, firstWordAt + 1), ...frames.slice(firstWordAt + 1)],
      betweenChunksMs: 55,
    }));
    const heard = await pipeline.receive("hello");
    expect(heard).toMatchObject({ text: allWell, isEnded: true });
    expect(heard.raw).toContain(": keep-alive");
  });

  timed(
    "a vendor that stays connected after its last word holds nobody up, and its connection is cut",
    async () => {
      pipeline.bad.script(() => ({ chunks: frames, ending: "hang" }));
      const heard = await pipeline.receive("hello");
      expect(heard).toMatchObject({ text: allWell, isEnded: true, error: null });
      expect(pipeline.gateway.app.services.live.count()).toBe(0);
      await until("the vendor's connection is closed", () =>
        pipeline.bad.requests.every((each) => each.isAborted),
      );
      expect(pipeline.gateway.app.services.health.view("bad")).toMatchObject({
        healthy: true,
        consecutiveFailures: 0,
      });
    },
  );

  timed("the time of the whole request ends a stream that never ends", async () => {
    const words = Array.from({ length: 400 }, () => frames[firstWordAt] ?? "");
    pipeline.bad.script(() => ({ chunks: [...frames.slice(0, firstWordAt), ...words], betweenChunksMs: 20 }));
    const answer = await pipeline.ask("hello");
    const heard = await receivedFrom(answer, endpoint);
    expect(heard.isEnded).toBe(false);
    expect(heard.error?.message).toContain("request_timeout_s");
    expect((await pipeline.gateway.recordOf(answer)).failure).toBe("timed-out");
    await pipeline.gateway.assertClean(pipeline.bad.requests);
  });
});

afterAll(() => {
  upstreams.bad.stop();
  upstreams.good.stop();
});
