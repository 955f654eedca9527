// Whole messages: writes a canonical reply as Anthropic's JSON body, and reads such a body as events. It must never
// understand more than the stream does: both use the same decoder.

import type { StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import type { Reply } from "../../canon/reply.ts";
import type { Block } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import type { AnswerFacts } from "../dialect.ts";
import { toolInput } from "../tool-input.ts";
import type { WireBlock } from "./encode-content.ts";
import { failureOfErrorBody } from "./failure.ts";
import { encodeFinish } from "./finish.ts";
import { citationsOf, name, extrasOf } from "./extras.ts";
import { AnswerDecoder } from "./decode-answer.ts";
import { finishMembers, finishUsage, messageId } from "./stream-encoder.ts";

export function encodeReply(reply: Reply, facts: AnswerFacts): Record<string, unknown> {
  const content = reply.content.flatMap(encodeReplyBlock);
  const hasTool = content.some((block) => block["type"] === "tool_use");
  return {
    id: messageId(reply.id, facts),
    type: "message",
    role: "assistant",
    model: reply.model,
    content,
    ...finishMembers(reply.extras),
    stop_reason: encodeFinish(reply.finish, hasTool, extrasOf(reply.extras)["stop_reason"]),
    stop_sequence: reply.stopSequence,
    usage: finishUsage(reply.usage, reply.extras),
  };
}

function encodeReplyBlock(block: Block): WireBlock[] {
  switch (block.type) {
    case "text": {
      const citations = citationsOf(block.extras);
      return [{ type: "text", text: block.text, ...(citations.length > 0 ? { citations } : {}) }];
    }
    case "thinking":
      return [{ type: "thinking", thinking: block.text, signature: block.signature ?? "" }];
    case "tool-call":
      return [{ type: "tool_use", id: block.id, name: block.name, input: toolInput(block.input) }];
    case "opaque":
      return block.dialect === name && isRecord(block.value) ? [block.value] : [];
    // The API's answers contain neither images nor results.
    case "image":
    case "file":
    case "tool-result":
      return [];
  }
}

/** A plain JSON answer as the events that its stream would have had. */
export function decodeReply(body: unknown): StreamEvent[] {
  if (isRecord(body) && (body["type"] === "error" || isRecord(body["error"])))
    return [{ type: "failure", failure: failureOfErrorBody(body) }];
  if (!isRecord(body) || !Array.isArray(body["content"]))
    return [
      {
        type: "failure",
        failure: new Failure("bad-output", "The upstream's answer is not a message.", { maybeBilled: true }),
      },
    ];
  const { id, type: _type, role: _role, model, content, usage, stop_reason, stop_sequence, ...rest } = body;
  const decoder = new AnswerDecoder();
  const events = decoder.take({ type: "message_start", message: { id, model, usage } });
  content.forEach((content_block: unknown, index) => {
    events.push(...decoder.take({ type: "content_block_start", index, content_block }));
    events.push(...decoder.take({ type: "content_block_stop", index }));
  });
  events.push(
    ...decoder.take({ type: "message_delta", delta: { ...rest, stop_reason, stop_sequence }, usage }),
  );
  events.push(...decoder.take({ type: "message_stop" }));
  // A message without a stop reason is still complete: it arrived as a whole.
  if (events.at(-1)?.type !== "finish") events.push(...decoder.end());
  const failed = events.findIndex((event) => event.type === "failure");
  return failed < 0 ? events : events.slice(0, failed + 1);
}
