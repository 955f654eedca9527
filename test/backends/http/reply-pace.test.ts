// How an answer's bytes are taken in: others have their turn meanwhile, and there is an end before the first word.

import { describe, expect, test } from "bun:test";
import { type Call, noRequestOptions } from "../../../src/backends/backend.ts";
import { keySigner } from "../../../src/backends/http/auth.ts";
import { createHttpBackend } from "../../../src/backends/http/backend.ts";
import { ReplyPace, maxBytesBeforeWord } from "../../../src/backends/http/reply-pace.ts";
import { createConnectionTracker } from "../../../src/backends/http/connection-tracker.ts";
import { parseReply, readReplyBytes } from "../../../src/backends/http/reply-bytes.ts";
import { Failure } from "../../../src/canon/failure.ts";
import { dialects } from "../../../src/dialects/dialect-table.ts";
import { type AnswerSource, type Piece } from "../../../src/pipeline/answer/answer-source.ts";
import { Observer } from "../../../src/pipeline/observer.ts";
import { passthroughSource } from "../../../src/pipeline/plans/passthrough-source.ts";
import { portionBytes } from "../../../src/wire/loop-pacer.ts";

/** What `pace` guarantees for a flood that is ready. */
const turnsOf = (bytes: number): number => Math.floor(bytes / portionBytes) - 1;

/** Counts the turns of the loop that are left to others during `work`. */
async function turnsDuring<T>(work: () => Promise<T>): Promise<{ turns: number; result: T }> {
  let turns = 0;
  let isOver = false;
  const beat = (): void => {
    turns++;
    if (!isOver) setImmediate(beat);
  };
  setImmediate(beat);
  const result = await work();
  isOver = true;
  return { turns, result };
}

const sse = { headers: { "content-type": "text/event-stream" } };

/** All of it is ready in one chunk, as after a wait. */
const ready = (text: string, init: ResponseInit = sse): Response =>
  new Response(
    new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from(text));
        controller.close();
      },
    }),
    init,
  );

const idle = new AbortController();
const call: Call = {
  requestId: "r",
  model: "m",
  signal: idle.signal,
  abort: () => undefined,
  passHeaders: {},
  tenant: null,
  session: null,
  requestOptions: noRequestOptions,
  onHeaders: () => undefined,
};

const delta = (content: string): string =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;

/** Until a word, a failure or the end. */
async function untilWord(source: AnswerSource): Promise<Piece> {
  for (;;) {
    const piece = await source.next();
    if (piece.opens || piece.failure !== null || piece.isLast) return piece;
  }
}

function passthroughOf(answer: Response, stream = true): AnswerSource {
  return passthroughSource({
    send: () => Promise.resolve(answer),
    dialect: dialects["openai-chat"],
    path: "/chat/completions",
    body: Buffer.from("{}"),
    isOwnBody: false,
    stream,
    facts: { id: "c", model: "m", createdAtMs: 0, wantsUsage: false } as never,
    call,
    observer: new Observer(),
    progress: { progressed: () => undefined },
    redact: (text) => text,
    setTimer: () => () => undefined,
  });
}

async function generated(answer: Response): Promise<Failure | "word"> {
  const backend = createHttpBackend({
    provider: "p",
    dialect: dialects["openai-chat"],
    baseUrl: "http://vendor.example/v1",
    defaultHeaders: {},
    headers: {},
    signer: keySigner("vendor-key", "bearer"),
    quirks: [],
    proxy: null,
    connectMs: 10_000,
    userAgent: "test",
    targetFacts: (model) => ({ model, defaultMaxTokens: 1, maxOutput: null }),
    fetch: Object.assign(() => Promise.resolve(answer), { preconnect: fetch.preconnect }),
    connections: createConnectionTracker({
      ticker: { monotonicMs: () => 0, after: () => ({ stop: () => undefined }) },
      dial: () => () => undefined,
      lookups: () => 0,
      opened: { cachedCount: () => null, freshCount: () => null },
      lacksRoom: () => false,
    }),
    nowMs: () => 0,
    setTimer: () => () => undefined,
    redact: (text) => text,
  });
  const request = dialects["openai-chat"].client.decodeRequest({
    model: "m",
    stream: true,
    messages: [{ role: "user", content: "hi" }],
  }) as never;
  for await (const events of backend.generate(request, call))
    for (const event of events) {
      if (event.type === "failure") return event.failure;
      if (event.type === "text-delta") return "word";
    }
  return "word";
}

const floods: Record<string, string> = {
  comments: ": still here\n\n",
  "comments without blank lines": ":\n",
  "blank lines": "\n",
  "carriage returns": "\r",
  "data without content": "data: \n\n",
  "data lines of one frame": "data:\n",
  "names of events": "event: x\n",
  pings: 'event: ping\ndata: {"type":"ping"}\n\n',
  roles: 'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n',
  "empty deltas": 'data: {"choices":[{"index":0,"delta":{}}]}\n\n',
  "one line": "data: x".padEnd(1_000, "x"),
};

describe.each(Object.entries(floods))("a flood of %s", (_name, flood) => {
  const text = flood.repeat(Math.ceil((maxBytesBeforeWord + 1) / flood.length));

  test("before the first word ends as bad output, and other requests have their turn meanwhile", async () => {
    for (const read of [
      () => untilWord(passthroughOf(ready(text))).then(({ failure }) => failure),
      () => untilWord(passthroughOf(ready(text), false)).then(({ failure }) => failure),
      () => generated(ready(text)),
    ]) {
      const { turns, result } = await turnsDuring(read);
      expect(result).toMatchObject({ kind: "bad-output" });
      expect(turns).toBeGreaterThanOrEqual(turnsOf(1_000_000));
    }
  }, 60_000);
});

// What never ends a frame is one frame, word or not.
const passable = ["comments", "carriage returns", "data without content", "pings", "roles", "empty deltas"];

test.each(passable)("a flood of %s that ends in a word is an answer", async (name) => {
  const flood = floods[name] ?? "";
  const half = flood.repeat(Math.ceil(2_000_000 / flood.length));

  const answer =
    half + delta("hello") + 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n';
  const { turns, result } = await turnsDuring(() => untilWord(passthroughOf(ready(answer))));
  expect(result).toMatchObject({ opens: true, failure: null });
  expect(turns).toBeGreaterThanOrEqual(turnsOf(half.length));
  expect(await generated(ready(answer))).toBe("word");
});

test("after the first word there is no such limit", () => {
  const replyPace = new ReplyPace();
  replyPace.hasBegun = true;
  for (let i = 0; i < 100; i++) void replyPace.take(maxBytesBeforeWord);
});

describe("a whole body", () => {
  const json = { headers: { "content-type": "application/json" } };
  const failureOf = (read: Promise<unknown>): Promise<unknown> =>
    read.then(
      () => null,
      (thrown: unknown) => thrown,
    );

  test("of blanks is given up, and a few blanks are a vendor's keep-alive", async () => {
    const failure = await failureOf(readReplyBytes(ready(" \n".repeat(1_000_000), json)));
    expect(failure).toMatchObject({ kind: "bad-output" });
    const bytes = await readReplyBytes(ready(`${"\n".repeat(10_000)}{}`, json));
    expect(Buffer.from(bytes).toString().trim()).toBe("{}");
  });

  test("reports its words once they are more than whitespace", async () => {
    let words = 0;
    const parts = [" ", "\n", '{"a":', "1}"];
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const part = parts.shift();
        if (part === undefined) controller.close();
        else controller.enqueue(Buffer.from(part));
      },
    });
    await readReplyBytes(new Response(body, json), 1_000, { progressed: () => void words++ });
    expect(words).toBe(2);
  });

  test("that would take a thousand times its size to parse is not parsed; long texts and long vectors are", () => {
    const parse = (text: string): unknown => {
      try {
        return parseReply(Buffer.from(text));
      } catch (thrown) {
        return thrown;
      }
    };
    for (const part of ["{},", "[],", "0,", "[["])
      expect(parse(`[${part.repeat(1_500_000)}0]`)).toMatchObject({ kind: "bad-output" });
    const long = { text: "so and so, and on ".repeat(500_000) };
    expect(parse(JSON.stringify(long))).toEqual(long);
    expect(parse(`[${"0.123456789,".repeat(800_000)}0]`)).toHaveLength(800_001);
  });

  test("and a frame of such a kind is none either", async () => {
    const dense = `data: [${"{},".repeat(1_500_000)}0]\n\n`;
    const source = passthroughOf(ready(dense));
    expect(await untilWord(source)).toMatchObject({ failure: { kind: "bad-output" } });
    expect(await generated(ready(dense))).toMatchObject({ kind: "bad-output" });
  });
});
