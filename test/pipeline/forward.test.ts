// Requests that never become a chat: embeddings and token counts have the same fallback, limits and records.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { startTestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";
import { openTestPipeline, type TestPipeline } from "./test-pipeline.ts";

const upstreams = { bad: startUpstream(), good: startUpstream() };
type Json = Record<string, unknown>;

async function post(
  pipeline: TestPipeline,
  path: string,
  body: object | string,
): Promise<{ answer: Response; body: Json }> {
  const answer = await fetch(pipeline.gateway.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { answer, body: (await answer.json()) as Json };
}

describe("embeddings", () => {
  let pipeline: TestPipeline;
  beforeAll(async () => {
    pipeline = await openTestPipeline({
      endpoint: "openai",
      wire: "openai",
      upstreams,
      provider: { timeout: { first_token_s: 0.15 } },
    });
  });
  afterEach(async () => {
    await pipeline.gateway.assertClean(pipeline.bad.requests);
    pipeline.clear();
    pipeline.good.script([]);
  });
  afterAll(() => pipeline.stop());
  const ask = (model = "bad") => post(pipeline, "/v1/embeddings", { model, input: ["one", "two"] });
  /** The good vendor is scripted for chats; here it answers by itself. */
  const withFault = (answer: object): void => {
    pipeline.good.script([]);
    pipeline.bad.script(() => answer);
  };

  test("an answer passes, with its usage in the record and the upstream's model in the body", async () => {
    const { answer, body } = await ask();
    expect(answer.status).toBe(200);
    expect((body["data"] as unknown[]).length).toBe(2);
    const record = await pipeline.gateway.recordOf(answer);
    expect(record).toMatchObject({ door: "embeddings", provider: "bad", failure: null });
    expect(record.usage.input).toBeGreaterThan(0);
    expect(record.attempts[0]?.lane).toBe("forward");
    expect(pipeline.bad.requests[0]?.body["model"]).toBe("fake-large");
  });

  test.each([
    ["500", { status: 500, body: {} }],
    ["a page", { headers: { "content-type": "text/html" }, body: "<html></html>" }],
    ["an empty text", { body: "" }],
    ["an error with status 200", { body: { error: { message: "no capacity", code: 502 } } }],
    ["a sentence as an error with status 200", { body: { object: "error", error: "no capacity" } }],
    ["silence", { isSilent: true }],
    ["a reset", { isSilent: true, ending: "reset" }],
    ["half an answer", { body: { data: [] }, cutAfterBytes: 3 }],
  ])("%s: the next one answers", async (_, fault) => {
    withFault(fault);
    const { answer, body } = await ask();
    expect(answer.status).toBe(200);
    expect(body["object"]).toBe("list");
    expect(answer.headers.get("x-clawgate-provider")).toBe("good");
  });

  test("a 400 is the client's", async () => {
    withFault({
      status: 400,
      body: { error: { message: "input is too odd", type: "invalid_request_error" } },
    });
    const { answer, body } = await ask();
    expect(answer.status).toBe(400);
    expect(JSON.stringify(body)).toContain("input is too odd");
    expect(pipeline.good.count()).toBe(0);
  });

  test("bodies that are none", async () => {
    for (const text of ["", "[]", "{", '{"model":"bad","model":"good","input":"x"}', '{"input":"x"}'])
      expect((await post(pipeline, "/v1/embeddings", text)).answer.status).toBe(400);
    expect(pipeline.bad.count()).toBe(0);
  });

  test.each(["", ',"input":null', ',"input":{}', ',"input":7'])("without words: %p", async (input) => {
    const { answer, body } = await post(pipeline, "/v1/embeddings", `{"model":"bad"${input}}`);
    expect(answer.status).toBe(400);
    expect(body).toMatchObject({ error: { param: "input" } });
    expect(pipeline.bad.count()).toBe(0);
  });
});

test("vectors never come from another model than the one that was asked for", async () => {
  const { bad, good } = upstreams;
  bad.script(() => ({ status: 503, body: { error: { message: "no room" } } }));
  good.script([]);
  const gateway = await startTestGateway({
    config: {
      providers: {
        first: { base_url: bad.url, model: "chat-1", models: ["fake-large", "alone"] },
        second: { base_url: good.url, model: "fake-small" },
        third: { base_url: good.url, model: "chat-3", models: ["fake-large"] },
      },
      fallback_chain: ["first", "second", "third"],
    },
  });
  const ask = (path: string, body: object): Promise<Response> =>
    fetch(gateway.url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const sent = good.requests.length;
  const answer = await ask("/v1/embeddings", { model: "first/fake-large", input: "x" });
  expect(answer.headers.get("x-clawgate-provider")).toBe("third");
  expect(answer.headers.get("x-clawgate-model")).toBe("fake-large");
  expect((await ask("/v1/embeddings", { model: "first/alone", input: "x" })).status).toBe(503);
  expect(good.requests).toHaveLength(sent + 1);
  // A chat for the same name goes along the chain as ever.
  const chat = { model: "first/alone", messages: [{ role: "user", content: "x" }] };
  expect((await ask("/v1/chat/completions", chat)).headers.get("x-clawgate-provider")).toBe("second");
  await gateway.stop();
  bad.reset();
});

test("a provider of another format has no embeddings, and says so", async () => {
  const pipeline = await openTestPipeline({ endpoint: "anthropic", wire: "anthropic", upstreams });
  const { answer, body } = await post(pipeline, "/v1/embeddings", { model: "alone", input: "x" });
  expect(answer.status).toBe(400);
  expect(JSON.stringify(body)).toContain("no embeddings");
  await pipeline.gateway.assertClean();
  await pipeline.stop();
});

describe("token counts", () => {
  const question = { model: "bad", messages: [{ role: "user", content: "x".repeat(400) }] };

  test("the vendor counts where it can, else the next one does", async () => {
    const pipeline = await openTestPipeline({ endpoint: "anthropic", wire: "anthropic", upstreams });
    pipeline.good.script(() => ({ body: { input_tokens: 77 } }));
    pipeline.bad.script(() => ({ body: { input_tokens: 5 } }));
    expect((await post(pipeline, "/v1/messages/count_tokens", question)).body).toEqual({ input_tokens: 5 });
    pipeline.bad.script(() => ({ status: 500, body: {} }));
    expect((await post(pipeline, "/v1/messages/count_tokens", question)).body).toEqual({ input_tokens: 77 });
    await pipeline.gateway.assertClean(pipeline.bad.requests);
    await pipeline.stop();
  });

  test("elsewhere it is the house's estimate, and nobody is asked", async () => {
    upstreams.bad.reset();
    const pipeline = await openTestPipeline({ endpoint: "anthropic", wire: "openai", upstreams });
    const { answer, body } = await post(pipeline, "/v1/messages/count_tokens", question);
    expect(answer.status).toBe(200);
    expect(body["input_tokens"]).toBe(101);
    expect(answer.headers.get("x-clawgate-adapted")).toBe("token-count-estimated");
    expect(pipeline.bad.count("/v1/messages")).toBe(0);
    expect(
      (await post(pipeline, "/v1/messages/count_tokens", { model: "bad", messages: 5 })).answer.status,
    ).toBe(400);
    await pipeline.gateway.assertClean();
    await pipeline.stop();
  });
});

afterAll(() => {
  upstreams.bad.stop();
  upstreams.good.stop();
});
