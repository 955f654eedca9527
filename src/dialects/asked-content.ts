// What a user shows in the newest message and a format has no place for: refused by name, so that another target is tried, because
// an answer without it would be about something else. It must never look at the past, which nobody can change any more.

import type { Failure } from "../canon/failure.ts";
import type { Block, ChatRequest, DialectName } from "../canon/request.ts";
import { nameIn } from "./adapting.ts";
import { isRecord } from "./decoding.ts";
import { unsupported } from "./fields.ts";
import { takesFile } from "./files.ts";
import { retold } from "./retellers.ts";

/** The Failure that says what a model of this format would not see, or null. */
export function refuseAsked({ messages }: ChatRequest, format: DialectName): Failure | null {
  const last = messages.at(-1);
  if (last?.role !== "user") return null;
  for (const [at, block] of last.content.entries()) {
    if (block.type !== "opaque" || block.dialect === format) continue;
    const { blocks, isStandIn } = retold(block);
    if (!isStandIn && blocks.every((each) => isTaken(each, format))) continue;
    const param = places[block.dialect](messages.length - 1, at);
    const kind = kindOf(block.value);
    return unsupported(param, `${param}: the chosen model's API has no equivalent for ${kind}.`);
  }
  return null;
}

/** An address says something even where nobody fetches it: the model may have a tool that does. */
const isTaken = (block: Block, format: DialectName): boolean =>
  block.type !== "file" || block.source.kind === "url" || takesFile(format, block);

const places: Readonly<Record<DialectName, (message: number, block: number) => string>> = {
  "anthropic-messages": (message, block) => `messages[${message}].content[${block}]`,
  "google-genai": (message, block) => `contents[${message}].parts[${block}]`,
  "openai-chat": () => "messages",
  "openai-responses": () => "input",
};

function kindOf(value: unknown): string {
  if (!isRecord(value)) return "it";
  if (value["type"] === "image") return "an image that is not inline or a URL";
  const type = value["type"] ?? Object.keys(value).find((key) => key !== "thoughtSignature");
  return `content of type "${nameIn(type)}"`;
}
