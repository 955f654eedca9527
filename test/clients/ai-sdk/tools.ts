// What the `ai` package must get when tools are offered, called and answered by its own loop.

import { describe, expect, test } from "bun:test";
import { generateText, isStepCount, streamText } from "ai";
import { clock, parisCall, twoCalls, weather } from "./session.ts";
import type { Session } from "./session.ts";

const tools = { get_weather: weather, get_time: clock };

export function checkTools(at: () => Session): void {
  describe("tools", () => {
    test("one call, left open", async () => {
      const { execute: _execute, ...open } = weather;
      const result = await generateText({ ...at().asked, prompt: parisCall, tools: { get_weather: open } });
      expect(result.finishReason).toBe("tool-calls");
      expect(result.toolCalls.map(({ toolName, input }) => [toolName, input])).toEqual([
        ["get_weather", { city: "Paris" }],
      ]);
    });

    test("a loop of one call, whole", async () => {
      const result = await generateText({
        ...at().asked,
        prompt: parisCall,
        tools,
        stopWhen: isStepCount(3),
      });
      expect(result.text).toBe("sunny in Paris");
      expect(result.steps.map((step) => step.finishReason)).toEqual(["tool-calls", "stop"]);
    });

    test("a loop of two calls at once, streamed", async () => {
      const result = streamText({
        ...at().asked,
        prompt: `[[say:calling]]${twoCalls}[[then:both came]]`,
        tools,
        stopWhen: isStepCount(3),
      });
      const called: string[] = [];
      let text = "";
      for await (const part of result.fullStream) {
        if (part.type === "error") throw part.error;
        if (part.type === "tool-call") called.push(part.toolName);
        if (part.type === "text-delta") text += part.text;
      }
      expect(called).toEqual(["get_weather", "get_time"]);
      expect(text).toBe("callingboth came");
      expect((await result.steps).map((step) => step.finishReason)).toEqual(["tool-calls", "stop"]);
    });

    test("rounds one after the other keep what came before", async () => {
      const result = await generateText({
        ...at().asked,
        prompt: `${parisCall}[[tool:get_time {}]][[then:done]]`,
        tools,
        stopWhen: isStepCount(5),
      });
      expect(result.steps.flatMap((step) => step.toolResults.map(({ output }) => output))).toEqual([
        "sunny in Paris",
        "noon",
      ]);
      expect(result.text).toBe("done");
    });

    test("thinking before a call goes back with its result", async () => {
      const result = await generateText({
        ...at().asked,
        prompt: `[[think:which city]]${parisCall}`,
        tools,
        stopWhen: isStepCount(3),
      });
      expect(result.text).toBe("sunny in Paris");
    });

    test("tool choice: by name, required, none", async () => {
      const { asked } = at();
      const named = await generateText({
        ...asked,
        prompt: '[[json:{"city":"Rome"}]]',
        tools,
        toolChoice: { type: "tool", toolName: "get_weather" },
      });
      expect(named.toolCalls.map(({ input }) => input)).toEqual([{ city: "Rome" }]);
      const required = await generateText({
        ...asked,
        prompt: "anything",
        tools: { get_time: clock },
        toolChoice: "required",
      });
      expect(required.toolCalls).toHaveLength(1);
      const none = await generateText({ ...asked, prompt: parisCall, tools, toolChoice: "none" });
      expect(none.toolCalls).toEqual([]);
    });
  });
}
