// What only a Google request can express: it is refused by name and not quietly dropped. Safety settings, labels and
// encrypted thinking are dropped elsewhere: the answer does not depend on them. The history has rules of its own
// (retell.ts), and the content of the last message is checked in unsupported-content.ts.

import { Failure } from "../../canon/failure.ts";
import type { Block, ChatRequest } from "../../canon/request.ts";
import { thinkingBlocksDropped } from "../adaptation-notes.ts";
import { isRecord } from "../decoding.ts";
import type { Note } from "../dialect.ts";
import { unsupported } from "../read-fields.ts";
import { configMembers, requestMembers } from "./members.ts";
import { type Members, name, extrasOf, signatureIn } from "./extras.ts";

export function refuseTranslation(request: ChatRequest): Failure | null {
  const plain = refuseCandidates(request);
  if (plain !== null) return plain;
  const tool = request.opaqueTools.find((each) => each.dialect === name);
  if (tool !== undefined) return refusal("tools", `a tool of type "${tool.type}"`);
  const ownExtras = extrasOf(request.extras);
  const { rest, generationConfig } = ownExtras;
  return (
    (isRecord(rest) ? requestMembers.refusalOf(rest) : null) ??
    (isRecord(generationConfig) ? configMembers.refusalOf(generationConfig) : null) ??
    refuseNames(request, ownExtras)
  );
}

export function noteLosses(
  request: ChatRequest,
  note: Note,
  unsupported?: (parameter: string) => void,
): void {
  const { rest, generationConfig } = extrasOf(request.extras);
  if (isRecord(rest)) {
    requestMembers.noteDropped(rest, note, unsupported);
    requestMembers.noteUnknown(rest, note, unsupported);
  }
  if (isRecord(generationConfig)) {
    configMembers.noteDropped(generationConfig, note, unsupported);
    configMembers.noteUnknown(generationConfig, note, unsupported);
  }
  // Separate thinking is noted where it is left out; these signatures are part of blocks that are kept.
  const isSealed = (block: Block): boolean => {
    if (block.type !== "text" && block.type !== "tool-call") return false;
    return signatureIn(block.extras) !== null || extrasOf(block.extras)["signatureAfter"] !== undefined;
  };
  if (request.messages.some((message) => message.content.some(isSealed))) note(thinkingBlocksDropped);
}

/** The canonical form holds one plain answer, even between two ends of this format. */
export function refuseCandidates(request: ChatRequest): Failure | null {
  const { generationConfig } = extrasOf(request.extras);
  if (!isRecord(generationConfig)) return null;
  return configMembers.refusalOf({ candidateCount: generationConfig["candidateCount"] });
}

/** ANY with several names: other formats force one tool or all of them. */
function refuseNames(request: ChatRequest, ownExtras: Members): Failure | null {
  const config = isRecord(ownExtras["toolConfig"]) ? ownExtras["toolConfig"]["functionCallingConfig"] : null;
  const names: unknown = isRecord(config)
    ? (config["allowedFunctionNames"] ?? config["allowed_function_names"])
    : null;
  if (!Array.isArray(names) || names.length < 2) return null;
  if (request.tools.every((tool) => names.includes(tool.name))) return null;
  return refusal("toolConfig.functionCallingConfig.allowedFunctionNames", "a choice among some of the tools");
}

function refusal(param: string, what: string): Failure {
  return unsupported(param, `${param}: the chosen model's API has no equivalent for ${what}.`);
}
