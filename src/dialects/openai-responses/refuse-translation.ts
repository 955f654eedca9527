// What only a Responses request can express: it is refused by name and not quietly dropped. Search tools, free-text tools,
// hints (verbosity, truncation, tier) and encrypted reasoning are adapted or left out elsewhere.

import type { Failure } from "../../canon/failure.ts";
import type { Block, ChatRequest } from "../../canon/request.ts";
import { safeName, noteDropped, thinkingBlocksDropped } from "../adaptation-notes.ts";
import { isRecord } from "../decoding.ts";
import type { Note } from "../dialect.ts";
import { shown, unsupported } from "../read-fields.ts";
import { name, extrasOf, type Wire } from "./extras.ts";
import { because, requestMembers } from "./members.ts";

export function refuseTranslation(request: ChatRequest): Failure | null {
  const ownExtras = extrasOf(request.extras);
  const refusal = requestMembers.refusalOf(ownExtras);
  if (refusal !== null) return refusal;
  const tool = request.opaqueTools.find((each) => each.dialect === name);
  if (tool !== undefined)
    return unsupported("tools", `tools: ${because} for a tool of type "${tool.type}"; use function tools.`);
  return refuseChoice(request, ownExtras) ?? refuseReferences(request);
}

export function noteLosses(
  request: ChatRequest,
  note: Note,
  unsupported?: (parameter: string) => void,
): void {
  const ownExtras = extrasOf(request.extras);
  requestMembers.noteUnknown(ownExtras, note, unsupported);
  noteAsides(request, note);
  const isCited = (block: Block): boolean =>
    block.type === "text" && extrasOf(block.extras).annotations !== undefined;
  if (request.messages.some(({ content }) => content.some(isCited))) note("citations-dropped");
  const { hosted_tools: hosted, text } = ownExtras;
  for (const tool of Array.isArray(hosted) ? (hosted as readonly unknown[]) : [])
    if (isRecord(tool)) note(`hosted-tools-dropped:${safeName(tool.type)}`);
  if (request.tools.some((tool) => extrasOf(tool.extras).type === "custom"))
    note("custom-tools-as-functions");
  requestMembers.noteDropped(ownExtras, note, unsupported);
  if (isRecord(text)) noteDropped(text, ["verbosity"], note, unsupported);
}

/** Searches that the vendor ran itself: the results are in the text that follows, the search itself is lost. */
function noteAsides(request: ChatRequest, note: Note): void {
  for (const message of request.messages)
    for (const block of message.content) {
      const { before } = block.type === "opaque" ? {} : extrasOf(block.extras);
      for (const aside of Array.isArray(before) ? (before as readonly unknown[]) : [])
        if (isRecord(aside))
          note(
            aside.type === "item_reference"
              ? thinkingBlocksDropped
              : `hosted-calls-dropped:${safeName(aside.type)}`,
          );
    }
}

function refuseChoice(request: ChatRequest, ownExtras: Wire): Failure | null {
  const { tool_choice: choice, hosted_tools: hosted } = ownExtras;
  if (isRecord(choice))
    return unsupported("tool_choice", `tool_choice: ${because} for a choice of type ${shown(choice.type)}.`);
  // Without them there would be no tool to call.
  const isForced = request.toolChoice?.type === "required" && request.tools.length === 0;
  if (!isForced || !Array.isArray(hosted)) return null;
  const types = hosted.map((each) => (isRecord(each) ? String(each.type) : "")).join(", ");
  return unsupported(
    "tools",
    `tools: ${because} for tools of type ${types}, and tool_choice demands a call.`,
  );
}

/** The id of an item that the history only refers to. Null: there is none. */
export function referenceIn(request: ChatRequest): string | null {
  for (const message of request.messages)
    for (const block of message.content) {
      if (block.type !== "opaque" || block.dialect !== name || !isRecord(block.value)) continue;
      const { type, id } = block.value;
      if (type === "item_reference") return typeof id === "string" ? id : "";
    }
  return null;
}

/** What an item refers to is missing from the history: an answer without it would be about something else. */
function refuseReferences(request: ChatRequest): Failure | null {
  return referenceIn(request) === null
    ? null
    : unsupported(
        "input",
        'input: an item of type "item_reference" points to what OpenAI stored; nothing is stored here. Send the items themselves (store: false).',
      );
}
