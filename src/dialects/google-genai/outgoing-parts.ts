// Blocks -> parts of a content. Google's own come back as they were, signature in place.
// It must never send another maker's thoughts as Google's, nor drop content that the model would miss.

import type {
  Block,
  Extras,
  ImageBlock,
  OpaqueBlock,
  TextBlock,
  ToolCallBlock,
  ToolResultBlock,
} from "../../canon/request.ts";
import { thinkingBlocksDropped } from "../adapting.ts";
import { isRecord } from "../decoding.ts";
import type { Note } from "../dialect.ts";
import { unsupported } from "../fields.ts";
import { imageTypeOf } from "./incoming-parts.ts";
import { type Members, name, pocketOf, signatureIn, signed } from "./pocket.ts";
import { toolInput } from "./tool-input.ts";

export type Part = Record<string, unknown>;

/** Reasoning that only its maker could read: the one kind of foreign opaque block that may be left out. */
function isDecoration(block: OpaqueBlock): boolean {
  const type = isRecord(block.value) ? block.value["type"] : null;
  return block.dialect !== name && (type === "redacted_thinking" || type === "reasoning");
}

function restIn(block: { readonly extras?: Extras }): Members {
  const { rest } = pocketOf(block.extras);
  return isRecord(rest) ? rest : {};
}

/** Everything but calls and results, which need to know their turn. */
export function encodePlain(block: Block, param: string, note: Note): Part[] {
  switch (block.type) {
    case "text":
      return encodeText(block);
    case "image":
      return [encodeImage(block)];
    case "thinking":
      if (block.extras?.[name] !== undefined)
        return [{ text: block.text, thought: true, ...signed(block.signature || null), ...restIn(block) }];
      note(thinkingBlocksDropped);
      return [];
    case "opaque":
      if (block.dialect === name && isRecord(block.value)) return [block.value];
      if (isDecoration(block)) {
        note(thinkingBlocksDropped);
        return [];
      }
      throw unsupported(
        param,
        `Content of type "${typeOf(block)}" cannot be sent to this model: its API has no place for it.`,
      );
    default:
      return [];
  }
}

function typeOf(block: OpaqueBlock): string {
  return isRecord(block.value) && typeof block.value["type"] === "string" ? block.value["type"] : "opaque";
}

/** An empty text is refused by the API. */
function encodeText(block: TextBlock): Part[] {
  if (block.text === "") return [];
  const { signatureAfter } = pocketOf(block.extras);
  const part = { text: block.text, ...signed(signatureIn(block.extras)), ...restIn(block) };
  return typeof signatureAfter === "string" ? [part, { text: "", ...signed(signatureAfter) }] : [part];
}

export function encodeImage(block: ImageBlock): Part {
  const { source } = block;
  const { mimeType } = pocketOf(block.extras);
  const more = { ...signed(signatureIn(block.extras)), ...restIn(block) };
  if (source.kind === "base64")
    return { inlineData: { mimeType: source.mediaType, data: source.data }, ...more };
  const type = typeof mimeType === "string" ? mimeType : imageTypeOf(source.url);
  return { fileData: { fileUri: source.url, ...(type === null ? {} : { mimeType: type }) }, ...more };
}

/** `signature`: Google's own, or the word that skips its check; null where none is due. */
export function encodeCall(block: ToolCallBlock, signature: string | null, note: Note): Part {
  const functionCall = {
    ...(pocketOf(block.extras)["isWithoutId"] === true ? {} : { id: block.id }),
    name: block.name,
    args: toolInput(block.input, note),
  };
  return { functionCall, ...signed(signature), ...restIn(block) };
}

export type Called = { readonly id: string; readonly name: string; readonly isWithoutId: boolean };

/** `isMediaInside` false: pictures follow the response as parts of their own. */
export function encodeResult(
  block: ToolResultBlock,
  call: Called,
  isMediaInside: boolean,
  param: string,
  note: Note,
): Part[] {
  const inside: Part[] = [];
  const beside: Part[] = [];
  const texts: string[] = [];
  for (const [i, each] of block.content.entries()) {
    if (each.type === "text") texts.push(each.text);
    else if (each.type === "image")
      (isMediaInside && each.source.kind === "base64" ? inside : beside).push(encodeImage(each));
    else inside.push(...encodePlain(each, `${param}.content[${i}]`, note));
  }
  const { response } = pocketOf(block.extras);
  const functionResponse = {
    ...headOf(call),
    response: isRecord(response) ? response : { [block.isError ? "error" : "output"]: texts.join("\n") },
    ...(inside.length === 0 ? {} : { parts: inside }),
  };
  if (beside.length > 0) note("tool-result-images-moved");
  return [{ functionResponse }, ...beside];
}

/** The API demands as many responses as there were calls; this one stands for a result that the client dropped. */
export function missingResult(call: Called): Part {
  return { functionResponse: { ...headOf(call), response: { error: "(no result was returned)" } } };
}

function headOf(call: Called): Part {
  return call.isWithoutId ? { name: call.name } : { id: call.id, name: call.name };
}

/** A result whose call is gone: the API refuses it as such, and its text may still matter. */
export function encodeOrphan(block: ToolResultBlock, param: string, note: Note): Part[] {
  note("tool-results-as-text");
  const head = `[Result of an earlier tool call${block.isError ? ", an error" : ""}]`;
  const rest = block.content.flatMap((each, i) => encodePlain(each, `${param}.content[${i}]`, note));
  return [{ text: head }, ...rest];
}
