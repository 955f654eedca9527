// Writes a history into one user message, for a program that accepts no lines with the model's own messages. It must
// lose no text, and must make every speaker clear.

import { isRecord } from "../decoding.ts";
import type { WireBlock } from "./protocol-lines.ts";

type Speech = { readonly role: string; readonly content: readonly WireBlock[] };

const speakers: Readonly<Record<string, string>> = { user: "User", assistant: "You" };

/** One message's blocks: the history between two marks, then the current question. Images keep their places. */
export function transcript(history: readonly Speech[], asked: readonly WireBlock[]): WireBlock[] {
  const blocks: WireBlock[] = [];
  const addText = (text: string): void => {
    const last = blocks.at(-1);
    if (last?.["type"] === "text") last["text"] = `${String(last["text"])}\n${text}`;
    else blocks.push({ type: "text", text });
  };
  const addBlock = (block: WireBlock): void => {
    switch (block["type"]) {
      case "text":
        addText(String(block["text"]));
        break;
      case "tool_use":
        addText(`[called the tool ${String(block["name"])} with ${JSON.stringify(block["input"] ?? {})}]`);
        break;
      case "tool_result":
        addText(block["is_error"] === true ? "[the tool failed:]" : "[the tool answered:]");
        for (const part of contentOf(block)) addBlock(part);
        break;
      case "thinking":
      case "redacted_thinking":
        // Encrypted thinking is valid only in its original place.
        break;
      default:
        blocks.push(block);
    }
  };
  if (history.length > 0) {
    addText("<conversation>");
    for (const { role, content } of history) {
      addText(`\n${speakers[role] ?? role}:`);
      for (const block of content) addBlock(block);
    }
    addText("</conversation>\n\nThe conversation above went before. Continue it: answer this.\n");
  }
  // The API refuses a result without its call.
  for (const block of asked) {
    if (history.length > 0 && block["type"] === "tool_result") addBlock(block);
    else blocks.push(block);
  }
  return blocks;
}

function contentOf(block: WireBlock): WireBlock[] {
  const { content } = block;
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content.filter(isRecord) : [];
}
