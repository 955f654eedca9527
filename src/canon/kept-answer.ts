// An answer of the Responses API that the gateway keeps because its client asked for it, and the items that led to it.

/** Items of a conversation as JSON text, without the brackets of their list. Shared by all answers that come after them. */
export type ItemText = {
  /** Unique: the answer's id and which of its sides it is. */
  readonly key: string;
  readonly text: string;
};

/** `in_progress`: it runs without its client, and what ends it replaces it. */
export type AnswerStatus = "completed" | "incomplete" | "failed" | "cancelled" | "in_progress";

export type KeptAnswer = {
  readonly id: string;
  readonly tenant: string | null;
  /** UTC milliseconds. */
  readonly createdMs: number;
  readonly status: AnswerStatus;
  /** The Response as the client got it, as JSON text, with an empty `output`. */
  readonly response: string;
  /** Every item before its output, in order: earlier turns, then this one's input. */
  readonly history: readonly ItemText[];
  readonly output: ItemText;
};

export type KeptAnswers = {
  readonly mode: "off" | "memory" | "disk";
  /** Null: there is none of this tenant's with that id. */
  find(id: string, tenant: string | null): KeptAnswer | null;
  keep(answer: KeptAnswer): void;
  /** False: there is none of this tenant's with that id. */
  delete(id: string, tenant: string | null): boolean;
  /** Asks the process before this one, which hands over, to end an answer that it still makes. */
  cancelElsewhere(id: string, tenant: string | null): void;
};

/** An answer whose process ended before it was there. */
export function abandoned(answer: KeptAnswer): KeptAnswer {
  const response = JSON.parse(answer.response) as Record<string, unknown>;
  const error = {
    code: "server_error",
    message: "The gateway ended before this response was complete. Send the request again.",
  };
  return { ...answer, status: "failed", response: JSON.stringify({ ...response, status: "failed", error }) };
}

/** Ids that the gateway gave out; every other one is a vendor's. */
export const keptIdPrefix = "resp_clawgate_";

/** The answer's id follows from its request's, so that a running one can be found by it. */
export const keptIdOf = (requestId: string): string => keptIdPrefix + requestId;
