// Bytes that pass through: what single frames say, and what of a body must change or is refused.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Failure } from "../../../src/canon/failure.ts";
import { foldReply } from "../../../src/canon/reply.ts";
import { mergeUsage, unknownUsage } from "../../../src/canon/usage.ts";
import {
  requiredEdits,
  frameFacts,
  passthrough,
} from "../../../src/dialects/anthropic-messages/passthrough.ts";
import { streamDecoder } from "../../../src/dialects/anthropic-messages/stream-decoder.ts";
import type { FrameFacts } from "../../../src/dialects/dialect.ts";
import { scanObject, spliceObject } from "../../../src/wire/json.ts";
import { readFrames } from "../../../src/wire/sse.ts";

const look = (event: unknown): FrameFacts => frameFacts({ event: null, data: JSON.stringify(event) });
const recording = (name: string): string =>
  readFileSync(new URL(`./recordings/${name}.sse`, import.meta.url), "utf8");

describe("the facts of a frame", () => {
  const start = (block: unknown): object => ({ type: "content_block_start", index: 0, content_block: block });
  const delta = (value: unknown): object => ({ type: "content_block_delta", index: 0, delta: value });
  const table: [string, object, object][] = [
    ["an empty text block", start({ type: "text", text: "" }), {}],
    ["a text block with text", start({ type: "text", text: "a" }), { startsAnswer: true }],
    ["a tool", start({ type: "tool_use", id: "a", name: "f" }), { startsAnswer: true }],
    ["thinking", start({ type: "thinking", thinking: "" }), { startsAnswer: true }],
    ["a server tool", start({ type: "server_tool_use" }), { startsAnswer: true }],
    ["text", delta({ type: "text_delta", text: "a" }), { startsAnswer: true }],
    ["empty text", delta({ type: "text_delta", text: "" }), {}],
    ["empty input", delta({ type: "input_json_delta", partial_json: "" }), {}],
    ["a block's end", { type: "content_block_stop", index: 0 }, {}],
    ["a ping", { type: "ping" }, {}],
    ["the end", { type: "message_stop" }, { isEnd: true, startsAnswer: true }],
    [
      "the finish",
      { type: "message_delta", delta: { stop_reason: "max_tokens" } },
      { finish: "length", startsAnswer: true },
    ],
    ["something new", { type: "new" }, {}],
  ];
  for (const [name, event, expected] of table)
    test(name, () => {
      expect(look(event)).toEqual(expected);
    });
  test("the start names id, model and usage", () => {
    const usage = { input_tokens: 3, cache_read_input_tokens: 4 };
    expect(look({ type: "message_start", message: { id: "i", model: "m", usage } })).toMatchObject({
      id: "i",
      model: "m",
      usage: { input: 7, inputCached: 4 },
    });
  });
  test("errors and garbage", () => {
    expect(look({ type: "error", error: { type: "overloaded_error", message: "x" } })).toMatchObject({
      failure: { kind: "overloaded" },
    });
    expect(look({ error: { message: "x" } })).toMatchObject({ failure: { kind: "upstream-error" } });
    expect(frameFacts({ event: null, data: "{" })).toMatchObject({ failure: { kind: "bad-output" } });
    expect(frameFacts({ event: null, data: "[DONE]" })).toEqual({});
  });
  for (const name of ["text", "thinking-tools", "server-tool", "refused"])
    test(`${name}: read frame by frame and by the decoder, the record is the same`, () => {
      const frames = readFrames(recording(name));
      const decoder = streamDecoder();
      const reply = foldReply([...frames.flatMap((frame) => decoder.step(frame)), ...decoder.end()]);
      // Behind the gate only frames with a marker are read.
      let isOpen = false;
      let usage = unknownUsage;
      const seen: FrameFacts[] = [];
      for (const frame of frames) {
        const raw = `event: ${frame.event}\ndata: ${frame.data}`;
        if (isOpen && !passthrough.frameMarkers.some((marker) => raw.includes(marker))) continue;
        const each = frameFacts(frame);
        isOpen ||= each.startsAnswer === true;
        if (each.usage !== undefined) usage = mergeUsage(usage, each.usage);
        seen.push(each);
      }
      expect(seen.find((each) => each.id !== undefined)?.id).toBe(reply.id);
      expect(seen.find((each) => each.finish !== undefined)?.finish).toBe(reply.finish);
      expect(seen.at(-1)?.isEnd).toBe(true);
      expect(usage.output).toBe(reply.usage.output);
      expect(usage.inputCached).toBe(reply.usage.inputCached);
    });
  test("a text that speaks of errors holds no marker", () => {
    const data = JSON.stringify({
      type: "content_block_delta",
      index: 0,
      delta: { type: "text_delta", text: 'an "error" and a "message_delta"' },
    });
    expect(passthrough.frameMarkers.some((marker) => data.includes(marker))).toBe(false);
  });
});

describe("edits", () => {
  const target = { model: "upstream", defaultMaxTokens: 4096, maxOutput: 1000 };
  const patched = (text: string, facts = target): string => {
    const bytes = Buffer.from(text);
    const scan = scanObject(bytes, 128);
    return Buffer.from(spliceObject(bytes, scan, requiredEdits(scan, bytes, facts))).toString();
  };
  const good =
    '{ "model":"m" ,"max_tokens":5,"messages":[{"role":"user","content":"é \\u00e9"}],"stream":true,"new":1}';
  test("the model changes and nothing else", () => {
    expect(patched(good)).toBe(good.replace('"m"', '"upstream"'));
  });
  test("nothing changes when it is the same", () => {
    expect(patched(good, { ...target, model: "m" })).toBe(good);
  });
  test("a limit above the model's ceiling is cut", () => {
    const body = good.replace('"max_tokens":5', '"max_tokens":5000');
    expect(patched(body)).toContain('"max_tokens":1000,');
    expect(patched(body, { ...target, maxOutput: 64_000 })).toContain('"max_tokens":5000,');
  });
  const table: [string, string][] = [
    ["model", '{"max_tokens":5,"messages":[1]}'],
    ["model", '{"model":"","max_tokens":5,"messages":[1]}'],
    ["model", '{"model":5,"max_tokens":5,"messages":[1]}'],
    ["model", '{"model":"\\x","max_tokens":5,"messages":[1]}'],
    ["model", '{"model":"a","model":"b","max_tokens":5,"messages":[1]}'],
    ["model", '{"model":"a","mod\\u0065l":"b","max_tokens":5,"messages":[1]}'],
    ["messages", '{"model":"a","max_tokens":5}'],
    ["messages", '{"model":"a","max_tokens":5,"messages":[ ]}'],
    ["messages", '{"model":"a","max_tokens":5,"messages":"x"}'],
    ["messages", '{"model":"a","max_tokens":5,"messages":[1],"messages":[2]}'],
    ["max_tokens", '{"model":"a","messages":[1]}'],
    ["max_tokens", '{"model":"a","messages":[1],"max_tokens":null}'],
    ["max_tokens", '{"model":"a","messages":[1],"max_tokens":0}'],
    ["max_tokens", '{"model":"a","messages":[1],"max_tokens":1.5}'],
    ["max_tokens", '{"model":"a","messages":[1],"max_tokens":1e400}'],
    ["max_tokens", '{"model":"a","messages":[1],"max_tokens":1,"max_tokens":2}'],
    ["stream", '{"model":"a","messages":[1],"max_tokens":1,"stream":"true"}'],
    ["stream", '{"model":"a","messages":[1],"max_tokens":1,"stream":true,"stream":false}'],
    ["system", '{"model":"a","messages":[1],"max_tokens":1,"system":5}'],
    ["tools", '{"model":"a","messages":[1],"max_tokens":1,"tools":{}}'],
    ["temperature", '{"model":"a","messages":[1],"max_tokens":1,"temperature":"0"}'],
    ["base_url", '{"model":"a","messages":[1],"max_tokens":1,"base_url":"http://x"}'],
    ["api_key", '{"model":"a","messages":[1],"max_tokens":1,"api_key":null}'],
  ];
  for (const [param, body] of table)
    test(`${param} in ${body}`, () => {
      let failure: unknown = null;
      try {
        patched(body);
      } catch (thrown) {
        failure = thrown;
      }
      expect(failure).toBeInstanceOf(Failure);
      expect(failure).toMatchObject({ kind: "invalid-request", param });
    });
});
