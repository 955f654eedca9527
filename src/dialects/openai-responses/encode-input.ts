// Canonical system blocks and messages -> `instructions` and `input`. Calls and results are items of their own here.
// It must never drop content that the model would miss; placement.ts puts the history in order and tells what has no place here.

import type {
  Block,
  ChatRequest,
  FileBlock,
  ImageBlock,
  OpaqueBlock,
  TextBlock,
  ThinkingBlock,
  ToolCallBlock,
} from "../../canon/request.ts";
import { unheard } from "../adapting.ts";
import { isRecord } from "../decoding.ts";
import type { Note } from "../dialect.ts";
import { type Answer, placeHistory, type PlacementRules, placeSystem, type Turn } from "../placement.ts";
import { encodeSearchCall, encodeSearchResult, isSearching } from "./client-search.ts";
import { unwrapText } from "../free-text.ts";
import { name, pocketOf, type Wire } from "./pocket.ts";
import { toolInputText } from "../tool-input.ts";
import { outgoingToolId } from "./tool-id.ts";

/** Another maker's reasoning is not this model's: only what came through this dialect goes back. */
function isOwnThought(block: ThinkingBlock): boolean {
  const { id, encrypted_content: sealed, content } = pocketOf(block.extras);
  return id !== undefined || sealed !== undefined || content !== undefined;
}

/** Developer messages may stand anywhere here, but between a call and its output. */
const placementRules: PlacementRules = {
  format: name,
  systems: "stay",
  takesThinking: isOwnThought,
  fitId: outgoingToolId,
  startsWithUser: false,
  joins: () => false,
};

export function encodeInput(request: ChatRequest, note: Note = unheard): Wire {
  const input: Wire[] = [];
  const instructions: string[] = [];
  for (const block of placeSystem(request.system, placementRules, note)) {
    if (block.type === "opaque") continue;
    const { role } = pocketOf(block.extras);
    if (role === "developer" || role === "system") addText(input, role, block);
    else instructions.push(block.text);
  }
  for (const turn of placeHistory(request.messages, placementRules, note).turns)
    encodeTurn(turn, input, note);
  if (input.length === 0) {
    note("user-turn-added");
    input.push({ type: "message", role: "user", content: [{ type: "input_text", text: "(continued)" }] });
  }
  return instructions.length === 0 ? { input } : { instructions: instructions.join("\n\n"), input };
}

/** Texts of one role in a row are parts of one message. */
function addText(input: Wire[], role: string, block: TextBlock): void {
  const last = input.at(-1);
  const part = { type: "input_text", text: block.text };
  if (last?.role === role && Array.isArray(last.content)) last.content.push(part);
  else input.push({ type: "message", role, content: [part] });
}

function encodeTurn(turn: Turn, input: Wire[], note: Note): void {
  if (turn.role === "assistant") {
    for (const block of turn.content) {
      const { before } = block.type === "opaque" ? {} : pocketOf(block.extras);
      if (Array.isArray(before)) input.push(...before.filter(isRecord));
      input.push(...encodeSpoken(block, note));
    }
    return;
  }
  if (turn.role === "system") {
    const [first] = turn.content;
    const { role } = first?.type === "text" ? pocketOf(first.extras) : {};
    const content = turn.content.flatMap(encodePart);
    input.push({ type: "message", role: role === "system" ? role : "developer", content });
    return;
  }
  for (const answer of turn.answers) input.push(encodeResult(answer));
  const said: Wire[] = [];
  for (const block of turn.content)
    if (isOwnItem(block)) input.push(block.value);
    else said.push(...encodePart(block));
  if (said.length > 0) input.push({ type: "message", role: "user", content: said });
}

/** An item of this API's own, as opposed to a part of a message. */
function isOwnItem(block: Block): block is OpaqueBlock & { value: Wire } {
  return (
    block.type === "opaque" &&
    block.dialect === name &&
    isRecord(block.value) &&
    !(typeof block.value.type === "string" && block.value.type.startsWith("input_"))
  );
}

function encodeSpoken(block: Block, note: Note): Wire[] {
  switch (block.type) {
    case "text": {
      const { phase, annotations = [] } = pocketOf(block.extras);
      const content = [{ type: "output_text", text: block.text, annotations }];
      return [
        { type: "message", role: "assistant", content, ...(typeof phase === "string" ? { phase } : {}) },
      ];
    }
    case "thinking":
      return [encodeThinking(block)];
    case "tool-call":
      return [encodeCall(block, note)];
    case "opaque":
      return isOwnItem(block) ? [block.value] : [];
    default:
      return [];
  }
}

function encodeThinking(block: ThinkingBlock): Wire {
  const { id, encrypted_content: sealed, summary, place } = pocketOf(block.extras);
  const spelled = [{ type: "reasoning_text", text: block.text }];
  const content = place === "content" ? spelled : pocketOf(block.extras).content;
  const single =
    content === undefined && block.text !== "" ? [{ type: "summary_text", text: block.text }] : [];
  return {
    type: "reasoning",
    ...(typeof id === "string" && id !== "" ? { id } : {}),
    summary: Array.isArray(summary) ? (summary as readonly unknown[]) : single,
    ...(Array.isArray(content) ? { content: content as readonly unknown[] } : {}),
    ...(typeof sealed === "string" ? { encrypted_content: sealed } : {}),
  };
}

function encodeCall(block: ToolCallBlock, note: Note): Wire {
  if (isSearching(block)) return encodeSearchCall(block);
  const { type, name: ownName, namespace } = pocketOf(block.extras);
  const named = {
    call_id: block.id,
    name: typeof ownName === "string" ? ownName : block.name,
    ...(typeof namespace === "string" ? { namespace } : {}),
  };
  if (type === "custom") return { type: "custom_tool_call", ...named, input: unwrapText(block.input) };
  return { type: "function_call", ...named, arguments: toolInputText(block.input, note) };
}

/** Of the kind of its call: an output of another kind answers nothing. */
function encodeResult({ call, result }: Answer): Wire {
  if (isSearching(call)) return encodeSearchResult(result);
  const parts = result.content.flatMap(encodePart);
  const texts = parts.flatMap((part) => (typeof part.text === "string" ? [part.text] : []));
  const isSaid = !result.isError || (texts[0] ?? "").startsWith("Error: ");
  const { type } = pocketOf(call.extras);
  return {
    type: type === "custom" ? "custom_tool_call_output" : "function_call_output",
    call_id: result.callId,
    output:
      texts.length === parts.length
        ? (isSaid ? "" : "Error: ") + texts.join("\n")
        : [...(isSaid ? [] : [{ type: "input_text", text: "Error:" }]), ...parts],
  };
}

function encodePart(block: Block): Wire[] {
  switch (block.type) {
    case "text":
      return [{ type: "input_text", text: block.text }];
    case "image":
      return [encodeImage(block)];
    case "file":
      return [encodeFile(block)];
    case "opaque":
      return isRecord(block.value) ? [block.value] : [];
    default:
      return [];
  }
}

/** Documents only (dialects/files.ts). Inline ones must have a name. */
function encodeFile({ name: filename, mediaType, source }: FileBlock): Wire {
  if (source.kind === "url") return { type: "input_file", file_url: source.url };
  const file_data = `data:${mediaType};base64,${source.data}`;
  return { type: "input_file", filename: filename ?? "document.pdf", file_data };
}

function encodeImage(block: ImageBlock): Wire {
  const { source } = block;
  const url = source.kind === "url" ? source.url : `data:${source.mediaType};base64,${source.data}`;
  const { detail } = pocketOf(block.extras);
  return { type: "input_image", image_url: url, detail: typeof detail === "string" ? detail : "auto" };
}
