// What the `ai` package must get for words, conversations, images and JSON.

import { describe, expect, test } from "bun:test";
import { generateText, jsonSchema, Output, streamText } from "ai";
import { leastTokens, leastWords, strangeText, tinyPng, tinyPngBytes, weatherSchema } from "../targets.ts";
import type { Session } from "./session.ts";

const answerOf = jsonSchema<{ city: string }>(weatherSchema);

export function checkAnswers(at: () => Session): void {
  describe("text", () => {
    test("whole, with usage", async () => {
      const result = await generateText({
        ...at().asked,
        prompt: "[[say:hello world]][[usage:1000,600,0,50]]",
      });
      expect(result.text).toBe("hello world");
      expect(result.finishReason).toBe("stop");
      expect(result.usage).toMatchObject({ inputTokens: 1000, outputTokens: 50, totalTokens: 1050 });
      expect(result.usage.inputTokenDetails.cacheReadTokens).toBe(600);
    });

    test("streamed, word by word, with usage", async () => {
      const result = streamText({
        ...at().asked,
        prompt: "[[say:hello streamed world]][[usage:900,300,0,20]]",
      });
      const pieces = await Array.fromAsync(result.textStream);
      expect(pieces.join("")).toBe("hello streamed world");
      expect(pieces.length).toBeGreaterThan(1);
      expect(await result.finishReason).toBe("stop");
      expect(await result.usage).toMatchObject({ inputTokens: 900, outputTokens: 20, totalTokens: 920 });
    });

    test("instructions, earlier turns, strange characters, the token limit", async () => {
      const { asked } = at();
      const system = await generateText({ ...asked, instructions: "Be brief.", prompt: "[[system]]" });
      expect(system.text).toBe("Be brief.");
      const again = await generateText({
        ...asked,
        messages: [
          { role: "user", content: "first" },
          { role: "assistant", content: "second" },
          { role: "user", content: `[[echo]]${strangeText}` },
        ],
      });
      expect(again.text).toBe(strangeText);
      const cut = await generateText({ ...asked, prompt: "[[long:50]]", maxOutputTokens: leastTokens });
      expect(cut.text).toBe(leastWords);
      expect(cut.finishReason).toBe("length");
    });

    test("an image arrives byte for byte", async () => {
      const result = await generateText({
        ...at().asked,
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "[[images]]" },
              { type: "file", data: tinyPng, mediaType: "image/png" },
            ],
          },
        ],
      });
      expect(result.text).toBe(`images: ${tinyPngBytes}`);
    });

    test("20 at a time do not mix", async () => {
      const texts = Array.from({ length: 20 }, (_, index) => `number ${index}`);
      const answers = await Promise.all(
        texts.map((text) => streamText({ ...at().asked, prompt: `[[echo]]${text}[[pace:2]]` }).text),
      );
      expect(answers).toEqual(texts);
    });
  });

  describe("structured output", () => {
    test("whole", async () => {
      const result = await generateText({
        ...at().asked,
        prompt: '[[json:{"city":"Rome"}]]',
        output: Output.object({ schema: answerOf }),
      });
      expect(result.output).toEqual({ city: "Rome" });
    });

    test("streamed", async () => {
      const result = streamText({
        ...at().asked,
        prompt: '[[json:{"city":"Rome"}]]',
        output: Output.object({ schema: answerOf }),
      });
      const partial = await Array.fromAsync(result.partialOutputStream);
      expect(partial.at(-1)).toEqual({ city: "Rome" });
      expect(await result.output).toEqual({ city: "Rome" });
    });

    test("the schema itself reaches the vendor: the vendor fills it", async () => {
      const result = await generateText({
        ...at().asked,
        prompt: "fill it",
        output: Output.object({ schema: answerOf }),
      });
      expect(result.output).toEqual({ city: "text" });
    });
  });
}
