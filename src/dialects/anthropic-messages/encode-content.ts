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
import { isRecord, parseLoosely } from "../decoding.ts";
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
function encodeOpaque(block: OpaqueBlock): WireBlock[] {
  return block.dialect === name && isRecord(block.value) ? [{ ...block.value }] : [];
}

/** The API takes objects only. Text that is no JSON object is kept under `arguments`, so that the model sees what it wrote. */
export function toolInput(text: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  const value = parseLoosely(text);
  return isRecord(value) ? value : { arguments: text };
}

export function encodeToolCall(block: ToolCallBlock, id: string): WireBlock {
  return { type: "tool_use", id, name: block.name, input: toolInput(block.input), ...marks(block) };
}

function encodeResultContent(block: ToolResultBlock): WireBlock[] {
  return block.content.flatMap((each) =>
    each.type === "text"
      ? encodeText(each)
      : each.type === "image"
        ? [encodeImage(each)]
        : encodeOpaque(each),
  );
}

export function encodeToolResult(block: ToolResultBlock, id: string): WireBlock {
  const content = encodeResultContent(block);
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
export function encodeOrphan(block: ToolResultBlock): WireBlock[] {
  const head = `[Result of an earlier tool call${block.isError ? ", an error" : ""}]`;
  return [{ type: "text", text: head }, ...encodeResultContent(block)];
}

/** Blocks that stand alone; calls and results need their turn's context. */
export function encodePlain(block: Block, keepsThinking: boolean): WireBlock[] {
  switch (block.type) {
    case "text":
      return encodeText(block);
    case "image":
      return [encodeImage(block)];
    case "opaque":
      return encodeOpaque(block);
    case "thinking":
      // The API verifies signatures; thinking without one is another vendor's and would be refused.
      return block.signature !== null && keepsThinking
        ? [{ type: "thinking", thinking: block.text, signature: block.signature, ...pocketOf(block.extras) }]
        : [];
    case "tool-call":
    case "tool-result":
      return [];
  }
}
