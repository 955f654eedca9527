// Blocks that only the Messages API has, for models behind other APIs: a row for each kind (@anthropic-ai/sdk 1.11,
// resources/messages ContentBlockParam and resources/beta/messages BetaContentBlockParam). It must never refuse one.

import type { Block } from "../../canon/request.ts";
import { safeName, thinkingBlocksDropped } from "../adaptation-notes.ts";
import { isRecord } from "../decoding.ts";
import {
  callAsText,
  retoldAsBlocks,
  fileAt,
  fileOf,
  withDocumentName,
  resultAsText,
  type RetoldBlock,
  retoldAsNothing,
  retoldAsPlaceholder,
  textsIn,
  retoldAsText,
  unknownBlock,
} from "../retold.ts";

type Members = Readonly<Record<string, unknown>>;
type Row = (block: Members) => RetoldBlock;

const textOf = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

const rows: Readonly<Record<string, Row>> = {
  redacted_thinking: () => retoldAsNothing(thinkingBlocksDropped),
  document: retellDocument,
  // Images that are inline or have a URL are canonical: this one is stored at the vendor.
  image: () => retoldAsPlaceholder("[A picture, which cannot be shown here]", "files-dropped:image"),
  search_result: (block) =>
    retoldAsText(
      [
        `[Search result: ${textOf(block["title"]) ?? ""} ${textOf(block["source"]) ?? ""}]`,
        ...textsIn(block["content"]),
      ].join("\n"),
      "search-results-as-text",
    ),
  tool_reference: (block) => retoldAsText(referenceInWords([block["tool_name"]]), "tool-references-as-text"),
  tool_search_tool_result: (block) =>
    retoldAsText(referenceInWords(namesIn(block["content"])), "tool-references-as-text"),
  server_tool_use: (block) => {
    const name = safeName(block["name"]);
    // The results are in the text that follows, or in the declared tools.
    return /^(?:web_search|tool_search_tool_|advisor)/.test(name)
      ? retoldAsNothing(`hosted-calls-dropped:${name}`)
      : retoldAsText(callAsText(name, block["input"]), `hosted-calls-as-text:${name}`);
  },
  web_search_tool_result: () => retoldAsNothing("hosted-calls-dropped:web_search"),
  web_fetch_tool_result: retellFetch,
  mcp_tool_use: (block) =>
    retoldAsText(
      callAsText(safeName(block["name"]), block["input"]),
      `hosted-calls-as-text:${safeName(block["name"])}`,
    ),
  container_upload: (block) =>
    retoldAsPlaceholder(
      `[A file for the vendor's container: ${String(block["file_id"])}]`,
      "files-dropped:container_upload",
    ),
  advisor_tool_result: () => retoldAsNothing("hosted-calls-dropped:advisor"),
  mcp_tool_listing: () => retoldAsNothing("content-dropped:mcp_tool_listing"),
  tool_addition: ({ tool }) =>
    isRecord(tool) && tool["type"] === "tool_reference"
      ? retoldAsText(referenceInWords([tool["name"]]), "tool-references-as-text")
      : retoldAsNothing("content-dropped:tool_addition"),
  tool_removal: () => retoldAsNothing("content-dropped:tool_removal"),
  fallback: () => retoldAsNothing("content-dropped:fallback"),
  browser_state: () => retoldAsNothing("content-dropped:browser_state"),
  // A summary that replaces everything before it.
  compaction: (block) => retoldAsText(textsIn(block["content"]).join("\n"), "compaction-as-text"),
};

export function retell(value: unknown): RetoldBlock {
  if (!isRecord(value)) return retoldAsNothing("content-dropped:unknown");
  const type = String(value["type"]);
  const row = Object.hasOwn(rows, type) ? rows[type] : undefined;
  if (row !== undefined) return row(value);
  return type.endsWith("_tool_result") ? retellResult(type, value) : unknownBlock(type, value);
}

function retellDocument(block: Members): RetoldBlock {
  const { source } = block;
  const title = textOf(block["title"]);
  if (!isRecord(source)) return unknownBlock("document", block);
  switch (source["type"]) {
    case "text":
      return retoldAsText(withDocumentName(title, String(source["data"] ?? "")), "documents-as-text");
    case "content":
      return retoldAsBlocks(withTitle(title, contentOf(source["content"])), "documents-as-text");
    case "base64":
      return fileOf(title, textOf(source["media_type"]) ?? "application/pdf", String(source["data"] ?? ""));
    case "url":
      return fileAt(title, null, String(source["url"] ?? ""));
    default:
      return retoldAsPlaceholder(
        `[A document at another vendor: ${title ?? String(source["file_id"] ?? "unnamed")}]`,
        "files-dropped:document",
      );
  }
}

const withTitle = (title: string | null, blocks: readonly Block[]): Block[] =>
  title === null ? [...blocks] : [{ type: "text", text: `[Document: ${title}]` }, ...blocks];

/** A string, or texts and images. */
function contentOf(content: unknown): Block[] {
  if (!Array.isArray(content)) return textsIn(content).map((text) => ({ type: "text", text }));
  return content.flatMap((each: unknown): Block[] => {
    const source = isRecord(each) && each["type"] === "image" ? each["source"] : null;
    if (!isRecord(source)) return textsIn(each).map((text) => ({ type: "text", text }));
    if (source["type"] === "base64")
      return [...fileOf(null, String(source["media_type"]), String(source["data"])).blocks];
    return [...fileAt(null, "image/*", String(source["url"])).blocks];
  });
}

function retellFetch(block: Members): RetoldBlock {
  const { content } = block;
  const document = isRecord(content) ? content["content"] : null;
  if (!isRecord(content) || !isRecord(document)) return retellResult("web_fetch_tool_result", block);
  const inner = retellDocument(document);
  const head: Block = { type: "text", text: `[Fetched ${String(content["url"] ?? "")}]` };
  return retoldAsBlocks([head, ...inner.blocks], "hosted-calls-as-text:web_fetch");
}

function retellResult(type: string, block: Members): RetoldBlock {
  const name = safeName(type.replace(/_tool_result$/, ""));
  const { content } = block;
  const code = isRecord(content) ? textOf(content["error_code"]) : null;
  const texts = code === null ? textsIn(content) : [code];
  const isError = code !== null || block["is_error"] === true;
  return retoldAsText(resultAsText(name, isError, texts), `hosted-calls-as-text:${name}`);
}

/** The tools that a search has found, as its result lists them. */
export function namesIn(content: unknown): unknown[] {
  const references = isRecord(content) ? content["tool_references"] : null;
  return Array.isArray(references)
    ? references.map((each: unknown) => (isRecord(each) ? each["tool_name"] : null))
    : [];
}

function referenceInWords(names: readonly unknown[]): string {
  const known = names.filter((each) => typeof each === "string" && each !== "");
  return known.length === 0
    ? "No tool was found."
    : `Found, and can be called from now on: ${known.join(", ")}`;
}
