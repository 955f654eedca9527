// Whole answers: writes our reply as one GenerateContentResponse, and reads a vendor's as events. It must never have
// its own mapping for incoming ones: streams and bodies share decode-answer.ts.

import type { StreamEvent } from "../../canon/event.ts";
import { Failure } from "../../canon/failure.ts";
import type { Reply } from "../../canon/reply.ts";
import type { Block } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import type { AnswerFacts } from "../dialect.ts";
import { storedCitations, groundingOf } from "../citations.ts";
import { AnswerDecoder, blockReasonOf, errorOf } from "./decode-answer.ts";
import { type Members, name, extrasOf, thinkingSignature, signatureIn, withSignature } from "./extras.ts";
import { answerClosing, answerHead } from "./encode-answer.ts";
import { toolInput } from "../tool-input.ts";
import { encodeUsage } from "./usage.ts";

export function encodeReply(reply: Reply, facts: AnswerFacts): Record<string, unknown> {
  const parts = reply.content.flatMap(encodeBlock);
  const usage = encodeUsage(reply.usage);
  const closing = answerClosing(reply.finish, extrasOf(reply.extras), parts.length > 0, groundingIn(reply));
  return {
    ...(closing.candidate === null
      ? {}
      : {
          candidates: [
            {
              ...closing.candidate,
              content: { parts: parts.length > 0 ? parts : [{ text: "" }], role: "model" },
              finishReason: closing.finishReason,
              index: 0,
            },
          ],
        }),
    ...closing.outside,
    ...(usage === null ? {} : { usageMetadata: usage }),
    ...answerHead(reply.id, reply.model, facts),
  };
}

function groundingIn({ content }: Reply): Members | null {
  return groundingOf(
    content.flatMap((block) =>
      block.type === "text" ? [{ text: block.text, cited: storedCitations(extrasOf(block.extras)) }] : [],
    ),
  );
}

function encodeBlock(block: Block): Record<string, unknown>[] {
  switch (block.type) {
    case "text":
      return [{ text: block.text, ...withSignature(signatureIn(block.extras)) }];
    case "thinking":
      return [
        {
          text: block.text,
          thought: true,
          ...withSignature(thinkingSignature(block)),
        },
      ];
    case "tool-call":
      return [
        {
          functionCall: { id: block.id, name: block.name, args: toolInput(block.input) },
          ...withSignature(signatureIn(block.extras)),
        },
      ];
    case "opaque":
      return block.dialect === name && isRecord(block.value) ? [block.value] : [];
    default:
      return [];
  }
}

/** One response, or the array that the API returns when no event stream was requested. */
export function decodeReply(body: unknown): StreamEvent[] {
  const decoder = new AnswerDecoder();
  const failure = errorOf(body);
  if (failure !== null) return decoder.fail(failure);
  const chunks: unknown[] = Array.isArray(body) ? body : [body];
  const events: StreamEvent[] = [];
  for (const chunk of chunks) {
    const inside = errorOf(chunk);
    if (inside !== null) return [...events, ...decoder.fail(inside)];
    if (!isRecord(chunk) || (!Array.isArray(chunk["candidates"]) && blockReasonOf(chunk) === null))
      return [...events, ...decoder.fail(withoutCandidates())];
    events.push(...decoder.take(chunk));
    if (events.at(-1)?.type === "failure") return events;
  }
  return [...events, ...decoder.finish(true)];
}

function withoutCandidates(): Failure {
  return new Failure("bad-output", "The upstream's answer contains no candidates.", { maybeBilled: true });
}
