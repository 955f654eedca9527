// pi-ai, the model library under OpenClaw, unchanged, in both of its dialects, against the fake vendor and through the gateway.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { completeSimple, streamSimple, Type } from "@mariozechner/pi-ai";
import type {
  AssistantMessage,
  AssistantMessageEvent,
  Context,
  Model,
  SimpleStreamOptions,
  Tool,
  ToolResultMessage,
  UserMessage,
} from "@mariozechner/pi-ai";
import {
  leastTokens,
  leastWords,
  openTimeoutMs,
  strangeText,
  targetKinds,
  tinyPng,
  tinyPngBytes,
} from "./targets.ts";
import type { Target } from "./targets.ts";

const weather: Tool = {
  name: "get_weather",
  description: "The weather in a city",
  parameters: Type.Object({ city: Type.String() }),
};
const clock: Tool = { name: "get_time", description: "The time", parameters: Type.Object({}) };
const parisCall = '[[tool:get_weather {"city":"Paris"}]]';
const twoCalls = '[[tools:get_weather {"city":"Paris"};get_time {}]]';

const user = (content: UserMessage["content"]): UserMessage => ({ role: "user", content, timestamp: 0 });
const textIn = (message: AssistantMessage): string =>
  message.content.map((block) => (block.type === "text" ? block.text : "")).join("");
const callsIn = (message: AssistantMessage) => message.content.filter((block) => block.type === "toolCall");
const resultFor = (
  message: AssistantMessage,
  index: number,
  content: ToolResultMessage["content"],
): ToolResultMessage => {
  const call = callsIn(message)[index];
  if (!call) throw new Error(`no call ${index}`);
  return {
    role: "toolResult",
    toolCallId: call.id,
    toolName: call.name,
    content,
    isError: false,
    timestamp: 0,
  };
};

const apis = ["openai-completions", "anthropic-messages"] as const;

describe.each([...targetKinds])("pi-ai, $name", ({ open }) => {
  let target: Target;

  beforeAll(async () => {
    target = await open();
  }, openTimeoutMs);
  afterAll(async () => target?.stop());

  describe.each([...apis])("%s", (api) => {
    const modelOf = (id: string): Model<typeof api> => ({
      id,
      name: id,
      api,
      provider: "test",
      baseUrl: api === "openai-completions" ? `${target.url}/v1` : target.url,
      reasoning: true,
      input: ["text", "image"],
      cost: { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 },
      contextWindow: 200_000,
      maxTokens: 8192,
    });
    const options = (): SimpleStreamOptions => ({ apiKey: target.key, maxRetries: 0, timeoutMs: 10_000 });
    const ask = (context: Context, more: SimpleStreamOptions = {}): Promise<AssistantMessage> =>
      completeSimple(modelOf(target.model), context, { ...options(), ...more });
    const say = (text: string, more: SimpleStreamOptions = {}): Promise<AssistantMessage> =>
      ask({ messages: [user(text)] }, more);

    test("text, usage and the events of a stream", async () => {
      const context = { messages: [user("[[say:hello streamed world]][[usage:1000,600,0,50]]")] };
      const events: AssistantMessageEvent[] = [];
      for await (const event of streamSimple(modelOf(target.model), context, options())) events.push(event);
      const last = events.at(-1);
      if (last?.type !== "done") throw new Error(JSON.stringify(last));
      expect(textIn(last.message)).toBe("hello streamed world");
      expect(last.message.stopReason).toBe("stop");
      expect(last.message.usage).toMatchObject({ input: 400, cacheRead: 600, output: 50 });
      const deltas = events.map((event) => (event.type === "text_delta" ? event.delta : ""));
      expect(deltas.join("")).toBe("hello streamed world");
    });

    test("system prompt, turns, strange characters, the token limit", async () => {
      expect(textIn(await ask({ systemPrompt: "Be brief.", messages: [user("[[system]]")] }))).toBe(
        "Be brief.",
      );
      const first = await say("[[say:first]]");
      const again = await ask({ messages: [user("a"), first, user(`[[echo]]${strangeText}`)] });
      expect(textIn(again)).toBe(strangeText);
      const cut = await say("[[long:50]]", { maxTokens: leastTokens });
      expect(textIn(cut)).toBe(leastWords);
      expect(cut.stopReason).toBe("length");
    });

    test("thinking is shown and goes back with the next turn", async () => {
      const prompt = user("[[think:let me see]][[say:seen]]");
      const first = await ask({ messages: [prompt] }, { reasoning: "low" });
      expect(first.content[0]).toMatchObject({ type: "thinking", thinking: "let me see" });
      expect(textIn(first)).toBe("seen");
      const next = await ask({ messages: [prompt, first, user("[[echo]]and on")] }, { reasoning: "low" });
      expect(next.errorMessage).toBeUndefined();
      expect(textIn(next)).toBe("and on");
    });

    test("an image arrives byte for byte", async () => {
      const content: UserMessage["content"] = [
        { type: "text", text: "[[images]]" },
        { type: "image", data: tinyPng, mimeType: "image/png" },
      ];
      expect(textIn(await ask({ messages: [user(content)] }))).toBe(`images: ${tinyPngBytes}`);
    });

    test("two calls and their results, with an image among them", async () => {
      const tools = [weather, clock];
      const prompt = user(`${twoCalls}[[toolresult]]`);
      const first = await ask({ messages: [prompt], tools });
      expect(first.stopReason).toBe("toolUse");
      expect(callsIn(first).map((call) => [call.name, call.arguments])).toEqual([
        ["get_weather", { city: "Paris" }],
        ["get_time", {}],
      ]);
      const results = [
        resultFor(first, 0, [
          { type: "text", text: "see image" },
          { type: "image", data: tinyPng, mimeType: "image/png" },
        ]),
        resultFor(first, 1, [{ type: "text", text: "noon" }]),
      ];
      const last = await ask({ messages: [prompt, first, ...results], tools });
      expect(last.errorMessage).toBeUndefined();
      expect(textIn(last)).toBe(`result: see image\nnoon images: ${tinyPngBytes}`);
    });

    test("thinking, then a call, then its result", async () => {
      const prompt = user(`[[think:which city]]${parisCall}`);
      const first = await ask({ messages: [prompt], tools: [weather] }, { reasoning: "low" });
      const result = resultFor(first, 0, [{ type: "text", text: "sunny" }]);
      const last = await ask({ messages: [prompt, first, result], tools: [weather] }, { reasoning: "low" });
      expect(last.errorMessage).toBeUndefined();
      expect(textIn(last)).toBe("sunny");
    });

    test("20 at a time do not mix", async () => {
      const texts = Array.from({ length: 20 }, (_, index) => `number ${index}`);
      const answers = await Promise.all(texts.map((text) => say(`[[echo]]${text}[[pace:2]]`)));
      expect(answers.map(textIn)).toEqual(texts);
    });

    test("an abort reaches the vendor", async () => {
      const mark = `abort-${crypto.randomUUID()}`;
      const abort = new AbortController();
      const context = { messages: [user(`[[long:3000]][[pace:5]] ${mark}`)] };
      const stream = streamSimple(modelOf(target.model), context, { ...options(), signal: abort.signal });
      for await (const event of stream) if (event.type === "text_delta") abort.abort();
      expect((await stream.result()).stopReason).toBe("aborted");
      await target.upstream.waitFor((request) => request.rawBody.includes(mark) && request.isAborted, 1_000);
    });

    test.each(["429", "cut", "error-mid"] as const)("%s ends as an error", async (fault) => {
      const model = modelOf(target.modelFor(fault, api === "anthropic-messages"));
      const context = { messages: [user(`[[long:40]][[pace:2]][[mode:${fault}]]`)] };
      const message = await completeSimple(model, context, options());
      expect(message.stopReason).toBe("error");
      expect(message.errorMessage).toBeString();
    });

    test("a wrong key and an unknown model end as errors", async () => {
      const refused = await say("hi", { apiKey: "wrong-key-0123456789-abcdef" });
      expect(refused.errorMessage).toMatch(/401|key|auth/i);
      const missing = await completeSimple(
        modelOf("unknown-model-xyz"),
        { messages: [user("hi")] },
        options(),
      );
      expect(missing.errorMessage).toMatch(/404|model/i);
    });
  });
});
