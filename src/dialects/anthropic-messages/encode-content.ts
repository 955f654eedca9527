// Canonical blocks -> content blocks of the Messages API. One block at a time; the order of turns is encode-messages.ts.
// It must never emit an empty text block: the API refuses the whole request for one.

import type {
  Block,
  CacheMark,
  Extras,
  FileBlock,
  ImageBlock,
  OpaqueBlock,
  TextBlock,
  ThinkingBlock,
  ToolCallBlock,
  ToolResultBlock,
} from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import { citationMark } from "../citations.ts";
import type { Note } from "../dialect.ts";
import { isThinkingMark } from "../thinking-signatures.ts";
import { toolInput } from "../tool-input.ts";
import { name, extrasOf } from "./extras.ts";

export type WireBlock = Record<string, unknown>;

/** Cache mark and own extras, to spread after a block's members. */
export function marks(block: { cache?: CacheMark; extras?: Extras }): WireBlock {
  const ownExtras = extrasOf(block.extras);
  if (block.cache === undefined) return ownExtras;
  const { ttl } = block.cache;
  return { cache_control: ttl === null ? { type: "ephemeral" } : { type: "ephemeral", ttl }, ...ownExtras };
}

/** "text content blocks must contain non-whitespace text": blank ones are left out. */
export function encodeText(block: TextBlock): WireBlock[] {
  if (block.text.trim() === "") return [];
  const wire: WireBlock = { type: "text", text: block.text, ...marks(block) };
  if (!Array.isArray(wire["citations"])) return [wire];
  const citations = wire["citations"].filter(
    (each) => !isRecord(each) || each["encrypted_index"] !== citationMark,
  );
  if (citations.length === wire["citations"].length) return [wire];
  const { citations: _ours, ...rest } = wire;
  return [citations.length === 0 ? rest : { ...rest, citations }];
}

function encodeImage(block: ImageBlock): WireBlock {
  const { source } = block;
  const wire =
    source.kind === "base64"
      ? { type: "base64", media_type: source.mediaType, data: source.data }
      : { type: "url", url: source.url };
  return { type: "image", source: wire, ...marks(block) };
}

/** PDFs only (dialects/file-support.ts). */
function encodeFile({ name: title, mediaType, source }: FileBlock): WireBlock {
  const wire =
    source.kind === "base64"
      ? { type: "base64", media_type: mediaType, data: source.data }
      : { type: "url", url: source.url };
  return { type: "document", source: wire, ...(title === null ? {} : { title }) };
}

/** A copy, because cache marks beyond the API's limit are removed from it later. */
function encodeOpaque(block: OpaqueBlock): WireBlock[] {
  return block.dialect === name && isRecord(block.value) ? [{ ...block.value }] : [];
}

export function encodeToolCall(block: ToolCallBlock, note: Note): WireBlock {
  return {
    type: "tool_use",
    id: block.id,
    name: block.name,
    input: toolInput(block.input, note),
    ...marks(block),
  };
}

export function encodeToolResult(block: ToolResultBlock): WireBlock {
  const content = block.content.flatMap(encodePlain);
  return {
    type: "tool_result",
    tool_use_id: block.callId,
    ...(content.length > 0 ? { content } : {}),
    ...(block.isError ? { is_error: true } : {}),
    ...marks(block),
  };
}

/** Another vendor's extras tell which vendor signed. */
function isForeign(extras: Extras | undefined): boolean {
  return extras !== undefined && extras[name] === undefined && Object.keys(extras).length > 0;
}

/** The API verifies signatures; thinking without one comes from another vendor and would be refused. */
export const isOwnThinking = (block: ThinkingBlock): boolean =>
  block.signature !== null && !isThinkingMark(block.signature) && !isForeign(block.extras);

/** Independent blocks; calls and results need their turn's context (encode-messages.ts). */
export function encodePlain(block: Block): WireBlock[] {
  switch (block.type) {
    case "text":
      return encodeText(block);
    case "image":
      return [encodeImage(block)];
    case "file":
      return [encodeFile(block)];
    case "opaque":
      return encodeOpaque(block);
    case "thinking":
      return [
        { type: "thinking", thinking: block.text, signature: block.signature, ...extrasOf(block.extras) },
      ];
    case "tool-call":
    case "tool-result":
      return [];
  }
}
