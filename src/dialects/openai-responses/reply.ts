// Whole answers: writes our reply as one Response, and reads a vendor's Response as events. It must never have its own
// mapping for incoming ones: streams and bodies share decode-answer.ts.

import type { StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import type { Reply } from "../../canon/reply.ts";
import { isRecord } from "../decoding.ts";
import type { AnswerFacts } from "../dialect.ts";
import { AnswerDecoder, errorOf } from "./decode-answer.ts";
import { callForms, callItem, prefixOf } from "./declared-tools.ts";
import { asksClient, settleReason } from "./finish.ts";
import { name, type Wire } from "./extras.ts";
import { finishedResponse, itemId, messageItem, noArguments, reasoningItem } from "./encode-answer.ts";

export function encodeReply(reply: Reply, facts: AnswerFacts): Wire {
  const formOf = callForms(facts.tools ?? []);
  const output: Wire[] = [];
  let hasCalls = false;
  for (const block of reply.content) {
    const at = output.length;
    if (block.type === "text") output.push(messageItem(itemId("msg", facts, at), block.text, block.extras));
    else if (block.type === "thinking")
      output.push(reasoningItem(itemId("rs", facts, at), block.text, block));
    else if (block.type === "tool-call") {
      hasCalls = true;
      const form = formOf(block.name);
      const id = itemId(prefixOf(form), facts, at);
      const isEmpty = block.input.trim() === "" && !form.isFreeText;
      output.push(callItem(form, id, block.id, isEmpty ? noArguments : block.input));
    } else if (block.type === "opaque" && block.dialect === name && isRecord(block.value)) {
      hasCalls ||= asksClient(block.value);
      output.push(block.value);
    }
  }
  const reason = settleReason(reply.finish, hasCalls);
  return finishedResponse({ frame: reply, output, reason, usage: reply.usage }, facts);
}

export function decodeReply(body: unknown): StreamEvent[] {
  const reader = new AnswerDecoder();
  const failure = errorOf(body);
  if (failure !== null) return reader.fail(failure);
  if (!isRecord(body) || !Array.isArray(body.output))
    return reader.fail(
      new Failure("bad-output", "The upstream's answer contains no output.", { maybeBilled: true }),
    );
  return reader.take({
    type: `response.${body.status === "incomplete" ? "incomplete" : "completed"}`,
    response: body,
  });
}
