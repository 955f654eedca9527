// The official SDK's MessageStream is the strictest reader of our streams: it throws on any "Unexpected event order".

import { expect, test } from "bun:test";
import { MessageStream } from "@anthropic-ai/sdk/lib/MessageStream";
import type { StreamEvent } from "../../../src/canon/event.ts";
import { unknownUsage, usageFromTotal } from "../../../src/canon/usage.ts";
import { streamEncoder } from "../../../src/dialects/anthropic-messages/stream-encoder.ts";
import { readFrames } from "../../../src/wire/sse.ts";

async function accumulate(events: readonly StreamEvent[]): Promise<unknown> {
  const encoder = streamEncoder({ requestId: "01REQ", createdSeconds: 0, wantsUsage: true });
  const frames = readFrames(events.map((event) => encoder.step(event)).join(""));
  const lines = frames
    .filter((frame) => frame.event !== "ping")
    .map((frame) => `${frame.data}\n`)
    .join("");
  const body = new Response(lines).body;
  if (body === null) throw new Error("no body");
  const message: unknown = await MessageStream.fromReadableStream(body).finalMessage();
  return JSON.parse(JSON.stringify(message)) as unknown;
}

test("thinking, text and two parallel tools of a foreign model", async () => {
  const usage = usageFromTotal({ input: 100, inputCached: 60, output: 9 });
  const message = await accumulate([
    { type: "heartbeat" },
    { type: "start", id: "chatcmpl-1", model: "gpt" },
    { type: "thinking-start", index: 0 },
    { type: "thinking-delta", index: 0, text: "hm" },
    { type: "thinking-end", index: 0, signature: null },
    { type: "opaque", index: 1, dialect: "openai-chat", value: {} },
    { type: "text-start", index: 2 },
    { type: "text-delta", index: 2, text: "look" },
    { type: "text-end", index: 2 },
    { type: "tool-start", index: 3, id: "a", name: "f" },
    { type: "tool-delta", index: 3, input: '{"x":' },
    { type: "tool-delta", index: 3, input: "1}" },
    { type: "tool-end", index: 3 },
    { type: "heartbeat" },
    { type: "tool-start", index: 4, id: "b", name: "g" },
    { type: "tool-end", index: 4 },
    { type: "finish", reason: "tool-calls", usage },
  ]);
  expect(message).toMatchObject({
    id: "msg_01REQ",
    model: "gpt",
    content: [
      { type: "thinking", thinking: "hm", signature: "" },
      { type: "text", text: "look" },
      { type: "tool_use", id: "a", name: "f", input: { x: 1 } },
      { type: "tool_use", id: "b", name: "g", input: {} },
    ],
    stop_reason: "tool_use",
    usage: { input_tokens: 40, cache_read_input_tokens: 60, output_tokens: 9 },
  });
});

test("an empty answer", async () => {
  const message = await accumulate([{ type: "finish", reason: "refused", usage: unknownUsage }]);
  expect(message).toMatchObject({ id: "msg_01REQ", content: [], stop_reason: "refusal" });
});
