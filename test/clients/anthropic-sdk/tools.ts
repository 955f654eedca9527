// What the Anthropic package must get when tools are offered, called and answered.

import { describe, expect, test } from "bun:test";
import type Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import { tinyPng, tinyPngBytes, weatherSchema } from "../targets.ts";
import {
  callsIn,
  clock,
  disorderIn,
  parisCall,
  resultsFor,
  textIn,
  twoCalls,
  user,
  weather,
} from "./session.ts";
import type { Session } from "./session.ts";

const plain = (calls: readonly Anthropic.ToolUseBlock[]): unknown =>
  calls.map(({ name, input }) => [name, input]);
const bothCalls = [
  ["get_weather", { city: "Paris" }],
  ["get_time", {}],
];

export function checkTools(at: () => Session): void {
  describe("tools", () => {
    test("one call, whole", async () => {
      const message = await at().say(parisCall, { tools: [weather] });
      expect(plain(callsIn(message))).toEqual([["get_weather", { city: "Paris" }]]);
      expect(message.stop_reason).toBe("tool_use");
    });

    test("two parallel calls, whole and streamed", async () => {
      const tools = [weather, clock];
      const message = await at().say(twoCalls, { tools });
      expect(plain(callsIn(message))).toEqual(bothCalls);
      const ids = callsIn(message).map((call) => call.id);
      expect(new Set(ids.map((id) => id.replaceAll(/[^a-zA-Z0-9]/g, ""))).size).toBe(2);

      const events = await at().eventsOf(`[[say:calling]]${twoCalls}`, { tools });
      expect(disorderIn(events)).toBeNull();
      const starts = events.filter((event) => event.type === "content_block_start");
      expect(starts.map((event) => [event.index, event.content_block.type])).toEqual([
        [0, "text"],
        [1, "tool_use"],
        [2, "tool_use"],
      ]);
      const jsonOf = (index: number): string =>
        events
          .map((event) =>
            event.type === "content_block_delta" &&
            event.index === index &&
            event.delta.type === "input_json_delta"
              ? event.delta.partial_json
              : "",
          )
          .join("");
      expect(JSON.parse(jsonOf(1))).toEqual({ city: "Paris" });
      expect(JSON.parse(jsonOf(2) || "{}")).toEqual({});
    });

    test("the .stream() wrapper assembles calls", async () => {
      const { client, target } = at();
      const params = {
        model: target.model,
        max_tokens: 500,
        messages: [user(twoCalls)],
        tools: [weather, clock],
      };
      const message = await client.messages.stream(params).finalMessage();
      expect(plain(callsIn(message))).toEqual(bothCalls);
      expect(message.stop_reason).toBe("tool_use");
    });

    test("tool_choice: forced by name, any, none", async () => {
      const forced = await at().say('[[json:{"city":"Rome"}]]', {
        tools: [clock, weather],
        tool_choice: { type: "tool", name: "get_weather", disable_parallel_tool_use: true },
      });
      expect(plain(callsIn(forced))).toEqual([["get_weather", { city: "Rome" }]]);
      const any = await at().say("anything", { tools: [clock], tool_choice: { type: "any" } });
      expect(plain(callsIn(any))).toEqual([["get_time", {}]]);
      const none = await at().say(parisCall, { tools: [weather], tool_choice: { type: "none" } });
      expect(callsIn(none)).toEqual([]);
      expect(textIn(none)).toBe("No tool was called.");
    });

    test("a round trip: results as text, as blocks, as errors", async () => {
      const tools = [weather, clock];
      const first = await at().say(twoCalls, { tools });
      const before = [user(twoCalls), { role: "assistant" as const, content: first.content }];
      const asText = await at().ask([...before, resultsFor(first, (index) => `result ${index}`)], { tools });
      expect(textIn(asText)).toBe("result 0\nresult 1");
      const blocks = resultsFor(first, () => [
        { type: "text", text: "in a block", cache_control: { type: "ephemeral" } },
      ]);
      expect(textIn(await at().ask([...before, blocks], { tools }))).toBe("in a block\nin a block");
      const failed = resultsFor(first, () => "broke").content as Anthropic.ToolResultBlockParam[];
      const errors = user(failed.map((result) => ({ ...result, is_error: true })));
      expect(textIn(await at().ask([...before, errors], { tools }))).toContain("broke");
    });

    test("results and new words in one message", async () => {
      const first = await at().say(parisCall, { tools: [weather] });
      const results = resultsFor(first, () => "sunny").content as Anthropic.ToolResultBlockParam[];
      const mixed = user([...results, { type: "text", text: "[[echo]]never mind" }]);
      const messages = [user(parisCall), { role: "assistant" as const, content: first.content }, mixed];
      expect(textIn(await at().ask(messages, { tools: [weather] }))).toBe("never mind");
    });

    test("an image in a tool result arrives byte for byte", async () => {
      const prompt = `${parisCall}[[toolresult]]`;
      const first = await at().say(prompt, { tools: [weather] });
      const result = resultsFor(first, () => [
        { type: "text", text: "see image" },
        { type: "image", source: { type: "base64", media_type: "image/png", data: tinyPng } },
      ]);
      const messages = [user(prompt), { role: "assistant" as const, content: first.content }, result];
      expect(textIn(await at().ask(messages, { tools: [weather] }))).toBe(
        `result: see image images: ${tinyPngBytes}`,
      );
    });

    test("thinking, then a call, then its result", async () => {
      const thinking = { type: "enabled" as const, budget_tokens: 1024 };
      const prompt = `[[think:which city]]${parisCall}`;
      const first = await at().say(prompt, { tools: [weather], thinking });
      expect(first.content.map((block) => block.type)).toEqual(["thinking", "tool_use"]);
      const messages = [
        user(prompt),
        { role: "assistant" as const, content: first.content },
        resultsFor(first, () => "sunny"),
      ];
      expect(textIn(await at().ask(messages, { tools: [weather], thinking }))).toBe("sunny");
    });

    test.each([false, true])("the tool runner, stream: %p", async (stream) => {
      const { client, target } = at();
      const asked: unknown[] = [];
      const tool = betaTool({
        name: "get_weather",
        description: "The weather in a city",
        inputSchema: weatherSchema,
        run(input) {
          asked.push(input);
          return "sunny in Paris";
        },
      });
      const params = {
        model: target.model,
        max_tokens: 500,
        messages: [user(parisCall)],
        tools: [tool],
        stream,
      };
      const message = await client.beta.messages.toolRunner(params).runUntilDone();
      expect(message.content.map((block) => (block.type === "text" ? block.text : block.type))).toEqual([
        "sunny in Paris",
      ]);
      expect(asked).toEqual([{ city: "Paris" }]);
    });
  });
}
