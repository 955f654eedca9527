// The official @google/genai package, unchanged, through the gateway to a vendor of each format.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ApiError, type Content, FunctionCallingConfigMode, GoogleGenAI, Type } from "@google/genai";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { gatewayKey, vendorKey } from "../support/gateway-config.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { strangeText, thrownBy, tinyPng, tinyPngBytes, weatherSchema } from "./targets.ts";

const backends = { goo: "google-genai", oai: "openai-compat", ant: "anthropic" };
type VendorFormat = keyof typeof backends;

let upstream: Upstream;
let gateway: TestGateway;

const clientWith = (apiKey: string): GoogleGenAI =>
  new GoogleGenAI({ apiKey, httpOptions: { baseUrl: gateway.url } });

beforeAll(async () => {
  upstream = startUpstream({ strict: true, keys: [vendorKey] });
  const provider = (backend: string): object => ({
    backend,
    base_url: upstream.url,
    api_key: vendorKey,
    fallback: false,
    models: ["fake-large", "org/fake-slash"],
  });
  gateway = await startTestGateway({
    config: {
      auth: { keys: [gatewayKey] },
      providers: Object.fromEntries(Object.entries(backends).map(([id, backend]) => [id, provider(backend)])),
    },
  });
});
afterAll(async () => {
  await gateway.stop();
  upstream.stop();
});

const weather = {
  name: "get_weather",
  description: "The weather in a city",
  parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING } }, required: ["city"] },
};
const clock = { name: "get_time" };

describe.each(Object.keys(backends) as VendorFormat[])("@google/genai over %s", (behind) => {
  const model = `${behind}/fake-large`;
  const ask = (contents: string | Content[], config: object = {}) =>
    clientWith(gatewayKey).models.generateContent({ model, contents, config });
  const streamed = async (contents: string, config: object = {}) => {
    const chunks = [];
    const stream = await clientWith(gatewayKey).models.generateContentStream({ model, contents, config });
    for await (const chunk of stream) chunks.push(chunk);
    return chunks;
  };

  test("a text, with usage, id and model", async () => {
    const answer = await ask(`[[say:${"Hello there."}]]`);
    expect(answer.text).toBe("Hello there.");
    expect(answer.candidates?.[0]?.finishReason).toBe("STOP" as never);
    expect(answer.usageMetadata?.promptTokenCount).toBeGreaterThan(0);
    expect(answer.usageMetadata?.candidatesTokenCount).toBeGreaterThan(0);
    expect(answer.responseId).toBeString();
    expect(answer.modelVersion).toBe("fake-large");
  });

  test("a stream", async () => {
    const chunks = await streamed("[[echo]] " + strangeText);
    expect(chunks.length).toBeGreaterThan(2);
    expect(chunks.map((chunk) => chunk.text ?? "").join("")).toContain(strangeText);
    expect(chunks.at(-1)?.candidates?.[0]?.finishReason).toBe("STOP" as never);
    expect(chunks.at(-1)?.usageMetadata?.totalTokenCount).toBeGreaterThan(0);
  });

  test("a system instruction and a conversation", async () => {
    expect((await ask("[[system]]", { systemInstruction: "Be brief." })).text).toBe("Be brief.");
    const chat = clientWith(gatewayKey).chats.create({ model });
    await chat.sendMessage({ message: "[[say:one]]" });
    const history = await chat.sendMessage({ message: "[[history]]" });
    expect(JSON.parse(history.text ?? "")).toEqual([
      ["user", "[[say:one]]"],
      ["assistant", "one"],
      ["user", "[[history]]"],
    ]);
  });

  test("thoughts are shown where they are asked for", async () => {
    const thinkingConfig = { includeThoughts: true, thinkingBudget: 1024 };
    const answer = await ask("[[think:let me see]][[say:seen]]", { thinkingConfig, maxOutputTokens: 4096 });
    const parts = answer.candidates?.[0]?.content?.parts ?? [];
    expect(parts.map((part) => [part.thought ?? false, part.text])).toEqual([
      [true, "let me see"],
      [false, "seen"],
    ]);
    expect(answer.text).toBe("seen");
  });

  test("function calls and their results, streamed", async () => {
    const tools = [{ functionDeclarations: [weather, clock] }];
    const prompt = '[[think:hm]][[tools:get_weather {"city":"Paris"};get_time {}]][[then:done]]';
    const chunks = await streamed(prompt, { tools });
    const calls = chunks.flatMap((chunk) => chunk.functionCalls ?? []);
    const parts = chunks.flatMap((chunk) => chunk.candidates?.[0]?.content?.parts ?? []);
    expect(calls.map(({ name, args }) => [name, args])).toEqual([
      ["get_weather", { city: "Paris" }],
      ["get_time", {}],
    ]);
    const answers = calls.map(({ id, name }) => ({
      functionResponse: { ...(id ? { id } : {}), name: name ?? "", response: { output: `${name} ok` } },
    }));
    const answer = await ask(
      [
        { role: "user", parts: [{ text: prompt }] },
        { role: "model", parts },
        { role: "user", parts: answers },
      ],
      { tools },
    );
    expect(answer.text).toBe("done");
  });

  test("a forced function", async () => {
    const answer = await ask("anything", {
      tools: [{ functionDeclarations: [weather, clock] }],
      toolConfig: {
        functionCallingConfig: { mode: FunctionCallingConfigMode.ANY, allowedFunctionNames: ["get_time"] },
      },
    });
    expect(answer.functionCalls?.map(({ name }) => name)).toEqual(["get_time"]);
  });

  test("images", async () => {
    const image = { inlineData: { mimeType: "image/png", data: tinyPng } };
    const answer = await ask([{ role: "user", parts: [{ text: "[[images]]" }, image, image] }]);
    expect(answer.text).toBe(`images: ${tinyPngBytes},${tinyPngBytes}`);
  });

  test("JSON by either kind of schema", async () => {
    for (const config of [{ responseSchema: weather.parameters }, { responseJsonSchema: weatherSchema }]) {
      const answer = await ask('[[json:{"city":"Oslo"}]]', {
        responseMimeType: "application/json",
        ...config,
      });
      expect(JSON.parse(answer.text ?? "")).toEqual({ city: "Oslo" });
    }
  });

  test("a limit is reported", async () => {
    const answer = await ask("[[say:cut]][[stop:length]]", { maxOutputTokens: 100 });
    expect(answer.candidates?.[0]?.finishReason).toBe("MAX_TOKENS" as never);
  });

  test("tokens are counted", async () => {
    const { totalTokens } = await clientWith(gatewayKey).models.countTokens({
      model,
      contents: "one two three",
    });
    expect(totalTokens).toBeGreaterThan(0);
  });

  test("errors come as the SDK's own", async () => {
    for (const run of [() => ask("[[mode:429]]"), () => streamed("[[mode:429]]")]) {
      const error = await thrownBy(run);
      expect(error).toBeInstanceOf(ApiError);
      expect((error as ApiError).status).toBe(429);
      gateway.app.services.health.reset(behind);
    }
  });
});

describe("@google/genai and the gateway", () => {
  test.each(["goo", "oai", "ant"])(
    "a chat keeps every chunk as a content of its own, and %s understands it",
    async (behind) => {
      const model = `${behind}/fake-large`;
      const tools = [{ functionDeclarations: [weather, clock] }];
      const chat = clientWith(gatewayKey).chats.create({ model, config: { tools } });
      const message = '[[say:calling now]][[tools:get_weather {"city":"Paris"};get_time {}]][[then:done]]';
      const calls = [];
      for await (const chunk of await chat.sendMessageStream({ message }))
        calls.push(...(chunk.functionCalls ?? []));
      const answers = calls.map(({ id, name }) => ({
        functionResponse: { ...(id ? { id } : {}), name: name ?? "", response: { output: "ok" } },
      }));
      expect((await chat.sendMessage({ message: answers })).text).toBe("done");
    },
  );

  test("lists models and knows single ones, slashes included", async () => {
    const names: string[] = [];
    for await (const model of await clientWith(gatewayKey).models.list()) names.push(model.name ?? "");
    expect(names).toContain("models/goo/fake-large");
    expect(names).toContain("models/auto");
    const one = await clientWith(gatewayKey).models.get({ model: "goo/org/fake-slash" });
    expect(one.name).toBe("models/goo/org/fake-slash");
    const contents = "[[say:slash]]";
    const answer = await clientWith(gatewayKey).models.generateContent({
      model: "goo/org/fake-slash",
      contents,
    });
    expect(answer.text).toBe("slash");
    expect(upstream.requests.at(-1)?.path).toBe("/v1beta/models/org%2Ffake-slash:generateContent");
  });

  test("the key goes on in a header and never in an address", async () => {
    await clientWith(gatewayKey).models.generateContent({ model: "goo/fake-large", contents: "[[say:a]]" });
    const asked = upstream.requests.at(-1);
    expect(asked?.headers["x-goog-api-key"]).toBe(vendorKey);
    expect(`${asked?.path}?${asked?.query}`).not.toContain(vendorKey);
  });

  test("a wrong key and an unknown model", async () => {
    const contents = "hi";
    const wrong = await thrownBy(() =>
      clientWith("wrong-key-0123456789").models.generateContent({ model: "goo/fake-large", contents }),
    );
    expect(wrong).toMatchObject({ status: 401 });
    const unknown = await thrownBy(() =>
      clientWith(gatewayKey).models.generateContent({ model: "nobody/has-this", contents }),
    );
    expect(unknown).toMatchObject({ status: 404, message: expect.stringContaining("NOT_FOUND") });
  });
});
