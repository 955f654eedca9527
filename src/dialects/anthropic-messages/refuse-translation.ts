// What only an Anthropic request can express: it is refused by name and not quietly dropped. Cache marks, context
// management and metadata are dropped elsewhere: the answer does not depend on them. The history has rules of its own
// (retell.ts), and the content of the last message is checked in unsupported-content.ts.

import { Failure } from "../../canon/failure.ts";
import type { Block, ChatRequest } from "../../canon/request.ts";
import { safeName } from "../adaptation-notes.ts";
import { isRecord } from "../decoding.ts";
import { isVendorSearch } from "../deferred-tools.ts";
import type { Note } from "../dialect.ts";
import { name, extrasOf } from "./extras.ts";
import { requestMembers } from "./members.ts";

/** Members whose values have no canonical form: the request would lose what it asks for. */
function refuseUnknownOption(ownExtras: Readonly<Record<string, unknown>>): Failure | null {
  const { thinking, output_config: output } = ownExtras;
  if (isRecord(thinking)) return refusal("thinking.type", `thinking of type "${safeName(thinking["type"])}"`);
  for (const member of ["effort", "format"] as const) {
    const value = isRecord(output) ? output[member] : undefined;
    if (value === undefined || value === null) continue;
    const type = isRecord(value) ? value["type"] : value;
    return refusal(`output_config.${member}`, `"${safeName(type)}"`);
  }
  return null;
}

export function refuseTranslation(request: ChatRequest): Failure | null {
  // The gateway itself can search among the request's own tools (pipeline/plans/tool-search.ts).
  const tool = request.opaqueTools.find((each) => each.dialect === name && !isVendorSearch(each));
  if (tool !== undefined) return refusal("tools", `a tool of type "${tool.type}"`);
  const ownExtras = extrasOf(request.extras);
  return requestMembers.refusalOf(ownExtras) ?? refuseUnknownOption(ownExtras);
}

/** What another API does not get although the answer is the same: it affects cost or data retention. */
export function noteLosses(
  request: ChatRequest,
  note: Note,
  unsupported?: (parameter: string) => void,
): void {
  const ownExtras = extrasOf(request.extras);
  requestMembers.noteDropped(ownExtras, note, unsupported);
  requestMembers.noteUnknown(ownExtras, note, unsupported);
  const isMarked = (block: Block | ChatRequest["tools"][number]): boolean =>
    "cache" in block && block.cache !== undefined;
  const holdsMark =
    isRecord(ownExtras["cache_control"]) ||
    request.system.some(isMarked) ||
    request.tools.some(isMarked) ||
    request.messages.some((message) => message.content.some(isMarked));
  if (holdsMark) note("cache-marks-dropped");
  if (request.messages.some((message) => message.content.some(hasCitations))) note("citations-dropped");
  // Only this API continues the text of a last assistant message; others reply to it.
  const last = request.messages.at(-1);
  if (last?.role === "assistant" && last.content.some(({ type }) => type === "text"))
    note("prefill-as-message");
}

/** A text of an earlier answer, or a document with citations enabled. */
function hasCitations(block: Block): boolean {
  if (block.type === "text") return Array.isArray(extrasOf(block.extras)["citations"]);
  if (block.type === "tool-result") return block.content.some(hasCitations);
  if (block.type !== "opaque" || !isRecord(block.value)) return false;
  const { citations } = block.value;
  return isRecord(citations) && citations["enabled"] === true;
}

function refusal(param: string, what: string): Failure {
  return new Failure("unsupported", `${param}: the chosen model's API has no equivalent for ${what}.`, {
    param,
  });
}
