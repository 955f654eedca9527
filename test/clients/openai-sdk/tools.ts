// What the openai package must get when tools are offered, called and answered.

import { describe, expect, test } from "bun:test";
import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import { tinyPng, tinyPngBytes, weatherSchema } from "../targets.ts";
import { clock, joined, parisCall, twoCalls, user, weather } from "./session.ts";
import type { Session } from "./session.ts";

export function checkTools(at: () => Session): void {
  describe("tools", () => {
    test("one call, whole", async () => {
      const completion = await at().say(parisCall, { tools: [weather] });
      const [call] = completion.choices[0]?.message.tool_calls ?? [];
      expect(completion.choices[0]?.finish_reason).toBe("tool_calls");
      if (call?.type !== "function") throw new Error("no function call");
      expect(call.function.name).toBe("get_weather");
      expect(JSON.parse(call.function.arguments)).toEqual({ city: "Paris" });
    });

    test("two parallel calls, whole and streamed, with indexes 0 and 1", async () => {
      const completion = await at().say(twoCalls, { tools: [weather, clock] });
      const calls = completion.choices[0]?.message.tool_calls ?? [];
      expect(calls.map((call) => call.type === "function" && call.function.name)).toEqual([
        "get_weather",
        "get_time",
      ]);
      expect(new Set(calls.map((call) => call.id.replaceAll(/[^a-zA-Z0-9]/g, ""))).size).toBe(2);

      const chunks = await at().chunksOf(`[[say:calling]]${twoCalls}`, { tools: [weather, clock] });
      const deltas = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
      expect(deltas.filter((delta) => delta.id).map((delta) => [delta.index, delta.function?.name])).toEqual([
        [0, "get_weather"],
        [1, "get_time"],
      ]);
      const inputOf = (index: number): unknown =>
        JSON.parse(
          deltas
            .filter((delta) => delta.index === index)
            .map((delta) => delta.function?.arguments ?? "")
            .join(""),
        );
      expect(inputOf(0)).toEqual({ city: "Paris" });
      expect(inputOf(1)).toEqual({});
      expect(joined(chunks)).toBe("calling");
      expect(chunks.findLast((chunk) => chunk.choices[0]?.finish_reason)?.choices[0]?.finish_reason).toBe(
        "tool_calls",
      );
    });

    test("the .stream() wrapper assembles calls", async () => {
      const stream = at().client.chat.completions.stream({
        model: at().target.model,
        messages: [user(twoCalls)],
        tools: [weather, clock],
      });
      const names: string[] = [];
      stream.on("tool_calls.function.arguments.done", ({ name }) => void names.push(name));
      const message = await stream.finalMessage();
      expect(names).toEqual(["get_weather", "get_time"]);
      expect(message.tool_calls).toHaveLength(2);
    });

    test("tool_choice: forced by name, required, none", async () => {
      const forced = await at().say('[[json:{"city":"Rome"}]]', {
        tools: [clock, weather],
        tool_choice: { type: "function", function: { name: "get_weather" } },
      });
      const [call] = forced.choices[0]?.message.tool_calls ?? [];
      expect(call?.type === "function" && call.function).toEqual({
        name: "get_weather",
        arguments: expect.stringMatching(/"city":\s?"Rome"/),
      });
      const required = await at().say("anything", { tools: [clock], tool_choice: "required" });
      expect(required.choices[0]?.message.tool_calls).toHaveLength(1);
      const none = await at().say(parisCall, { tools: [weather], tool_choice: "none" });
      expect(none.choices[0]?.message.tool_calls ?? []).toEqual([]);
      expect(none.choices[0]?.message.content).toBe("No tool was called.");
    });

    test("a round trip: both results are accepted and come back", async () => {
      const first = await at().say(twoCalls, { tools: [weather, clock] });
      const message = first.choices[0]?.message;
      if (!message?.tool_calls) throw new Error("no calls");
      const results = message.tool_calls.map((call, index): ChatCompletionMessageParam => ({
        role: "tool",
        tool_call_id: call.id,
        content: `result ${index}`,
      }));
      expect(await at().textOf([user(twoCalls), message, ...results], { tools: [weather, clock] })).toBe(
        "result 0\nresult 1",
      );
      const parts = results.map((result) => ({
        ...result,
        content: [{ type: "text" as const, text: "as a part" }],
      }));
      const asParts = [user(twoCalls), message, ...parts] as ChatCompletionMessageParam[];
      expect(await at().textOf(asParts, { tools: [weather, clock] })).toBe("as a part\nas a part");
    });

    test("an image after a tool result, as OpenClaw sends it", async () => {
      const prompt = user(`${parisCall}[[toolresult]]`);
      const first = await at().client.chat.completions.create({
        model: at().target.model,
        messages: [prompt],
        tools: [weather],
      });
      const message = first.choices[0]?.message;
      const id = message?.tool_calls?.[0]?.id;
      if (!message || !id) throw new Error("no call");
      const image = { type: "image_url" as const, image_url: { url: `data:image/png;base64,${tinyPng}` } };
      const shown = { type: "text" as const, text: "Image(s) from tool result #1 (read):" };
      const messages: ChatCompletionMessageParam[] = [
        prompt,
        message,
        { role: "tool", tool_call_id: id, content: "see image" },
        { role: "user", content: [shown, image] },
      ];
      expect(await at().textOf(messages, { tools: [weather] })).toBe(
        `result: see image images: ${tinyPngBytes}`,
      );
    });

    test("the tool runner, whole and streamed", async () => {
      const asked: unknown[] = [];
      const runnable = {
        type: "function" as const,
        function: {
          name: "get_weather",
          description: "The weather in a city",
          parameters: weatherSchema,
          parse: (input: string): unknown => JSON.parse(input),
          function: (input: unknown): string => {
            asked.push(input);
            return "sunny in Paris";
          },
        },
      };
      const whole = at().client.chat.completions.runTools({
        model: at().target.model,
        messages: [user(parisCall)],
        tools: [runnable],
      });
      expect(await whole.finalContent()).toBe("sunny in Paris");
      const streamed = at().client.chat.completions.runTools({
        model: at().target.model,
        stream: true,
        messages: [user(parisCall)],
        tools: [runnable],
      });
      expect(await streamed.finalContent()).toBe("sunny in Paris");
      expect(asked).toEqual([{ city: "Paris" }, { city: "Paris" }]);
    });
  });
}
