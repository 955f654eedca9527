// Passing through: what it reads of frames and bodies, and what it changes in a request.

import { describe, expect, test } from "bun:test";
import { Failure } from "../../../src/canon/failure.ts";
import { openaiResponses } from "../../../src/dialects/openai-responses/dialect.ts";
import type { TargetFacts } from "../../../src/dialects/dialect.ts";
import { readFrames } from "../../../src/wire/sse.ts";
import { scanObject, spliceObject } from "../../../src/wire/json.ts";
import codex from "./requests/codex-tool.json";
import { added, completed, created, done, sse, textDelta, type WireEvent } from "./recorded.ts";

const { passthrough } = openaiResponses.backend;
const target: TargetFacts = { model: "up-1", defaultMaxTokens: 1, maxOutput: 100 };
const usage = { input_tokens: 3, output_tokens: 2, output_tokens_details: { reasoning_tokens: 1 } };

const frameFacts = (event: WireEvent) => {
  const [frame] = readFrames(sse(event));
  if (frame === undefined) throw new Error("no frame");
  return passthrough.frameFacts(frame);
};

describe("a frame tells", () => {
  test("names, the first word, the end", () => {
    expect(frameFacts(created)).toEqual({ id: "resp_1", model: "m-1" });
    expect(frameFacts(added(0, { type: "message" }))).toEqual({});
    expect(frameFacts(added(0, { type: "reasoning" }))).toEqual({});
    expect(frameFacts(added(0, { type: "function_call" }))).toEqual({ startsAnswer: true });
    expect(frameFacts(done(0, { type: "message" }))).toEqual({ startsAnswer: true });
    expect(frameFacts(textDelta(0, ""))).toEqual({});
    expect(frameFacts(textDelta(0, "x"))).toEqual({ startsAnswer: true });
    expect(frameFacts({ type: "response.refusal.delta", delta: "x" })).toEqual({
      startsAnswer: true,
      isRefusal: true,
    });
    expect(frameFacts(completed({ usage }))).toMatchObject({
      finish: "stop",
      isEnd: true,
      startsAnswer: true,
      usage: { input: 3, output: 2, outputReasoning: 1 },
    });
  });
  test("the finish that the items mean", () => {
    const finish = (item: object) => frameFacts(completed({ output: [item] })).finish;
    expect(finish({ type: "function_call" })).toBe("tool-calls");
    expect(finish({ type: "custom_tool_call" })).toBe("tool-calls");
    expect(finish({ type: "message", content: [{ type: "refusal" }] })).toBe("refused");
    expect(finish({ type: "web_search_call" })).toBe("stop");
  });
  test("failures", () => {
    expect(frameFacts({ type: "error", code: "server_error", message: "m" }).failure?.kind).toBe(
      "upstream-error",
    );
    const failed = { type: "response.failed", response: { status: "failed", error: { code: "slow_down" } } };
    expect(frameFacts(failed).failure?.kind).toBe("overloaded");
    expect(passthrough.frameFacts({ event: null, data: "{oops" }).failure?.kind).toBe("bad-output");
    expect(passthrough.frameFacts({ event: null, data: "[DONE]" })).toEqual({});
  });
  test("every frame with news bears a marker, words do not", () => {
    const has = (event: WireEvent): boolean =>
      passthrough.frameMarkers.some((marker) => sse(event).includes(marker));
    for (const type of ["response.completed", "response.incomplete", "response.failed", "error"])
      expect(has({ type })).toBe(true);
    expect(has({ type: "response.refusal.delta" })).toBe(true);
    expect(has(textDelta(0, '"response.completed" "error"'))).toBe(false);
  });
});

describe("facts of a whole body", () => {
  const item = { type: "message", content: [{ type: "output_text", text: "x" }] };
  test("all of a plain text", () => {
    const body = { id: "r", model: "m", status: "completed", error: null, output: [item], usage };
    expect(passthrough.replyFacts(body)).toMatchObject({
      id: "r",
      model: "m",
      finish: "stop",
      usage: { input: 3 },
    });
  });
  test("nothing of anything else", () => {
    for (const body of [
      { status: "incomplete", output: [item] },
      { status: "completed", output: [] },
      { status: "completed", output: [item, { type: "function_call" }] },
      { status: "completed", output: [{ type: "message", content: [{ type: "refusal" }] }] },
      { status: "completed", error: { message: "m" }, output: [item] },
      [],
    ])
      expect(passthrough.replyFacts(body)).toBeNull();
  });
});

describe("a request", () => {
  const patched = (text: string): unknown => {
    const bytes = Buffer.from(text);
    const scan = scanObject(bytes, 128);
    return JSON.parse(
      Buffer.from(spliceObject(bytes, scan, passthrough.requiredEdits(scan, bytes, target))).toString(),
    );
  };
  test("of Codex changes in its model only", () => {
    expect(patched(JSON.stringify(codex))).toEqual({ ...codex, model: "up-1" } as unknown);
  });
  test("is cut to the model's limit", () => {
    expect(patched('{"model":"up-1","input":"x","max_output_tokens":101}')).toMatchObject({
      max_output_tokens: 100,
    });
    expect(patched('{"model":"up-1","input":"x","max_output_tokens":99}')).toMatchObject({
      max_output_tokens: 99,
    });
  });
  const refusals: readonly (readonly [string, string])[] = [
    ["input", '{"model":"m","input":1}'],
    ["input", '{"model":"m","input":"a","input":"b"}'],
    ["tools", '{"model":"m","input":"a","tools":{}}'],
    ["temperature", '{"model":"m","input":"a","temperature":9}'],
    ["base_url", '{"model":"m","input":"a","base_url":"http://a.example"}'],
  ];
  test.each([...refusals])("with a wrong %s is refused", (param, text) => {
    try {
      patched(text);
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(Failure);
      expect((thrown as Failure).param).toBe(param);
      return;
    }
    throw new Error("It was accepted.");
  });
  test("with our marks in it is translated", () => {
    const reasonFor = (body: object): string | null => {
      const bytes = Buffer.from(JSON.stringify(body));
      return passthrough.reasonToTranslate({ scan: scanObject(bytes, 64), bytes }, target, null, false);
    };
    expect(reasonFor({ encrypted_content: "clawgate.signature.EqQ=" })).toBe("clawgate-mark");
    expect(reasonFor(codex)).toBeNull();
  });
});
