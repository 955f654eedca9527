// A history told inside one message of the user's, for a program that does not take the lines of the model's own words.
// The way back, not the way: it must lose no word, and must leave no doubt about who said what.

import { isRecord } from "../decoding.ts";
import type { WireBlock } from "./lines.ts";

type Said = { readonly role: string; readonly content: readonly WireBlock[] };

const speakers: Readonly<Record<string, string>> = { user: "User", assistant: "You" };

/** One message's blocks: the history between two marks, then what is asked now. Images stay where they were. */
export function transcript(history: readonly Said[], asked: readonly WireBlock[]): WireBlock[] {
  const blocks: WireBlock[] = [];
  const say = (text: string): void => {
    const last = blocks.at(-1);
    if (last?.["type"] === "text") last["text"] = `${String(last["text"])}\n${text}`;
    else blocks.push({ type: "text", text });
  };
  const tell = (block: WireBlock): void => {
    switch (block["type"]) {
      case "text":
        say(String(block["text"]));
        break;
      case "tool_use":
        say(`[called the tool ${String(block["name"])} with ${JSON.stringify(block["input"] ?? {})}]`);
        break;
      case "tool_result":
        say(block["is_error"] === true ? "[the tool failed:]" : "[the tool answered:]");
        for (const part of contentOf(block)) tell(part);
        break;
      case "thinking":
      case "redacted_thinking":
        // Sealed for the place where it was thought.
        break;
      default:
        blocks.push(block);
    }
  };
  if (history.length > 0) {
    say("<conversation>");
    for (const { role, content } of history) {
      say(`\n${speakers[role] ?? role}:`);
      for (const block of content) tell(block);
    }
    say("</conversation>\n\nThe conversation above went before. Continue it: answer this.\n");
  }
  // A result without its call is no result to the API.
  for (const block of asked) {
    if (history.length > 0 && block["type"] === "tool_result") tell(block);
    else blocks.push(block);
  }
  return blocks;
}

function contentOf(block: WireBlock): WireBlock[] {
  const { content } = block;
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content.filter(isRecord) : [];
}
