// Google's frames and bodies that pass through.

import { describe, expect, test } from "bun:test";
import { googleGenai } from "../../../src/dialects/google-genai/dialect.ts";
import { scanObject } from "../../../src/wire/json.ts";
import { takesOf } from "../../../src/catalog/model-takes.ts";
import { chunk, failureOf, target } from "./recorded.ts";

const { passthrough } = googleGenai.backend;
const frameFacts = (value: unknown) => passthrough.frameFacts({ event: null, data: JSON.stringify(value) });
const requiredEdits = (body: string) =>
  passthrough.requiredEdits(scanObject(Buffer.from(body), 64), Buffer.from(body), target);

describe("the facts of a frame", () => {
  test("a word opens, an empty one does not", () => {
    expect(frameFacts(chunk([{ text: "a" }]))).toEqual({
      id: "resp-1",
      model: "gemini-3-pro-preview",
      startsAnswer: true,
    });
    expect(frameFacts(chunk([{ text: "" }])).startsAnswer).toBeUndefined();
    expect(frameFacts(chunk([{ text: "", thought: true }], "STOP"))).toMatchObject({
      startsAnswer: true,
      finish: "stop",
    });
  });

  test("calls are seen, because the finish will not tell", () => {
    expect(frameFacts(chunk([{ functionCall: { name: "f" } }]))).toMatchObject({
      startsAnswer: true,
      isCall: true,
    });
    expect(frameFacts(chunk([{ functionCall: { name: "f" } }], "STOP")).finish).toBe("tool-calls");
  });

  test("errors, blocked prompts and rubbish", () => {
    expect(frameFacts({ error: { code: 429, message: "m" } }).failure?.kind).toBe("rate-limited");
    expect(frameFacts({ promptFeedback: { blockReason: "OTHER" } })).toMatchObject({ finish: "refused" });
    expect(frameFacts([1]).failure?.kind).toBe("bad-output");
    expect(passthrough.frameFacts({ event: null, data: "{" }).failure?.kind).toBe("bad-output");
    expect(passthrough.frameFacts({ event: null, data: "" })).toEqual({});
  });

  test("every frame with news holds a marker, and words alone hold none", () => {
    const isMarked = (value: unknown): boolean =>
      passthrough.frameMarkers.some((marker) => JSON.stringify(value).includes(marker));
    expect(isMarked(chunk([{ text: 'it said "error" and "finishReason"' }]))).toBe(false);
    expect(isMarked(chunk([{ text: "a" }], "STOP"))).toBe(true);
    expect(isMarked({ error: {} })).toBe(true);
    expect(isMarked({ promptFeedback: { blockReason: "SAFETY" } })).toBe(true);
  });
});

test("plain replies give their facts at once, calls and refusals are decoded in full", () => {
  const usageMetadata = { promptTokenCount: 3, candidatesTokenCount: 2 };
  expect(passthrough.replyFacts(chunk([{ text: "a" }], "STOP", { usageMetadata }))).toMatchObject({
    id: "resp-1",
    finish: "stop",
    usage: { input: 3, output: 2 },
  });
  for (const body of [
    chunk([{ functionCall: { name: "f" } }], "STOP"),
    chunk([{ text: "a" }], "SAFETY"),
    chunk([{ text: "" }], "STOP"),
    { error: {} },
    [],
  ])
    expect(passthrough.replyFacts(body)).toBeNull();
});

describe("edits", () => {
  test("the model stands in the path: nothing changes", () => {
    expect(requiredEdits('{"contents":[{"parts":[{"text":"a"}]}]}')).toEqual([]);
  });

  test("a body that names a model as well names the right one", () => {
    expect(requiredEdits('{"model":"models/auto","contents":[{}]}')).toEqual([
      { key: "model", json: '"models/gemini-3-pro-preview"' },
    ]);
  });

  test.each([
    ['{"contents":[]}', "contents"],
    ["{}", "contents"],
    ['{"contents":"hi"}', "contents"],
    ['{"contents":[{}],"contents":[{}]}', "contents"],
    ['{"contents":[{}],"api_base":"x"}', "api_base"],
    ['{"contents":[{}],"model":7}', "model"],
  ])("%s is refused as the decoder refuses it", (body, param) => {
    expect(failureOf(() => requiredEdits(body))).toMatchObject({ kind: "invalid-request", param });
  });
});

test.each([
  ['{"functionCall":{"name":"f"}}', "gemini-3-pro-preview", "unsigned-calls"],
  ['{"function_call":{"name":"f"}}', "gemini-flash-latest", "unsigned-calls"],
  ['{"functionCall":{"name":"f"},"thoughtSignature":"c2ln"}', "gemini-3-pro-preview", null],
  ['{"functionCall":{"name":"f"}}', "gemini-2.5-pro", null],
  ['{"text":"no \\"functionCall\\" here"}', "gemini-3-pro-preview", null],
] as const)(
  "a history of unsigned calls is translated where signatures are due: %s to %s",
  (body, model, reason) => {
    const bytes = Buffer.from(`{"contents":[${body}]}`);
    for (const scan of [scanObject(bytes, 64, passthrough.watchedWords), scanObject(bytes, 64)])
      expect(
        passthrough.reasonToTranslate({ scan, bytes }, { ...target, takes: takesOf(model) }, null, false),
      ).toBe(reason);
  },
);

test("the address holds the model, escaped, and never a key", () => {
  const { path } = googleGenai.backend;
  expect(path({ model: "gemini-2.5-flash", stream: true })).toBe(
    "/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
  );
  expect(path({ model: "org/name?x", stream: false })).toBe("/models/org%2Fname%3Fx:generateContent");
});
