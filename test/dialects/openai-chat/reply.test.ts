// Whole answers, ours and vendors'.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isClosing } from "../../../src/canon/event.ts";
import { foldReply, type Reply } from "../../../src/canon/reply.ts";
import { unknownUsage, usageFromTotal } from "../../../src/canon/usage.ts";
import { openaiChat } from "../../../src/dialects/openai-chat/dialect.ts";
import { facts, plain } from "./recorded.ts";

const reply: Reply = {
  id: "x1",
  model: "m-1",
  content: [{ type: "text", text: "Hello" }],
  finish: "stop",
  stopSequence: null,
  usage: usageFromTotal({ input: 3, inputCached: null, output: 2 }),
};
const call = { type: "tool-call", id: "t1", name: "f", input: '{"a":1}' } as const;
const encode = (change: Partial<Reply>): unknown =>
  openaiChat.client.encodeReply({ ...reply, ...change }, facts);
const read = (body: unknown): unknown[] => plain(openaiChat.backend.decodeReply(body));

describe("our whole answer", () => {
  test("text", () => {
    expect(encode({})).toEqual({
      id: "x1",
      object: "chat.completion",
      created: facts.createdSeconds,
      model: "m-1",
      system_fingerprint: null,
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Hello", refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    });
  });

  test("calls alone have content null", () => {
    expect(encode({ content: [call], finish: "tool-calls" })).toMatchObject({
      choices: [
        {
          finish_reason: "tool_calls",
          message: {
            content: null,
            tool_calls: [{ id: "t1", type: "function", function: { name: "f", arguments: '{"a":1}' } }],
          },
        },
      ],
    });
  });

  test.each(["", " \n"])("a call without arguments (%j) has {}", (input) => {
    expect(encode({ content: [{ ...call, input }], finish: "tool-calls" })).toMatchObject({
      choices: [{ message: { tool_calls: [{ function: { name: "f", arguments: "{}" } }] } }],
    });
  });

  test("thinking is a member next to the text; an empty answer is an empty string", () => {
    expect(encode({ content: [{ type: "thinking", text: "hm", signature: "s" }] })).toMatchObject({
      choices: [{ message: { content: "", reasoning_content: "hm" } }],
    });
  });

  test("unknown usage is left out, and an answer without an id gets the request's", () => {
    expect(encode({ usage: unknownUsage })).not.toHaveProperty("usage");
    expect(encode({ id: "" })).toMatchObject({ id: "chatcmpl-R1" });
  });
});

describe("a vendor's whole answer", () => {
  test("reads like the stream would", () => {
    const body = {
      id: "x1",
      model: "m-1",
      choices: [
        {
          message: {
            role: "assistant",
            content: "So:",
            reasoning_content: "hm",
            tool_calls: [
              { id: "a", type: "function", function: { name: "f", arguments: "{}" } },
              { id: "b", type: "function", function: { name: "f", arguments: "{}" } },
            ],
          },
          finish_reason: "stop",
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 2 },
    };
    expect(foldReply(openaiChat.backend.decodeReply(body))).toMatchObject({
      content: [
        { type: "thinking", text: "hm" },
        { type: "text", text: "So:" },
        { type: "tool-call", id: "a" },
        { type: "tool-call", id: "b" },
      ],
      finish: "tool-calls",
      usage: { input: 3, output: 2 },
    });
  });

  test.each([
    [{ error: { message: "x", code: 429 } }, "rate-limited"],
    [{}, "bad-output"],
    [{ choices: [] }, "bad-output"],
    [null, "bad-output"],
    ["<html>", "bad-output"],
    [{ id: "x", choices: [{ message: null }] }, "bad-output"],
  ])("%j is %s", (body, kind) => {
    expect(read(body).at(-1)).toMatchObject({ type: "failure", kind });
  });

  test("any JSON ends in exactly one closing event", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (message, body) => {
        for (const each of [body, { choices: [{ message }] }]) {
          const events = openaiChat.backend.decodeReply(each);
          expect(plain(events.filter(isClosing))).toEqual(plain(events.slice(-1)));
        }
      }),
      { numRuns: 500 },
    );
  });
});
