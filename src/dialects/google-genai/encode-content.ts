// Turns blocks into parts of a content. Google's own parts go back unchanged, with their signatures. It must never drop content
// that the model would miss; order-history.ts orders the history and notes what has no place here.

import type { Block, Extras, FileBlock, ImageBlock, TextBlock, ToolCallBlock } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import type { Note } from "../dialect.ts";
import type { Answer } from "../order-history.ts";
import { imageTypeOf } from "./decode-content.ts";
import { type Members, extrasOf, signatureIn, withSignature } from "./extras.ts";
import { toolInput } from "../tool-input.ts";

export type Part = Record<string, unknown>;

function restIn(block: { readonly extras?: Extras }): Members {
  const { rest } = extrasOf(block.extras);
  return isRecord(rest) ? rest : {};
}

/** Every block except calls and results, which depend on their turn. */
export function encodePlain(block: Block): Part[] {
  switch (block.type) {
    case "text":
      return encodeText(block);
    case "image":
      return [encodeImage(block)];
    case "file":
      return [encodeFile(block)];
    case "thinking":
      return [
        { text: block.text, thought: true, ...withSignature(block.signature || null), ...restIn(block) },
      ];
    case "opaque":
      return isRecord(block.value) ? [block.value] : [];
    default:
      return [];
  }
}

/** The API refuses an empty text. */
function encodeText(block: TextBlock): Part[] {
  if (block.text === "") return [];
  const { signatureAfter } = extrasOf(block.extras);
  const part = { text: block.text, ...withSignature(signatureIn(block.extras)), ...restIn(block) };
  return typeof signatureAfter === "string" ? [part, { text: "", ...withSignature(signatureAfter) }] : [part];
}

export function encodeImage(block: ImageBlock): Part {
  const { source } = block;
  const { mimeType } = extrasOf(block.extras);
  const more = { ...withSignature(signatureIn(block.extras)), ...restIn(block) };
  if (source.kind === "base64")
    return { inlineData: { mimeType: source.mediaType, data: source.data }, ...more };
  const type = typeof mimeType === "string" ? mimeType : imageTypeOf(source.url);
  return { fileData: { fileUri: source.url, ...(type === null ? {} : { mimeType: type }) }, ...more };
}

function encodeFile({ mediaType, source }: FileBlock): Part {
  if (source.kind === "base64") return { inlineData: { mimeType: mediaType, data: source.data } };
  const isKnown = mediaType !== "application/octet-stream";
  return { fileData: { fileUri: source.url, ...(isKnown ? { mimeType: mediaType } : {}) } };
}

/** `signature`: Google's own, or the value that skips its check; null where none is needed. */
export function encodeCall(block: ToolCallBlock, signature: string | null, note: Note): Part {
  const functionCall = {
    ...(extrasOf(block.extras)["isWithoutId"] === true ? {} : { id: block.id }),
    name: block.name,
    args: toolInput(block.input, note),
  };
  return { functionCall, ...withSignature(signature), ...restIn(block) };
}

export type Response = { readonly response: Part; readonly beside: readonly Part[] };

/** `isMediaInside` false: images and files follow the response as separate parts. */
export function encodeResult({ call, result }: Answer, isMediaInside: boolean, note: Note): Response {
  const inside: Part[] = [];
  const beside: Part[] = [];
  const texts: string[] = [];
  for (const each of result.content) {
    if (each.type === "text") texts.push(each.text);
    else if (each.type === "opaque") inside.push(...encodePlain(each));
    else (isMediaInside && each.source.kind === "base64" ? inside : beside).push(...encodePlain(each));
  }
  const { response } = extrasOf(result.extras);
  const functionResponse = {
    ...(extrasOf(call.extras)["isWithoutId"] === true ? {} : { id: call.id }),
    name: call.name,
    response: isRecord(response) ? response : { [result.isError ? "error" : "output"]: texts.join("\n") },
    ...(inside.length === 0 ? {} : { parts: inside }),
  };
  if (beside.length > 0) note("tool-result-images-moved");
  return { response: { functionResponse }, beside };
}
