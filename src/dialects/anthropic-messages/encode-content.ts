// Canonical blocks -> content blocks of the Messages API. One block at a time; the order of turns is encode-messages.ts.
// It must never emit an empty text block: the API refuses the whole request for one.

import type {
  Block,
  CacheMark,
  Extras,
  ImageBlock,
  OpaqueBlock,
  TextBlock,
  ToolCallBlock,
  ToolResultBlock,
} from "../../canon/request.ts";
import { thinkingBlocksDropped, toolIdsRewritten, unheard } from "../adapting.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import type { Note } from "../dialect.ts";
import { isOurMark } from "../thought-signature.ts";
import { name, pocketOf } from "./pocket.ts";

export type WireBlock = Record<string, unknown>;

/** Cache mark and own extras, to be spread behind a block's members. */
export function marks(block: { cache?: CacheMark; extras?: Extras }): WireBlock {
  const pocket = pocketOf(block.extras);
  if (block.cache === undefined) return pocket;
  const { ttl } = block.cache;
  return { cache_control: ttl === null ? { type: "ephemeral" } : { type: "ephemeral", ttl }, ...pocket };
}

/** "text content blocks must contain non-whitespace text": blank ones are left out. */
export function encodeText(block: TextBlock): WireBlock[] {
  return block.text.trim() === "" ? [] : [{ type: "text", text: block.text, ...marks(block) }];
}

function encodeImage(block: ImageBlock): WireBlock {
  const { source } = block;
  const wire =
    source.kind === "base64"
      ? { type: "base64", media_type: source.mediaType, data: source.data }
      : { type: "url", url: source.url };
  return { type: "image", source: wire, ...marks(block) };
}

/** A copy, because cache marks beyond the API's limit are cut out of it later. */
function encodeOpaque(block: OpaqueBlock, note: Note): WireBlock[] {
  if (block.dialect === name && isRecord(block.value)) return [{ ...block.value }];
  note(isSealed(block) ? thinkingBlocksDropped : "content-dropped");
  return [];
}

function isSealed({ value }: OpaqueBlock): boolean {
  return isRecord(value) && (value["type"] === "reasoning" || value["thoughtSignature"] !== undefined);
}

/** The API takes objects only. Text that is no JSON object is kept under `arguments`, so that the model sees what it wrote. */
export function toolInput(text: string, note: Note = unheard): Record<string, unknown> {
  if (text.trim() === "") return {};
  const value = parseLoosely(text);
  if (isRecord(value)) return value;
  note("tool-input-wrapped");
  return { arguments: text };
}

export function encodeToolCall(block: ToolCallBlock, id: string, note: Note): WireBlock {
  if (id !== block.id) note(toolIdsRewritten);
  return { type: "tool_use", id, name: block.name, input: toolInput(block.input, note), ...marks(block) };
}

function encodeResultContent(block: ToolResultBlock, note: Note): WireBlock[] {
  return block.content.flatMap((each) =>
    each.type === "text"
      ? encodeText(each)
      : each.type === "image"
        ? [encodeImage(each)]
        : encodeOpaque(each, note),
  );
}

export function encodeToolResult(block: ToolResultBlock, id: string, note: Note): WireBlock {
  const content = encodeResultContent(block, note);
  return {
    type: "tool_result",
    tool_use_id: id,
    ...(content.length > 0 ? { content } : {}),
    ...(block.isError ? { is_error: true } : {}),
    ...marks(block),
  };
}

/** Stands in for a result that the client dropped: the API refuses a call without one. */
export function missingResult(id: string): WireBlock {
  return { type: "tool_result", tool_use_id: id, content: "(no result was returned)", is_error: true };
}

/** A result whose call is gone: the API refuses it as such, and its text may still matter. */
export function encodeOrphan(block: ToolResultBlock, note: Note): WireBlock[] {
  note("tool-results-as-text");
  const head = `[Result of an earlier tool call${block.isError ? ", an error" : ""}]`;
  return [{ type: "text", text: head }, ...encodeResultContent(block, note)];
}

/** A pocket of another maker's says whose signature it is. */
function isForeign(extras: Extras | undefined): boolean {
  return extras !== undefined && extras[name] === undefined && Object.keys(extras).length > 0;
}

/** Blocks that stand alone; calls and results need their turn's context. */
export function encodePlain(block: Block, keepsThinking: boolean, note: Note): WireBlock[] {
  switch (block.type) {
    case "text":
      return encodeText(block);
    case "image":
      return [encodeImage(block)];
    case "opaque":
      return encodeOpaque(block, note);
    case "thinking":
      // The API verifies signatures; thinking without one is another vendor's and would be refused.
      if (
        block.signature !== null &&
        !isOurMark(block.signature) &&
        keepsThinking &&
        !isForeign(block.extras)
      )
        return [
          { type: "thinking", thinking: block.text, signature: block.signature, ...pocketOf(block.extras) },
        ];
      note(thinkingBlocksDropped);
      return [];
    case "tool-call":
    case "tool-result":
      return [];
  }
}
