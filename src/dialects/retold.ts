// What an opaque block of one format becomes in a form that every format has: carried, described as text, or left out and named.
// Each format knows its own blocks (<format>/retell.ts); this file is what they share. It must never refuse: a client cannot
// change its history.

import type { Block, FileBlock, ImageBlock, TextBlock } from "../canon/request.ts";
import { safeName } from "./adaptation-notes.ts";
import { isRecord } from "./decoding.ts";

export type RetoldBlock = {
  /** Never opaque blocks. */
  readonly blocks: readonly Block[];
  /** The adaptation note; null: nothing is lost. */
  readonly note: string | null;
  /** The text only says that something was there, which is not enough if the user is asking about it now. */
  readonly isPlaceholder: boolean;
};

export const retoldAsNothing = (note: string): RetoldBlock => ({ blocks: [], note, isPlaceholder: false });
export const retoldAsText = (text: string, note: string): RetoldBlock => ({
  blocks: text.trim() === "" ? [] : [{ type: "text", text }],
  note,
  isPlaceholder: false,
});
export const retoldAsBlocks = (blocks: readonly Block[], note: string | null = null): RetoldBlock => ({
  blocks,
  note,
  isPlaceholder: false,
});
export const retoldAsPlaceholder = (text: string, note: string): RetoldBlock => ({
  ...retoldAsText(text, note),
  isPlaceholder: true,
});

const textMediaTypes =
  /^(?:text\/|application\/(?:json|xml|x-ndjson|yaml|x-yaml|toml|javascript|typescript|x-sh|sql)\b|[^;]*\+(?:json|xml)\b)/i;

/** `data` is base64: texts are decoded, images stay images, everything else is a file. */
export function fileOf(name: string | null, mediaType: string, data: string): RetoldBlock {
  const clean = data.replace(/\s+/g, "").replaceAll("-", "+").replaceAll("_", "/");
  if (textMediaTypes.test(mediaType)) {
    const text = Buffer.from(clean, "base64").toString("utf8");
    return retoldAsText(withDocumentName(name, text), "documents-as-text");
  }
  if (/^image\//i.test(mediaType)) {
    const source = { kind: "base64", mediaType: mediaType.toLowerCase(), data: clean } as const;
    return retoldAsBlocks([{ type: "image", source }]);
  }
  return retoldAsBlocks([{ type: "file", name, mediaType, source: { kind: "base64", data: clean } }]);
}

/** A file as a `data:` URL or bare base64, which is treated as a PDF unless its name says otherwise. */
export function fileOfDataUrl(name: string | null, data: string): RetoldBlock {
  const found = /^data:([^;,]*)[^,]*;base64,/i.exec(data);
  if (found === null) return fileOf(name, mediaTypeOfName(name ?? "") ?? "application/pdf", data);
  const mediaType = found[1] === "" || found[1] === undefined ? mediaTypeOfName(name ?? "") : found[1];
  return fileOf(name, mediaType ?? "application/pdf", data.slice(found[0].length));
}

export function fileAt(
  name: string | null,
  mediaType: string | null,
  url: string,
  otherwise = "application/pdf",
): RetoldBlock {
  const path = url.split(/[?#]/)[0] ?? "";
  const type = mediaType ?? mediaTypeOfName(path) ?? otherwise;
  if (/^image\//i.test(type)) return retoldAsBlocks([{ type: "image", source: { kind: "url", url } }]);
  return retoldAsBlocks([{ type: "file", name, mediaType: type, source: { kind: "url", url } }]);
}

const mediaTypesByEnding: readonly (readonly [RegExp, string])[] = [
  [/\.pdf$/i, "application/pdf"],
  [/\.(?:txt|md|markdown|csv|log|html?)$/i, "text/plain"],
  [/\.json$/i, "application/json"],
  [/\.docx$/i, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
  [/\.xlsx$/i, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
  [/\.pptx$/i, "application/vnd.openxmlformats-officedocument.presentationml.presentation"],
  [/\.png$/i, "image/png"],
  [/\.jpe?g$/i, "image/jpeg"],
  [/\.webp$/i, "image/webp"],
  [/\.mp3$/i, "audio/mpeg"],
  [/\.wav$/i, "audio/wav"],
  [/\.mp4$/i, "video/mp4"],
];

const mediaTypeOfName = (name: string): string | null =>
  mediaTypesByEnding.find(([ending]) => ending.test(name))?.[1] ?? null;

/** A text document with its name as heading. */
export const withDocumentName = (name: string | null, text: string): string =>
  name === null || name === "" ? text : `[Document: ${name}]\n${text}`;

/** The text that replaces a file that cannot be sent. */
export function fileAsText(file: FileBlock): TextBlock {
  const what = /^audio\//i.test(file.mediaType)
    ? "A sound"
    : /^video\//i.test(file.mediaType)
      ? "A film"
      : "A file";
  const name = file.name === null ? "" : ` "${file.name}"`;
  const where = file.source.kind === "url" ? ` at ${file.source.url}` : "";
  return {
    type: "text",
    text: `[${what}${name}${where} of type ${file.mediaType}, which cannot be shown here]`,
  };
}

export const imageAsText = (image: ImageBlock): TextBlock => ({
  type: "text",
  text:
    image.source.kind === "url"
      ? `[A picture at ${image.source.url}]`
      : "[A picture, which cannot be shown here]",
});

/** The longest text built from unknown members. */
const maxFoundText = 100_000;

/** Every readable text in a value of unknown shape, in order: under `text`, `content`, `output` and their like. */
export function textsIn(value: unknown, depth = 0): string[] {
  if (typeof value === "string") return value.trim() === "" ? [] : [value.slice(0, maxFoundText)];
  if (depth > 6) return [];
  if (Array.isArray(value)) return value.flatMap((each: unknown) => textsIn(each, depth + 1));
  if (!isRecord(value)) return [];
  return textMembers.flatMap((key) => (key in value ? textsIn(value[key], depth + 1) : []));
}

const textMembers = ["title", "text", "content", "output", "outputs", "stdout", "stderr", "logs", "summary"];
const contentMembers = ["source", "data", "file", "file_id", "url"];

/** A block of an unknown kind: its readable text if it has any. */
export function unknownBlock(type: unknown, value: Readonly<Record<string, unknown>>): RetoldBlock {
  const kind = safeName(type);
  const texts = textsIn(value);
  if (texts.length > 0) return retoldAsText(texts.join("\n"), `content-as-text:${kind}`);
  return contentMembers.some((key) => value[key] !== undefined && value[key] !== null)
    ? retoldAsPlaceholder(`[Content of type ${kind}, which cannot be shown here]`, `content-dropped:${kind}`)
    : { ...retoldAsNothing(`content-dropped:${kind}`), isPlaceholder: true };
}

/** A call of a vendor's own tool with its result, as one text. */
export const callAsText = (name: string, input: unknown): string =>
  `[The tool ${name} was called with ${typeof input === "string" ? input : (JSON.stringify(input ?? {}) ?? "{}")}]`;

export const resultAsText = (name: string, isError: boolean, texts: readonly string[]): string =>
  `[The tool ${name} ${isError ? "failed" : "answered"}]\n${texts.length === 0 ? "(no output)" : texts.join("\n")}`;
