// Which files each format accepts: one row per format. Images are not listed: all formats accept them.

import type { DialectName, FileBlock } from "../canon/request.ts";

type Row = (file: FileBlock) => boolean;

const isPdf = ({ mediaType }: FileBlock): boolean => /^application\/(?:x-)?pdf\b/i.test(mediaType);
const isInline = ({ source }: FileBlock): boolean => source.kind === "base64";
const isSound = ({ mediaType }: FileBlock): boolean => /^audio\//i.test(mediaType);

const rows: Readonly<Record<DialectName, Row>> = {
  // DocumentBlockParam: Base64PDFSource, URLPDFSource (@anthropic-ai/sdk 1.11, resources/messages).
  "anthropic-messages": isPdf,
  // ChatCompletionContentPart.File holds `file_data` of a PDF, never a URL; InputAudio wav and mp3 (openai 7.55,
  // resources/chat/completions). A tool's files follow its result as a user's.
  "openai-chat": (file) =>
    isInline(file) && (isPdf(file) || /^audio\/(?:wav|x-wav|wave|mpeg|mp3)\b/i.test(file.mediaType)),
  // ResponseInputFile: `file_data` or `file_url`; no sound (openai 7.55, ResponseInputContent).
  "openai-responses": (file) => isPdf(file) || /^application\/vnd\.openxmlformats-/i.test(file.mediaType),
  // Part.inlineData and fileData of documents, sounds and films (@google/genai 3.1.0; ai.google.dev/gemini-api/docs/
  // document-processing, audio, video-understanding).
  "google-genai": (file) => isPdf(file) || isSound(file) || /^video\//i.test(file.mediaType),
};

export const acceptsFile = (format: DialectName, file: FileBlock): boolean => rows[format](file);
