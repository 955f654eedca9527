// Content parts that only chat completions have, for models behind other APIs. It must never refuse one.

import { isRecord } from "../decoding.ts";
import {
  fileOf,
  fileOfDataUrl,
  type RetoldBlock,
  retoldAsNothing,
  retoldAsPlaceholder,
  unknownBlock,
} from "../retold.ts";

const textOf = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

export function retell(value: unknown): RetoldBlock {
  if (!isRecord(value)) return retoldAsNothing("content-dropped:unknown");
  const { type, file, input_audio: audio } = value;
  if (type === "file" && isRecord(file)) {
    const name = textOf(file.filename);
    const data = textOf(file.file_data);
    if (data !== null) return fileOfDataUrl(name, data);
    return retoldAsPlaceholder(
      `[A file at another vendor: ${name ?? textOf(file.file_id) ?? "unnamed"}]`,
      "files-dropped:file",
    );
  }
  if (type === "input_audio" && isRecord(audio) && typeof audio.data === "string")
    return fileOf(null, audio.format === "wav" ? "audio/wav" : "audio/mpeg", audio.data);
  return unknownBlock(type, value);
}
