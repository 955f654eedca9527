// What a request says that no other format can say, named, so that it is refused and not quietly dropped.
// Search tools, free-text tools, hints (verbosity, truncation, tier) and sealed reasoning are adapted or left out elsewhere.

import type { Failure } from "../../canon/failure.ts";
import type { Block, ChatRequest } from "../../canon/request.ts";
import { safeName, noteDropped, noteUnknown, thinkingBlocksDropped } from "../adaptation-notes.ts";
import { isRecord } from "../decoding.ts";
import type { Note } from "../dialect.ts";
import { shown, unsupported } from "../read-fields.ts";
import { name, extrasOf, type Wire } from "./extras.ts";

const because = "the chosen model's API has no equivalent";

/** Members that mean something which lies at the vendor, or an answer of another kind. */
const isStoredAtVendor: readonly (readonly [string, (value: unknown) => boolean, string])[] = [
  ["store", (value) => value === true, "nothing is stored here; send store: false and the whole input"],
  [
    "previous_response_id",
    (value) => value !== undefined,
    "nothing is stored here; send the whole history in input",
  ],
  ["conversation", (value) => value !== undefined, "nothing is stored here; send the whole history in input"],
  ["background", (value) => value === true, "answers are not kept for later; use stream"],
  ["prompt", (value) => value !== undefined, "prompt templates lie at OpenAI; send instructions and input"],
  ["top_logprobs", (value) => typeof value === "number" && value > 0, because],
  [
    "include",
    (value) => Array.isArray(value) && value.includes("message.output_text.logprobs"),
    `${because} for log probabilities`,
  ],
];

export function refuseTranslation(request: ChatRequest): Failure | null {
  const ownExtras = extrasOf(request.extras);
  for (const [member, refuses, why] of isStoredAtVendor)
    if (refuses(ownExtras[member])) return unsupported(member, `${member} is not possible here: ${why}.`);
  const tool = request.opaqueTools.find((each) => each.dialect === name);
  if (tool !== undefined)
    return unsupported("tools", `tools: ${because} for a tool of type "${tool.type}"; use function tools.`);
  return refuseChoice(request, ownExtras) ?? refuseReferences(request);
}

/** What is told below, what is refused or said in other words, and book-keeping without which the answer is the same. */
const known: ReadonlySet<string> = new Set([
  ...isStoredAtVendor.map(([member]) => member),
  "truncation",
  "max_tool_calls",
  "hosted_tools",
  "tool_choice",
  "reasoning",
  "text",
  "include",
  "metadata",
  "client_metadata",
  "prompt_cache_key",
  "prompt_cache_retention",
  "safety_identifier",
  "stream_options",
]);

export function noteLosses(
  request: ChatRequest,
  note: Note,
  unsupported?: (parameter: string) => void,
): void {
  const ownExtras = extrasOf(request.extras);
  noteUnknown(ownExtras, known, note, unsupported);
  noteAsides(request, note);
  const isCited = (block: Block): boolean =>
    block.type === "text" && extrasOf(block.extras).annotations !== undefined;
  if (request.messages.some(({ content }) => content.some(isCited))) note("citations-dropped");
  const { hosted_tools: hosted, text } = ownExtras;
  for (const tool of Array.isArray(hosted) ? (hosted as readonly unknown[]) : [])
    if (isRecord(tool)) note(`hosted-tools-dropped:${safeName(tool.type)}`);
  if (request.tools.some((tool) => extrasOf(tool.extras).type === "custom"))
    note("custom-tools-as-functions");
  noteDropped(ownExtras, ownExtras.truncation === "disabled" ? [] : ["truncation"], note, unsupported);
  noteDropped(ownExtras, ["max_tool_calls"], note, unsupported);
  if (isRecord(text)) noteDropped(text, ["verbosity"], note, unsupported);
}

/** Searches that the vendor made itself: what it found stands in the text that follows, how it looked is lost. */
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
  // Left out they would leave nothing that could be called.
  const isForced = request.toolChoice?.type === "required" && request.tools.length === 0;
  if (!isForced || !Array.isArray(hosted)) return null;
  const types = hosted.map((each) => (isRecord(each) ? String(each.type) : "")).join(", ");
  return unsupported(
    "tools",
    `tools: ${because} for tools of type ${types}, and tool_choice demands a call.`,
  );
}

/** What an item points to is missing from the history: whoever answered without it would answer to something else. */
function refuseReferences(request: ChatRequest): Failure | null {
  for (const message of request.messages)
    for (const block of message.content) {
      if (block.type !== "opaque" || block.dialect !== name || !isRecord(block.value)) continue;
      if (block.value.type === "item_reference")
        return unsupported(
          "input",
          'input: an item of type "item_reference" points to what OpenAI stored; nothing is stored here. Send the items themselves (store: false).',
        );
    }
  return null;
}
