// The fourth endpoint: model and verb in the path, keys in headers only, refusals in Google's words.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const key = "door-test-key-0123456789";
const body = JSON.stringify({ contents: [{ role: "user", parts: [{ text: "[[say:Hello]]" }] }] });

let upstream: Upstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = startUpstream({ strict: true });
  const provider = { base_url: upstream.url, models: ["m", "org/m"], fallback: false };
  gateway = await startTestGateway({
    config: {
      auth: { keys: [key] },
      providers: {
        goo: { ...provider, backend: "google-genai" },
        oai: { ...provider, backend: "openai-compat" },
      },
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  upstream.stop();
});

type Told = { readonly error: { readonly code: number; readonly message: string; readonly status: string } };

const post = (path: string, headers: Record<string, string> = { "x-goog-api-key": key }, text = body) =>
  fetch(gateway.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: text,
  });
const told = async (answer: Response): Promise<Told> => (await answer.json()) as Told;

describe("keys", () => {
  test.each([
    ["x-goog-api-key", key],
    ["x-api-key", key],
    ["authorization", `Bearer ${key}`],
  ])("the header %s lets in", async (header, value) => {
    const answer = await post("/v1beta/models/goo%2Fm:generateContent", { [header]: value });
    expect(answer.status).toBe(200);
  });

  test("a key in the address does not, and goes nowhere", async () => {
    const answer = await post(`/v1beta/models/goo%2Fm:generateContent?key=${key}`, {});
    expect(answer.status).toBe(401);
    const { error } = await told(answer);
    expect(error).toMatchObject({ code: 401, status: "UNAUTHENTICATED" });
    expect(error.message).toContain("x-goog-api-key");
    const both = await post(`/v1beta/models/goo%2Fm:streamGenerateContent?key=${key}&alt=sse`);
    expect(await both.text()).toContain("Hello");
    const seen = upstream.requests.map((request) => `${request.path}?${request.query} ${request.rawBody}`);
    expect(seen.join()).not.toContain(key);
    expect(gateway.log.join()).not.toContain(key);
    expect(JSON.stringify(gateway.records())).not.toContain(key);
  });
});

describe("the path", () => {
  test.each(["/v1beta", "/v1"])(
    "%s: names with slashes, as they are or escaped, whole or streamed",
    async (version) => {
      for (const name of ["goo/org/m", "goo%2Forg%2Fm", "oai/org/m", "oai%2Forg%2Fm"]) {
        const whole = await post(`${version}/models/${name}:generateContent`);
        expect(await whole.json()).toMatchObject({
          candidates: [{ content: { parts: [{ text: "Hello" }] }, finishReason: "STOP" }],
          modelVersion: "org/m",
        });
        const stream = await post(`${version}/models/${name}:streamGenerateContent?alt=sse`);
        expect(stream.headers.get("content-type")).toStartWith("text/event-stream");
        expect(await stream.text()).toContain('"text":"Hello"');
        const record = await gateway.recordOf(stream);
        expect(record).toMatchObject({
          door: "gemini",
          stream: true,
          requestedModel: decodeURIComponent(name),
        });
      }
    },
  );

  test("what the body says of model and stream does not count", async () => {
    const text = JSON.stringify({ ...JSON.parse(body), model: "models/goo/other", stream: true });
    const answer = await post("/v1beta/models/oai%2Fm:generateContent", undefined, text);
    expect(await answer.json()).toMatchObject({ modelVersion: "m" });
  });

  test("a stream in another form is refused by the parameter's name", async () => {
    for (const query of ["", "?alt=json"]) {
      const answer = await post(`/v1beta/models/goo%2Fm:streamGenerateContent${query}`);
      expect(answer.status).toBe(400);
      expect((await told(answer)).error.message).toContain("alt=sse");
    }
  });

  test.each([
    "/v1beta/models/goo%2Fm:predict",
    "/v1beta/models/:generateContent",
    "/v1beta/nothing",
    "/v1beta/models/nobody:generateContent",
  ])("%s is 404, in Google's words", async (path) => {
    const answer = await post(path);
    expect(answer.status).toBe(404);
    expect(await told(answer)).toMatchObject({
      error: { code: 404, message: expect.any(String), status: "NOT_FOUND" },
    });
  });

  test("bodies that are wrong name their field", async () => {
    for (const name of ["goo%2Fm", "oai%2Fm"]) {
      const answer = await post(`/v1beta/models/${name}:generateContent`, undefined, '{"contents":[]}');
      expect(answer.status).toBe(400);
      expect(await told(answer)).toMatchObject({ error: { message: expect.stringContaining("contents") } });
    }
  });
});

describe("tokens and models", () => {
  test("tokens are the vendor's count where the vendor is Google, else the estimate", async () => {
    const theirs = await post("/v1beta/models/goo%2Fm:countTokens");
    expect(upstream.requests.at(-1)?.path).toBe("/v1beta/models/m:countTokens");
    expect(await theirs.json()).toMatchObject({ totalTokens: expect.any(Number) });
    const asked = upstream.requests.length;
    const ours = await post("/v1beta/models/oai%2Fm:countTokens");
    expect(await ours.json()).toMatchObject({ totalTokens: expect.any(Number) });
    expect(upstream.requests).toHaveLength(asked);
  });

  test("a whole request to be counted names the right model", async () => {
    const text = JSON.stringify({ generateContentRequest: { model: "models/goo/m", ...JSON.parse(body) } });
    expect((await post("/v1beta/models/goo%2Fm:countTokens", undefined, text)).status).toBe(200);
    expect(upstream.requests.at(-1)?.body["generateContentRequest"]).toMatchObject({ model: "models/m" });
  });

  test("the list and one model, in Google's shape at its own path and for its own packages", async () => {
    const get = async (path: string, headers: Record<string, string>) =>
      (await fetch(gateway.url + path, { headers: { ...headers } })).json();
    const google = { "x-goog-api-key": key };
    const shape = { models: expect.arrayContaining([expect.objectContaining({ name: "models/goo/org/m" })]) };
    expect(await get("/v1beta/models", { authorization: `Bearer ${key}` })).toMatchObject(shape);
    expect(await get("/v1/models", google)).toMatchObject(shape);
    expect(await get("/v1/models", { authorization: `Bearer ${key}` })).toMatchObject({ object: "list" });
    for (const id of ["goo/org/m", "goo%2Forg%2Fm"])
      expect(await get(`/v1beta/models/${id}`, google)).toMatchObject({
        name: "models/goo/org/m",
        supportedGenerationMethods: ["generateContent", "countTokens"],
      });
    expect(await get("/v1beta/models/nobody", google)).toMatchObject({
      error: { code: 404, status: "NOT_FOUND" },
    });
  });
});
