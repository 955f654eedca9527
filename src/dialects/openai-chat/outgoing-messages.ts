// Canonical messages -> this format's `messages`. Tool results become messages of their own, images in them follow as a user's.
// It must never drop content that the model would miss: that is refused by name.

import type {
  Block,
  ChatRequest,
  ImageBlock,
  Message,
  OpaqueBlock,
  ToolCallBlock,
  ToolResultBlock,
} from "../../canon/request.ts";
import { thinkingBlocksDropped, toolIdsRewritten, unheard } from "../adapting.ts";
import { isRecord } from "../decoding.ts";
import type { Note } from "../dialect.ts";
import { unsupported } from "../fields.ts";
import { openedDetails } from "../thought-signature.ts";
import { noArguments } from "./tool-calls.ts";
import { outgoingToolId } from "./tool-id.ts";

type Wire = Record<string, unknown>;

/** May an opaque block of another dialect be left out? Only sealed reasoning, which its maker alone could read. */
export function isDecoration(block: OpaqueBlock): boolean {
  return isRecord(block.value) && block.value.type === "redacted_thinking";
}

export function encodeMessages(request: ChatRequest, note: Note = unheard): Wire[] {
  const out: Wire[] = [];
  const system = textsOf(request.system, "system", note);
  if (system.length > 0) out.push({ role: "system", content: system.join("\n\n") });
  for (let i = 0; i < request.messages.length; i++) {
    const message = request.messages[i];
    if (message === undefined) break;
    if (message.role === "system")
      out.push(
        named(message, { role: "system", content: textsOf(message.content, at(i), note).join("\n\n") }),
      );
    else if (message.role === "assistant") out.push(named(message, encodeAssistant(message, i, note)));
    else {
      const run: Message[] = [message];
      for (let next = request.messages[i + 1]; next?.role === "user"; next = request.messages[i + run.length])
        run.push(next);
      encodeUsers(run, i, out, note);
      i += run.length - 1;
    }
  }
  return out;
}

const at = (message: number, block?: number): string =>
  block === undefined ? `messages[${message}]` : `messages[${message}].content[${block}]`;

function named(message: Message, wire: Wire): Wire {
  const name = message.extras?.["openai-chat"]?.name;
  return typeof name === "string" ? { ...wire, name } : wire;
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

function textsOf(blocks: readonly Block[], param: string, note: Note): string[] {
  const texts: string[] = [];
  for (const [i, block] of blocks.entries()) {
    if (block.type === "text") texts.push(block.text);
    else if (block.type !== "opaque" || !isDecoration(block))
      throw misplaced(block, `${param}[${i}]`, "a system message");
    else note(thinkingBlocksDropped);
  }
  return texts;
}

function encodeAssistant(message: Message, index: number, note: Note): Wire {
  let text = "";
  let hasText = false;
  const reasoning = new Map<string, string>();
  const details: unknown[] = [];
  const calls: Wire[] = [];
  for (const [i, block] of message.content.entries()) {
    switch (block.type) {
      case "text":
        text += block.text;
        hasText = true;
        break;
      case "thinking": {
        // Another maker's reasoning is not this model's: sending it back would put words into its mouth.
        const pocket = block.extras?.["openai-chat"];
        const field = pocket?.field;
        const own = pocket?.reasoning_details ?? openedDetails(block.signature);
        if (Array.isArray(own)) details.push(...(own as readonly unknown[]));
        if (field === "reasoning_content" || field === "reasoning")
          reasoning.set(field, (reasoning.get(field) ?? "") + block.text);
        else if (!Array.isArray(own)) note(thinkingBlocksDropped);
        break;
      }
      case "tool-call":
        calls.push(encodeCall(block, note));
        break;
      case "opaque":
        if (!isDecoration(block)) throw misplaced(block, at(index, i), "an assistant message");
        note(thinkingBlocksDropped);
        break;
      default:
        throw misplaced(block, at(index, i), "an assistant message");
    }
  }
  return {
    role: "assistant",
    content: hasText || calls.length === 0 ? text : null,
    ...Object.fromEntries(reasoning),
    ...(details.length > 0 ? { reasoning_details: details } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
}

function toolId(id: string, note: Note): string {
  const outgoing = outgoingToolId(id);
  if (outgoing !== id) note(toolIdsRewritten);
  return outgoing;
}

function encodeCall(block: ToolCallBlock, note: Note): Wire {
  const input = block.input.trim() === "" ? noArguments : block.input;
  const extra = block.extras?.["openai-chat"]?.extra_content;
  return {
    id: toolId(block.id, note),
    type: "function",
    function: { name: block.name, arguments: input },
    ...(isRecord(extra) ? { extra_content: extra } : {}),
  };
}

/**
 * Users' messages in a row. Results stand first, because nothing may come between a call and its results;
 * images from results come next, then what the user said.
 */
function encodeUsers(run: readonly Message[], from: number, out: Wire[], note: Note): void {
  const images: Wire[] = [];
  const said: Wire[] = [];
  for (const [i, message] of run.entries()) {
    const rest: Wire[] = [];
    let hasResults = false;
    for (const [j, block] of message.content.entries()) {
      const param = at(from + i, j);
      if (block.type === "tool-result") {
        hasResults = true;
        out.push(encodeResult(block, param, images, note));
      } else if (block.type === "text") rest.push({ type: "text", text: block.text });
      else if (block.type === "image") rest.push(encodeImage(block));
      else if (block.type !== "opaque" || !isDecoration(block))
        throw misplaced(block, param, "a user message");
      else note(thinkingBlocksDropped);
    }
    if (rest.length > 0 || !hasResults) said.push(named(message, { role: "user", content: collapsed(rest) }));
  }
  out.push(...images, ...said);
}

/** One text is written as a plain string, which every vendor reads. */
function collapsed(parts: readonly Wire[]): unknown {
  if (parts.length === 0) return "";
  const only = parts.length === 1 ? parts[0] : undefined;
  return only?.type === "text" ? only.text : parts;
}

function encodeResult(block: ToolResultBlock, param: string, images: Wire[], note: Note): Wire {
  const id = toolId(block.callId, note);
  const texts: string[] = [];
  const pictures: Wire[] = [];
  for (const [i, part] of block.content.entries()) {
    if (part.type === "text") texts.push(part.text);
    else if (part.type === "image") pictures.push(encodeImage(part));
    else if (!isDecoration(part)) throw misplaced(part, `${param}.content[${i}]`, "a tool result");
  }
  if (pictures.length > 0) {
    note("tool-result-images-moved");
    images.push({
      role: "user",
      content: [{ type: "text", text: `Image(s) from tool result ${id}:` }, ...pictures],
    });
  }
  let text = texts.join("\n");
  if (text === "" && pictures.length > 0) text = "(see image)";
  if (block.isError && !text.startsWith("Error: ")) text = `Error: ${text}`;
  return { role: "tool", tool_call_id: id, content: text };
}

function encodeImage(block: ImageBlock): Wire {
  const { source } = block;
  const url = source.kind === "url" ? source.url : `data:${source.mediaType};base64,${source.data}`;
  const detail = block.extras?.["openai-chat"]?.detail;
  return { type: "image_url", image_url: typeof detail === "string" ? { url, detail } : { url } };
}
