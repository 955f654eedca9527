// What streams and whole answers to a client share: the head with id and model, and the end.

import type { FinishReason } from "../../canon/event.ts";
import { isRecord } from "../decoding.ts";
import type { AnswerFacts } from "../dialect.ts";
import { encodeFinish } from "./finish.ts";
import type { Members } from "./extras.ts";

/** An answer that came without an id gets the request's. */
export function answerHead(id: string, model: string, facts: AnswerFacts): Record<string, string> {
  return { modelVersion: model, responseId: id === "" ? facts.requestId : id };
}

export type AnswerClosing = {
  readonly finishReason: string;
  /** The candidate's members besides its content; null when the prompt itself was rejected and there is no candidate. */
  readonly candidate: Members | null;
  /** Members besides the candidates. */
  readonly outside: Members;
};

/** `ownExtras`: what Google sent at the end of this answer, if Google wrote it. */
export function answerClosing(
  reason: FinishReason,
  ownExtras: Members,
  hasContent: boolean,
  grounding: Members | null = null,
): AnswerClosing {
  const { promptFeedback } = ownExtras;
  const isBlocked =
    reason === "refused" &&
    !hasContent &&
    isRecord(promptFeedback) &&
    typeof promptFeedback["blockReason"] === "string";
  return {
    finishReason: encodeFinish(reason, ownExtras["finishReason"]),
    candidate: isBlocked
      ? null
      : {
          ...(grounding === null ? {} : { groundingMetadata: grounding }),
          ...(isRecord(ownExtras["candidate"]) ? ownExtras["candidate"] : {}),
        },
    outside: isRecord(promptFeedback) ? { promptFeedback } : {},
  };
}
