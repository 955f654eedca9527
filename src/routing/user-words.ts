// Extracts what the person wrote from a message that the client has wrapped, stamped and extended (known forms of
// OpenClaw and Claude Code). It must never drop a word that no client is known to add.

import type { Block, Message } from "../canon/request.ts";

/** Blocks that clients put into user messages: data for the model, not the person's words. */
const insertions = [
  { begin: "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>", end: "<<<END_OPENCLAW_INTERNAL_CONTEXT>>>" },
  // Claude Code and qwen-code.
  { begin: "<system-reminder>", end: "</system-reminder>" },
] as const;

/** OpenClaw's first line on a repeated turn, and the stamp before the person's first word. */
const openings = [
  /^\[Queued user message from a previous active turn[^\]\n]*\]\s*/,
  /^\[Retry after the previous model attempt[^\]\n]*\]\s*/,
  /^\[(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d{2}-\d{2} \d{2}:\d{2}[^\]\n]{0,20}\]\s*/,
] as const;

/** OpenClaw's line about the run, sent with models that do not reason. */
const runtimeLine = "Runtime: agent=";

/** OpenClaw's carrier for images that a tool returned, on the chat API. */
const toolImageCaption = "Image(s) from tool result #";

function withoutInsertions(text: string): string {
  let left = text;
  for (const { begin, end } of insertions) {
    let from = left.indexOf(begin);
    if (from < 0) continue;
    let kept = "";
    let at = 0;
    while (from >= 0) {
      kept += left.slice(at, from);
      const close = left.indexOf(end, from + begin.length);
      // A block that never closes was cut off: all the rest belongs to it.
      at = close < 0 ? left.length : close + end.length;
      from = left.indexOf(begin, at);
    }
    left = kept + left.slice(at);
  }
  return left;
}

function withoutRuntimeLine(text: string): string {
  const at = text.startsWith(runtimeLine) ? 0 : text.indexOf(`\n${runtimeLine}`) + 1;
  if (at === 0 && !text.startsWith(runtimeLine)) return text;
  const end = text.indexOf("\n", at);
  return text.slice(0, at) + (end < 0 ? "" : text.slice(end + 1));
}

/** The person's own words in one text of a user message. */
export function ownWords(text: string): string {
  let left = withoutRuntimeLine(withoutInsertions(text)).trim();
  for (const opening of openings) left = left.replace(opening, "");
  return left.trim();
}

const isPersonsOwn = (block: Block): boolean => block.type === "image" || block.type === "opaque";

/**
 * The person's words in this message, or null when no person wrote it (tool results, context, a carrier of tool
 * images).
 */
function wordsOf(message: Message): string | null {
  if (message.role !== "user") return null;
  const texts: string[] = [];
  let hasToolResult = false;
  for (const block of message.content) {
    if (block.type === "tool-result") hasToolResult = true;
    if (block.type !== "text") continue;
    if (block.text.startsWith(toolImageCaption)) return null;
    const words = ownWords(block.text);
    if (words !== "") texts.push(words);
  }
  if (texts.length > 0) return texts.join("\n");
  return !hasToolResult && message.content.some(isPersonsOwn) ? "" : null;
}

/** The words of the last real user turn; "" when there is none, or only an image. */
export function lastUserWords(messages: readonly Message[]): string {
  for (let at = messages.length - 1; at >= 0; at--) {
    const message = messages[at];
    const words = message === undefined ? null : wordsOf(message);
    if (words !== null) return words;
  }
  return "";
}

/** How OpenClaw's own periodic turn begins, today and in the releases before (docs.openclaw.ai, gateway/heartbeat). */
const heartbeatOpenings = [
  "Follow the heartbeat monitor scratch context when provided.",
  "Read HEARTBEAT.md if it exists",
] as const;

export function isHeartbeatTurn(userWords: string): boolean {
  return heartbeatOpenings.some((opening) => userWords.startsWith(opening));
}
