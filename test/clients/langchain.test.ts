// LangChain's own chat models, unchanged, against the fake vendor and through the gateway: each at its own endpoint, each kind of
// vendor behind it.

import { ChatAnthropic } from "@langchain/anthropic";
import type { BaseMessage } from "@langchain/core/messages";
import { AIMessageChunk, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { z } from "zod";
import { openTimeoutMs, strangeText, targetKinds, thrownBy, tinyPng, tinyPngBytes } from "./targets.ts";
import type { Target } from "./targets.ts";

const place = z.object({ city: z.string() });
const weather = tool(({ city }: z.infer<typeof place>) => `sunny in ${city}`, {
  name: "get_weather",
  description: "The weather in a city",
  schema: place,
});
const clock = tool(() => "noon", { name: "get_time", description: "The time", schema: z.object({}) });
const twoCalls = '[[tools:get_weather {"city":"Paris"};get_time {}]]';

/** What all of LangChain's models share, so that one suite fits them. */
type Chat = ChatOpenAI | ChatAnthropic;
type ClientFormat = {
  readonly name: string;
  chat(target: Target, more: { model?: string; key?: string }): Chat;
};

function openai(useResponsesApi: boolean): ClientFormat["chat"] {
  return (target, { model = target.model, key = target.key }) =>
    new ChatOpenAI({
      model,
      apiKey: key,
      maxRetries: 0,
      useResponsesApi,
      streamUsage: true,
      // With a store a later turn would only name what the vendor keeps, and nothing is kept without an explicit `store: true`.
      ...(useResponsesApi ? { zdrEnabled: true } : {}),
      configuration: { baseURL: `${target.url}/v1` },
    });
}

const clientFormats: readonly ClientFormat[] = [
  { name: "ChatOpenAI", chat: openai(false) },
  { name: "ChatOpenAI, responses", chat: openai(true) },
  {
    name: "ChatAnthropic",
    chat: (target, { model = target.model, key = target.key }) =>
      new ChatAnthropic({
        model,
        apiKey: key,
        maxRetries: 0,
        maxTokens: 4096,
        anthropicApiUrl: target.url,
      }),
  },
];

const user = (content: string): HumanMessage => new HumanMessage(content);

async function resultsOf(message: AIMessageChunk): Promise<ToolMessage[]> {
  return Promise.all(
    (message.tool_calls ?? []).map(async (call) => {
      const content = call.name === "get_weather" ? await weather.invoke(place.parse(call.args)) : "noon";
      return new ToolMessage({ content, tool_call_id: call.id ?? "", name: call.name });
    }),
  );
}

describe.each([...targetKinds])("LangChain, $name", ({ open }) => {
  let target: Target;

  beforeAll(async () => {
    target = await open();
  }, openTimeoutMs);
  afterAll(async () => target?.stop());

  describe.each([...clientFormats])("$name", (door) => {
    const chat = (more: { model?: string; key?: string } = {}): Chat => door.chat(target, more);

    test("invoke: text and usage", async () => {
      const message = await chat().invoke("[[say:hello world]][[usage:1000,600,0,50]]");
      expect(message.text).toBe("hello world");
      expect(message.usage_metadata).toMatchObject({
        input_tokens: 1000,
        output_tokens: 50,
        input_token_details: { cache_read: 600 },
      });
    });

    test("stream: word by word", async () => {
      const chunks = await Array.fromAsync(await chat().stream("[[say:hello streamed world]]"));
      expect(chunks.map((chunk) => chunk.text).join("")).toBe("hello streamed world");
      expect(chunks.filter((chunk) => chunk.text !== "").length).toBeGreaterThan(1);
    });

    test("system, earlier turns, strange characters, an image", async () => {
      expect((await chat().invoke([new SystemMessage("Be brief."), user("[[system]]")])).text).toBe(
        "Be brief.",
      );
      const first = await chat().invoke("[[say:first]]");
      const again = await chat().invoke([user("a"), first, user(`[[echo]]${strangeText}`)]);
      expect(again.text).toBe(strangeText);
      const shown = new HumanMessage({
        content: [
          { type: "text", text: "[[images]]" },
          { type: "image_url", image_url: { url: `data:image/png;base64,${tinyPng}` } },
        ],
      });
      expect((await chat().invoke([shown])).text).toBe(`images: ${tinyPngBytes}`);
    });

    test("bindTools: two calls and their results, whole and streamed", async () => {
      const bound = chat().bindTools([weather, clock]);
      const ask = async (messages: BaseMessage[], isStream: boolean): Promise<AIMessageChunk> => {
        if (!isStream) return bound.invoke(messages);
        const chunks = await Array.fromAsync(await bound.stream(messages));
        return chunks.reduce((sum, chunk) => sum.concat(chunk));
      };
      for (const isStream of [false, true]) {
        const prompt = user(twoCalls);
        const first = await ask([prompt], isStream);
        expect(first.tool_calls?.map(({ name, args }) => [name, args])).toEqual([
          ["get_weather", { city: "Paris" }],
          ["get_time", {}],
        ]);
        const last = await ask([prompt, first, ...(await resultsOf(first))], isStream);
        expect(last.text).toBe("sunny in Paris\nnoon");
      }
    });

    test("withStructuredOutput", async () => {
      const structured = chat().withStructuredOutput(place, { name: "place" });
      expect(await structured.invoke('[[json:{"city":"Rome"}]]')).toEqual({ city: "Rome" });
      expect(await structured.invoke("fill it")).toEqual({ city: "text" });
    });

    test("an abort reaches the vendor", async () => {
      const mark = `abort-${crypto.randomUUID()}`;
      const abort = new AbortController();
      await thrownBy(async () => {
        const stream = await chat().stream(`[[long:3000]][[pace:5]] ${mark}`, { signal: abort.signal });
        for await (const chunk of stream) if (chunk.text !== "") abort.abort();
      });
      const seen = await target.upstream.waitFor(
        (request) => request.rawBody.includes(mark) && request.isAborted,
        1_000,
      );
      expect(seen.isFinished).toBe(false);
    });

    test("an unknown model, a wrong key and a limit have their statuses", async () => {
      const statusOf = async (more: { model?: string; key?: string }, prompt: string): Promise<unknown> => {
        const error = await thrownBy(() => chat(more).invoke(prompt));
        return (error as { status?: unknown }).status;
      };
      expect(await statusOf({ model: "unknown-model-xyz" }, "hi")).toBe(404);
      expect(await statusOf({ key: "wrong-key-0123456789-abcdef" }, "hi")).toBe(401);
      expect(await statusOf({ model: target.modelFor("429", false) }, "[[mode:429 7]]")).toBe(429);
    });
  });
});
