// Content of the newest user message that a format cannot hold: refused by name, so that another target is tried, because an
// answer without it would miss the question. It must never look at earlier messages, which the client cannot change.

import type { Failure } from "../canon/failure.ts";
import type { Block, ChatRequest, DialectName } from "../canon/request.ts";
import { safeName } from "./adaptation-notes.ts";
import { isRecord } from "./decoding.ts";
import { unsupported } from "./read-fields.ts";
import { acceptsFile } from "./file-support.ts";
import { retellBlock } from "./retell-table.ts";

/** The Failure that says what a model of this format would not see, or null. */
export function refuseUnsupportedContent({ messages }: ChatRequest, format: DialectName): Failure | null {
  const last = messages.at(-1);
  if (last?.role !== "user") return null;
  for (const [at, block] of last.content.entries()) {
    if (block.type !== "opaque" || block.dialect === format) continue;
    const { blocks, isPlaceholder } = retellBlock(block);
    if (!isPlaceholder && blocks.every((each) => isAccepted(each, format))) continue;
    const param = fieldPaths[block.dialect](messages.length - 1, at);
    const kind = kindOf(block.value);
    return unsupported(param, `${param}: the chosen model's API has no equivalent for ${kind}.`);
  }
  return null;
}

/** A URL is useful even where the vendor does not fetch it: the model may have a tool that does. */
const isAccepted = (block: Block, format: DialectName): boolean =>
  block.type !== "file" || block.source.kind === "url" || acceptsFile(format, block);

const fieldPaths: Readonly<Record<DialectName, (message: number, block: number) => string>> = {
  "anthropic-messages": (message, block) => `messages[${message}].content[${block}]`,
  "google-genai": (message, block) => `contents[${message}].parts[${block}]`,
  "openai-chat": () => "messages",
  "openai-responses": () => "input",
};

function kindOf(value: unknown): string {
  if (!isRecord(value)) return "it";
  if (value["type"] === "image") return "an image that is not inline or a URL";
  const type = value["type"] ?? Object.keys(value).find((key) => key !== "thoughtSignature");
  return `content of type "${safeName(type)}"`;
}
