// Turns canonical system blocks and messages into `instructions` and `input`. Calls and results are separate items here. It must
// never drop content that the model would miss; order-history.ts orders the history and describes what has no place here.

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
import { ignoreNote } from "../adaptation-notes.ts";
import { isRecord } from "../decoding.ts";
import type { Note } from "../dialect.ts";
import { type Answer, orderHistory, type HistoryRules, orderSystem, type Turn } from "../order-history.ts";
import { encodeSearchCall, encodeSearchResult, isSearching } from "./client-tool-search.ts";
import { unwrapText } from "../free-text-tools.ts";
import { name, extrasOf, type Wire } from "./extras.ts";
import { toolInputText } from "../tool-input.ts";
import { encodeToolId } from "./tool-id.ts";

/** Leaves out another vendor's reasoning: only what came through this dialect goes back. */
function isOwnThinking(block: ThinkingBlock): boolean {
  const { id, encrypted_content: encrypted, content } = extrasOf(block.extras);
  return id !== undefined || encrypted !== undefined || content !== undefined;
}

/** Developer messages may be anywhere here, except between a call and its output. */
const historyRules: HistoryRules = {
  format: name,
  systemMessages: "stay",
  acceptsThinking: isOwnThinking,
  fitId: encodeToolId,
  startsWithUser: false,
  mayJoin: () => false,
};

export function encodeMessages(request: ChatRequest, note: Note = ignoreNote): Wire {
  const input: Wire[] = [];
  const instructions: string[] = [];
  for (const block of orderSystem(request.system, historyRules, note)) {
    if (block.type === "opaque") continue;
    const { role } = extrasOf(block.extras);
    if (role === "developer" || role === "system") addText(input, role, block);
    else instructions.push(block.text);
  }
  for (const turn of orderHistory(request.messages, historyRules, note).turns) encodeTurn(turn, input, note);
  if (input.length === 0) {
    note("user-turn-added");
    input.push({ type: "message", role: "user", content: [{ type: "input_text", text: "(continued)" }] });
  }
  return instructions.length === 0 ? { input } : { instructions: instructions.join("\n\n"), input };
}

/** Consecutive texts of one role are parts of one message. */
function addText(input: Wire[], role: string, block: TextBlock): void {
  const last = input.at(-1);
  const part = { type: "input_text", text: block.text };
  if (last?.role === role && Array.isArray(last.content)) last.content.push(part);
  else input.push({ type: "message", role, content: [part] });
}

function encodeTurn(turn: Turn, input: Wire[], note: Note): void {
  if (turn.role === "assistant") {
    for (const block of turn.content) {
      const { before } = block.type === "opaque" ? {} : extrasOf(block.extras);
      if (Array.isArray(before)) input.push(...before.filter(isRecord));
      input.push(...encodeModelContent(block, note));
    }
    return;
  }
  if (turn.role === "system") {
    const [first] = turn.content;
    const { role } = first?.type === "text" ? extrasOf(first.extras) : {};
    const content = turn.content.flatMap(encodePart);
    input.push({ type: "message", role: role === "system" ? role : "developer", content });
    return;
  }
  for (const answer of turn.answers) input.push(encodeResult(answer));
  const items: Wire[] = [];
  for (const block of turn.content)
    if (isOwnItem(block)) input.push(block.value);
    else items.push(...encodePart(block));
  if (items.length > 0) input.push({ type: "message", role: "user", content: items });
}

/** An item specific to this API, as opposed to a part of a message. */
function isOwnItem(block: Block): block is OpaqueBlock & { value: Wire } {
  return (
    block.type === "opaque" &&
    block.dialect === name &&
    isRecord(block.value) &&
    !(typeof block.value.type === "string" && block.value.type.startsWith("input_"))
  );
}

function encodeModelContent(block: Block, note: Note): Wire[] {
  switch (block.type) {
    case "text": {
      const { phase, annotations = [] } = extrasOf(block.extras);
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
  const { id, encrypted_content: encrypted, summary, place } = extrasOf(block.extras);
  const spelled = [{ type: "reasoning_text", text: block.text }];
  const content = place === "content" ? spelled : extrasOf(block.extras).content;
  const single =
    content === undefined && block.text !== "" ? [{ type: "summary_text", text: block.text }] : [];
  return {
    type: "reasoning",
    ...(typeof id === "string" && id !== "" ? { id } : {}),
    summary: Array.isArray(summary) ? (summary as readonly unknown[]) : single,
    ...(Array.isArray(content) ? { content: content as readonly unknown[] } : {}),
    ...(typeof encrypted === "string" ? { encrypted_content: encrypted } : {}),
  };
}

function encodeCall(block: ToolCallBlock, note: Note): Wire {
  if (isSearching(block)) return encodeSearchCall(block);
  const { type, name: ownName, namespace } = extrasOf(block.extras);
  const named = {
    call_id: block.id,
    name: typeof ownName === "string" ? ownName : block.name,
    ...(typeof namespace === "string" ? { namespace } : {}),
  };
  if (type === "custom") return { type: "custom_tool_call", ...named, input: unwrapText(block.input) };
  return { type: "function_call", ...named, arguments: toolInputText(block.input, note) };
}

/** An output of its call's kind: an output of another kind would not match the call. */
function encodeResult({ call, result }: Answer): Wire {
  if (isSearching(call)) return encodeSearchResult(result);
  const parts = result.content.flatMap(encodePart);
  const texts = parts.flatMap((part) => (typeof part.text === "string" ? [part.text] : []));
  const isMarked = !result.isError || (texts[0] ?? "").startsWith("Error: ");
  const { type } = extrasOf(call.extras);
  return {
    type: type === "custom" ? "custom_tool_call_output" : "function_call_output",
    call_id: result.callId,
    output:
      texts.length === parts.length
        ? (isMarked ? "" : "Error: ") + texts.join("\n")
        : [...(isMarked ? [] : [{ type: "input_text", text: "Error:" }]), ...parts],
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

/** Documents only (dialects/file-support.ts). Inline ones must have a name. */
function encodeFile({ name: filename, mediaType, source }: FileBlock): Wire {
  if (source.kind === "url") return { type: "input_file", file_url: source.url };
  const file_data = `data:${mediaType};base64,${source.data}`;
  return { type: "input_file", filename: filename ?? "document.pdf", file_data };
}

function encodeImage(block: ImageBlock): Wire {
  const { source } = block;
  const url = source.kind === "url" ? source.url : `data:${source.mediaType};base64,${source.data}`;
  const { detail } = extrasOf(block.extras);
  return { type: "input_image", image_url: url, detail: typeof detail === "string" ? detail : "auto" };
}
