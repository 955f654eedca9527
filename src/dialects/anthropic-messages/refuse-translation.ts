// What an Anthropic request says that no other format can say, named, so that it is refused and not quietly dropped.
// Redacted thinking, cache marks, context management and metadata are dropped elsewhere: the answer does not depend on them.

import { Failure } from "../../canon/failure.ts";
import type { Block, ChatRequest } from "../../canon/request.ts";
import { noteDropped } from "../adapting.ts";
import { isRecord } from "../decoding.ts";
import type { Note } from "../dialect.ts";
import { name, pocketOf } from "./pocket.ts";

/** Top-level members that change what the model can do. */
const bindingMembers: readonly string[] = ["container", "mcp_servers"];

export function refuseTranslation(request: ChatRequest): Failure | null {
  const tool = request.opaqueTools.find((each) => each.dialect === name);
  if (tool !== undefined) return refusal("tools", `a tool of type "${tool.type}"`);
  const pocket = pocketOf(request.extras);
  for (const member of bindingMembers) {
    const value = pocket[member];
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) continue;
    return refusal(member, "it");
  }
  const inSystem = refuseBlocks(request.system, "system");
  if (inSystem !== null) return inSystem;
  for (const [index, message] of request.messages.entries()) {
    const found = refuseBlocks(message.content, `messages[${index}].content`);
    if (found !== null) return found;
  }
  return null;
}

/** What another API does not get: it costs more or keeps more there, but the answer is the same. */
export function noteLosses(
  request: ChatRequest,
  note: Note,
  unsupported?: (parameter: string) => void,
): void {
  noteDropped(pocketOf(request.extras), ["context_management"], note, unsupported);
  const isMarked = (block: Block | ChatRequest["tools"][number]): boolean =>
    "cache" in block && block.cache !== undefined;
  const holdsMark =
    request.system.some(isMarked) ||
    request.tools.some(isMarked) ||
    request.messages.some((message) => message.content.some(isMarked));
  if (holdsMark) note("cache-marks-dropped");
}

function refuseBlocks(blocks: readonly Block[], path: string): Failure | null {
  for (const [index, block] of blocks.entries()) {
    const at = `${path}[${index}]`;
    if (block.type === "tool-result") {
      const inner = refuseBlocks(block.content, `${at}.content`);
      if (inner !== null) return inner;
    }
    if (block.type !== "opaque" || block.dialect !== name) continue;
    const type = isRecord(block.value) ? block.value["type"] : null;
    if (type === "redacted_thinking") continue;
    const what =
      type === "image" ? "an image that is not inline or a URL" : `a block of type "${String(type)}"`;
    return refusal(at, what);
  }
  return null;
}

function refusal(param: string, what: string): Failure {
  return new Failure("unsupported", `${param}: the chosen model's API has no equivalent for ${what}.`, {
    param,
  });
}
