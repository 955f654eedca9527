// Why a request cannot pass as the original bytes: short stable words, each with a sentence for people. Dialects,
// vendor quirks and the pipeline all use these words.

/** Each sentence continues "it is translated because". */
const sentences = {
  "other-format": "the provider speaks another format",
  "no-wire": "the provider takes no request in a vendor's format",
  "responses-body": "its body is written in the format of OpenAI's Responses API",
  "foreign-part": "it contains a part, role or media type that vendors of this format refuse",
  "clawgate-mark": "it contains what ClawGate marked for another vendor",
  "foreign-call-id": "it contains call ids that this format does not allow",
  "unsigned-thinking": "it contains unsigned thinking",
  "missing-thinking": "the model expects thinking before a tool call, and there is none",
  "unsigned-calls": "the model expects signed tool calls, and none is signed",
  "free-text-tools": "the model is not known to accept free-text tools",
  "no-thinking": "it asks for thinking, and the model is known not to think",
  "model-limits": "it asks for something that the model is known not to accept",
  "tool-names": "the vendor does not accept one of its tool names",
} as const;

export type TranslateReason = keyof typeof sentences | `quirk:${string}`;

const isKnown = (reason: string): reason is keyof typeof sentences => Object.hasOwn(sentences, reason);

/** The sentence for people. A reason of a newer gateway is shown as it is. */
export function translateSentence(reason: string): string {
  if (isKnown(reason)) return sentences[reason];
  return reason.startsWith("quirk:")
    ? `the vendor needs the request rewritten (quirk ${reason.slice("quirk:".length)})`
    : reason;
}
