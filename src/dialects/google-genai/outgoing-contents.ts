// Canonical messages -> `contents`: every call answered in the very next content, in the order of the calls.
// It must never leave a call of the running turn without a signature where the model demands one.

import type { Message, ToolCallBlock } from "../../canon/request.ts";
import type { Note } from "../dialect.ts";
import { placeHistory, type PlacementRules, type Turn } from "../placement.ts";
import { encodeCall, encodePlain, encodeResult, type Part } from "./outgoing-parts.ts";
import { name, signatureIn } from "./pocket.ts";

export type Content = { readonly role: "user" | "model"; readonly parts: Part[] };

/**
 * "Transferring a trace from a different model […] you can set the following dummy signatures" to skip the check
 * (ai.google.dev/gemini-api/docs/thought-signatures, FAQ 1). Gemini 3 answers 400 to a call of the running turn without one.
 */
export const foreignSignature = "skip_thought_signature_validator";

export const placementRules: PlacementRules = {
  format: name,
  systems: "as-user",
  // Only Google's own thoughts go back to Google.
  takesThinking: (block) => block.extras?.[name] !== undefined,
  fitId: (id) => id,
  startsWithUser: true,
  joins: () => false,
};

/** `isSigned`: calls of the running turn need their signatures, and results may hold pictures; both came with Gemini 3. */
export function encodeContents(messages: readonly Message[], isSigned: boolean, note: Note): Content[] {
  const { turns } = placeHistory(messages, placementRules, note);
  return turns.flatMap((turn) =>
    turn.role === "assistant"
      ? [{ role: "model" as const, parts: encodeSpoken(turn, isSigned, note) }]
      : encodeHeard(turn, isSigned, note),
  );
}

function encodeSpoken({ content }: Turn, isSigned: boolean, note: Note): Part[] {
  let isFirstCall = true;
  return content.flatMap((block) => {
    if (block.type !== "tool-call") return encodePlain(block);
    const part = encodeCall(block, signatureFor(block, isFirstCall && isSigned), note);
    isFirstCall = false;
    return [part];
  });
}

/** Only the first of parallel calls carries one. */
function signatureFor(block: ToolCallBlock, isDue: boolean): string | null {
  return signatureIn(block.extras) ?? (isDue ? foreignSignature : null);
}

/** The responses are a content of their own: what was said follows. */
function encodeHeard({ answers, content }: Turn, isSigned: boolean, note: Note): Content[] {
  const responses: Part[] = [];
  const media: Part[] = [];
  for (const answer of answers) {
    const { response, beside } = encodeResult(answer, isSigned, note);
    responses.push(response);
    media.push(...beside);
  }
  const said = content.flatMap(encodePlain);
  return [
    ...(responses.length === 0 ? [] : [{ role: "user" as const, parts: [...responses, ...media] }]),
    ...(said.length === 0 ? [] : [{ role: "user" as const, parts: said }]),
  ];
}
