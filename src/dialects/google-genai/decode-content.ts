// Turns one part of a client's content into a block. A part without a canonical form becomes an opaque block. It must
// never fetch what a URI points to.

import type {
  Block,
  Extras,
  ImageBlock,
  OpaqueBlock,
  TextBlock,
  ThinkingBlock,
  ToolResultBlock,
} from "../../canon/request.ts";
import type { CallIds } from "./call-ids.ts";
import {
  invalid,
  optionalBoolean,
  optionalList,
  optionalRecord,
  optionalText,
  shown,
  textAt,
  wordAt,
} from "../read-fields.ts";
import { mediaTypeOf } from "../media-type.ts";
import { isThinkingMark } from "../thinking-signatures.ts";
import { decodeExtraContent, readForeignSignature, fromGoogleBase64 } from "../call-signatures.ts";
import { messageAt, optionalMessage } from "./camel-keys.ts";
import { toExtras, type Members, name, restOf, withSignature } from "./extras.ts";

/** The position of a part: `param` for error messages, `at` for ids that must be the same in every turn. */
export type Place = { readonly param: string; readonly at: string; readonly isModel: boolean };

const decodedMembers: ReadonlySet<string> = new Set([
  "text",
  "thought",
  "thoughtSignature",
  "inlineData",
  "fileData",
  "functionCall",
  "functionResponse",
]);

/** Null for an empty part. The caller finds a place for `text: ""` with a signature. */
export function decodePart(value: unknown, place: Place, ids: CallIds): Block | null {
  const { param } = place;
  const part = messageAt(value, param);
  const signature = optionalText(part["thoughtSignature"], `${param}.thoughtSignature`);
  const rest = restOf(part, decodedMembers);
  const ownExtras = {
    ...withSignature(signature || null),
    ...(Object.keys(rest).length === 0 ? {} : { rest }),
  };
  if (present(part["text"])) {
    const text = textAt(part["text"], `${param}.text`);
    if (optionalBoolean(part["thought"], `${param}.thought`) === true)
      return decodeThought(text, signature || null, "rest" in ownExtras ? { rest } : {});
    return { type: "text", text, ...toExtras(ownExtras) };
  }
  if (present(part["functionCall"])) return decodeCall(part["functionCall"], place, ownExtras, ids);
  if (present(part["functionResponse"])) return decodeResult(part["functionResponse"], place, ids);
  const opaque: OpaqueBlock = { type: "opaque", dialect: name, value };
  if (present(part["inlineData"])) return decodeInline(part["inlineData"], place, ownExtras) ?? opaque;
  if (present(part["fileData"])) return decodeFile(part["fileData"], place, ownExtras) ?? opaque;
  return Object.keys(rest).length === 0 ? null : opaque;
}

function decodeThought(text: string, signature: string | null, members: Members): ThinkingBlock {
  const mark = fromGoogleBase64(signature ?? "");
  const others = mark === null ? null : isThinkingMark(mark) ? mark : readForeignSignature(mark);
  if (others !== null) return { type: "thinking", text, signature: others };
  // Marked as ours even when empty: only Google's own thinking goes back to Google.
  return { type: "thinking", text, signature, extras: { [name]: members } };
}

const present = (value: unknown): boolean => value !== undefined && value !== null;
const base64Pattern = /^[A-Za-z0-9+/]+={0,2}$/;

/** Null for anything but a user's image: audio, video, documents, the model's own images. */
function decodeInline(value: unknown, place: Place, ownExtras: Members): ImageBlock | null {
  const param = `${place.param}.inlineData`;
  const inline = messageAt(value, param);
  const mediaType = wordAt(inline["mimeType"], `${param}.mimeType`);
  let data = wordAt(inline["data"], `${param}.data`);
  if (place.isModel || !/^image\/[a-z0-9.+-]+(?:;|$)/i.test(mediaType)) return null;
  // Protocol buffers' JSON may use either base64 alphabet.
  if (/[-_\s]/.test(data)) data = data.replace(/\s+/g, "").replaceAll("-", "+").replaceAll("_", "/");
  if (!base64Pattern.test(data)) throw invalid(`${param}.data`, `${param}.data does not hold valid base64.`);
  return {
    type: "image",
    source: { kind: "base64", mediaType: mediaTypeOf(mediaType, data), data },
    ...toExtras(ownExtras),
  };
}

/** Null unless it is an image that every vendor can fetch: only Google knows its own files. */
function decodeFile(value: unknown, place: Place, ownExtras: Members): ImageBlock | null {
  const param = `${place.param}.fileData`;
  const file = messageAt(value, param);
  const url = wordAt(file["fileUri"], `${param}.fileUri`);
  const mimeType = optionalText(file["mimeType"], `${param}.mimeType`);
  const isPicture =
    mimeType?.startsWith("image/") === true || (mimeType === null && imageTypeOf(url) !== null);
  if (place.isModel || !isPicture || !/^https?:\/\//i.test(url) || !URL.canParse(url)) return null;
  if (/(?:^|\.)googleapis\.com$/i.test(new URL(url).hostname)) return null;
  const kept = mimeType === null ? ownExtras : { ...ownExtras, mimeType };
  return { type: "image", source: { kind: "url", url }, ...toExtras(kept) };
}

const imageTypes: readonly (readonly [RegExp, string])[] = [
  [/\.png$/i, "image/png"],
  [/\.jpe?g$/i, "image/jpeg"],
  [/\.webp$/i, "image/webp"],
  [/\.gif$/i, "image/gif"],
  [/\.heic$/i, "image/heic"],
  [/\.heif$/i, "image/heif"],
];

export function imageTypeOf(url: string): string | null {
  const path = url.split(/[?#]/)[0] ?? "";
  return imageTypes.find(([pattern]) => pattern.test(path))?.[1] ?? null;
}

function decodeCall(value: unknown, place: Place, ownExtras: Members, ids: CallIds): Block {
  const param = `${place.param}.functionCall`;
  const call = messageAt(value, param);
  const called = wordAt(call["name"], `${param}.name`);
  const id = optionalText(call["id"], `${param}.id`) || null;
  return {
    type: "tool-call",
    id: ids.opened(id, called, place.at),
    name: called,
    input: JSON.stringify(optionalRecord(call["args"], `${param}.args`) ?? {}),
    ...signedExtras(id === null ? { ...ownExtras, isWithoutId: true } : ownExtras),
  };
}

/** What a chat vendor added to its call goes back to that format, and never to Google as a signature. */
function signedExtras(ownExtras: Members): { extras?: Extras } {
  const { thoughtSignature, ...rest } = ownExtras;
  const opened = typeof thoughtSignature === "string" ? decodeExtraContent(thoughtSignature) : undefined;
  if (opened === undefined) return toExtras(ownExtras);
  const { extras } = toExtras(rest);
  return opened === null && extras === undefined ? {} : { extras: { ...extras, ...opened } };
}

function decodeResult(value: unknown, place: Place, ids: CallIds): ToolResultBlock {
  const param = `${place.param}.functionResponse`;
  const result = messageAt(value, param);
  const called = wordAt(result["name"], `${param}.name`);
  const id = optionalText(result["id"], `${param}.id`) || null;
  const response = optionalRecord(result["response"], `${param}.response`) ?? {};
  const { text, isError } = wordsOf(response);
  const content: ToolResultBlock["content"][number][] = text === "" ? [] : [{ type: "text", text }];
  for (const [i, each] of optionalList(result["parts"], `${param}.parts`).entries())
    content.push(decodeMedia(each, { ...place, param: `${param}.parts[${i}]`, isModel: false }));
  return {
    type: "tool-result",
    callId: ids.answered(id, called, place.at),
    content,
    isError,
    ...toExtras({ name: called, response, ...(id === null ? { isWithoutId: true } : {}) }),
  };
}

function decodeMedia(value: unknown, place: Place): ImageBlock | OpaqueBlock {
  const part = messageAt(value, place.param);
  const image = optionalMessage(part["inlineData"], `${place.param}.inlineData`);
  return (image === null ? null : decodeInline(image, place, {})) ?? { type: "opaque", dialect: name, value };
}

const wordKeys = ["output", "result", "error", "content"] as const;

/** "Use `output` key to specify function output and `error` key to specify error details"; clients write others as well. */
function wordsOf(response: Record<string, unknown>): { text: string; isError: boolean } {
  const keys = Object.keys(response).filter((key) => key !== "name");
  const key = keys.length === 1 ? wordKeys.find((each) => each === keys[0]) : undefined;
  if (key === undefined) return { text: keys.length === 0 ? "" : JSON.stringify(response), isError: false };
  const value = response[key];
  return { text: typeof value === "string" ? value : JSON.stringify(value), isError: key === "error" };
}

/** The texts of a system instruction, which may contain no other kinds of parts. */
export function decodeSystemPart(value: unknown, param: string): TextBlock | null {
  const part = messageAt(value, param);
  if (!present(part["text"]))
    throw invalid(param, `${param} must be a text part, not ${shown(Object.keys(part)[0])}.`);
  const text = textAt(part["text"], `${param}.text`);
  return text === "" ? null : { type: "text", text };
}
