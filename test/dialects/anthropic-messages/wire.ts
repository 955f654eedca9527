// Wire text and events, back and forth, for the stream tests of this folder.

import { readFileSync } from "node:fs";
import type { StreamEvent } from "../../../src/canon/event.ts";
import { streamDecoder } from "../../../src/dialects/anthropic-messages/stream-decoder.ts";
import { streamEncoder } from "../../../src/dialects/anthropic-messages/stream-encoder.ts";
import { readFrames } from "../../../src/wire/sse.ts";

export const facts = { requestId: "01REQ", createdSeconds: 0, wantsUsage: true };
export const recording = (name: string): string =>
  readFileSync(new URL(`./recordings/${name}.sse`, import.meta.url), "utf8");
export const recordings = ["text", "thinking-tools", "server-tool", "refused"];

export function decode(wire: string): StreamEvent[] {
  const decoder = streamDecoder();
  return [...readFrames(wire).flatMap((frame) => decoder.step(frame)), ...decoder.end()];
}
export function encode(events: readonly StreamEvent[]): string {
  const encoder = streamEncoder(facts);
  return events.map((event) => encoder.step(event)).join("");
}
export type Wire = Record<string, unknown>;
export const say = (...events: Wire[]): string =>
  events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
export const wireEvents = (text: string): Wire[] =>
  readFrames(text).map((frame) => JSON.parse(frame.data) as Wire);
export const started = {
  type: "message_start",
  message: { id: "msg_1", model: "m", usage: { input_tokens: 5, output_tokens: 1 } },
};
export const textStart = (index: number): Wire => ({
  type: "content_block_start",
  index,
  content_block: { type: "text", text: "" },
});
export const textDelta = (index: number, text: string): Wire => ({
  type: "content_block_delta",
  index,
  delta: { type: "text_delta", text },
});
export const toolStart = (index: number, id: string, input: Wire = {}): Wire => ({
  type: "content_block_start",
  index,
  content_block: { type: "tool_use", id, name: "f", input },
});
export const jsonDelta = (index: number, partial_json: string): Wire => ({
  type: "content_block_delta",
  index,
  delta: { type: "input_json_delta", partial_json },
});
export const blockStop = (index: number): Wire => ({ type: "content_block_stop", index });
export const ended = (stop_reason: string | null = "end_turn"): Wire => ({
  type: "message_delta",
  delta: { stop_reason, stop_sequence: null },
  usage: { output_tokens: 3 },
});
export const stopped = { type: "message_stop" };
