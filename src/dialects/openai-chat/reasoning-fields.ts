// The members in which vendors of this format write plain thinking and expect it back.

type Members = Readonly<Record<string, unknown>>;

/** DeepSeek's name first, then OpenRouter's; vendors that send several send the same text in each. */
const fields = ["reasoning_content", "reasoning", "reasoning_text", "thinking"] as const;

export type ReasoningField = (typeof fields)[number];

/** Mistral's: parts of the content. */
export const spokenThoughts = "content";

/** Thinking at the head of the text, between tags. */
export const taggedThoughts = "think";

export const isReasoningField = (value: unknown): value is ReasoningField =>
  fields.some((each) => each === value);

/** The first of them that is not empty. */
export function reasoningFieldIn(message: Members): ReasoningField | null {
  return fields.find((each) => typeof message[each] === "string" && message[each] !== "") ?? null;
}
