// A client that leaves early pays at least for what was passed on: at every endpoint, from every format, for words of every kind, whatever
// limit the client named and whoever ended the answer. The vendors here say nothing of what was used.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { Failure } from "../../src/canon/failure.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { spentOf } from "../support/local-meter.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { fakeClock, type FakeClock } from "../support/clock.ts";
import {
  beginningOf,
  type EndpointName,
  endpointNames,
  type Kind,
  kinds,
  requestAt,
  type Wire,
  wires,
} from "./speaking-formats.ts";

const key = "alice-key-0123456789";
const mark = "the-last-word";
// Escapes, and characters of more than one byte: what counts is what was said, not how it was written.
const words = [...Array.from({ length: 400 }, (_none, at) => `wörd ${at} "世界"\n`), mark];
const inputWords = ['{"words":"', ...Array.from({ length: 400 }, (_none, at) => `wörd ${at} 世界 `), mark];
const saidTokens = (said: readonly string[]): number => Math.ceil(Buffer.byteLength(said.join("")) / 4);

let vendor: Upstream;
let gateway: TestGateway;
let clock: FakeClock;

async function open(): Promise<void> {
  clock = fakeClock();
  const provider = (backend: Wire) => ({
    backend,
    base_url: vendor.url,
    api_key: "vendor-secret-key",
    models: ["m"],
    pricing: { input: 1, output: 10 },
  });
  gateway = await startTestGateway({
    clock,
    config: {
      health: { check_interval_seconds: 0, consecutive_failures_before_skip: 1_000 },
      server: { request_timeout_s: 60 },
      providers: Object.fromEntries(wires.map((wire) => [wire, provider(wire)])),
      tenants: [{ name: "alice", api_key: key, limits: { budget: { usd_per_day: 1_000_000 } } }],
    },
  });
}

beforeAll(async () => {
  vendor = startUpstream();
  await open();
});
afterEach(() => vendor.reset());
afterAll(async () => {
  await gateway.stop();
  vendor.stop();
});

const spent = () => spentOf(gateway.app.services.meters.of("alice")).day;

type Cut = (leaver: AbortController, id: string) => unknown;
const byClient: Cut = (leaver) => leaver.abort();

/** Reads until the last word has come, then the answer is cut. What it put on the account. */
async function chargeOf(
  asking: { door: EndpointName; wire: Wire; kind: Kind; limit?: number | null },
  cut: Cut = byClient,
) {
  const { door, wire, kind, limit = null } = asking;
  vendor.script(() => ({
    chunks: beginningOf(wire, kind, kind === "tool" && wire !== "google-genai" ? inputWords : words),
    ending: "hang",
    cutAfterBytes: 10_000_000,
  }));
  const before = spent();
  const leaver = new AbortController();
  const { path, body } = requestAt(door, `${wire}/m`, limit);
  const answer = await fetch(gateway.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}`, "x-goog-api-key": key },
    body: JSON.stringify(body),
    signal: leaver.signal,
  });
  expect([answer.status, answer.status === 200 ? "" : await answer.text()]).toEqual([200, ""]);
  const id = answer.headers.get("x-request-id") ?? "";
  let raw = "";
  let isCut = false;
  try {
    for await (const chunk of answer.body ?? []) {
      raw += Buffer.from(chunk).toString();
      if (isCut || !raw.includes(mark)) continue;
      isCut = true;
      await cut(leaver, id);
    }
  } catch (thrown) {
    if (!leaver.signal.aborted) throw thrown;
  }
  expect(isCut).toBe(true);
  const record = await gateway.waitForRecord((each) => each.id === id);
  const { tokens, nanoUsd } = spent();
  return { tokens: tokens - before.tokens, nanoUsd: nanoUsd - before.nanoUsd, record };
}

const all = endpointNames.flatMap((door) =>
  wires.flatMap((wire) =>
    kinds.flatMap((kind) =>
      // A call is shown to Google's clients when it is whole.
      door === "gemini" && kind === "tool" && wire !== "google-genai" ? [] : [{ door, wire, kind }],
    ),
  ),
);

describe.each(all)(
  "a stream that the client left, $door endpoint, $wire vendor: $kind",
  ({ door, wire, kind }) => {
    test.each([null, 1])("limit %p", async (limit) => {
      const { tokens, nanoUsd, record } = await chargeOf({ door, wire, kind, limit });
      const written = wire === "google-genai" ? [JSON.stringify({ words: words.join("") })] : inputWords;
      const said = saidTokens(kind === "tool" ? written : words);
      const { input, output } = record.usage;
      expect(output).toBeGreaterThanOrEqual(said);
      // Beside the words: a tool's name, the JSON around its input.
      expect(output).toBeLessThan(Math.max(1_000, said) * 1.05 + 20);
      if (wire === "anthropic") expect(input).toBe(100);
      else expect(input).toBeGreaterThan(20);
      expect(tokens).toBe((input ?? 0) + (output ?? 0));
      expect(nanoUsd).toBe((input ?? 0) * 1_000 + (output ?? 0) * 10_000);
      expect(record.tags).toContain("estimated");
      expect(record.costNanoUsd === null || record.costNanoUsd === nanoUsd).toBe(true);
    });
  },
);

describe.each([
  { door: "chat", wire: "openai-compat" },
  { door: "messages", wire: "openai-compat" },
] as const)("others who end it, $door endpoint, $wire vendor", ({ door, wire }) => {
  const asking = { door, wire, kind: "text", limit: 1 } as const;
  const least = saidTokens(words);

  test("the operator", async () => {
    const { tokens, record } = await chargeOf(asking, (_leaver, id) =>
      gateway.app.services.live.cancel(id, new Failure("cancelled", "An operator cancelled it.")),
    );
    expect([record.failure, tokens >= least]).toEqual(["cancelled", true]);
  });

  test("the deadline", async () => {
    const { tokens, record } = await chargeOf(asking, () => clock.advance(61_000));
    expect([record.failure, tokens >= least]).toEqual(["timed-out", true]);
  });

  test("the vendor: no end, no count", async () => {
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const charged = chargeOf(asking, () => end());
    vendor.script(() => ({
      chunks: beginningOf(wire, "text", words),
      cutAfterBytes: 10_000_000,
      ending: "reset",
      endsAfter: ended,
    }));
    const { tokens, record } = await charged;
    expect([record.failure === null, tokens >= least]).toEqual([false, true]);
  });

  test("the gateway's own end", async () => {
    const { tokens, record } = await chargeOf(asking, () => gateway.app.abortRequests());
    expect([record.failure, tokens >= least]).toEqual(["shutting-down", true]);
  });

  test("a client that does not read any more", async () => {
    const { tokens, record } = await chargeOf(asking, async (_leaver, id) => {
      // As the gateway does when nobody takes what it has.
      gateway.app.services.live
        .list()
        .find((each) => each.id === id)
        ?.abort(new Failure("cancelled", "The client stopped reading."));
    });
    expect([record.failure, tokens >= least]).toEqual(["cancelled", true]);
  });
});

describe("answers that end well and say nothing of what they used", () => {
  const finished = words.join("");
  const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
  const ask = async (body: object): Promise<number> => {
    const before = spent().tokens;
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers,
      body: JSON.stringify({
        model: "openai-compat/m",
        messages: [{ role: "user", content: "hi" }],
        ...body,
      }),
    });
    expect(answer.status).toBe(200);
    await answer.text();
    await gateway.recordOf(answer);
    return spent().tokens - before;
  };
  const choice = (index: number) => ({
    index,
    message: { role: "assistant", content: finished },
    finish_reason: "stop",
  });
  const whole = (usage: object, answers = 1) => ({
    id: "c",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: Array.from({ length: answers }, (_none, at) => choice(at)),
    ...usage,
  });
  const counts = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

  test.each([
    ["no count", {}],
    ["a count of nothing", { usage: counts }],
    ["no usable count", { usage: { prompt_tokens: -1, completion_tokens: "many" } }],
  ])("a whole answer: %s", async (_name, usage) => {
    vendor.script(() => ({ body: whole(usage) }));
    expect(await ask({ max_tokens: 1 })).toBeGreaterThan(saidTokens(words));
  });

  test("several answers are all paid for", async () => {
    vendor.script(() => ({ body: whole({}, 3) }));
    expect(await ask({ n: 3 })).toBeGreaterThan(3 * saidTokens(words) - 3);
  });

  test("a stream", async () => {
    const end = `data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`;
    vendor.script(() => ({ chunks: [...beginningOf("openai-compat", "text", words), end] }));
    expect(await ask({ stream: true, max_tokens: 1 })).toBeGreaterThan(saidTokens(words));
  });

  test("what the vendor has counted is believed", async () => {
    vendor.script(() => ({ body: whole({ usage: { ...counts, prompt_tokens: 3, completion_tokens: 4 } }) }));
    expect(await ask({})).toBe(7);
  });
});

describe("before the first word", () => {
  test.each([true, false])("a client that leaves while the vendor works (stream: %p)", async (stream) => {
    const before = spent().tokens;
    vendor.script(() => ({ isSilent: true }));
    const leaver = new AbortController();
    const answer = fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({
        model: "openai-compat/m",
        stream,
        max_tokens: 300,
        messages: [{ role: "user", content: `before the first word, ${stream}` }],
      }),
      signal: leaver.signal,
    }).catch(() => null);
    await vendor.waitFor(({ rawBody }) => rawBody.includes(`before the first word, ${stream}`));
    const known = gateway.records().length;
    leaver.abort();
    await answer;
    const record = await gateway.waitForRecord((each) => gateway.records().indexOf(each) >= known);
    expect(record.attempts.map((each) => each.maybeBilled)).toEqual([true]);
    // Its question, and as much as an answer may have had.
    expect(spent().tokens - before).toBeGreaterThan(300);
    expect(record.usage.output).toBe(300);
  });
});
