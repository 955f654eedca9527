// Canonical messages -> `contents`: every call answered in the very next content, in the order of the calls.
// It must never leave a call of the running turn without a signature where the model demands one.

import type { Message, ToolCallBlock, ToolResultBlock } from "../../canon/request.ts";
import type { Note } from "../dialect.ts";
import {
  type Called,
  encodeCall,
  encodeOrphan,
  encodePlain,
  encodeResult,
  missingResult,
  type Part,
} from "./outgoing-parts.ts";
import { pocketOf, signatureIn } from "./pocket.ts";

export type Content = { readonly role: "user" | "model"; readonly parts: Part[] };

/**
 * "Transferring a trace from a different model […] you can set the following dummy signatures" to skip the check
 * (ai.google.dev/gemini-api/docs/thought-signatures, FAQ 1). Gemini 3 answers 400 to a call of the running turn without one.
 */
export const foreignSignature = "skip_thought_signature_validator";

/** `isSigned`: calls of the running turn need their signatures, and results may hold pictures; both came with Gemini 3. */
export function encodeContents(messages: readonly Message[], isSigned: boolean, note: Note): Content[] {
  const contents: Content[] = [];
  let calls: Called[] = [];
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i];
    if (message === undefined) break;
    if (message.role === "assistant") {
      const parts = encodeAssistant(message, i, isSigned, note);
      if (parts.length === 0) continue;
      const previous = contents.at(-1);
      // Two turns of the model in a row are one: the API wants the responses behind all calls.
      if (previous?.role === "model" && calls.length > 0) previous.parts.push(...parts);
      else contents.push({ role: "model", parts });
      calls.push(...calledIn(message));
      continue;
    }
    const run: Message[] = [message];
    while (messages[i + run.length]?.role !== "assistant" && i + run.length < messages.length) {
      const next = messages[i + run.length];
      if (next !== undefined) run.push(next);
    }
    encodeRun(run, i, calls, isSigned, contents, note);
    calls = [];
    i += run.length - 1;
  }
  // The API refuses a conversation without a user turn at its head: cut histories and system-only requests have none.
  if (contents[0]?.role !== "user") {
    note("user-turn-added");
    contents.unshift({ role: "user", parts: [{ text: "(continued)" }] });
  }
  return contents;
}

function calledIn(message: Message): Called[] {
  return message.content.flatMap((block) =>
    block.type === "tool-call"
      ? [{ id: block.id, name: block.name, isWithoutId: pocketOf(block.extras)["isWithoutId"] === true }]
      : [],
  );
}

function encodeAssistant(message: Message, index: number, isSigned: boolean, note: Note): Part[] {
  let isFirstCall = true;
  return message.content.flatMap((block, i) => {
    if (block.type !== "tool-call") return encodePlain(block, `messages[${index}].content[${i}]`, note);
    const part = encodeCall(block, signatureFor(block, isFirstCall && isSigned), note);
    isFirstCall = false;
    return [part];
  });
}

/** Only the first of parallel calls carries one. */
function signatureFor(block: ToolCallBlock, isDue: boolean): string | null {
  return signatureIn(block.extras) ?? (isDue ? foreignSignature : null);
}

/** Messages in a row that are not the model's: the responses stand first, in one content, and what was said follows. */
function encodeRun(
  run: readonly Message[],
  from: number,
  calls: readonly Called[],
  isSigned: boolean,
  contents: Content[],
  note: Note,
): void {
  const answers = new Map<string, { readonly block: ToolResultBlock; readonly param: string }>();
  const open = new Set(calls.map((call) => call.id));
  const said: Content[] = [];
  const besides: Part[] = [];
  for (const [i, message] of run.entries()) {
    const parts: Part[] = [];
    let hasAnswers = false;
    if (message.role === "system") note("system-messages-as-user");
    for (const [j, block] of message.content.entries()) {
      const param = `messages[${from + i}].content[${j}]`;
      if (block.type !== "tool-result") parts.push(...encodePlain(block, param, note));
      else if (open.delete(block.callId)) {
        answers.set(block.callId, { block, param });
        hasAnswers = true;
      } else parts.push(...encodeOrphan(block, param, note));
    }
    if (hasAnswers) besides.push(...parts);
    else if (parts.length > 0) said.push({ role: "user", parts });
  }
  if (calls.length > 0) {
    const responses: Part[] = [];
    const media: Part[] = [];
    for (const call of calls) {
      const answer = answers.get(call.id);
      if (answer === undefined) note("tool-results-filled-in");
      const [response, ...beside] =
        answer === undefined
          ? [missingResult(call)]
          : encodeResult(answer.block, call, isSigned, answer.param, note);
      if (response !== undefined) responses.push(response);
      media.push(...beside);
    }
    contents.push({ role: "user", parts: [...responses, ...media, ...besides] });
  }
  contents.push(...said);
}
