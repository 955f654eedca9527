// The stream as our clients see it.

import { describe, expect, test } from "bun:test";
import { Failure } from "../../../src/canon/failure.ts";
import type { StreamEvent } from "../../../src/canon/event.ts";
import { unknownUsage, usageFromTotal } from "../../../src/canon/usage.ts";
import { openaiChat } from "../../../src/dialects/openai-chat/dialect.ts";
import { readFrames } from "../../../src/wire/sse.ts";
import { encodeText, facts } from "./recorded.ts";

const usage = usageFromTotal({ input: 10, inputCached: 4, output: 5, outputReasoning: 2 });
const start: StreamEvent = { type: "start", id: "msg_1", model: "m-1" };
const answer: StreamEvent[] = [
  start,
  { type: "thinking-start", index: 0 },
  { type: "thinking-delta", index: 0, text: "hm" },
  { type: "thinking-end", index: 0, signature: "s" },
  { type: "text-start", index: 1 },
  { type: "text-delta", index: 1, text: "a\nb" },
  { type: "text-end", index: 1 },
  { type: "tool-start", index: 2, id: "t1", name: "f" },
  { type: "tool-delta", index: 2, input: "{}" },
  { type: "tool-end", index: 2 },
  { type: "tool-start", index: 3, id: "t2", name: "g" },
  { type: "tool-end", index: 3 },
  { type: "finish", reason: "tool-calls", usage },
];
const dataOf = (events: readonly StreamEvent[], wantsUsage = true): string[] =>
  readFrames(encodeText(events, wantsUsage)).map((frame) => frame.data);
type Chunk = {
  id: string;
  created: number;
  object: string;
  choices: { delta: unknown; finish_reason: unknown }[];
  usage?: unknown;
};
const chunksOf = (data: readonly string[]): Chunk[] =>
  data.filter((each) => each !== "[DONE]").map((each) => JSON.parse(each) as Chunk);

describe("the client's stream", () => {
  test("role first, then deltas, finish, usage, [DONE]; calls are numbered from 0 although text came first", () => {
    const data = dataOf(answer);
    const chunks = chunksOf(data);
    expect(chunks.map((each) => each.choices[0]?.delta ?? null)).toEqual([
      { role: "assistant", content: "" },
      { reasoning_content: "hm" },
      { content: "a\nb" },
      { tool_calls: [{ index: 0, id: "t1", type: "function", function: { name: "f", arguments: "" } }] },
      { tool_calls: [{ index: 0, function: { arguments: "{}" } }] },
      { tool_calls: [{ index: 1, id: "t2", type: "function", function: { name: "g", arguments: "" } }] },
      // The call had no arguments, and a client's JSON.parse would throw at "".
      { tool_calls: [{ index: 1, function: { arguments: "{}" } }] },
      {},
      null,
    ]);
    expect(chunks.map((each) => each.choices[0]?.finish_reason)).toEqual([
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      "tool_calls",
      undefined,
    ]);
    expect(data.filter((each) => each === "[DONE]")).toEqual(["[DONE]"]);
    expect(data.at(-1)).toBe("[DONE]");
  });

  test("one id, one time and one kind in all chunks", () => {
    for (const each of chunksOf(dataOf(answer)))
      expect([each.id, each.created, each.object]).toEqual([
        "msg_1",
        facts.createdSeconds,
        "chat.completion.chunk",
      ]);
  });

  test("an answer without an id gets the request's", () => {
    expect(chunksOf(dataOf([{ type: "start", id: "", model: "m" }]))[0]?.id).toBe("chatcmpl-R1");
  });

  test("the usage chunk has no choices, inclusive totals and both parts", () => {
    expect(chunksOf(dataOf(answer)).at(-1)).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 15,
        prompt_tokens_details: { cached_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 2 },
      },
    });
  });

  test("a client that did not ask sees no usage at all", () => {
    expect(encodeText(answer, false)).not.toContain("usage");
  });

  test("unknown usage is left out, not invented", () => {
    const chunks = chunksOf(
      dataOf([start, { type: "finish", reason: "stop", usage: { ...unknownUsage, input: 3 } }]),
    );
    expect(chunks.map((each) => each.choices.length)).toEqual([1, 1]);
    expect(encodeText([start, { type: "finish", reason: "stop", usage: unknownUsage }])).not.toContain(
      "tokens",
    );
  });

  test("usage sent along the way is in the last chunk", () => {
    const events: StreamEvent[] = [
      { ...start, usage: { ...unknownUsage, input: 7 } },
      { type: "usage", usage: { ...unknownUsage, output: 2 } },
      { type: "finish", reason: "stop", usage: unknownUsage },
    ];
    expect(chunksOf(dataOf(events)).at(-1)?.usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 2 });
  });

  test.each([
    ["stop", "stop"],
    ["stop-sequence", "stop"],
    ["pause", "stop"],
    ["length", "length"],
    ["refused", "content_filter"],
    ["tool-calls", "stop"], // nothing was called: a client would wait for a call for ever
  ] as const)("an answer that ended with %s says %s", (reason, word) => {
    const chunks = chunksOf(dataOf([start, { type: "finish", reason, usage: unknownUsage }], false));
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe(word);
  });

  test("a failure ends the stream with the error object and without [DONE]", () => {
    const failure = new Failure("overloaded", "Too much.");
    const data = dataOf([start, { type: "failure", failure }, { type: "finish", reason: "stop", usage }]);
    expect(data).toHaveLength(2);
    expect(JSON.parse(data[1] ?? "")).toEqual({
      error: { message: "Too much.", type: "server_error", param: null, code: "overloaded" },
    });
  });

  test("a heartbeat is a comment, and opaque events leave no trace", () => {
    const encoder = openaiChat.client.streamEncoder(facts);
    expect(encoder.step({ type: "heartbeat" })).toBe(": keep-alive\n\n");
    expect(encoder.step({ type: "opaque", index: 0, dialect: "anthropic-messages", value: { a: 1 } })).toBe(
      "",
    );
  });

  test("nothing is written after the end", () => {
    const encoder = openaiChat.client.streamEncoder(facts);
    encoder.step({ type: "finish", reason: "stop", usage });
    expect(encoder.step({ type: "finish", reason: "stop", usage })).toBe("");
    expect(encoder.step({ type: "heartbeat" })).toBe("");
  });
});
