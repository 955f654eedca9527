// The official SDK's ResponseStream is the strictest reader of our streams: it checks indexes, ids and the order of events.

import { describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { ResponseStream } from "openai/lib/responses/ResponseStream";
import type { StreamEvent } from "../../../src/canon/event.ts";
import { Failure } from "../../../src/canon/failure.ts";
import { foldReply } from "../../../src/canon/reply.ts";
import type { Tool } from "../../../src/canon/request.ts";
import { unknownUsage, usageFromTotal } from "../../../src/canon/usage.ts";
import { openaiResponses } from "../../../src/dialects/openai-responses/dialect.ts";
import { decodeRequest } from "../../../src/dialects/openai-responses/decode-request.ts";
import { readFrames } from "../../../src/wire/sse.ts";
import { encodeText, facts } from "./recorded.ts";

const usage = usageFromTotal({ input: 100, inputCached: 60, output: 9, outputReasoning: 4 });
const answer: readonly StreamEvent[] = [
  { type: "heartbeat" },
  { type: "start", id: "msg_01", model: "claude" },
  { type: "thinking-start", index: 0 },
  { type: "thinking-delta", index: 0, text: "hm" },
  { type: "thinking-end", index: 0, signature: "EqQ=" },
  { type: "text-start", index: 1 },
  { type: "text-delta", index: 1, text: "lo" },
  { type: "text-delta", index: 1, text: "ok" },
  { type: "text-end", index: 1 },
  { type: "tool-start", index: 2, id: "a", name: "f" },
  { type: "tool-delta", index: 2, input: '{"x":' },
  { type: "tool-delta", index: 2, input: "1}" },
  { type: "tool-end", index: 2 },
  { type: "tool-start", index: 3, id: "b", name: "apply_patch" },
  { type: "tool-delta", index: 3, input: '{"input":"*** Begin \\u00' },
  { type: "tool-delta", index: 3, input: 'e4\\n"}' },
  { type: "tool-end", index: 3 },
  { type: "tool-start", index: 4, id: "c", name: "crm__find" },
  { type: "tool-end", index: 4 },
  { type: "finish", reason: "tool-calls", usage },
];
const { tools } = decodeRequest({
  model: "m",
  input: "x",
  tools: [
    { type: "function", name: "f" },
    { type: "custom", name: "apply_patch" },
    { type: "namespace", name: "crm", tools: [{ type: "function", name: "find" }] },
  ],
});
const output = [
  {
    type: "reasoning",
    summary: [{ type: "summary_text", text: "hm" }],
    encrypted_content: "clawgate.signature.EqQ=",
  },
  { type: "message", role: "assistant", content: [{ type: "output_text", text: "look" }] },
  { type: "function_call", call_id: "a", name: "f", arguments: '{"x":1}' },
  { type: "custom_tool_call", call_id: "b", name: "apply_patch", input: "*** Begin ä\n" },
  { type: "function_call", call_id: "c", name: "find", namespace: "crm", arguments: "{}" },
];

/** The stream as the SDK's accumulator understands it; it reads one JSON a line. */
async function accumulate(events: readonly StreamEvent[], declared: readonly Tool[]): Promise<unknown> {
  const lines = readFrames(encodeText(events, { tools: declared })).map((frame) => `${frame.data}\n`);
  const { body } = new Response(lines.join(""));
  if (body === null) throw new Error("no body");
  const response: unknown = await ResponseStream.fromReadableStream(body).finalResponse();
  return JSON.parse(JSON.stringify(response)) as unknown;
}

describe("the SDK's accumulator", () => {
  test("thinking, text, calls in the kinds in which their tools were declared", async () => {
    expect(await accumulate(answer, tools)).toMatchObject({
      id: "msg_01",
      model: "claude",
      status: "completed",
      output,
      output_text: "look",
      usage: {
        input_tokens: 100,
        input_tokens_details: { cached_tokens: 60 },
        output_tokens: 9,
        output_tokens_details: { reasoning_tokens: 4 },
        total_tokens: 109,
      },
    });
  });
  test("an empty answer without id and model", async () => {
    expect(await accumulate([{ type: "finish", reason: "stop", usage: unknownUsage }], [])).toMatchObject({
      id: "resp_R1",
      output: [],
      usage: null,
    });
  });
  test("cut and refused answers", async () => {
    const text = answer.slice(1, 9).filter((event) => event.type !== "heartbeat");
    const ended = (reason: "length" | "refused") =>
      accumulate([...text, { type: "finish", reason, usage }], []);
    expect(await ended("length")).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
    });
    expect(await ended("refused")).toMatchObject({ incomplete_details: { reason: "content_filter" } });
  });
  test("items that only this API knows", async () => {
    const value = { type: "custom_tool_call", id: "ctc_1", call_id: "c", name: "apply_patch", input: "x" };
    const opaque: StreamEvent = { type: "opaque", index: 0, dialect: "openai-responses", value };
    expect(await accumulate([opaque, { type: "finish", reason: "stop", usage }], [])).toMatchObject({
      output: [value],
    });
  });
  test("a failure", async () => {
    const failure = new Failure("overloaded", "too much to do");
    expect(accumulate([...answer.slice(0, 8), { type: "failure", failure }], [])).rejects.toThrow(
      "too much to do",
    );
  });
});

test("the events of a free-text call, in order", () => {
  const frames = readFrames(encodeText(answer, { tools })).map(
    ({ data }) => JSON.parse(data) as Record<string, unknown>,
  );
  const ofCall = frames.filter(
    (frame) => frame["output_index"] === 3 && frame["type"] !== "response.completed",
  );
  expect(ofCall).toMatchObject([
    { type: "response.output_item.added", item: { type: "custom_tool_call", input: "", id: "ctc_R13" } },
    { type: "response.custom_tool_call_input.delta", delta: "*** Begin ä\n", item_id: "ctc_R13" },
    { type: "response.custom_tool_call_input.done", input: "*** Begin ä\n", item_id: "ctc_R13" },
    { type: "response.output_item.done", item: { type: "custom_tool_call", call_id: "b" } },
  ]);
});

test("a whole answer holds the same items", () => {
  const reply = foldReply(answer);
  expect(openaiResponses.client.encodeReply(reply, { ...facts, tools })).toMatchObject({ output });
});

test("the SDK as a client: create, stream, parse", async () => {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const asked = decodeRequest(await request.json());
      const said: readonly StreamEvent[] = [
        { type: "start", id: "", model: asked.model },
        { type: "text-start", index: 0 },
        { type: "text-delta", index: 0, text: '{"a":1}' },
        { type: "text-end", index: 0 },
        { type: "finish", reason: "stop", usage },
      ];
      if (asked.stream)
        return new Response(encodeText(said), { headers: { "content-type": "text/event-stream" } });
      return Response.json(openaiResponses.client.encodeReply(foldReply(said), facts));
    },
  });
  try {
    const client = new OpenAI({ baseURL: `${server.url.href}v1`, apiKey: "k", maxRetries: 0 });
    const body = { model: "m", input: "hi" };
    expect((await client.responses.create(body)).output_text).toBe('{"a":1}');
    const types: string[] = [];
    for await (const event of await client.responses.create({ ...body, stream: true }))
      types.push(event.type);
    expect(types).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    expect((await client.responses.stream(body).finalResponse()).output_text).toBe('{"a":1}');
    const schema = { type: "object", properties: { a: { type: "number" } } };
    const parsed = await client.responses.parse({
      ...body,
      text: { format: { type: "json_schema", name: "n", schema } },
    });
    expect(parsed.output_text).toBe('{"a":1}');
  } finally {
    await server.stop(true);
  }
});
