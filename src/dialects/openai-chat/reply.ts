// Whole answers: writes our reply as one completion, and reads a vendor's completion as events. It must never have its
// own mapping for incoming ones: streams and bodies share decode-answer.ts.

import type { StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import type { Reply } from "../../canon/reply.ts";
import type { ToolCallBlock } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import type { AnswerFacts } from "../dialect.ts";
import { unwrapText } from "../free-text-tools.ts";
import { AnswerDecoder, errorOf, firstChoice } from "./decode-answer.ts";
import { settleReason, finishReasons } from "./finish.ts";
import { answerId } from "./stream-encoder.ts";
import { annotationsOf } from "./annotations.ts";
import { freeTextCall, freeTextNames } from "./free-text-calls.ts";
import { noArguments } from "./tool-calls.ts";
import { encodeUsage } from "./usage.ts";
import { extrasOf } from "./extras.ts";

export function encodeReply(reply: Reply, facts: AnswerFacts): Record<string, unknown> {
  let text = "";
  let thinking = "";
  const details: unknown[] = [];
  const annotations: unknown[] = [];
  const isFree = freeTextNames(facts.tools);
  const calls: Record<string, unknown>[] = [];
  for (const block of reply.content) {
    if (block.type === "text") {
      annotations.push(...annotationsOf(block.extras, text.length, block.text.length));
      text += block.text;
    } else if (block.type === "thinking") {
      thinking += block.text;
      const own = extrasOf(block.extras).reasoning_details;
      if (Array.isArray(own)) details.push(...(own as readonly unknown[]));
    } else if (block.type === "tool-call") {
      const extra = extrasOf(block.extras).extra_content;
      calls.push({
        id: block.id,
        ...(isFree(block.name) ? freeTextCall(block.name, unwrapText(block.input)) : functionCall(block)),
        ...(extra === undefined ? {} : { extra_content: extra }),
      });
    }
  }
  const usage = encodeUsage(reply.usage);
  return {
    id: answerId(reply.id, facts),
    object: "chat.completion",
    created: facts.createdSeconds,
    model: reply.model,
    system_fingerprint: null,
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: text === "" && calls.length > 0 ? null : text,
          refusal: null,
          ...(thinking === "" ? {} : { reasoning_content: thinking }),
          ...(details.length === 0 ? {} : { reasoning_details: details }),
          ...(annotations.length === 0 ? {} : { annotations }),
          ...(calls.length === 0 ? {} : { tool_calls: calls }),
        },
        logprobs: null,
        finish_reason: finishReasons[settleReason(reply.finish, calls.length)],
      },
    ],
    ...(usage === null ? {} : { usage }),
  };
}

const functionCall = ({ name, input }: ToolCallBlock): Record<string, unknown> => ({
  type: "function",
  function: { name, arguments: input.trim() === "" ? noArguments : input },
});

export function decodeReply(body: unknown): StreamEvent[] {
  const reader = new AnswerDecoder();
  const failure = errorOf(body);
  if (failure !== null) return reader.fail(failure);
  if (!isRecord(body) || firstChoice(body) === null)
    return reader.fail(
      new Failure("bad-output", "The upstream's answer contains no choices.", { maybeBilled: true }),
    );
  const events = reader.take(body);
  // A body that arrived whole is complete, with or without a finish reason.
  return events.at(-1)?.type === "failure" ? events : [...events, ...reader.finish(true)];
}
