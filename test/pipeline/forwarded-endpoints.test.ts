// OpenAI's other endpoints and Google's embeddings, with the vendors' own SDKs: the same fallback, limits and records as a chat.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { GoogleGenAI } from "@google/genai";
import OpenAI, { toFile } from "openai";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type Scripted, startUpstream } from "../support/upstream.ts";

const vendors = { bad: startUpstream(), good: startUpstream() };
let gateway: TestGateway;
let client: OpenAI;
const key = (name: string): string => `sk-${name}-0123456789abcdef`;
const speaking = (name: string): OpenAI =>
  new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key(name), maxRetries: 0 });

beforeAll(async () => {
  const provider = (vendor: keyof typeof vendors, backend: string, models: readonly string[]) => ({
    backend,
    base_url: vendors[vendor].url + (backend === "google-genai" ? "/v1beta" : ""),
    api_key: "vendor-secret",
    model: "chat-model",
    models,
  });
  gateway = await startTestGateway({
    config: {
      health: { check_interval_seconds: 0 },
      auth: { keys: [key("data")] },
      providers: {
        bad: provider("bad", "openai-compat", ["shared", "alone"]),
        good: provider("good", "openai-compat", ["shared"]),
        resp: provider("good", "openai-responses", ["fake-large"]),
        goog: provider("good", "google-genai", ["gemini-embedding"]),
        anth: provider("good", "anthropic", ["claude-opus-5"]),
      },
      aliases: { pictures: "bad/shared" },
      fallback_chain: ["bad", "good"],
      tenants: [
        { name: "plain", api_key: key("plain"), models: ["bad/shared"] },
        { name: "dollars", api_key: key("dollars"), limits: { budget: { usd_per_day: 5 } } },
        {
          name: "lenient",
          api_key: key("lenient"),
          limits: { budget: { usd_per_day: 5 }, unknown_price: "allow" },
        },
        { name: "minute", api_key: key("minute"), limits: { requests_per_minute: 1 } },
        { name: "tokens", api_key: key("tokens"), limits: { tokens_per_minute: 100_000 } },
      ],
    },
  });
  client = speaking("data");
});
afterEach(async () => {
  await gateway.assertClean([...vendors.bad.requests, ...vendors.good.requests]);
  for (const vendor of Object.values(vendors)) vendor.reset();
  for (const id of ["bad", "good", "resp", "goog"]) gateway.app.services.health.reset(id);
});
afterAll(async () => {
  await gateway.stop();
  for (const vendor of Object.values(vendors)) vendor.stop();
});

const both = (answer: Scripted): void => Object.values(vendors).forEach((each) => each.script(() => answer));
const last = (vendor: keyof typeof vendors = "bad") => vendors[vendor].requests.at(-1);
const newest = () => gateway.records().at(-1);
const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };

type Case = {
  readonly name: string;
  readonly path: string;
  readonly door: string;
  readonly answer: Scripted;
  ask(client: OpenAI, model: string): Promise<unknown>;
};

const pictures = { created: 1, data: [{ b64_json: "aGk=" }], usage: { input_tokens: 7, output_tokens: 3 } };
const sound = Buffer.from([0xff, 0xfb, 0x00, 0x0d, 0x0a, 0x2d, 0x2d, 0x80]);
const file = () => toFile(sound, "a\r\n.mp3", { type: "audio/mpeg" });

const cases: readonly Case[] = [
  {
    name: "text completions",
    path: "/v1/completions",
    door: "completions",
    answer: {
      body: { id: "c", model: "shared", choices: [{ index: 0, text: "hi", finish_reason: "stop" }], usage },
    },
    ask: (sdk, model) => sdk.completions.create({ model, prompt: "x" }),
  },
  {
    name: "image generations",
    path: "/v1/images/generations",
    door: "images",
    answer: { body: pictures },
    ask: (sdk, model) => sdk.images.generate({ model, prompt: "a cat" }),
  },
  {
    name: "image edits",
    path: "/v1/images/edits",
    door: "images",
    answer: { body: pictures },
    ask: async (sdk, model) => sdk.images.edit({ model, prompt: "a cat", image: await file() }),
  },
  {
    name: "image variations",
    path: "/v1/images/variations",
    door: "images",
    answer: { body: pictures },
    ask: async (sdk, model) => sdk.images.createVariation({ model, image: await file() }),
  },
  {
    name: "transcriptions",
    path: "/v1/audio/transcriptions",
    door: "transcriptions",
    answer: { body: { text: "hello", usage: { type: "tokens", input_tokens: 7, output_tokens: 3 } } },
    ask: async (sdk, model) => sdk.audio.transcriptions.create({ model, file: await file() }),
  },
  {
    name: "translations",
    path: "/v1/audio/translations",
    door: "transcriptions",
    answer: { body: { text: "hello", usage } },
    ask: async (sdk, model) => sdk.audio.translations.create({ model, file: await file() }),
  },
  {
    name: "moderations",
    path: "/v1/moderations",
    door: "moderations",
    answer: { body: { id: "m", model: "shared", results: [], usage } },
    ask: (sdk, model) => sdk.moderations.create({ model, input: "x" }),
  },
  {
    name: "rerank",
    path: "/v1/rerank",
    door: "rerank",
    answer: { body: { results: [{ index: 0, relevance_score: 1 }], usage: { total_tokens: 7 } } },
    ask: (sdk, model) => sdk.post("/rerank", { body: { model, query: "q", documents: ["a", "b"] } }),
  },
];

describe.each(cases)("$name", ({ path, door, answer, ask }) => {
  test("goes up to the model that was asked for, and is metered", async () => {
    both(answer);
    const said = await ask(client, "pictures");
    expect(said).toMatchObject(answer.body as object);
    const sent = last();
    expect(sent?.path).toBe(path);
    expect(sent?.headers["authorization"]).toBe("Bearer vendor-secret");
    if (sent?.headers["content-type"]?.startsWith("multipart/")) {
      const form = await new Response(Buffer.from(sent.rawBody, "latin1"), {
        headers: { "content-type": sent.headers["content-type"] },
      }).formData();
      expect(form.get("model")).toBe("shared");
    } else expect(sent?.body["model"]).toBe("shared");
    expect(newest()).toMatchObject({ door, provider: "bad", failure: null, usage: { input: 7 } });
  });

  test("falls back to the next seller of the same model, never to another one", async () => {
    vendors.bad.script(() => ({ status: 503, body: { error: { message: "no room" } } }));
    vendors.good.script(() => answer);
    expect(await ask(client, "bad/shared")).toMatchObject(answer.body as object);
    expect(newest()?.attempts.map(({ provider }) => provider)).toEqual(["bad", "good"]);
    const before = vendors.good.requests.length;
    const failure = await ask(client, "bad/alone").catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ status: 503 });
    expect(vendors.good.requests.length).toBe(before);
  });

  test("a vendor of another format has none, and an unknown model is none", async () => {
    expect(await ask(client, "anth").catch((thrown: unknown) => thrown)).toMatchObject({ status: 400 });
    expect(await ask(client, "no-such-model").catch((thrown: unknown) => thrown)).toMatchObject({
      status: 404,
    });
  });

  test("a tenant's grants, places and budgets hold", async () => {
    both(answer);
    const failureOf = (name: string, model: string) =>
      ask(speaking(name), model).then(
        () => null,
        (thrown: unknown) => thrown,
      );
    expect(await failureOf("plain", "bad/shared")).toBeNull();
    expect(await failureOf("plain", "bad/alone")).toMatchObject({ status: 404 });
    // Nobody knows what it costs: a budget in dollars cannot bear it, unless the operator says so.
    expect(await failureOf("dollars", "bad/shared")).toMatchObject({ status: 400, code: "unknown_price" });
    expect(await failureOf("lenient", "bad/shared")).toBeNull();
    expect(await failureOf("tokens", "bad/shared")).toBeNull();
  });
});

test("one request a minute counts these as well", async () => {
  both({ body: { results: [] } });
  const ask = () => speaking("minute").moderations.create({ model: "bad/shared", input: "x" });
  await ask();
  expect(await ask().catch((thrown: unknown) => thrown)).toMatchObject({ status: 429 });
});

test.each([404, 405, 501])(
  "a vendor that has no such endpoint (%d) loses nothing for its chats",
  async (status) => {
    both({ status, body: { error: { message: "no such path" } } });
    for (let i = 0; i < 6; i++)
      for (const { ask } of cases)
        expect(await ask(client, "bad/alone").catch((thrown: unknown) => thrown)).toBeInstanceOf(
          OpenAI.APIError,
        );
    const { health } = gateway.app.services;
    expect(health.judge("bad", "alone").go).toBe("yes");
    expect(health.view("bad")).toMatchObject({ lastError: null });
  },
);

describe("form data", () => {
  const post = (body: BodyInit, headers: Record<string, string> = {}, path = "/v1/audio/transcriptions") =>
    fetch(gateway.url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${key("data")}`, ...headers },
      body,
    });
  const field = (name: string, value: string): string =>
    `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const form = (...fields: string[]): string => `${fields.join("")}--b--\r\n`;
  const type = { "content-type": "multipart/form-data; boundary=b" };

  test("a file's bytes arrive as they were, whatever stands in them", async () => {
    const bytes = Buffer.concat([sound, Buffer.from("\r\n--b-\r\n\r\n--"), Buffer.from([0, 255, 1])]);
    const sent: Buffer[] = [];
    const raw = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        const file = (await request.formData()).get("file") as File;
        sent.push(Buffer.from(await file.arrayBuffer()));
        return Response.json({ text: "ok" });
      },
    });
    const own = await startTestGateway({
      config: { providers: { v: { base_url: raw.url.href, model: "m", models: ["whisper"] } } },
    });
    const body = new FormData();
    body.append("file", new File([bytes], "a.wav"));
    body.append("model", "v/whisper");
    const answer = await fetch(`${own.url}/v1/audio/transcriptions`, { method: "POST", body });
    expect(answer.status).toBe(200);
    expect(sent[0]?.equals(bytes)).toBe(true);
    await own.stop();
    await raw.stop(true);
  });

  test.each([
    ["no model", form(field("prompt", "x"))],
    ["two models", form(field("model", "bad/shared"), field("model", "good/shared"))],
    [
      "a model that is a file",
      `--b\r\ncontent-disposition: form-data; name="model"; filename="a"\r\n\r\nbad\r\n--b--\r\n`,
    ],
    ["no end", field("model", "bad/shared")],
    ["another boundary", form(field("model", "bad/shared")).replaceAll("--b", "--c")],
    ["nothing", ""],
    ["no name", `--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--\r\n`],
  ])("%s: 400", async (_, body) => {
    const answer = await post(body, type);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toHaveProperty("error.message");
    expect(vendors.bad.requests.length).toBe(0);
  });

  test("elsewhere it is 415, and so is anything else here", async () => {
    const body = form(field("model", "bad/shared"));
    expect((await post(body, type, "/v1/chat/completions")).status).toBe(415);
    expect((await post(body, type, "/v1/moderations")).status).toBe(415);
    expect((await post("a=b", { "content-type": "application/x-www-form-urlencoded" })).status).toBe(415);
    expect((await post(body, { ...type, origin: "https://evil.example" })).status).toBe(403);
  });

  test("fields that would choose other models are left out for a tenant that may not", async () => {
    both({ body: { text: "ok" } });
    const body = form(
      field("model", "bad/shared"),
      field("fallbacks", '["other"]'),
      field("metadata[tags]", "x"),
      field("models[]", "other"),
      field("language", "en"),
      field("prompt", "kept"),
    );
    const answer = await post(body, { ...type, authorization: `Bearer ${key("plain")}` });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-clawgate-adapted")).toContain("member-dropped:fallbacks");
    const sent = last()?.rawBody ?? "";
    expect(sent).not.toContain("other");
    expect(sent).not.toContain("tags");
    expect(sent).toContain("kept");
    expect(sent).toContain('name="language"');
    expect(sent).toContain("\r\n\r\nshared\r\n");
  });
});

describe("answers that are no JSON", () => {
  const speak = (answer: Scripted) => {
    both(answer);
    return client.audio.speech.create({ model: "bad/shared", voice: "alloy", input: "hi", speed: 1.25 });
  };

  test("sound comes as it is, with its type", async () => {
    const answer = await speak({ headers: { "content-type": "audio/mpeg" }, body: "ID3-sound" });
    expect(answer.headers.get("content-type")).toBe("audio/mpeg");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("x-clawgate-provider")).toBe("bad");
    expect(await answer.text()).toBe("ID3-sound");
    expect(newest()).toMatchObject({ door: "speech", failure: null });
  });

  test("captions come as text", async () => {
    both({ headers: { "content-type": "text/vtt" }, body: "WEBVTT" });
    const text: unknown = await client.audio.transcriptions.create({
      model: "bad/shared",
      file: await file(),
      response_format: "vtt",
    });
    expect(text).toBe("WEBVTT");
  });

  test("events come as they are, and are metered", async () => {
    const event = {
      type: "transcript.text.done",
      text: "hello",
      usage: { input_tokens: 7, output_tokens: 3 },
    };
    both({
      chunks: [
        `data: ${JSON.stringify({ type: "transcript.text.delta", delta: "hel" })}\n\n`,
        `data: ${JSON.stringify(event)}\n\n`,
      ],
    });
    const stream = await client.audio.transcriptions.create({
      model: "bad/shared",
      file: await file(),
      stream: true,
    });
    const types: string[] = [];
    for await (const each of stream) types.push(each.type);
    expect(types).toEqual(["transcript.text.delta", "transcript.text.done"]);
    expect(newest()).toMatchObject({ usage: { input: 7, output: 3 } });
  });

  test("bare words as a JSON string", async () => {
    both({ headers: { "content-type": "application/json" }, body: '"hello"' });
    const text: unknown = await client.audio.transcriptions.create({
      model: "bad/shared",
      file: await file(),
    });
    expect(text).toBe("hello");
  });

  test("a page is nobody's sound, and a type that a browser runs is not passed on", async () => {
    const page = { headers: { "content-type": "text/html" }, body: "<html></html>" };
    expect(await speak(page).catch((thrown: unknown) => thrown)).toMatchObject({ status: 502 });
    gateway.app.services.health.reset("bad");
    gateway.app.services.health.reset("good");
    const drawn = await speak({ headers: { "content-type": "image/svg+xml" }, body: "<svg/>" });
    expect(drawn.headers.get("content-type")).toBe("application/octet-stream");
  });

  test("a restricted tenant may say how fast a voice speaks", async () => {
    both({ headers: { "content-type": "audio/mpeg" }, body: "x" });
    await speaking("lenient").audio.speech.create({
      model: "bad/shared",
      voice: "alloy",
      input: "hi",
      speed: 1.25,
    });
    expect(last()?.body["speed"]).toBe(1.25);
  });
});

describe("text completions as a stream", () => {
  const frame = (value: object | string): string =>
    `data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`;
  const chunk = (text: string, finish: string | null = null) =>
    frame({
      id: "c",
      object: "text_completion",
      model: "shared",
      choices: [{ index: 0, text, finish_reason: finish }],
    });
  const chunks = [
    chunk("all "),
    chunk("well"),
    chunk("", "stop"),
    frame({ id: "c", choices: [], usage }),
    frame("[DONE]"),
  ];

  test("comes word for word, counted, with the usage frame only where it was asked for", async () => {
    both({ chunks });
    const heard = async (more: object) => {
      const stream = await client.completions.create({
        model: "bad/shared",
        prompt: "x",
        stream: true,
        ...more,
      });
      let text = "";
      let told = 0;
      for await (const { choices, usage: counted } of stream) {
        text += choices[0]?.text ?? "";
        told += counted?.total_tokens ?? 0;
      }
      return { text, told };
    };
    expect(await heard({})).toEqual({ text: "all well", told: 0 });
    expect(last()?.body).toMatchObject({ model: "shared", stream_options: { include_usage: true } });
    expect(newest()).toMatchObject({ stream: true, finish: "stop", usage: { input: 7, output: 3 } });
    expect(await heard({ stream_options: { include_usage: true } })).toEqual({ text: "all well", told: 10 });
  });

  test("before the first word another seller may answer, behind it the failure is told", async () => {
    vendors.bad.script(() => ({ chunks: [frame({ error: { message: "broken" } })] }));
    vendors.good.script(() => ({ chunks }));
    const stream = await client.completions.create({ model: "bad/shared", prompt: "x", stream: true });
    let text = "";
    for await (const { choices } of stream) text += choices[0]?.text ?? "";
    expect(text).toBe("all well");
    both({ chunks: chunks.slice(0, 1) });
    const cut = await client.completions.create({ model: "good/shared", prompt: "x", stream: true });
    const read = async () => {
      for await (const each of cut) void each;
    };
    expect(await read().catch((thrown: unknown) => thrown)).toBeInstanceOf(OpenAI.APIError);
  });
});

describe("token counts of Responses", () => {
  const count = (model: string) => client.responses.inputTokens.count({ model, input: "x".repeat(400) });

  test("the vendor's own, where it has one", async () => {
    both({ body: { object: "response.input_tokens", input_tokens: 77 } });
    expect((await count("resp")).input_tokens).toBe(77);
    expect(last("good")).toMatchObject({ path: "/v1/responses/input_tokens", body: { model: "chat-model" } });
  });

  test("else the estimate, also where the vendor has no such endpoint", async () => {
    expect((await count("bad")).input_tokens).toBe(101);
    both({ status: 404, body: { error: { message: "no such path" } } });
    const { data, response } = await client.responses.inputTokens
      .count({ model: "resp", input: "x".repeat(400) })
      .withResponse();
    expect(data).toEqual({ object: "response.input_tokens", input_tokens: 101 });
    expect(response.headers.get("x-clawgate-adapted")).toBe("token-count-estimated");
  });
});

describe("Google's embeddings", () => {
  const google = () =>
    new GoogleGenAI({ apiKey: key("data"), httpOptions: { baseUrl: gateway.url, apiVersion: "v1beta" } });
  const vectors = [
    [1, 2],
    [3, 4],
  ];
  const openaiAnswer = {
    body: {
      data: vectors.map((embedding, index) => ({ index, embedding })).toReversed(),
      usage: { prompt_tokens: 7, total_tokens: 7 },
    },
  };
  const googleAnswer = { body: { embeddings: vectors.map((values) => ({ values })) } };
  const texts = ["one", "two"];

  test("over Google's own format they pass", async () => {
    both(googleAnswer);
    const answer = await google().models.embedContent({
      model: "goog/gemini-embedding",
      contents: texts,
      config: { taskType: "RETRIEVAL_QUERY", outputDimensionality: 2 },
    });
    expect(answer.embeddings?.map(({ values }) => values)).toEqual(vectors);
    expect(last("good")?.path).toContain("/v1beta/models/gemini-embedding:");
    const [first] = (last("good")?.body["requests"] ?? []) as object[];
    expect(first).toMatchObject({ model: "models/gemini-embedding", taskType: "RETRIEVAL_QUERY" });
  });

  test("over OpenAI's they are translated", async () => {
    both(openaiAnswer);
    const answer = await google().models.embedContent({ model: "bad/shared", contents: texts });
    expect(answer.embeddings?.map(({ values }) => values)).toEqual(vectors);
    expect(last()).toMatchObject({ path: "/v1/embeddings", body: { model: "shared", input: texts } });
    expect(newest()).toMatchObject({ door: "gemini-embeddings", usage: { input: 7 } });
  });

  test.each(["/v1", "/v1beta"])("a single one below %s", async (version) => {
    both({ body: { data: [{ index: 0, embedding: [1, 2] }] } });
    const answer = await fetch(`${gateway.url}${version}/models/bad/shared:embedContent`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-goog-api-key": key("data") },
      body: JSON.stringify({ content: { parts: [{ text: "a" }, { text: "b" }] }, taskType: "CLUSTERING" }),
    });
    expect(await answer.json()).toEqual({ embedding: { values: [1, 2] } });
    expect(answer.headers.get("x-clawgate-adapted")).toBe("member-dropped:taskType");
    expect(last()?.body["input"]).toEqual(["a\nb"]);
  });

  test("OpenAI's endpoint over Google's format, in the encoding that was asked for", async () => {
    both(googleAnswer);
    // The SDK asks for base64 by itself.
    const packed = await client.embeddings.create({ model: "goog/gemini-embedding", input: texts });
    expect(packed.data.map(({ embedding }) => embedding)).toEqual(vectors);
    const plain = await client.embeddings.create({
      model: "goog/gemini-embedding",
      input: texts,
      dimensions: 2,
      encoding_format: "float",
    });
    expect(plain.data.map(({ embedding }) => embedding)).toEqual(vectors);
    expect(plain.usage.prompt_tokens).toBeGreaterThan(0);
    expect(last("good")?.path).toBe("/v1beta/models/gemini-embedding:batchEmbedContents");
    const [first] = (last("good")?.body["requests"] ?? []) as object[];
    expect(first).toMatchObject({ content: { parts: [{ text: "one" }] }, outputDimensionality: 2 });
    const tokens = client.embeddings.create({ model: "goog/gemini-embedding", input: [1, 2] });
    expect(await tokens.catch((thrown: unknown) => thrown)).toMatchObject({ status: 400, param: "input" });
  });

  test("a vector too few is a failure, not another text's vector", async () => {
    both({ body: { embeddings: [{ values: [1] }] } });
    const asked = client.embeddings.create({ model: "goog/gemini-embedding", input: texts });
    expect(await asked.catch((thrown: unknown) => thrown)).toMatchObject({ status: 502 });
  });
});
