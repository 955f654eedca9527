// What passing through reads of frames and answers, and what it changes in a request.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Failure } from "../../../src/canon/failure.ts";
import { openaiChat } from "../../../src/dialects/openai-chat/dialect.ts";
import type { FrameFacts } from "../../../src/dialects/dialect.ts";
import { scanObject, spliceObject } from "../../../src/wire/json.ts";
import { chunk, encodeText, validEvents } from "./recorded.ts";
import { readFrames } from "../../../src/wire/sse.ts";

const { passthrough } = openaiChat.backend;
const frameFacts = (data: unknown, event: string | null = null): FrameFacts =>
  passthrough.frameFacts({ event, data: typeof data === "string" ? data : JSON.stringify(data) });

function patched(body: string): string {
  const bytes = Buffer.from(body);
  const scan = scanObject(bytes, 100);
  return Buffer.from(
    spliceObject(
      bytes,
      scan,
      passthrough.requiredEdits(scan, bytes, { model: "up", defaultMaxTokens: 1, maxOutput: null }),
    ),
  ).toString();
}
function refusal(body: string): Failure {
  try {
    patched(body);
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  throw new Error("the body was accepted");
}

describe("frame facts", () => {
  test.each([
    [chunk({ role: "assistant", content: "" }), undefined],
    [chunk({ content: "a" }), true],
    [chunk({ content: [{ type: "text", text: "a" }] }), true],
    [chunk({ reasoning_content: "a" }), true],
    [chunk({ reasoning: "a" }), true],
    [chunk({ refusal: "a" }), true],
    [chunk({ tool_calls: [{ index: 0, id: "a" }] }), true],
    [chunk({ tool_calls: [] }), undefined],
    [chunk({}, "stop"), true],
    [chunk({}), undefined],
    ["", undefined],
  ])("%j opens the gate: %p", (data, opens) => {
    expect(frameFacts(data).startsAnswer).toBe(opens as true);
  });

  test("id, model, finish and usage are read", () => {
    expect(
      frameFacts(chunk({}, "tool_calls", { usage: { prompt_tokens: 3, completion_tokens: 1 } })),
    ).toMatchObject({ id: "chatcmpl-1", model: "m-1", finish: "tool-calls", usage: { input: 3, output: 1 } });
  });

  test("only a frame without choices is usage and nothing else", () => {
    expect(frameFacts({ choices: [], usage: { prompt_tokens: 3 } }).isUsageOnly).toBe(true);
    expect(frameFacts({ choices: [], usage: null }).isUsageOnly).toBeUndefined();
    expect(frameFacts(chunk({}, "stop", { usage: { prompt_tokens: 3 } })).isUsageOnly).toBeUndefined();
  });

  test("the end, errors and unreadable frames are recognised", () => {
    expect(frameFacts("[DONE]")).toEqual({ isEnd: true });
    expect(frameFacts({ error: { message: "x", code: 429 } }).failure?.kind).toBe("rate-limited");
    expect(frameFacts("gone", "error").failure?.kind).toBe("upstream-error");
    expect(frameFacts("not json").failure?.kind).toBe("bad-output");
    expect(frameFacts(chunk({}, "error")).failure?.kind).toBe("upstream-error");
  });

  test("every frame with news holds a marker", () => {
    fc.assert(
      fc.property(validEvents, (events) => {
        for (const frame of readFrames(encodeText(events))) {
          const { usage, finish, failure, isEnd } = passthrough.frameFacts(frame);
          if (usage !== undefined || finish !== undefined || failure !== undefined || isEnd !== undefined)
            expect(passthrough.frameMarkers.some((marker) => frame.data.includes(marker))).toBe(true);
        }
      }),
    );
    expect(
      passthrough.frameMarkers.some((marker) =>
        JSON.stringify(chunk({ content: 'say "error"' })).includes(marker),
      ),
    ).toBe(false);
  });

  test("no JSON makes it throw", () => {
    fc.assert(
      fc.property(fc.json(), fc.jsonValue(), (data, delta) => {
        expect(typeof frameFacts(data)).toBe("object");
        expect(typeof frameFacts(chunk(delta))).toBe("object");
      }),
    );
  });
});

describe("edits", () => {
  test.each([
    ['{"model":"up","messages":[1]}', '{"model":"up","messages":[1]}'],
    ['{ "model" : "x", "messages":[1] }', '{ "model" : "up", "messages":[1] }'],
    ['{"messages":[1]}', '{"model":"up","messages":[1]}'],
    ['{"model":"up","messages":[1],"stream":false}', '{"model":"up","messages":[1],"stream":false}'],
    ['{"model":"up","messages":[1],"stream":null}', '{"model":"up","messages":[1],"stream":null}'],
    [
      '{"model":"up","messages":[1],"stream":true,"stream_options":{"include_usage":true}}',
      '{"model":"up","messages":[1],"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"model":"up","messages":[1],"stream":true}',
      '{"stream_options":{"include_usage":true},"model":"up","messages":[1],"stream":true}',
    ],
    [
      '{"model":"up","messages":[1],"stream":true,"stream_options":null}',
      '{"model":"up","messages":[1],"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"model":"up","messages":[1],"stream":true,"stream_options":{"a":1,"include_usage":false}}',
      '{"model":"up","messages":[1],"stream":true,"stream_options":{"a":1,"include_usage":true}}',
    ],
  ])("%s goes up as %s", (body, sent) => {
    expect(patched(body)).toBe(sent);
  });

  test("an unchanged body is the same bytes", () => {
    const bytes = Buffer.from('{"model":"up","messages":[1]}');
    expect(
      passthrough.requiredEdits(scanObject(bytes, 100), bytes, {
        model: "up",
        defaultMaxTokens: 1,
        maxOutput: null,
      }),
    ).toEqual([]);
  });

  test.each([
    ["model", '{"model":5,"messages":[1]}'],
    ["model", '{"model":"a","messages":[1],"model":"b"}'],
    ["model", '{"model":"a","messages":[1],"m\\u006fdel":"b"}'],
    ["messages", '{"model":"a"}'],
    ["messages", '{"model":"a","messages":"hi"}'],
    ["messages", '{"model":"a","messages":[ ]}'],
    ["messages", '{"model":"a","messages":[1],"messages":[2]}'],
    ["stream", '{"model":"a","messages":[1],"stream":"true"}'],
    ["stream", '{"model":"a","messages":[1],"stream":1}'],
    ["stream_options", '{"model":"a","messages":[1],"stream_options":true}'],
    ["stream_options", '{"model":"a","messages":[1],"stream":true,"stream_options":{"a":x}}'],
    ["base_url", '{"model":"a","messages":[1],"base_url":"http://x"}'],
    ["api_key", '{"model":"a","messages":[1],"api_key":null}'],
  ])("%s is refused in %s", (param, body) => {
    expect(refusal(body)).toMatchObject({ kind: "invalid-request", param });
  });
});
