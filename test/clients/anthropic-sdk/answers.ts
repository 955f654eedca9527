// What the Anthropic package must get for words, conversations, thinking, images and JSON.

import { describe, expect, test } from "bun:test";
import type Anthropic from "@anthropic-ai/sdk";
import {
  canStopAtWords,
  leastTokens,
  leastWords,
  strangeText,
  tinyPng,
  tinyPngBytes,
  weatherSchema,
} from "../targets.ts";
import { disorderIn, textIn, user } from "./session.ts";
import type { Session } from "./session.ts";

const streamedText = (events: readonly Anthropic.MessageStreamEvent[]): string =>
  events
    .map((event) =>
      event.type === "content_block_delta" && event.delta.type === "text_delta" ? event.delta.text : "",
    )
    .join("");

export function checkAnswers(at: () => Session): void {
  describe("text", () => {
    test("whole, with usage in Anthropic's parts", async () => {
      const message = await at().say("[[say:hello world]][[usage:1000,600,0,50]]");
      expect(message).toMatchObject({
        type: "message",
        role: "assistant",
        stop_reason: "end_turn",
        stop_sequence: null,
      });
      expect(message.content).toEqual([expect.objectContaining({ type: "text", text: "hello world" })]);
      expect(message.usage).toMatchObject({
        input_tokens: 400,
        cache_read_input_tokens: 600,
        output_tokens: 50,
      });
    });

    test("streamed in strict order, with full usage at the end", async () => {
      const events = await at().eventsOf("[[say:hello streamed world]][[usage:900,300,0,20]]");
      expect(disorderIn(events)).toBeNull();
      expect(streamedText(events)).toBe("hello streamed world");
      const [start] = events;
      const delta = events.find((event) => event.type === "message_delta");
      if (start?.type !== "message_start" || delta?.type !== "message_delta") throw new Error("no frame");
      expect(start.message).toMatchObject({ role: "assistant", content: [], stop_reason: null });
      expect(delta.delta).toMatchObject({ stop_reason: "end_turn", stop_sequence: null });
      expect(delta.usage).toMatchObject({
        input_tokens: 600,
        cache_read_input_tokens: 300,
        output_tokens: 20,
      });
    });

    test("raw bytes: every event is named, nothing follows message_stop", async () => {
      const { target } = at();
      const response = await fetch(`${target.url}/v1/messages`, {
        method: "POST",
        headers: {
          "x-api-key": target.key,
          "anthropic-version": "2023-06-01",
          "content-type": "application/json",
        },
        body: JSON.stringify({
          model: target.model,
          max_tokens: 50,
          stream: true,
          messages: [user("[[say:raw]]")],
        }),
      });
      expect(response.headers.get("content-type")).toStartWith("text/event-stream");
      const frames = (await response.text())
        .trimEnd()
        .split("\n\n")
        .filter((frame) => !frame.startsWith(":"));
      for (const frame of frames) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(frame) ?? [];
        expect(JSON.parse(data ?? "{}")).toHaveProperty("type", event);
      }
      expect(frames.at(-1)).toStartWith("event: message_stop");
    });

    test("the .stream() wrapper with its events", async () => {
      const { client, target } = at();
      const stream = client.messages.stream({
        model: target.model,
        max_tokens: 50,
        messages: [user("[[say:a b c]]")],
      });
      let text = "";
      stream.on("text", (delta) => {
        text += delta;
      });
      const message = await stream.finalMessage();
      expect(textIn(message)).toBe("a b c");
      expect(text).toBe("a b c");
    });

    test("strange characters survive both ways", async () => {
      expect(textIn(await at().say(`[[echo]]${strangeText}`))).toBe(strangeText);
      expect(streamedText(await at().eventsOf(`[[echo]]${strangeText}`))).toBe(strangeText);
    });

    test("an empty answer is an answer", async () => {
      const message = await at().say("[[say:]]");
      expect(textIn(message)).toBe("");
      expect(message.stop_reason).toBe("end_turn");
      expect(disorderIn(await at().eventsOf("[[say:]]"))).toBeNull();
    });

    test("a long stream arrives whole", async () => {
      const words = streamedText(await at().eventsOf("[[long:1500]]")).split(" ");
      expect(words).toHaveLength(1500);
      expect(words.at(-1)).toBe("word1500");
    });

    test("stop sequences and the token limit", async () => {
      const { vendorFormat } = at().target;
      if (canStopAtWords(vendorFormat)) {
        const stopped = await at().say("[[say:one two STOP three]]", { stop_sequences: ["STOP"] });
        expect(textIn(stopped).trim()).toBe("one two");
        // Other formats do not say that a stop sequence ended it.
        const saysSo = vendorFormat === null || vendorFormat === "anthropic";
        expect(saysSo ? ["stop_sequence"] : ["end_turn", "stop_sequence"]).toContain(
          stopped.stop_reason ?? "",
        );
      }
      const cut = await at().say("[[long:50]]", { max_tokens: leastTokens });
      expect(textIn(cut)).toBe(leastWords);
      expect(cut.stop_reason).toBe("max_tokens");
    });
  });

  describe("conversation", () => {
    test("system as a string and as blocks with a cache mark", async () => {
      expect(textIn(await at().say("[[system]]", { system: "Be brief." }))).toBe("Be brief.");
      const blocks: Anthropic.TextBlockParam[] = [
        { type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } },
        { type: "text", text: "Be kind." },
      ];
      const text = textIn(await at().say("[[system]]", { system: blocks }));
      expect(text.split(/\n+/)).toEqual(["Be brief.", "Be kind."]);
    });

    test("multi-turn and consecutive user messages keep their order", async () => {
      const message = await at().ask([
        user("one"),
        { role: "assistant", content: "two" },
        user("three"),
        user("[[history]]"),
      ]);
      expect(JSON.parse(textIn(message))).toEqual([
        ["user", "one"],
        ["assistant", "two"],
        ["user", "three"],
        ["user", "[[history]]"],
      ]);
    });

    test("text blocks with cache marks, and an answer sent back as it is", async () => {
      const blocks: Anthropic.TextBlockParam[] = [
        { type: "text", text: "[[echo]]first ", cache_control: { type: "ephemeral" } },
        { type: "text", text: "second" },
      ];
      const first = await at().ask([user(blocks)]);
      expect(textIn(first)).toBe("first second");
      const again = await at().ask([
        user("a"),
        { role: "assistant", content: first.content },
        user("[[echo]]third"),
      ]);
      expect(textIn(again)).toBe("third");
    });

    test("fields that only Anthropic knows are never a reason to refuse", async () => {
      const message = await at().say("[[say:fine]]", {
        metadata: { user_id: "user-1" },
        temperature: 0.5,
        top_k: 40,
        service_tier: "auto",
      });
      expect(textIn(message)).toBe("fine");
    });
  });

  describe("thinking", () => {
    const prompt = "[[think:let me see]][[say:seen]]";

    test("whole and streamed, before the text", async () => {
      const thinking = { type: "enabled" as const, budget_tokens: 1024 };
      const message = await at().say(prompt, { thinking });
      expect(message.content.map((block) => block.type)).toEqual(["thinking", "text"]);
      expect(message.content[0]).toMatchObject({ thinking: "let me see", signature: expect.any(String) });
      const events = await at().eventsOf(prompt, { thinking: { type: "adaptive" } });
      expect(disorderIn(events)).toBeNull();
      const thoughts = events.map((event) =>
        event.type === "content_block_delta" && event.delta.type === "thinking_delta"
          ? event.delta.thinking
          : "",
      );
      expect(thoughts.join("")).toBe("let me see");
      expect(streamedText(events)).toBe("seen");
    });

    test("thinking blocks are replayed with their signature", async () => {
      const thinking = { type: "enabled" as const, budget_tokens: 1024 };
      const first = await at().say(prompt, { thinking });
      const messages = [
        user(prompt),
        { role: "assistant" as const, content: first.content },
        user("[[echo]]and on"),
      ];
      expect(textIn(await at().ask(messages, { thinking }))).toBe("and on");
    });

    test("effort is accepted", async () => {
      expect(textIn(await at().say("[[say:ok]]", { output_config: { effort: "high" } }))).toBe("ok");
    });
  });

  describe("images and JSON", () => {
    const image: Anthropic.ImageBlockParam = {
      type: "image",
      source: { type: "base64", media_type: "image/png", data: tinyPng },
    };

    test("a base64 image arrives byte for byte", async () => {
      const message = await at().ask([user([{ type: "text", text: "[[images]]" }, image, image])]);
      expect(textIn(message)).toBe(`images: ${tinyPngBytes},${tinyPngBytes}`);
    });

    test("output_config.format, plain and through .parse()", async () => {
      const format = { type: "json_schema" as const, schema: weatherSchema };
      const prompt = '[[json:{"city":"Oslo"}]]';
      const message = await at().say(prompt, { output_config: { format } });
      expect(JSON.parse(textIn(message))).toEqual({ city: "Oslo" });
      expect(message.stop_reason).toBe("end_turn");
      const { client, target } = at();
      const params = {
        model: target.model,
        max_tokens: 50,
        messages: [user(prompt)],
        output_config: { format },
      };
      expect(JSON.parse(textIn(await client.messages.parse(params)))).toEqual({ city: "Oslo" });
    });
  });
}
