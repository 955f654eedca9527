// Items and parts that only the Responses API has, for models behind other APIs: a row for each kind (openai 7.55,
// resources/responses ResponseInputItem). It must never refuse one.

import type { Block, ToolResultBlock } from "../../canon/request.ts";
import { safeName, thinkingBlocksDropped } from "../adaptation-notes.ts";
import { isRecord } from "../decoding.ts";
import {
  callAsText,
  fileAt,
  fileOf,
  fileOfDataUrl,
  resultAsText,
  type RetoldBlock,
  retoldAsNothing,
  retoldAsPlaceholder,
  textsIn,
  retoldAsText,
  unknownBlock,
  retoldAsBlocks,
} from "../retold.ts";
import { declaringItem } from "./client-tool-search.ts";
import type { Wire } from "./extras.ts";

type Row = (item: Wire) => RetoldBlock;

const textOf = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
const aside =
  (kind: string): Row =>
  () =>
    retoldAsNothing(`hosted-calls-dropped:${kind}`);
const atVendor = (item: Wire): RetoldBlock =>
  retoldAsPlaceholder(
    `[A file at another vendor: ${textOf(item.filename) ?? textOf(item.file_id) ?? "unnamed"}]`,
    `files-dropped:${safeName(item.type)}`,
  );

const rows: Readonly<Record<string, Row>> = {
  // A single part of the model's text (decode-messages.ts).
  message: (item) => retell(Array.isArray(item.content) ? item.content[0] : null),
  input_file: (part) => {
    const name = textOf(part.filename);
    const data = textOf(part.file_data);
    const url = textOf(part.file_url);
    if (data !== null) return fileOfDataUrl(name, data);
    return url === null ? atVendor(part) : fileAt(name, null, url);
  },
  input_image: atVendor,
  input_audio: (part) => {
    const audio = isRecord(part.input_audio) ? part.input_audio : {};
    return typeof audio.data === "string"
      ? fileOf(null, audio.format === "wav" ? "audio/wav" : "audio/mpeg", audio.data)
      : unknownBlock("input_audio", part);
  },
  reasoning: () => retoldAsNothing(thinkingBlocksDropped),
  // Encrypted: only OpenAI can read it.
  compaction: () => retoldAsNothing("content-dropped:compaction"),
  compaction_summary: () => retoldAsNothing("content-dropped:compaction"),
  // Its tools are declared with the others (client-tool-search.ts).
  [declaringItem]: () => ({ blocks: [], note: null, isPlaceholder: false }),
  web_search_call: aside("web_search_call"),
  file_search_call: aside("file_search_call"),
  tool_search_call: aside("tool_search_call"),
  tool_search_output: aside("tool_search_call"),
  mcp_list_tools: aside("mcp_list_tools"),
  mcp_approval_request: aside("mcp_approval_request"),
  mcp_approval_response: () =>
    retoldAsPlaceholder(
      "[A vendor's own tool was approved or declined]",
      "hosted-calls-dropped:mcp_approval_response",
    ),
  image_generation_call: () =>
    retoldAsText("[A picture was made]", "hosted-calls-as-text:image_generation_call"),
  code_interpreter_call: (item) =>
    retoldAsText(
      `${callAsText("code_interpreter", item.code)}\n${resultAsText("code_interpreter", false, textsIn(item.outputs))}`,
      "hosted-calls-as-text:code_interpreter_call",
    ),
  mcp_call: (item) => {
    const name = safeName(item.name);
    const isError = item.error !== undefined && item.error !== null;
    const texts = textsIn(isError ? item.error : item.output);
    return retoldAsText(
      `${callAsText(name, item.arguments)}\n${resultAsText(name, isError, texts)}`,
      "hosted-calls-as-text:mcp_call",
    );
  },
};

export function retell(value: unknown): RetoldBlock {
  if (!isRecord(value)) return retoldAsNothing("content-dropped:unknown");
  const type = String(value.type);
  const row = Object.hasOwn(rows, type) ? rows[type] : undefined;
  return row?.(value) ?? retellCall(type, value) ?? unknownBlock(type, value);
}

/** Calls that the client itself executes (a shell, a patch, a screen) become function calls elsewhere. */
function retellCall(type: string, item: Wire): RetoldBlock | null {
  const [, kind, isOutput] = /^(\w+)_call(_output)?$/.exec(type) ?? [];
  const callId = textOf(item.call_id) ?? textOf(item.id);
  if (kind === undefined || callId === null) return null;
  const note = `hosted-calls-as-functions:${safeName(kind)}`;
  const block: Block =
    isOutput === undefined
      ? { type: "tool-call", id: callId, name: safeName(kind), input: inputOf(item) }
      : { type: "tool-result", callId, content: outputOf(item), isError: item.status === "failed" };
  return retoldAsBlocks([block], note);
}

const bookKeeping: ReadonlySet<string> = new Set(["type", "id", "call_id", "status", "caller"]);

function inputOf(item: Wire): string {
  const members = Object.entries(item).filter(([key, each]) => !bookKeeping.has(key) && each !== null);
  const [only] = members;
  return JSON.stringify(
    members.length === 1 && only !== undefined && isRecord(only[1]) ? only[1] : Object.fromEntries(members),
  );
}

function outputOf({ output }: Wire): ToolResultBlock["content"] {
  const image = isRecord(output) ? textOf(output.image_url) : null;
  if (image !== null && /^data:/i.test(image))
    return fileOfDataUrl(null, image).blocks.flatMap((each) =>
      each.type === "image" || each.type === "text" ? [each] : [],
    );
  if (image !== null) return [{ type: "image", source: { kind: "url", url: image } }];
  return textsIn(output).map((text) => ({ type: "text", text }));
}
