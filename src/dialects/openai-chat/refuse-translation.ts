// What only a chat request can express: it is refused by name and not quietly dropped. Content of the history has its
// own rules (retell.ts), and unsupported-content.ts checks the newest message.

import type { Failure } from "../../canon/failure.ts";
import type { Block, ChatRequest } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import type { Note } from "../dialect.ts";
import { shown, unsupported } from "../read-fields.ts";
import { isFreeText } from "./decode-tools.ts";
import { name as dialect, extrasOf } from "./extras.ts";
import { requestMembers } from "./members.ts";

/** Requested features that only this format's own answers can contain; the canonical form would lose them. */
export const refuseAnswerOptions = (request: ChatRequest): Failure | null =>
  requestMembers.refusalOf(extrasOf(request.extras));

/** The same and the tools. */
export function refuseTranslation(request: ChatRequest): Failure | null {
  const plain = refuseAnswerOptions(request);
  if (plain !== null) return plain;
  const because = "the chosen model's API has no equivalent for";
  const tool = request.opaqueTools.find((each) => each.dialect === dialect);
  if (tool !== undefined)
    return unsupported("tools", `tools: ${because} a tool of type "${tool.type}"; use function tools.`);
  const choice = extrasOf(request.extras).tool_choice;
  if (isRecord(choice))
    return unsupported("tool_choice", `tool_choice: ${because} a choice of type ${shown(choice.type)}.`);
  return null;
}

export function noteLosses(
  request: ChatRequest,
  note: Note,
  unsupported?: (parameter: string) => void,
): void {
  const ownExtras = extrasOf(request.extras);
  if (request.tools.some(isFreeText)) note("custom-tools-as-functions");
  const isCited = (block: Block): boolean =>
    block.type === "text" && extrasOf(block.extras).annotations !== undefined;
  if (request.messages.some(({ content }) => content.some(isCited))) note("citations-dropped");
  requestMembers.noteDropped(ownExtras, note, unsupported);
  requestMembers.noteUnknown(ownExtras, note, unsupported);
}
