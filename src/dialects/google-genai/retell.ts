// Parts that only Google's API has, for models behind other APIs: a row for each kind (@google/genai 3.1.0, Part).
// It must never refuse one.

import { isRecord } from "../decoding.ts";
import { nameIn } from "../adapting.ts";
import {
  fileAt,
  fileOf,
  type Retold,
  resultInWords,
  setAside,
  standIn,
  textsIn,
  told,
  unknownBlock,
} from "../retelling.ts";
import { camelKeys } from "./fields.ts";
import type { Members } from "./pocket.ts";

const rows: Readonly<Record<string, (data: Members) => Retold>> = {
  inlineData: (blob) =>
    fileOf(nameOf(blob), String(blob["mimeType"] ?? "application/octet-stream"), String(blob["data"] ?? "")),
  fileData: (file) => {
    const uri = String(file["fileUri"] ?? "");
    const type = typeof file["mimeType"] === "string" ? file["mimeType"] : null;
    return /^https?:\/\//i.test(uri) && URL.canParse(uri) && !isGooglesOwn(uri)
      ? fileAt(nameOf(file), type, uri, "application/octet-stream")
      : standIn(`[A file at another vendor: ${uri}]`, "files-dropped:fileData");
  },
  executableCode: (code) =>
    told(
      `\`\`\`${nameIn(code["language"] ?? "").toLowerCase()}\n${String(code["code"] ?? "")}\n\`\`\``,
      "hosted-calls-as-text:executableCode",
    ),
  codeExecutionResult: (result) =>
    told(
      resultInWords(
        "code_execution",
        /FAIL|DEADLINE/.test(String(result["outcome"])),
        textsIn(result["output"]),
      ),
      "hosted-calls-as-text:codeExecutionResult",
    ),
  toolCall: () => setAside("hosted-calls-dropped:toolCall"),
  toolResponse: () => setAside("hosted-calls-dropped:toolResponse"),
  audioTranscription: (said) => told(textsIn(said).join("\n"), "content-as-text:audioTranscription"),
};

export function retell(value: unknown): Retold {
  if (!isRecord(value)) return setAside("content-dropped:unknown");
  const part = camelKeys(value);
  const kind = Object.keys(part).find((key) => isRecord(part[key]) && Object.hasOwn(rows, key));
  const data = kind === undefined ? null : part[kind];
  if (kind !== undefined && isRecord(data))
    return rows[kind]?.(camelKeys(data)) ?? setAside("content-dropped");
  const unknown =
    Object.keys(part).find((key) => key !== "thought" && key !== "thoughtSignature") ?? "unknown";
  const inner = part[unknown];
  return unknownBlock(unknown, isRecord(inner) ? inner : part);
}

const nameOf = (data: Members): string | null =>
  typeof data["displayName"] === "string" && data["displayName"] !== "" ? data["displayName"] : null;

/** Known to Google alone, and only to the key that uploaded it. */
const isGooglesOwn = (uri: string): boolean =>
  /(?:^|\.)googleapis\.com$/i.test(new URL(uri).hostname) || /\/v1(?:beta|alpha)?\/files\//.test(uri);
