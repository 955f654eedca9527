// Properties that hold for every answer: declared loss, cuts, one closing event.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { foldReply } from "../../../src/canon/reply.ts";
import { openaiChat } from "../../../src/dialects/openai-chat/dialect.ts";
import { lose } from "./loss.ts";
import { chunk, decodeBytes, decodeText, encodeText, facts, plain, sse, validEvents } from "./recorded.ts";

const recording = sse(
  chunk({ role: "assistant", content: "" }),
  chunk({ reasoning_content: "Hm, " }),
  chunk({ reasoning_content: "ünïcode 🦞" }),
  chunk({ content: "Héllo " }),
  chunk({ content: "wörld\n" }),
  chunk({
    tool_calls: [{ index: 0, id: "call_a", type: "function", function: { name: "read", arguments: "" } }],
  }),
  chunk({ tool_calls: [{ index: 0, function: { arguments: '{"path":' } }] }),
  chunk({ tool_calls: [{ index: 0, function: { arguments: '"a.txt"}' } }] }),
  chunk({
    tool_calls: [{ index: 1, id: "call_b", type: "function", function: { name: "ls", arguments: "{}" } }],
  }),
  chunk({}, "tool_calls"),
  { id: "chatcmpl-1", choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } },
  "[DONE]",
);

describe("round trips", () => {
  test("what comes back is what the declared loss leaves", () => {
    fc.assert(
      fc.property(validEvents, (events) => {
        expect(plain(decodeText(encodeText(events)))).toEqual(plain(lose(events)));
      }),
      { numRuns: 600 },
    );
  });

  test("the loss is lost once: losing again changes nothing but a failure's wording", () => {
    fc.assert(
      fc.property(
        validEvents.filter((events) => events.at(-1)?.type === "finish"),
        (events) => {
          const once = lose(events);
          expect(lose(once)).toEqual(once);
        },
      ),
    );
  });

  test("a whole reply read back holds the same text, thinking and calls", () => {
    fc.assert(
      fc.property(
        validEvents.filter((events) => events.at(-1)?.type === "finish"),
        (events) => {
          const sent = foldReply(lose(events));
          const body: unknown = JSON.parse(JSON.stringify(openaiChat.client.encodeReply(sent, facts)));
          const got = foldReply(openaiChat.backend.decodeReply(body));
          const told = (reply: typeof sent, type: "text" | "thinking"): string =>
            reply.content.map((block) => (block.type === type ? block.text : "")).join("");
          const calls = (reply: typeof sent): unknown =>
            reply.content.filter((block) => block.type === "tool-call");
          expect(told(got, "text")).toBe(told(sent, "text"));
          expect(told(got, "thinking")).toBe(told(sent, "thinking"));
          expect(calls(got)).toEqual(calls(sent));
          expect([got.id, got.model, got.finish, got.usage]).toEqual([
            sent.id,
            sent.model,
            sent.finish,
            sent.usage,
          ]);
        },
      ),
    );
  });

  test("decoding what was encoded from a recording gives the recording's events", () => {
    const events = decodeText(recording);
    expect(decodeText(encodeText(events))).toEqual(events);
  });

  test("bytes cut anywhere, in UTF-8 too, give the same events", () => {
    const whole = decodeText(recording);
    expect(whole.at(-1)).toMatchObject({
      type: "finish",
      reason: "tool-calls",
      usage: { input: 10, output: 5 },
    });
    const bytes = Buffer.from(recording);
    for (let cut = 1; cut < bytes.length; cut++)
      expect(decodeBytes([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
  });

  test("a stream that stops after any frame has exactly one closing event", () => {
    const frames = recording.split("\n\n").slice(0, -1);
    for (let k = 0; k < frames.length; k++) {
      const events = decodeText(`${frames.slice(0, k).join("\n\n")}\n\n`);
      const closings = events.filter((event) => event.type === "finish" || event.type === "failure");
      expect(closings).toHaveLength(1);
      expect(closings[0]?.type).toBe(k < 10 ? "failure" : "finish");
    }
  });
});
