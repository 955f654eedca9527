// Canonical system blocks and messages -> `instructions` and `input`. Calls and results are items of their own here.
// It must never drop content that the model would miss: that is refused by name.

import type {
  Block,
  ChatRequest,
  ImageBlock,
  Message,
  OpaqueBlock,
  TextBlock,
  ThinkingBlock,
  ToolCallBlock,
  ToolResultBlock,
} from "../../canon/request.ts";
import { thinkingBlocksDropped, toolIdsRewritten, unheard } from "../adapting.ts";
import { isRecord } from "../decoding.ts";
import type { Note } from "../dialect.ts";
import { unwrapText } from "./declared-tools.ts";
import { unsupported } from "../fields.ts";
import { name, pocketOf, type Wire } from "./pocket.ts";
import { noArguments } from "./response.ts";
import { outgoingToolId } from "./tool-id.ts";

export function encodeInput(request: ChatRequest, note: Note = unheard): Wire {
  const input: Wire[] = [];
  const instructions: string[] = [];
  for (const [i, block] of request.system.entries()) {
    if (block.type === "opaque") {
      if (!isDecoration(block)) throw misplaced(block, `system[${i}]`, "a system message");
      note(thinkingBlocksDropped);
      continue;
    }
    const { role } = pocketOf(block.extras);
    if (role === "developer" || role === "system") addText(input, role, block);
    else instructions.push(block.text);
  }
  for (const [i, message] of request.messages.entries())
    encodeMessage(message, `messages[${i}]`, input, note);
  return instructions.length === 0 ? { input } : { instructions: instructions.join("\n\n"), input };
}

/** Texts of one role in a row are parts of one message. */
function addText(input: Wire[], role: string, block: TextBlock): void {
  const last = input.at(-1);
  const part = { type: "input_text", text: block.text };
  if (last?.role === role && Array.isArray(last.content)) last.content.push(part);
  else input.push({ type: "message", role, content: [part] });
}

function encodeMessage(message: Message, param: string, input: Wire[], note: Note): void {
  if (message.role === "assistant") {
    for (const [i, block] of message.content.entries()) {
      const { before } = block.type === "opaque" ? {} : pocketOf(block.extras);
      if (Array.isArray(before)) input.push(...before.filter(isRecord));
      input.push(...encodeSpoken(block, `${param}.content[${i}]`, note));
    }
    return;
  }
  if (message.role === "system") {
    const content = message.content.flatMap((block, i) =>
      encodePart(block, `${param}.content[${i}]`, "a system message", note),
    );
    const { role } = message.content[0]?.type === "text" ? pocketOf(message.content[0].extras) : {};
    input.push({ type: "message", role: role === "system" ? role : "developer", content });
    return;
  }
  const said: Wire[] = [];
  for (const [i, block] of message.content.entries()) {
    const at = `${param}.content[${i}]`;
    if (block.type === "tool-result") input.push(encodeResult(block, at, note));
    else if (isOwnItem(block)) input.push(block.value);
    else said.push(...encodePart(block, at, "a user message", note));
  }
  if (said.length > 0 || message.content.length === 0)
    input.push({ type: "message", role: "user", content: said.length === 0 ? "" : said });
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

function encodeSpoken(block: Block, param: string, note: Note): Wire[] {
  switch (block.type) {
    case "text": {
      const { phase } = pocketOf(block.extras);
      const content = [{ type: "output_text", text: block.text, annotations: [] }];
      return [
        { type: "message", role: "assistant", content, ...(typeof phase === "string" ? { phase } : {}) },
      ];
    }
    case "thinking":
      return encodeThinking(block, note);
    case "tool-call":
      return [encodeCall(block, note)];
    case "opaque":
      if (isOwnItem(block)) return [block.value];
      if (isDecoration(block)) {
        note(thinkingBlocksDropped);
        return [];
      }
  }
  throw misplaced(block, param, "an assistant message");
}

/** Another maker's reasoning is not this model's: only what came through this dialect goes back. */
function encodeThinking(block: ThinkingBlock, note: Note): Wire[] {
  const { id, encrypted_content: sealed, summary, content } = pocketOf(block.extras);
  if (id === undefined && sealed === undefined && content === undefined) {
    note(thinkingBlocksDropped);
    return [];
  }
  const single =
    content === undefined && block.text !== "" ? [{ type: "summary_text", text: block.text }] : [];
  return [
    {
      type: "reasoning",
      ...(typeof id === "string" ? { id } : {}),
      summary: Array.isArray(summary) ? (summary as readonly unknown[]) : single,
      ...(Array.isArray(content) ? { content: content as readonly unknown[] } : {}),
      ...(typeof sealed === "string" ? { encrypted_content: sealed } : {}),
    },
  ];
}

function toolId(id: string, note: Note): string {
  const outgoing = outgoingToolId(id);
  if (outgoing !== id) note(toolIdsRewritten);
  return outgoing;
}

function encodeCall(block: ToolCallBlock, note: Note): Wire {
  const { type, name: ownName, namespace } = pocketOf(block.extras);
  const named = {
    call_id: toolId(block.id, note),
    name: typeof ownName === "string" ? ownName : block.name,
    ...(typeof namespace === "string" ? { namespace } : {}),
  };
  if (type === "custom") return { type: "custom_tool_call", ...named, input: unwrapText(block.input) };
  const input = block.input.trim() === "" ? noArguments : block.input;
  return { type: "function_call", ...named, arguments: input };
}

function encodeResult(block: ToolResultBlock, param: string, note: Note): Wire {
  const parts = block.content.flatMap((part, i) =>
    encodePart(part, `${param}.content[${i}]`, "a tool result", note),
  );
  const texts = parts.flatMap((part) => (typeof part.text === "string" ? [part.text] : []));
  const isSaid = !block.isError || (texts[0] ?? "").startsWith("Error: ");
  const { type } = pocketOf(block.extras);
  return {
    type: type === "custom" ? "custom_tool_call_output" : "function_call_output",
    call_id: toolId(block.callId, note),
    output:
      texts.length === parts.length
        ? (isSaid ? "" : "Error: ") + texts.join("\n")
        : [...(isSaid ? [] : [{ type: "input_text", text: "Error:" }]), ...parts],
  };
}

function encodePart(block: Block, param: string, where: string, note: Note): Wire[] {
  if (block.type === "text") return [{ type: "input_text", text: block.text }];
  if (block.type === "image") return [encodeImage(block)];
  if (block.type === "opaque" && block.dialect === name && isRecord(block.value)) return [block.value];
  if (block.type !== "opaque" || !isDecoration(block)) throw misplaced(block, param, where);
  note(thinkingBlocksDropped);
  return [];
}

function encodeImage(block: ImageBlock): Wire {
  const { source } = block;
  const url = source.kind === "url" ? source.url : `data:${source.mediaType};base64,${source.data}`;
  const { detail } = pocketOf(block.extras);
  return { type: "input_image", image_url: url, detail: typeof detail === "string" ? detail : "auto" };
}

/** May an opaque block of another dialect be left out? Only sealed reasoning, which its maker alone could read. */
function isDecoration(block: OpaqueBlock): boolean {
  return isRecord(block.value) && block.value.type === "redacted_thinking";
}

function misplaced(block: Block, param: string, where: string): Error {
  const type =
    block.type === "opaque" && isRecord(block.value) && typeof block.value.type === "string"
      ? block.value.type
      : block.type;
  return unsupported(
    param,
    `Content of type "${type}" in ${where} cannot be sent to this model: its API has no place for it.`,
  );
}
