// Turns canonical messages into this format's `messages`. Tool results become separate messages; their images follow in a user
// message. It must never drop content that the model would miss; order-history.ts orders the history and describes what has no
// place here.

import type {
  Block,
  ChatRequest,
  FileBlock,
  ImageBlock,
  Message,
  ThinkingBlock,
  ToolCallBlock,
  ToolResultBlock,
} from "../../canon/request.ts";
import { ignoreNote } from "../adaptation-notes.ts";
import type { Note } from "../dialect.ts";
import { isRecord } from "../decoding.ts";
import { orderHistory, type HistoryRules, orderSystem, type Turn } from "../order-history.ts";
import { isReasoningField, spokenThoughts, taggedThoughts } from "./reasoning-fields.ts";
import { inThinkTags } from "./think-tags.ts";
import { toolInputText } from "../tool-input.ts";
import { encodeToolId } from "./tool-id.ts";
import { name as dialect, extrasOf, type Wire } from "./extras.ts";

const nameOf = ({ extras }: Pick<Message, "extras">): unknown => extrasOf(extras).name;

function fieldOf({ extras }: ThinkingBlock): string | null {
  const field = extrasOf(extras).field;
  const isKnown = isReasoningField(field) || field === spokenThoughts || field === taggedThoughts;
  return isKnown ? field : null;
}

/** A vendor's own members next to its thinking. */
function detailsOf({ extras }: ThinkingBlock): readonly unknown[] {
  const own = extrasOf(extras).reasoning_details;
  return Array.isArray(own) ? (own as readonly unknown[]) : [];
}

/** Leaves out another vendor's reasoning, which the model would take for its own. */
const isOwnThinking = (block: ThinkingBlock): boolean =>
  fieldOf(block) !== null || detailsOf(block).length > 0;

/**
 * OpenAI itself accepts system messages anywhere; the templates of most open models accept one, at the head, followed by a
 * user turn.
 */
export const historyRules: HistoryRules = {
  format: dialect,
  systemMessages: "hoist",
  acceptsThinking: isOwnThinking,
  fitId: encodeToolId,
  startsWithUser: true,
  mayJoin: () => false,
};

export function encodeMessages(request: ChatRequest, note: Note = ignoreNote): Wire[] {
  const { turns, hoisted } = orderHistory(request.messages, historyRules, note);
  const system = [...orderSystem(request.system, historyRules, note), ...hoisted].flatMap((block) =>
    block.type === "text" ? [block.text] : [],
  );
  const out: Wire[] = [];
  if (system.length > 0) out.push({ role: "system", content: system.join("\n\n") });
  for (const turn of turns) {
    if (turn.role === "assistant") out.push(named(turn, encodeAssistant(turn, note)));
    else encodeUser(turn, out, note);
  }
  return out;
}

function named(turn: Turn, wire: Wire): Wire {
  const name = nameOf(turn);
  return typeof name === "string" ? { ...wire, name } : wire;
}

function encodeAssistant({ content }: Turn, note: Note): Wire {
  let text = "";
  let hasText = false;
  const reasoning = new Map<string, string>();
  const details: unknown[] = [];
  const calls: Wire[] = [];
  for (const block of content) {
    if (block.type === "text") {
      text += block.text;
      hasText = true;
    } else if (block.type === "tool-call") calls.push(encodeCall(block, note));
    else if (block.type === "thinking") {
      details.push(...detailsOf(block));
      const field = fieldOf(block);
      if (field !== null) reasoning.set(field, (reasoning.get(field) ?? "") + block.text);
    }
  }
  const thoughts = reasoning.get(spokenThoughts);
  reasoning.delete(spokenThoughts);
  const tagged = reasoning.get(taggedThoughts);
  reasoning.delete(taggedThoughts);
  const answerText = hasText || calls.length === 0 ? text : null;
  const words = tagged === undefined ? answerText : inThinkTags(tagged) + text;
  return {
    role: "assistant",
    content: thoughts === undefined ? words : [thoughtPart(thoughts), { type: "text", text }],
    ...Object.fromEntries(reasoning),
    ...(details.length > 0 ? { reasoning_details: details } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
}

const thoughtPart = (text: string): Wire => ({ type: "thinking", thinking: [{ type: "text", text }] });

function encodeCall(block: ToolCallBlock, note: Note): Wire {
  const own = extrasOf(block.extras).call;
  // Free text is sent as a function argument, like its tool.
  if (isRecord(own) && own.type !== "custom") return { ...own, id: block.id };
  const extra = extrasOf(block.extras).extra_content;
  return {
    id: block.id,
    type: "function",
    function: { name: block.name, arguments: toolInputText(block.input, note) },
    ...(isRecord(extra) ? { extra_content: extra } : {}),
  };
}

/** Results come first, because nothing may come between a call and its results; images from results come next. */
function encodeUser(turn: Turn, out: Wire[], note: Note): void {
  const images: Wire[] = [];
  for (const { result } of turn.answers) out.push(encodeResult(result, images, note));
  out.push(...images);
  const parts = turn.content.flatMap(encodePart);
  if (parts.length > 0) out.push(named(turn, { role: "user", content: collapsed(parts) }));
}

/** A user's content, part by part. */
function encodePart(block: Block): Wire[] {
  switch (block.type) {
    case "text":
      return [{ type: "text", text: block.text }];
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

/** A single text is written as a plain string, which every vendor accepts. */
function collapsed(parts: readonly Wire[]): unknown {
  const only = parts.length === 1 ? parts[0] : undefined;
  return only?.type === "text" ? only.text : parts;
}

function encodeResult(block: ToolResultBlock, images: Wire[], note: Note): Wire {
  const texts: string[] = [];
  const pictures: Wire[] = [];
  for (const part of block.content)
    if (part.type === "text") texts.push(part.text);
    else pictures.push(...encodePart(part));
  if (pictures.length > 0) {
    const isPicture = pictures.every((each) => each.type === "image_url");
    note(isPicture ? "tool-result-images-moved" : "tool-result-files-moved");
    const label = `${isPicture ? "Image(s)" : "File(s)"} from tool result ${block.callId}:`;
    images.push({ role: "user", content: [{ type: "text", text: label }, ...pictures] });
  }
  let text = texts.join("\n");
  if (text === "" && pictures.length > 0)
    text = pictures.every((each) => each.type === "image_url") ? "(see image)" : "(see file)";
  if (block.isError && !text.startsWith("Error: ")) text = `Error: ${text}`;
  return { role: "tool", tool_call_id: block.callId, content: text };
}

/** PDFs and audio only (dialects/file-support.ts). */
function encodeFile({ name, mediaType, source }: FileBlock): Wire {
  const data = source.kind === "base64" ? source.data : "";
  if (/^audio\//i.test(mediaType)) {
    const format = /wav/i.test(mediaType) ? "wav" : "mp3";
    return { type: "input_audio", input_audio: { data, format } };
  }
  const filename = name ?? "document.pdf";
  return { type: "file", file: { filename, file_data: `data:${mediaType};base64,${data}` } };
}

function encodeImage(block: ImageBlock): Wire {
  const { source } = block;
  const url = source.kind === "url" ? source.url : `data:${source.mediaType};base64,${source.data}`;
  const detail = extrasOf(block.extras).detail;
  return { type: "image_url", image_url: typeof detail === "string" ? { url, detail } : { url } };
}
