import { describe, expect, test } from "bun:test";
import type { StreamEvent } from "../../src/canon/event.ts";
import { Failure } from "../../src/canon/failure.ts";
import { foldReply } from "../../src/canon/reply.ts";
import { unknownUsage } from "../../src/canon/usage.ts";

const start: StreamEvent = { type: "start", id: "id-1", model: "m-1", usage: { ...unknownUsage, input: 5 } };
const finish: StreamEvent = { type: "finish", reason: "stop", usage: { ...unknownUsage, output: 3 } };

describe("folding", () => {
  test("blocks in their order, deltas joined, usage added", () => {
    const reply = foldReply([
      start,
      { type: "thinking-start", index: 0 },
      { type: "thinking-delta", index: 0, text: "h" },
      { type: "thinking-delta", index: 0, text: "m" },
      { type: "thinking-end", index: 0, signature: "sig" },
      { type: "heartbeat" },
      { type: "text-start", index: 1 },
      { type: "text-delta", index: 1, text: "he" },
      { type: "text-delta", index: 1, text: "llo" },
      { type: "text-end", index: 1 },
      { type: "tool-start", index: 2, id: "t", name: "look" },
      { type: "tool-delta", index: 2, input: '{"a"' },
      { type: "tool-delta", index: 2, input: ":1}" },
      { type: "tool-end", index: 2 },
      { type: "usage", usage: { ...unknownUsage, output: 1 } },
      finish,
    ]);
    expect(reply).toEqual({
      id: "id-1",
      model: "m-1",
      content: [
        { type: "thinking", text: "hm", signature: "sig" },
        { type: "text", text: "hello" },
        { type: "tool-call", id: "t", name: "look", input: '{"a":1}' },
      ],
      finish: "stop",
      stopSequence: null,
      usage: { ...unknownUsage, input: 5, output: 3 },
    });
  });

  test("an empty finish is an answer", () => {
    expect(foldReply([start, finish]).content).toEqual([]);
  });
});

describe("what is no answer", () => {
  const failure = new Failure("overloaded", "busy");
  const cases: readonly (readonly [string, readonly StreamEvent[], string])[] = [
    ["nothing", [], "bad-output"],
    ["no end", [start], "bad-output"],
    ["a failure", [start, { type: "failure", failure }], "overloaded"],
    ["a delta before its block", [{ type: "text-delta", index: 0, text: "a" }, finish], "bad-output"],
    ["an end before its block", [{ type: "tool-end", index: 4 }, finish], "bad-output"],
  ];
  test.each([...cases])("%s", (_, events, kind) => {
    try {
      foldReply(events);
    } catch (thrown) {
      expect((thrown as Failure).kind).toBe(kind as Failure["kind"]);
      return;
    }
    throw new Error("it was folded");
  });
});
