// A conversation leaves its own format in the middle: the second vendor must accept what it gets, nothing of the first
// maker's may be in it, and the record must say what was changed. All endpoints over all formats, then the single rules.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { DialectName } from "../../src/canon/request.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { signatureOf } from "../support/upstream/plan.ts";
import { backends, bodies, type Json, names, oddId, pathOf, seal, thought } from "./conversations.ts";

/** What each endpoint's conversation loses on its way to each other format. */
const losses: Readonly<Record<DialectName, Partial<Record<DialectName, readonly string[]>>>> = {
  "anthropic-messages": {
    "openai-chat": ["cache-marks-dropped", "thinking-blocks-dropped", "tool-result-images-moved"],
    "openai-responses": ["cache-marks-dropped", "stop-emulated", "thinking-blocks-dropped"],
    "google-genai": ["cache-marks-dropped", "thinking-blocks-dropped"],
  },
  "openai-chat": {
    // A thought belongs in front of the running call, and this one is another maker's: the turn goes on without.
    "anthropic-messages": ["seed-dropped", "thinking-blocks-dropped", "tool-ids-rewritten", "thinking-off"],
    "openai-responses": ["seed-dropped", "stop-emulated", "thinking-blocks-dropped", "tool-ids-rewritten"],
    "google-genai": ["seed-dropped", "thinking-blocks-dropped"],
  },
  "openai-responses": {
    "openai-chat": ["hosted-tools-dropped:web_search", "thinking-blocks-dropped", "tool-result-images-moved"],
    "anthropic-messages": ["hosted-tools-dropped:web_search", "thinking-blocks-dropped", "thinking-off"],
    "google-genai": ["hosted-tools-dropped:web_search", "thinking-blocks-dropped"],
  },
  "google-genai": {
    "openai-chat": ["thinking-blocks-dropped", "tool-result-images-moved", "top-k-dropped"],
    "anthropic-messages": ["thinking-blocks-dropped", "thinking-off"],
    "openai-responses": ["thinking-blocks-dropped", "stop-emulated", "top-k-dropped"],
  },
};

let bad: Upstream;
let good: Upstream;
const gateways: TestGateway[] = [];

beforeAll(() => {
  bad = startUpstream();
  good = startUpstream({ strict: true });
  bad.script(() => ({ status: 503, body: { error: { message: "overloaded" } } }));
});
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  bad.stop();
  good.stop();
});

/** `bad-<format>` of every format, each of which falls back to `good` of this one. */
async function open(vendor: DialectName, model: Json = {}, badModel: Json = {}): Promise<TestGateway> {
  const providers: Record<string, Json> = {
    good: { backend: backends[vendor], base_url: good.url, models: [{ id: "m", ...model }] },
  };
  for (const each of names)
    providers[`bad-${each}`] = {
      backend: backends[each],
      base_url: bad.url,
      models: [{ id: "m", ...badModel }],
    };
  const gateway = await startTestGateway({ config: { providers, fallback_chain: ["good"] } });
  gateways.push(gateway);
  return gateway;
}

function ask(gateway: TestGateway, door: DialectName, more: Json = {}, stream = false): Promise<Response> {
  const model = `bad-${door}`;
  const named = door === "google-genai" ? {} : { model, stream };
  return fetch(gateway.url + pathOf(door, model, stream), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...bodies[door], ...named, ...more }),
  });
}

describe.each(names)("the next target speaks %s", (vendor) => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await open(vendor);
  });

  const ways = names.flatMap((door) => [
    { door, stream: true },
    { door, stream: false },
  ]);
  test.each(ways)("a client of $door, stream: $stream", async ({ door, stream }) => {
    good.reset();
    const answer = await ask(gateway, door, {}, stream);
    const text = await answer.text();
    expect(text).toContain("Sunny.");
    expect(answer.status).toBe(200);
    const [asked, ...others] = good.requests;
    expect(others).toHaveLength(0);
    expect(asked?.breach).toBeNull();
    const record = await gateway.recordOf(answer);
    const [failed, won] = record.attempts;
    expect(failed).toMatchObject({ provider: `bad-${door}`, outcome: "failed", lane: "relay", adapted: [] });
    const expected = [...(losses[door][vendor] ?? [])];
    expect(won?.provider).toBe("good");
    expect(won?.outcome).toBe("ok");
    expect([...(won?.adapted ?? [])].toSorted()).toEqual(expected.toSorted());
    const header = answer.headers.get("x-clawgate-adapted");
    expect(header?.split(", ").toSorted() ?? []).toEqual(expected.toSorted());
    if (door !== vendor) {
      expect(asked?.rawBody).not.toContain(seal);
      expect(asked?.rawBody).not.toContain(signatureOf("weather"));
      expect(asked?.rawBody).not.toContain(thought);
      if (vendor !== "google-genai") expect(asked?.rawBody).not.toContain(oddId);
    }
    // The stop sequence holds wherever the client could say one.
    if (door !== "openai-responses") expect(text).not.toContain("Bye");
    if (expected.includes("stop-emulated")) expect(record.finish).toBe("stop-sequence");
  });
});

describe("a model that is known not to think", () => {
  test.each(names)("is not asked to, in its own format on the way (%s)", async (door) => {
    const gateway = await open(door, { capabilities: { thinking: false } });
    good.reset();
    const answer = await fetch(gateway.url + pathOf(door, "good", false), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...bodies[door], ...(door === "google-genai" ? {} : { model: "good" }) }),
    });
    await answer.text();
    expect(answer.status).toBe(200);
    // A translation also repairs what would have passed.
    const adapted = door === "openai-chat" ? ["thinking-off", "tool-ids-rewritten"] : ["thinking-off"];
    expect(answer.headers.get("x-clawgate-adapted")).toBe(adapted.join(", "));
    const sent = good.requests[0]?.rawBody ?? "";
    for (const word of [
      "budget_tokens",
      "reasoning_effort",
      '"effort"',
      '"summary":"auto"',
      "thinkingConfig",
    ])
      expect(sent).not.toContain(word);
    const record = await gateway.recordOf(answer);
    expect(record.attempts).toHaveLength(1);
    expect(record.attempts[0]).toMatchObject({ lane: "hub", adapted });
  });

  test("the same body without thinking passes as bytes", async () => {
    const gateway = await open("openai-chat", { capabilities: { thinking: false } });
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "good", messages: [{ role: "user", content: "hello" }] }),
    });
    await answer.text();
    expect(answer.headers.get("x-clawgate-adapted")).toBeNull();
    expect((await gateway.recordOf(answer)).attempts[0]).toMatchObject({ lane: "relay", adapted: [] });
  });
});

describe("limits", () => {
  test.each(["anthropic-messages", "openai-responses"] as const)(
    "a cut of bytes that pass is noted, and the next target gets the client's own limit (%s)",
    async (door) => {
      const gateway = await open(door, { max_output: 10_000 }, { max_output: 512 });
      good.reset();
      bad.reset();
      bad.script(() => ({ status: 503, body: { error: { message: "overloaded" } } }));
      const plain =
        door === "anthropic-messages"
          ? { thinking: undefined, max_tokens: 8_000 }
          : { reasoning: undefined, max_output_tokens: 8_000 };
      const answer = await ask(gateway, door, plain);
      await answer.text();
      const key = door === "anthropic-messages" ? "max_tokens" : "max_output_tokens";
      expect(bad.requests[0]?.body[key]).toBe(512);
      expect(good.requests[0]?.body[key]).toBe(8_000);
      const { attempts } = await gateway.recordOf(answer);
      expect(attempts.map((each) => [each.lane, each.adapted])).toEqual([
        ["relay", ["max-tokens-cut:512"]],
        ["relay", []],
      ]);
      expect(answer.headers.get("x-clawgate-adapted")).toBeNull();
    },
  );
});

test("thoughts that a fallback left without a signature do not end the conversation with Anthropic", async () => {
  const gateway = await open("anthropic-messages");
  good.reset();
  const messages = structuredClone(bodies["anthropic-messages"]["messages"]) as {
    content: Json[];
  }[];
  const unsigned = messages[1]?.content[0];
  if (unsigned !== undefined) unsigned["signature"] = "";
  const answer = await fetch(`${gateway.url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...bodies["anthropic-messages"], model: "good", messages }),
  });
  await answer.text();
  expect(answer.status).toBe(200);
  expect(good.requests[0]?.breach).toBeNull();
  expect(answer.headers.get("x-clawgate-adapted")).toBe("thinking-blocks-dropped, thinking-off");
});
