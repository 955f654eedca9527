// How vendors stream, with their oddities.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isClosing, type StreamEvent } from "../../../src/canon/event.ts";
import { type Reply, foldReply } from "../../../src/canon/reply.ts";
import { chunk, decodeText, plain, sse } from "./recorded.ts";

const call = (
  index: number | undefined,
  id: string | undefined,
  name: string | undefined,
  input: string,
): object => ({
  tool_calls: [{ index, id, type: "function", function: { name, arguments: input } }],
});
const fold = (...data: unknown[]): Reply => foldReply(decodeText(sse(...data)));
const callsOf = (reply: Reply): unknown[] =>
  reply.content.flatMap((block) => (block.type === "tool-call" ? [[block.id, block.name, block.input]] : []));
const closing = (...data: unknown[]): unknown => plain(decodeText(sse(...data))).at(-1);

/** Throws where blocks overlap or are misnumbered. */
function assertInLine(events: readonly StreamEvent[]): void {
  let open = -1;
  let next = 0;
  for (const event of events) {
    if (!("index" in event)) continue;
    if (event.type.endsWith("-start")) {
      expect([open, event.index]).toEqual([-1, next++]);
      open = event.index;
    } else expect(event.index).toBe(open);
    if (event.type.endsWith("-end")) open = -1;
  }
  expect(open).toBe(-1);
}

describe("text and thinking", () => {
  test("text arrives piece by piece", () => {
    expect(
      decodeText(
        sse(
          chunk({ role: "assistant", content: "" }),
          chunk({ content: "a" }),
          chunk({ content: "b" }, "stop"),
          "[DONE]",
        ),
      ),
    ).toEqual([
      { type: "start", id: "chatcmpl-1", model: "m-1" },
      { type: "text-start", index: 0 },
      { type: "text-delta", index: 0, text: "a" },
      { type: "text-delta", index: 0, text: "b" },
      { type: "text-end", index: 0 },
      {
        type: "finish",
        reason: "stop",
        usage: {
          input: null,
          inputUncached: null,
          inputCached: null,
          inputCacheWrite: null,
          output: null,
          outputReasoning: null,
        },
      },
    ]);
  });

  test.each(["reasoning_content", "reasoning"])("%s becomes thinking, before the text", (field) => {
    const reply = fold(chunk({ [field]: "hm" }), chunk({ content: "a" }), chunk({}, "stop"), "[DONE]");
    expect(reply.content).toEqual([
      { type: "thinking", text: "hm", signature: null, extras: { "openai-chat": { field } } },
      { type: "text", text: "a" },
    ]);
  });

  test("thinking that a vendor sends under both names is read once", () => {
    const reply = fold(chunk({ reasoning_content: "hm", reasoning: "hm" }), chunk({ content: "a" }, "stop"));
    expect(reply.content[0]).toMatchObject({ type: "thinking", text: "hm", signature: null });
  });

  test("a refusal is text, and the answer ends refused", () => {
    const reply = fold(chunk({ refusal: "I can" }), chunk({ refusal: "not." }), chunk({}, "stop"), "[DONE]");
    expect([reply.content, reply.finish]).toEqual([[{ type: "text", text: "I cannot." }], "refused"]);
  });

  test.each([
    { type: "reasoning", text: "hm" },
    { type: "thinking", text: "hm" },
    { type: "thinking", thinking: "hm" },
  ])("a part %j is a thought", (part) => {
    const parts = [part, { type: "text", text: "a" }];
    expect(fold(chunk({ content: parts }, "stop")).content).toMatchObject([
      { type: "thinking", text: "hm" },
      { type: "text", text: "a" },
    ]);
  });

  test("a finish reason written with a hyphen is the same reason", () => {
    expect(fold(chunk({ content: "a" }, "content-filter")).finish).toBe("refused");
  });

  test("Mistral's content parts are kept apart", () => {
    const parts = [
      { type: "thinking", thinking: [{ type: "text", text: "hm" }] },
      { type: "text", text: "a" },
    ];
    expect(fold(chunk({ content: parts }, "stop")).content).toEqual([
      { type: "thinking", text: "hm", signature: null, extras: { "openai-chat": { field: "content" } } },
      { type: "text", text: "a" },
    ]);
  });

  test("Azure's nameless first chunk does not become the start", () => {
    const first = { id: "", model: "", choices: [], prompt_filter_results: [] };
    expect(decodeText(sse(first, chunk({ content: "a" }, "stop")))[0]).toEqual({
      type: "start",
      id: "chatcmpl-1",
      model: "m-1",
    });
  });
});

describe("tool calls", () => {
  test("fragments are joined by index", () => {
    const reply = fold(
      chunk(call(0, "a", "f", "")),
      chunk(call(0, undefined, undefined, '{"x"')),
      chunk(call(0, undefined, undefined, ":1}")),
      chunk({}, "tool_calls"),
      "[DONE]",
    );
    expect([callsOf(reply), reply.finish]).toEqual([[["a", "f", '{"x":1}']], "tool-calls"]);
  });

  test("two calls in turn are two blocks, the first ended before the second starts", () => {
    const events = decodeText(
      sse(chunk(call(0, "a", "f", "{}")), chunk(call(1, "b", "g", "{}")), chunk({}, "tool_calls"), "[DONE]"),
    );
    assertInLine(events);
    expect(callsOf(foldReply(events))).toEqual([
      ["a", "f", "{}"],
      ["b", "g", "{}"],
    ]);
  });

  test("interleaved fragments go to their own calls and the blocks do not overlap", () => {
    const events = decodeText(
      sse(
        chunk(call(0, "a", "f", '{"x"')),
        chunk(call(1, "b", "g", '{"y"')),
        chunk(call(0, undefined, undefined, ":1}")),
        chunk(call(1, undefined, undefined, ":2}")),
        chunk({}, "tool_calls"),
        "[DONE]",
      ),
    );
    assertInLine(events);
    expect(callsOf(foldReply(events))).toEqual([
      ["a", "f", '{"x":1}'],
      ["b", "g", '{"y":2}'],
    ]);
  });

  test("text after a call comes behind it, even when the call continues", () => {
    const events = decodeText(
      sse(
        chunk(call(0, "a", "f", '{"x"')),
        chunk({ content: "so" }),
        chunk(call(0, undefined, undefined, ":1}")),
        chunk({}, "tool_calls"),
      ),
    );
    assertInLine(events);
    expect(foldReply(events).content.map((block) => block.type)).toEqual(["tool-call", "text"]);
    expect(callsOf(foldReply(events))).toEqual([["a", "f", '{"x":1}']]);
  });

  test.each([
    ["all indexes 0 with new ids", [call(0, "a", "f", "{}"), call(0, "b", "g", "{}")]],
    ["no index at all", [call(undefined, "a", "f", "{}"), call(undefined, "b", "g", "{}")]],
    [
      "id and name repeated in every fragment",
      [call(0, "a", "f", ""), call(0, "a", "f", "{}"), call(1, "b", "g", "{"), call(1, "b", "g", "}")],
    ],
    [
      "a made-up id in every fragment",
      [call(0, "a", "f", "{"), call(0, "z", undefined, "}"), call(1, "b", "g", "{}")],
    ],
    [
      "the whole arguments repeated after the next call began",
      [call(0, "a", "f", "{}"), call(1, "b", "g", "{}"), call(0, undefined, undefined, "{}")],
    ],
  ])("%s: still two calls", (_, deltas) => {
    expect(callsOf(fold(...deltas.map((each) => chunk(each)), chunk({}, "tool_calls"), "[DONE]"))).toEqual([
      ["a", "f", "{}"],
      ["b", "g", "{}"],
    ]);
  });

  test("calls without ids get ids of their own", () => {
    const reply = fold(
      chunk(call(0, "", "f", '{"x":1}')),
      chunk(call(0, "", "f", '{"x":2}')),
      chunk({}, "stop"),
      "[DONE]",
    );
    expect([callsOf(reply), reply.finish]).toEqual([
      [
        ["call_0_chatcmpl1", "f", '{"x":1}'],
        ["call_1_chatcmpl1", "f", '{"x":2}'],
      ],
      "tool-calls",
    ]);
  });

  test("arguments sent as an object are written as JSON", () => {
    const delta = { tool_calls: [{ index: 0, id: "a", function: { name: "f", arguments: { x: 1 } } }] };
    expect(callsOf(fold(chunk(delta, "tool_calls")))).toEqual([["a", "f", '{"x":1}']]);
  });

  test("the obsolete function_call is a call", () => {
    expect(
      callsOf(
        fold(
          chunk({ function_call: { name: "f", arguments: "{" } }),
          chunk({ function_call: { arguments: "}" } }),
          chunk({}, "function_call"),
        ),
      ),
    ).toEqual([["call_0_chatcmpl1", "f", "{}"]]);
  });

  test("a call that never gets a name is the upstream's fault", () => {
    expect(closing(chunk(call(0, "a", undefined, "{}")), chunk({}, "tool_calls"), "[DONE]")).toMatchObject({
      kind: "bad-output",
    });
  });
});

describe("the end", () => {
  test.each([
    ["stop", "stop"],
    ["length", "length"],
    ["content_filter", "refused"],
    ["tool_calls", "stop"], // no call was made
    ["STOP", "stop"],
    ["eos", "stop"],
  ])("finish_reason %s without calls is %s", (word, reason) => {
    expect(closing(chunk({ content: "a" }, word), "[DONE]")).toMatchObject({ type: "finish", reason });
  });

  test.each([
    [
      "in a trailing chunk",
      [
        chunk({ content: "a" }, "stop"),
        { id: "x", choices: [], usage: { prompt_tokens: 9, completion_tokens: 2 } },
      ],
    ],
    [
      "in the finish chunk",
      [chunk({ content: "a" }, "stop", { usage: { prompt_tokens: 9, completion_tokens: 2 } })],
    ],
    [
      "in every chunk, the last one counting",
      [
        chunk({ content: "a" }, null, { usage: { prompt_tokens: 9, completion_tokens: 1 } }),
        chunk({}, "stop", { usage: { prompt_tokens: 9, completion_tokens: 2 } }),
      ],
    ],
    [
      "once and then null",
      [
        chunk({ content: "a" }, "stop", { usage: { prompt_tokens: 9, completion_tokens: 2 } }),
        chunk({}, null, { usage: null }),
      ],
    ],
  ])("usage %s is in the finish", (_, data) => {
    expect(closing(...data, "[DONE]")).toMatchObject({ type: "finish", usage: { input: 9, output: 2 } });
    expect(closing(...data)).toMatchObject({ type: "finish", usage: { input: 9, output: 2 } });
  });

  test.each([
    [
      {
        prompt_tokens: 9,
        completion_tokens: 2,
        prompt_tokens_details: { cached_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 1 },
      },
      { input: 9, inputUncached: 5, inputCached: 4, outputReasoning: 1 },
    ],
    [
      { prompt_tokens: 9, completion_tokens: 2, prompt_cache_hit_tokens: 4, prompt_cache_miss_tokens: 5 },
      { input: 9, inputUncached: 5, inputCached: 4 },
    ],
    [
      { prompt_tokens: -1, completion_tokens: 1.5 },
      { input: null, output: null },
    ],
  ])("usage %j", (usage, expected) => {
    expect(closing(chunk({ content: "a" }, "stop", { usage }), "[DONE]")).toMatchObject({ usage: expected });
  });

  test("neither finish reason nor [DONE]: cut short", () => {
    expect(closing(chunk({ content: "a" }))).toMatchObject({
      type: "failure",
      kind: "bad-output",
      maybeBilled: true,
    });
  });

  test("an empty stream, and [DONE] alone, are no answers", () => {
    expect(closing()).toMatchObject({ type: "failure", kind: "bad-output" });
    expect(closing("[DONE]")).toMatchObject({ type: "failure", kind: "bad-output" });
  });

  test("[DONE] without a finish reason ends an answer with content", () => {
    expect(closing(chunk({ content: "a" }), "[DONE]")).toMatchObject({ type: "finish", reason: "stop" });
  });

  test("an empty answer that says why it ended is an answer", () => {
    expect(closing(chunk({}, "stop"), "[DONE]")).toMatchObject({ type: "finish", reason: "stop" });
  });

  test("nothing follows [DONE], not even a second one", () => {
    const events = decodeText(
      sse(chunk({ content: "a" }, "stop"), "[DONE]", chunk({ content: "b" }), "[DONE]"),
    );
    expect(events.filter((event) => event.type === "finish")).toHaveLength(1);
    expect(events.at(-1)?.type).toBe("finish");
  });

  test("tokens counted before a cut are reported", () => {
    const events = decodeText(
      sse(chunk({ content: "a" }, null, { usage: { prompt_tokens: 9, completion_tokens: 1 } })),
    );
    expect(events.slice(-2)).toMatchObject([{ type: "usage", usage: { input: 9 } }, { type: "failure" }]);
  });
});

test("any JSON in any place gives blocks in order and one closing event", () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  const odd = fc.oneof(
    value,
    value.map((delta) => chunk(delta)),
    fc.record({ choices: value, usage: value, id: value, model: value }),
    fc
      .record({ content: value, tool_calls: value, reasoning: value, refusal: value, function_call: value })
      .map((delta) => chunk(delta)),
    fc
      .tuple(
        fc.nat(2),
        fc.constantFrom("a", "b", "", undefined),
        fc.constantFrom("f", "g", undefined),
        fc.constantFrom("{}", "{", "}", ""),
      )
      .map(([i, id, name, input]) => chunk(call(i, id, name, input))),
    fc
      .tuple(value, value, value)
      .map(([index, id, called]) => chunk({ tool_calls: [{ index, id, function: called }] })),
  );
  fc.assert(
    fc.property(fc.array(odd, { maxLength: 6 }), fc.boolean(), (data, isDone) => {
      const events = decodeText(
        sse(...data.map((each) => JSON.stringify(each)), ...(isDone ? ["[DONE]"] : [])),
      );
      if (events.some((event) => event.type === "finish")) assertInLine(events);
      expect(plain(events.filter(isClosing))).toEqual(plain(events.slice(-1)));
    }),
    { numRuns: 1500 },
  );
});
