// The Response object and its items as clients see them: the same in a stream and in one body. It must never be used
// for incoming answers: decode-answer.ts reads those.

import type { FinishReason } from "../../canon/event.ts";
import type { Extras } from "../../canon/request.ts";
import type { Usage } from "../../canon/usage.ts";
import { annotationOf, storedCitations } from "../citations.ts";
import type { AnswerFacts } from "../dialect.ts";
import { encodeFinish } from "./finish.ts";
import { extrasOf, type Wire } from "./extras.ts";
import { encodeEncryptedReasoning, type EncryptedReasoning } from "./encrypted-reasoning.ts";
import { encodeUsage } from "./usage.ts";

/** Arguments of a call without any: JSON.parse in clients throws on "". */
export const noArguments = "{}";

export function answerId(id: string, facts: Pick<AnswerFacts, "requestId">): string {
  return id === "" ? `resp_${facts.requestId}` : id;
}

export const itemId = (
  prefix: "msg" | "rs" | "fc" | "ctc" | "tsc",
  facts: AnswerFacts,
  index: number,
): string => `${prefix}_${facts.requestId}${index}`;

export type Frame = { readonly id: string; readonly model: string };

/** Members that echo the request's options contain the API's defaults: the client knows its own request. */
export function responseObject(frame: Frame, facts: AnswerFacts): Wire {
  return {
    id: facts.kept?.id ?? answerId(frame.id, facts),
    object: "response",
    created_at: facts.createdSeconds,
    status: "in_progress",
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    model: frame.model,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    temperature: null,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: [],
    top_p: null,
    truncation: "disabled",
    usage: null,
    user: null,
    metadata: {},
    ...facts.kept?.members,
  };
}

export type FinishedAnswer = {
  readonly frame: Frame;
  readonly output: readonly Wire[];
  readonly reason: FinishReason;
  readonly usage: Usage;
};

export function finishedResponse({ frame, output, reason, usage }: FinishedAnswer, facts: AnswerFacts): Wire {
  return {
    ...responseObject(frame, facts),
    ...encodeFinish(reason),
    output,
    usage: encodeUsage(usage),
  };
}

export function textPart(text: string, annotations: readonly unknown[] = []): Wire {
  return { type: "output_text", annotations, logprobs: [], text };
}

export function annotationsOf(extras: Extras | undefined, text: string): readonly unknown[] {
  const ownExtras = extrasOf(extras);
  if (Array.isArray(ownExtras.annotations)) return ownExtras.annotations as readonly unknown[];
  return storedCitations(ownExtras).map((each) => ({
    type: "url_citation",
    ...annotationOf(each, 0, text.length),
  }));
}

export function messageItem(id: string, text: string, extras: Extras | undefined): Wire {
  const { phase } = extrasOf(extras);
  return {
    id,
    type: "message",
    status: "completed",
    role: "assistant",
    content: [textPart(text, annotationsOf(extras, text))],
    ...(typeof phase === "string" ? { phase } : {}),
  };
}

export function reasoningItem(id: string, text: string, encrypted: EncryptedReasoning): Wire {
  return {
    id,
    type: "reasoning",
    summary: text === "" ? [] : [{ type: "summary_text", text }],
    ...encodeEncryptedReasoning(encrypted),
  };
}
