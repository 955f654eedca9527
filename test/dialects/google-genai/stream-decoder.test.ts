// What vendors of this format say, and what is made of it.

import { describe, expect, test } from "bun:test";
import { unknownUsage } from "../../../src/canon/usage.ts";
import { googleGenai } from "../../../src/dialects/google-genai/dialect.ts";
import { chunk, decodeText, plain, sse } from "./recorded.ts";

const start = { type: "start", id: "resp-1", model: "gemini-3-pro-preview" };
const finish = (reason: string, ownExtras?: object): object => ({
  type: "finish",
  reason,
  usage: unknownUsage,
  ...(ownExtras === undefined ? {} : { extras: { "google-genai": ownExtras } }),
});
const signed = (thoughtSignature: string): object => ({ extras: { "google-genai": { thoughtSignature } } });

describe("parts", () => {
  test("thoughts and text become blocks that do not overlap", () => {
    const events = decodeText(
      sse(chunk([{ text: "a", thought: true }, { text: "b" }]), chunk([{ text: "c" }], "STOP")),
    );
    expect(plain(events)).toEqual([
      start,
      { type: "thinking-start", index: 0 },
      { type: "thinking-delta", index: 0, text: "a" },
      { type: "thinking-end", index: 0, signature: null },
      { type: "text-start", index: 1 },
      { type: "text-delta", index: 1, text: "b" },
      { type: "text-delta", index: 1, text: "c" },
      { type: "text-end", index: 1 },
      finish("stop"),
    ]);
  });

  test("a call comes whole, with its seal, and makes the reason tool-calls", () => {
    const call = { functionCall: { id: "x1", name: "f", args: { a: 1 } }, thoughtSignature: "c2ln" };
    expect(plain(decodeText(sse(chunk([call], "STOP"))))).toEqual([
      start,
      { type: "tool-start", index: 0, id: "x1", name: "f" },
      { type: "tool-delta", index: 0, input: '{"a":1}' },
      {
        type: "tool-end",
        index: 0,
        extras: {
          "google-genai": { thoughtSignature: "c2ln" },
          // A chat client keeps it as Google's chat address would have it.
          "openai-chat": { extra_content: { google: { thought_signature: "c2ln" } } },
        },
      },
      finish("tool-calls"),
    ]);
  });

  test("calls without ids get ids of their own, the same every time", () => {
    const body = sse(chunk([{ functionCall: { name: "f" } }, { functionCall: { name: "f" } }], "STOP"));
    const ids = decodeText(body).flatMap((event) => (event.type === "tool-start" ? [event.id] : []));
    expect(ids).toEqual(["call_0_resp1", "call_1_resp1"]);
  });

  test("the seal of a text stays with it, whether in its part or in an empty one behind it", () => {
    for (const parts of [
      [{ text: "a", thoughtSignature: "s" }],
      [{ text: "a" }, { text: "", thoughtSignature: "s" }],
    ])
      expect(plain(decodeText(sse(chunk(parts, "STOP"))))).toContainEqual({
        type: "text-end",
        index: 0,
        ...signed("s"),
      });
  });

  test("what nobody else understands is opaque", () => {
    const part = { inlineData: { mimeType: "image/png", data: "AA==" } };
    expect(plain(decodeText(sse(chunk([part], "STOP"))))).toContainEqual({
      type: "opaque",
      index: 0,
      dialect: "google-genai",
      value: part,
    });
  });
});

describe("the end", () => {
  test.each([
    ["STOP", "stop", undefined],
    ["MAX_TOKENS", "length", undefined],
    ["SAFETY", "refused", undefined],
    ["PROHIBITED_CONTENT", "refused", { finishReason: "PROHIBITED_CONTENT" }],
    ["SOMETHING_NEW", "stop", { finishReason: "SOMETHING_NEW" }],
  ])("%s is %s", (word, reason, ownExtras) => {
    expect(plain(decodeText(sse(chunk([{ text: "a" }], word)))).at(-1)).toEqual(finish(reason, ownExtras));
  });

  test("a prompt that was turned away is a refusal with nothing said, and goes on as one", () => {
    const promptFeedback = { blockReason: "PROHIBITED_CONTENT" };
    const body = { promptFeedback, modelVersion: "m", responseId: "r" };
    const events = decodeText(sse(body));
    expect(plain(events)).toEqual([
      { type: "start", id: "r", model: "m" },
      finish("refused", { promptFeedback }),
    ]);
    expect(plain(googleGenai.backend.decodeReply(body))).toEqual(plain(events));
  });

  test.each(["MALFORMED_FUNCTION_CALL", "MISSING_THOUGHT_SIGNATURE"])(
    "output that the vendor threw away is a failure, so that the next target may answer: %s",
    (word) => {
      const last = decodeText(sse(chunk([], word))).at(-1);
      expect(plain(last === undefined ? [] : [last])).toMatchObject([
        { type: "failure", kind: "bad-output" },
      ]);
    },
  );

  test.each(["MODEL_ARMOR", "SPII"])("what a filter withheld is refused: %s", (word) => {
    expect(decodeText(sse(chunk([{ text: "a" }], word))).at(-1)).toMatchObject({ reason: "refused" });
  });

  test("without a reason the stream was cut", () => {
    expect(plain(decodeText(sse(chunk([{ text: "a" }])))).at(-1)).toMatchObject({ kind: "bad-output" });
  });

  test("an array of responses is read as what it is", () => {
    const events = googleGenai.backend.decodeReply([chunk([{ text: "a" }]), chunk([{ text: "b" }], "STOP")]);
    expect(events.filter(({ type }) => type === "text-delta")).toHaveLength(2);
    expect(events.at(-1)?.type).toBe("finish");
  });
});

describe("usage", () => {
  test("thoughts and tool results are counted in, cached tokens are a part of the prompt", () => {
    const usageMetadata = {
      promptTokenCount: 100,
      cachedContentTokenCount: 60,
      toolUsePromptTokenCount: 7,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 30,
      totalTokenCount: 157,
    };
    const last = decodeText(sse(chunk([{ text: "a" }], "STOP", { usageMetadata }))).at(-1);
    expect(last).toMatchObject({
      usage: { input: 107, inputUncached: 47, inputCached: 60, output: 50, outputReasoning: 30 },
    });
  });

  test("what is not told stays unknown", () => {
    const last = decodeText(
      sse(chunk([{ text: "a" }], "STOP", { usageMetadata: { promptTokenCount: 9, totalTokenCount: 9 } })),
    ).at(-1);
    expect(last).toMatchObject({
      usage: { input: 9, inputCached: null, output: null, outputReasoning: null },
    });
  });

  test("it grows, and a failed stream still tells what was counted", () => {
    const count = (candidatesTokenCount: number): object => ({
      usageMetadata: { promptTokenCount: 9, candidatesTokenCount },
    });
    const events = decodeText(
      sse(chunk([{ text: "a" }], undefined, count(1)), chunk([{ text: "b" }], undefined, count(4))),
    );
    expect(events.at(-2)).toMatchObject({ type: "usage", usage: { input: 9, output: 4 } });
  });
});
