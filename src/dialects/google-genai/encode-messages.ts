// Turns canonical messages into `contents`: the next content answers every call, in call order. It must never leave a
// call of the running turn without a signature where the model demands one.

import type { Message, ToolCallBlock } from "../../canon/request.ts";
import type { Note } from "../dialect.ts";
import { orderHistory, type HistoryRules, type Turn } from "../order-history.ts";
import { encodeCall, encodePlain, encodeResult, type Part } from "./encode-content.ts";
import { name, signatureIn } from "./extras.ts";

export type Content = { readonly role: "user" | "model"; readonly parts: Part[] };

/**
 * "Transferring a trace from a different model […] you can set the following dummy signatures" to skip the check
 * (ai.google.dev/gemini-api/docs/thought-signatures, FAQ 1). Gemini 3 answers 400 to a call of the running turn without one.
 */
export const unsignedCallMark = "skip_thought_signature_validator";

export const historyRules: HistoryRules = {
  format: name,
  systemMessages: "as-user",
  // Only Google's own thinking goes back to Google.
  acceptsThinking: (block) => block.extras?.[name] !== undefined,
  fitId: (id) => id,
  startsWithUser: true,
  mayJoin: () => false,
};

/** `isSigned`: calls of the running turn need their signatures, and results may hold images; both came with Gemini 3. */
export function encodeMessages(messages: readonly Message[], isSigned: boolean, note: Note): Content[] {
  const { turns } = orderHistory(messages, historyRules, note);
  return turns.flatMap((turn) =>
    turn.role === "assistant"
      ? [{ role: "model" as const, parts: encodeModelTurn(turn, isSigned, note) }]
      : encodeUserTurn(turn, isSigned, note),
  );
}

function encodeModelTurn({ content }: Turn, isSigned: boolean, note: Note): Part[] {
  let isFirstCall = true;
  return content.flatMap((block) => {
    if (block.type !== "tool-call") return encodePlain(block);
    const part = encodeCall(block, signatureFor(block, isFirstCall && isSigned), note);
    isFirstCall = false;
    return [part];
  });
}

/** Only the first of parallel calls has a signature. */
function signatureFor(block: ToolCallBlock, isDue: boolean): string | null {
  return signatureIn(block.extras) ?? (isDue ? unsignedCallMark : null);
}

/** The responses form a separate content; the text follows. */
function encodeUserTurn({ answers, content }: Turn, isSigned: boolean, note: Note): Content[] {
  const responses: Part[] = [];
  const media: Part[] = [];
  for (const answer of answers) {
    const { response, beside } = encodeResult(answer, isSigned, note);
    responses.push(response);
    media.push(...beside);
  }
  const spokenParts = content.flatMap(encodePlain);
  return [
    ...(responses.length === 0 ? [] : [{ role: "user" as const, parts: [...responses, ...media] }]),
    ...(spokenParts.length === 0 ? [] : [{ role: "user" as const, parts: spokenParts }]),
  ];
}
