// The built program with the real `claude` behind it: both official SDKs, unchanged, against a fake Anthropic API.
// Run it by path: bun test ./test/heavy/claude-backend-clients.heavy.ts. It never logs in and never leaves loopback but for npm.
// That the real service takes these requests as the fake one does is not shown here.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import * as messages from "../clients/anthropic-sdk/session.ts";
import * as chat from "../clients/openai-sdk/session.ts";
import { openTimeoutMs, thrownBy, tinyPng, tinyPngBytes, weatherSchema } from "../clients/targets.ts";
import { childrenOf, untilNull } from "../support/claude-children.ts";
import { eventually } from "../support/eventually.ts";
import { listOf, recordOf, textOf } from "../support/upstream/json.ts";
import { type GatewayWithClaude, isLinux, model, startGatewayWithClaude } from "./gateway-with-claude.ts";

const slowMs = 60_000;

let behind: GatewayWithClaude;
beforeAll(async () => {
  behind = await startGatewayWithClaude();
}, openTimeoutMs + 300_000);
afterEach(() => behind.next());
afterAll(() => behind?.stop());

describe("openai SDK over the real claude", () => {
  let at: chat.Session;
  beforeAll(() => (at = chat.openSession(behind.target)));
  const tools = [chat.weather, chat.clock];

  test(
    "text, whole and streamed, with usage",
    async () => {
      const whole = await at.say("[[say:hello world]][[usage:1000,600,0,50]]");
      expect(whole.choices[0]).toMatchObject({ message: { content: "hello world" }, finish_reason: "stop" });
      expect(whole.usage).toMatchObject({ prompt_tokens: 1000, completion_tokens: 50 });
      const chunks = await at.chunksOf("[[long:200]]", { stream_options: { include_usage: true } });
      expect(chat.joined(chunks).split(" ")).toHaveLength(200);
      expect(chunks.filter((chunk) => chunk.choices[0]?.delta.content).length).toBeGreaterThan(10);
      expect(chunks.at(-1)?.usage?.completion_tokens).toBe(200);
      expect(behind.asked().times).toBe(2);
    },
    slowMs,
  );

  test.each([false, true])(
    "two calls at once and their results, stream %p: the process that waits goes on",
    async (stream) => {
      const first = await at.say(chat.twoCalls, { tools });
      const message = first.choices[0]?.message;
      const calls = message?.tool_calls ?? [];
      expect(calls.map((call) => call.type === "function" && call.function)).toEqual([
        { name: "get_weather", arguments: '{"city":"Paris"}' },
        { name: "get_time", arguments: "{}" },
      ]);
      expect(first.choices[0]?.finish_reason).toBe("tool_calls");
      const before = childrenOf(behind.gateway.dir);
      const results = calls.map((call, index): ChatCompletionMessageParam => {
        return { role: "tool", tool_call_id: call.id, content: `result ${index}` };
      });
      const params = {
        model,
        tools,
        messages: [chat.user(chat.twoCalls), message ?? chat.user(""), ...results],
      };
      const text = stream
        ? chat.joined(
            await Array.fromAsync(await at.client.chat.completions.create({ ...params, stream: true })),
          )
        : (await at.client.chat.completions.create(params)).choices[0]?.message.content;
      expect((text ?? "").split("\n").toSorted()).toEqual(["result 0", "result 1"]);
      expect(behind.asked()).toEqual({ times: 2, processes: 1 });
      // The stock may have been filled up meanwhile; nobody else was started.
      if (isLinux)
        await eventually(() =>
          expect(childrenOf(behind.gateway.dir).length).toBeLessThanOrEqual(before.length + 1),
        );
      const sent = behind.results();
      for (const [index, call] of calls.entries())
        expect(JSON.stringify(sent[call.id])).toContain(`result ${index}`);
    },
    slowMs,
  );

  test(
    "the tool runner, three rounds in one process",
    async () => {
      const done: unknown[] = [];
      const runner = at.client.chat.completions.runTools({
        model,
        stream: true,
        messages: [chat.user(`${chat.parisCall}[[tool:get_weather {"city":"Rome"}]][[then:sunny]]`)],
        tools: [
          {
            type: "function",
            function: {
              name: "get_weather",
              description: "The weather in a city",
              parameters: weatherSchema,
              parse: (input: string): unknown => JSON.parse(input),
              function: (input: unknown): string => `weather ${done.push(input)}`,
            },
          },
        ],
      });
      expect(await runner.finalContent()).toBe("sunny");
      expect(done).toEqual([{ city: "Paris" }, { city: "Rome" }]);
      expect(behind.asked()).toEqual({ times: 3, processes: 1 });
    },
    slowMs,
  );

  test(
    "images, and a history of 20 messages in order",
    async () => {
      const image = { type: "image_url" as const, image_url: { url: `data:image/png;base64,${tinyPng}` } };
      const history = Array.from({ length: 19 }, (_, index): ChatCompletionMessageParam => {
        return index % 2 === 0
          ? chat.user(`question ${index}`)
          : { role: "assistant", content: `answer ${index}` };
      });
      const last = { role: "user" as const, content: [{ type: "text" as const, text: "[[images]]" }, image] };
      const all = [{ role: "system" as const, content: "Be brief." }, ...history.slice(0, 18), last];
      expect(await at.textOf(all)).toBe(`images: ${tinyPngBytes}`);
      expect(behind.asked()).toEqual({ times: 1, processes: 1 });
      expect(behind.conversation().map(([role, blocks]) => [role, blocks[0]?.["text"]])).toEqual([
        ...history.slice(0, 18).map(({ role, content }) => [role, content]),
        ["user", "[[images]]"],
      ]);
      expect(textOf(recordOf(listOf(behind.lastBody()["system"]).at(-1))["text"])).toBe("Be brief.");
    },
    slowMs,
  );

  test(
    "structured output, token limit, stop words, effort",
    async () => {
      const completion = await at.client.chat.completions.parse({
        model,
        messages: [chat.user('[[tool:StructuredOutput {"city":"Oslo"}]]')],
        response_format: {
          type: "json_schema",
          json_schema: { name: "place", strict: true, schema: weatherSchema },
        },
      });
      expect(JSON.parse(completion.choices[0]?.message.content ?? "")).toEqual({ city: "Oslo" });
      expect(completion.choices[0]?.message.tool_calls ?? []).toEqual([]);
      expect(completion.choices[0]?.finish_reason).toBe("stop");
      behind.upstream.reset();
      const cut = await at.say("[[long:50]]", { max_completion_tokens: 16, reasoning_effort: "low" });
      expect(cut.choices[0]).toMatchObject({ finish_reason: "length" });
      expect(cut.choices[0]?.message.content?.split(" ")).toHaveLength(16);
      expect(behind.lastBody()).toMatchObject({ max_tokens: 16, output_config: { effort: "low" } });
      const stopped = await at.say("[[say:one two STOP three]]", { stop: ["STOP"] });
      expect(stopped.choices[0]?.message.content?.trim()).toBe("one two");
      // Cut short, the program asks its model again by itself, and is killed for it at its first word of the cut. In 4 of 57
      // answers its question was faster: it went nowhere then, and the client's two are all that is left.
      const resumed = behind
        .posts()
        .filter(({ body }) => JSON.stringify(body).includes("Output token limit hit"));
      expect(resumed.length).toBeLessThanOrEqual(1);
      expect(behind.asked().times - resumed.length).toBe(2);
    },
    slowMs,
  );

  test(
    "a wrong model is 404, by our own names and by the vendor's",
    async () => {
      const ours = await thrownBy(() => at.say("hello", { model: "gpt-9" }));
      expect(ours).toBeInstanceOf(OpenAI.NotFoundError);
      expect(behind.posts()).toHaveLength(0);
      behind.upstream.script(({ method }) =>
        method === "POST"
          ? {
              status: 404,
              body: { type: "error", error: { type: "not_found_error", message: "model: claude-none-9" } },
            }
          : undefined,
      );
      const theirs = await thrownBy(() => at.say("hello", { model: "claude-cli/claude-none-9" }));
      expect(theirs).toBeInstanceOf(OpenAI.NotFoundError);
    },
    slowMs,
  );

  test.each([
    ["in the middle of a stream", "[[long:3000]][[pace:5]]", true],
    ["before the first word", "[[mode:hang]]", false],
  ])(
    "an abort %s reaches the vendor and ends the process",
    async (_name, prompt, hasWords) => {
      const mark = `abort-${crypto.randomUUID()}`;
      const stopper = new AbortController();
      const params = { model, stream: true as const, messages: [chat.user(`${prompt} ${mark}`)] };
      const answer = at.client.chat.completions.create(params, { signal: stopper.signal });
      if (hasWords) {
        for await (const chunk of await answer) if (chunk.choices[0]?.delta.content) break;
        stopper.abort();
      } else {
        await behind.upstream.waitFor(({ rawBody }) => rawBody.includes(mark), 20_000);
        stopper.abort();
        expect(await thrownBy(() => answer)).toBeInstanceOf(OpenAI.APIUserAbortError);
      }
      await behind.upstream.waitFor(({ rawBody, isAborted }) => isAborted && rawBody.includes(mark));
      await untilNull(async () => {
        const health = recordOf(await (await fetch(`${behind.gateway.url}/health`)).json());
        const { running, waiting } = recordOf(recordOf(health["providers"])["claude-cli"]);
        return running === 0 && waiting === 0 ? null : [running, waiting];
      });
      expect(behind.posts()).toHaveLength(1);
    },
    slowMs,
  );
});

describe("Anthropic SDK over the real claude", () => {
  let at: messages.Session;
  beforeAll(() => (at = messages.openSession(behind.target)));
  const tools = [messages.weather, messages.clock];
  const prompt = "[[think:let me see]][[say:seen]]";

  test(
    "events in strict order, thinking with its signature, then the next turn in the same process",
    async () => {
      const thinking = { type: "adaptive" as const };
      const events = await at.eventsOf(prompt, { thinking });
      expect(messages.disorderIn(events)).toBeNull();
      const params = { model, max_tokens: 4096, thinking, messages: [messages.user(prompt)] };
      const first = await at.client.messages.stream(params).finalMessage();
      expect(first.content.map(({ type }) => type)).toEqual(["thinking", "text"]);
      // Without a matcher in it: those stay behind in the object, which is sent back below.
      const [thought] = first.content;
      expect(thought?.type === "thinking" && [thought.thinking, thought.signature !== ""]).toEqual([
        "let me see",
        true,
      ]);
      const next = await at.ask(
        [...params.messages, { role: "assistant", content: first.content }, messages.user("[[say:and on]]")],
        { thinking },
      );
      expect(messages.textIn(next)).toBe("and on");
      expect(behind.asked()).toEqual({ times: 3, processes: 2 });
      expect(behind.conversation().map(([role]) => role)).toEqual(["user", "assistant", "user"]);
      expect(behind.conversation()[1]?.[1][0]).toMatchObject({ type: "thinking", thinking: "let me see" });
    },
    slowMs,
  );

  test(
    "results with an image and an error go to the process that waits",
    async () => {
      const twice = `${messages.twoCalls}[[toolresult]]`;
      const events = await at.eventsOf(twice, { tools });
      expect(messages.disorderIn(events)).toBeNull();
      const first = await at.say(twice, { tools });
      const [weather, clock] = messages.callsIn(first);
      if (weather === undefined || clock === undefined) throw new Error("no two calls");
      const source = { type: "base64" as const, media_type: "image/png" as const, data: tinyPng };
      const results = messages.user([
        { type: "tool_result", tool_use_id: weather.id, content: [{ type: "image", source }] },
        { type: "tool_result", tool_use_id: clock.id, content: "no clock here", is_error: true },
      ]);
      const next = await at.ask(
        [messages.user(twice), { role: "assistant", content: first.content }, results],
        {
          tools,
        },
      );
      expect(messages.textIn(next)).toContain(`images: ${tinyPngBytes}`);
      expect(next.stop_reason).toBe("end_turn");
      expect(behind.asked()).toEqual({ times: 3, processes: 2 });
      const sent = behind.results();
      expect(JSON.stringify(sent[weather.id])).toContain(tinyPng);
      expect(sent[clock.id]).toMatchObject({ is_error: true });
    },
    slowMs,
  );

  test(
    "a changed history is given to a fresh process, with its calls and results",
    async () => {
      const first = await at.say(messages.parisCall, { tools });
      const history = [
        messages.user("something else before"),
        { role: "assistant" as const, content: "yes" },
        messages.user(messages.parisCall),
        { role: "assistant" as const, content: first.content },
        messages.resultsFor(first, () => "18C"),
      ];
      expect(messages.textIn(await at.ask(history, { tools }))).toBe("18C");
      expect(behind.asked()).toEqual({ times: 2, processes: 2 });
      expect(behind.conversation().map(([role]) => role)).toEqual([
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
      ]);
    },
    slowMs,
  );

  test(
    "JSON, a token limit, a wrong model",
    async () => {
      const parsed = await at.client.messages.parse({
        model,
        max_tokens: 4096,
        messages: [messages.user('[[tool:StructuredOutput {"city":"Oslo"}]]')],
        output_config: { format: { type: "json_schema", schema: weatherSchema } },
      });
      expect(JSON.parse(messages.textIn(parsed))).toEqual({ city: "Oslo" });
      expect(parsed.stop_reason).toBe("end_turn");
      const cut = await at.say("[[long:50]]", { max_tokens: 16 });
      expect([cut.stop_reason, messages.textIn(cut).split(" ").length]).toEqual(["max_tokens", 16]);
      const wrong = await thrownBy(() => at.say("hello", { model: "gpt-9" }));
      expect(wrong).toBeInstanceOf(Anthropic.NotFoundError);
    },
    slowMs,
  );
});
