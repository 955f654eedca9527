// What the openai package must get for words, conversations, images and JSON.

import { describe, expect, test } from "bun:test";
import type OpenAI from "openai";
import {
  canStopAtWords,
  leastTokens,
  leastWords,
  strangeText,
  tinyPng,
  tinyPngBytes,
  weatherSchema,
} from "../targets.ts";
import { joined, user } from "./session.ts";
import type { Session } from "./session.ts";

export function checkAnswers(at: () => Session): void {
  describe("text", () => {
    test("whole, with usage", async () => {
      const completion = await at().say("[[say:hello world]][[usage:1000,600,0,50]]");
      expect(completion.object).toBe("chat.completion");
      expect(completion.choices).toHaveLength(1);
      expect(completion.choices[0]?.message).toMatchObject({ role: "assistant", content: "hello world" });
      expect(completion.choices[0]?.finish_reason).toBe("stop");
      expect(completion.usage).toMatchObject({
        prompt_tokens: 1000,
        completion_tokens: 50,
        total_tokens: 1050,
      });
      expect(completion.usage?.prompt_tokens_details?.cached_tokens).toBe(600);
    });

    test("streamed, one id, role first, finish, no usage unless asked", async () => {
      const chunks = await at().chunksOf("[[say:hello streamed world]]");
      expect(joined(chunks)).toBe("hello streamed world");
      expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
      expect(chunks[0]?.choices[0]?.delta.role).toBe("assistant");
      expect(
        chunks
          .filter((chunk) => chunk.choices[0]?.finish_reason)
          .map((chunk) => chunk.choices[0]?.finish_reason),
      ).toEqual(["stop"]);
      expect(chunks.filter((chunk) => chunk.usage)).toEqual([]);
      expect(chunks.every((chunk) => chunk.choices.length === 1)).toBe(true);
    });

    test("streamed with usage: the last chunk carries it and nothing else", async () => {
      const chunks = await at().chunksOf("[[say:hi]][[usage:900,300,0,20]]", {
        stream_options: { include_usage: true },
      });
      const last = chunks.at(-1);
      expect(last?.choices).toEqual([]);
      expect(last?.usage).toMatchObject({ prompt_tokens: 900, completion_tokens: 20, total_tokens: 920 });
      expect(last?.usage?.prompt_tokens_details?.cached_tokens).toBe(300);
      expect(chunks.filter((chunk) => chunk.usage)).toHaveLength(1);
    });

    test("raw bytes: an event stream that ends with exactly one [DONE]", async () => {
      const response = await fetch(`${at().target.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${at().target.key}`, "content-type": "application/json" },
        body: JSON.stringify({ model: at().target.model, stream: true, messages: [user("[[say:raw]]")] }),
      });
      expect(response.headers.get("content-type")).toStartWith("text/event-stream");
      const text = await response.text();
      expect(text.match(/^data: \[DONE\]$/gm)).toHaveLength(1);
      expect(text).toEndWith("data: [DONE]\n\n");
      expect(text).not.toMatch(/^id:/m);
    });

    test("the .stream() wrapper with its events", async () => {
      const stream = at().client.chat.completions.stream({
        model: at().target.model,
        messages: [user("[[say:a b c]]")],
      });
      const deltas: string[] = [];
      stream.on("content.delta", ({ delta }) => void deltas.push(delta));
      expect(await stream.finalContent()).toBe("a b c");
      expect(deltas.join("")).toBe("a b c");
    });

    test("strange characters survive both ways", async () => {
      expect((await at().say(`[[echo]]${strangeText}`)).choices[0]?.message.content).toBe(strangeText);
      expect(joined(await at().chunksOf(`[[echo]]${strangeText}`))).toBe(strangeText);
    });

    test("an empty answer is an answer", async () => {
      const completion = await at().say("[[say:]]");
      expect(completion.choices[0]?.message.content ?? "").toBe("");
      expect(completion.choices[0]?.finish_reason).toBe("stop");
    });

    test("a long stream arrives whole", async () => {
      const words = joined(await at().chunksOf("[[long:1500]]")).split(" ");
      expect(words).toHaveLength(1500);
      expect(words.at(-1)).toBe("word1500");
    });
  });

  describe("conversation", () => {
    test("system, developer and a middle turn", async () => {
      const system = await at().textOf([{ role: "system", content: "Be brief." }, user("[[system]]")]);
      expect(system).toBe("Be brief.");
      expect(await at().textOf([{ role: "developer", content: "Be kind." }, user("[[system]]")])).toBe(
        "Be kind.",
      );
    });

    test("multi-turn and consecutive user messages keep their order", async () => {
      const history = await at().textOf([
        user("one"),
        { role: "assistant", content: "two" },
        user("three"),
        user("[[history]]"),
      ]);
      expect(JSON.parse(history ?? "")).toEqual([
        ["user", "one"],
        ["assistant", "two"],
        ["user", "three"],
        ["user", "[[history]]"],
      ]);
    });

    test("text parts, and input_text parts of older clients", async () => {
      const parts = [
        { type: "text" as const, text: "[[echo]]first " },
        { type: "text" as const, text: "second" },
      ];
      expect(await at().textOf([{ role: "user", content: parts }])).toBe("first second");
      const old = {
        model: at().target.model,
        messages: [{ role: "user", content: [{ type: "input_text", text: "[[echo]]old" }] }],
      };
      const completion = await at().client.post<OpenAI.ChatCompletion>("/chat/completions", { body: old });
      expect(completion.choices[0]?.message.content).toBe("old");
    });

    test("an SDK answer can be sent back as it is", async () => {
      const first = await at().say("[[say:first]]");
      const message = first.choices[0]?.message;
      if (!message) throw new Error("no message");
      expect(await at().textOf([user("a"), message, user("[[echo]]second")])).toBe("second");
    });

    test("stop sequences and the token limit", async () => {
      if (canStopAtWords(at().target.vendorFormat)) {
        const stopped = await at().say("[[say:one two STOP three]]", { stop: ["STOP"] });
        expect(stopped.choices[0]?.message.content?.trim()).toBe("one two");
        expect(stopped.choices[0]?.finish_reason).toBe("stop");
      }
      for (const limit of [{ max_tokens: leastTokens }, { max_completion_tokens: leastTokens }]) {
        const cut = await at().say("[[long:50]]", limit);
        expect(cut.choices[0]?.message.content).toBe(leastWords);
        expect(cut.choices[0]?.finish_reason).toBe("length");
      }
    });

    test("reasoning effort is accepted and reasoning is shown", async () => {
      const completion = await at().say("[[think:let me see]][[say:seen]]", { reasoning_effort: "low" });
      expect(completion.choices[0]?.message).toMatchObject({
        content: "seen",
        reasoning_content: "let me see",
      });
      const chunks = await at().chunksOf("[[think:let me see]][[say:seen]]", { reasoning_effort: "high" });
      const deltas = chunks.map(
        (chunk) => chunk.choices[0]?.delta as { reasoning_content?: string } | undefined,
      );
      expect(deltas.map((delta) => delta?.reasoning_content ?? "").join("")).toBe("let me see");
      expect(joined(chunks)).toBe("seen");
    });
  });

  describe("images and JSON", () => {
    const image = { type: "image_url" as const, image_url: { url: `data:image/png;base64,${tinyPng}` } };

    test("a data URI arrives byte for byte", async () => {
      const content = [{ type: "text" as const, text: "[[images]]" }, image, image];
      expect(await at().textOf([{ role: "user", content }])).toBe(`images: ${tinyPngBytes},${tinyPngBytes}`);
    });

    test("json_object", async () => {
      const text = await at().textOf([user('Give JSON. [[json:{"ok":true}]]')], {
        response_format: { type: "json_object" },
      });
      expect(JSON.parse(text ?? "")).toEqual({ ok: true });
    });

    test("json_schema through .parse()", async () => {
      const completion = await at().client.chat.completions.parse({
        model: at().target.model,
        messages: [user('[[json:{"city":"Oslo"}]]')],
        response_format: {
          type: "json_schema",
          json_schema: { name: "place", strict: true, schema: weatherSchema },
        },
      });
      expect(JSON.parse(completion.choices[0]?.message.content ?? "")).toEqual({ city: "Oslo" });
      expect(completion.choices[0]?.message.tool_calls ?? []).toEqual([]);
      expect(completion.choices[0]?.finish_reason).toBe("stop");
    });

    test("embeddings", async () => {
      const model = at().target.vendorFormat === null ? "fake-embed" : "oai/fake-embed";
      const result = await at().client.embeddings.create({ model, input: ["four", "sixsix"] });
      expect(result.data.map((row) => row.embedding)).toEqual([
        [4, 0, 0.5, -0.25],
        [6, 1, 0.5, -0.25],
      ]);
    });
  });
}
