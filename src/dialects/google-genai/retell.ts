// Parts that only Google's API has, for models behind other APIs: a row for each kind (@google/genai 3.1.0, Part).
// It must never refuse one.

import { isRecord } from "../decoding.ts";
import { safeName } from "../adaptation-notes.ts";
import {
  fileAt,
  fileOf,
  type RetoldBlock,
  resultAsText,
  retoldAsNothing,
  retoldAsPlaceholder,
  textsIn,
  retoldAsText,
  unknownBlock,
} from "../retold.ts";
import { camelKeys } from "./camel-keys.ts";
import type { Members } from "./extras.ts";

const rows: Readonly<Record<string, (data: Members) => RetoldBlock>> = {
  inlineData: (blob) =>
    fileOf(nameOf(blob), String(blob["mimeType"] ?? "application/octet-stream"), String(blob["data"] ?? "")),
  fileData: (file) => {
    const uri = String(file["fileUri"] ?? "");
    const type = typeof file["mimeType"] === "string" ? file["mimeType"] : null;
    return /^https?:\/\//i.test(uri) && URL.canParse(uri) && !isGooglesOwn(uri)
      ? fileAt(nameOf(file), type, uri, "application/octet-stream")
      : retoldAsPlaceholder(`[A file at another vendor: ${uri}]`, "files-dropped:fileData");
  },
  executableCode: (code) =>
    retoldAsText(
      `\`\`\`${safeName(code["language"] ?? "").toLowerCase()}\n${String(code["code"] ?? "")}\n\`\`\``,
      "hosted-calls-as-text:executableCode",
    ),
  codeExecutionResult: (result) =>
    retoldAsText(
      resultAsText(
        "code_execution",
        /FAIL|DEADLINE/.test(String(result["outcome"])),
        textsIn(result["output"]),
      ),
      "hosted-calls-as-text:codeExecutionResult",
    ),
  toolCall: () => retoldAsNothing("hosted-calls-dropped:toolCall"),
  toolResponse: () => retoldAsNothing("hosted-calls-dropped:toolResponse"),
  audioTranscription: (data) => retoldAsText(textsIn(data).join("\n"), "content-as-text:audioTranscription"),
};

export function retell(value: unknown): RetoldBlock {
  if (!isRecord(value)) return retoldAsNothing("content-dropped:unknown");
  const part = camelKeys(value);
  const kind = Object.keys(part).find((key) => isRecord(part[key]) && Object.hasOwn(rows, key));
  const data = kind === undefined ? null : part[kind];
  if (kind !== undefined && isRecord(data))
    return rows[kind]?.(camelKeys(data)) ?? retoldAsNothing("content-dropped");
  const unknown =
    Object.keys(part).find((key) => key !== "thought" && key !== "thoughtSignature") ?? "unknown";
  const inner = part[unknown];
  return unknownBlock(unknown, isRecord(inner) ? inner : part);
}

const nameOf = (data: Members): string | null =>
  typeof data["displayName"] === "string" && data["displayName"] !== "" ? data["displayName"] : null;

/** Known only to Google, and only to the key that uploaded it. */
const isGooglesOwn = (uri: string): boolean =>
  /(?:^|\.)googleapis\.com$/i.test(new URL(uri).hostname) || /\/v1(?:beta|alpha)?\/files\//.test(uri);
