// Tools that a Messages client holds back (`defer_loading`) until a search finds them: other APIs get them once the history
// names them, and not before. It must never lose a tool that the history has called, nor change the order of the others.

import type { Block, ChatRequest, OpaqueBlock, Tool, ToolResultBlock } from "../canon/request.ts";
import { isRecord } from "./decoding.ts";

const dialect = "anthropic-messages";

export const isDeferred = (tool: Tool): boolean => tool.extras?.[dialect]?.["defer_loading"] === true;

/** A search that the vendor would run itself (tool_search_tool_regex, tool_search_tool_bm25). */
export const isVendorSearch = ({ type }: ChatRequest["opaqueTools"][number]): boolean =>
  /^tool_search_tool_(?:regex|bm25)/.test(type);

/**
 * The same request with the tools that a model may see by now. Loaded ones come last, in the order in which they were found.
 */
export function withLoadedTools(request: ChatRequest): ChatRequest {
  if (!request.tools.some(isDeferred)) return request;
  // Without a search tool they are all shown.
  if (request.opaqueTools.some(isVendorSearch)) return request;
  const names = namesLoaded(request);
  const held = new Map(request.tools.filter(isDeferred).map((tool) => [tool.name, tool]));
  const loaded = [...names].flatMap((name) => held.get(name) ?? []);
  return { ...request, tools: [...request.tools.filter((tool) => !isDeferred(tool)), ...loaded] };
}

function namesLoaded({ messages, toolChoice }: ChatRequest): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { content } of messages) collect(content, names);
  if (toolChoice?.type === "tool") names.add(toolChoice.name);
  return names;
}

function collect(blocks: readonly Block[], names: Set<string>): void {
  for (const block of blocks)
    if (block.type === "tool-call") names.add(block.name);
    else if (block.type === "tool-result") collect(block.content, names);
    else if (block.type === "opaque" && block.dialect === dialect) collectReferences(block.value, names);
}

function collectReferences(value: unknown, names: Set<string>): void {
  if (!isRecord(value)) return;
  const { type, tool_name: name, content } = value;
  if (type === "tool_reference" && typeof name === "string") names.add(name);
  if (type !== "tool_search_tool_result" || !isRecord(content)) return;
  const { tool_references: references } = content;
  if (Array.isArray(references)) for (const each of references) collectReferences(each, names);
}

/** What a search has found, or the vendor's error code when it failed. */
export type Found =
  { readonly names: readonly string[] } | { readonly code: string; readonly message: string };

/** The two blocks that show a client a search by the vendor, or by the gateway in its place: the call and its result. */
export function searchBlocks(id: string, name: string, input: unknown, found: Found): OpaqueBlock[] {
  const content =
    "names" in found
      ? { type: "tool_search_tool_search_result", tool_references: found.names.map(reference) }
      : {
          type: "tool_search_tool_result_error",
          error_code: found.code,
          error_message: found.message,
        };
  return [
    { type: "opaque", dialect, value: { type: "server_tool_use", id, name, input } },
    { type: "opaque", dialect, value: { type: "tool_search_tool_result", tool_use_id: id, content } },
  ];
}

/** The same result for the model that asked: the references load the tools (`withLoadedTools`). */
export function searchResult(callId: string, found: Found): ToolResultBlock {
  const isError = !("names" in found);
  const content: ToolResultBlock["content"] = isError
    ? [{ type: "text", text: found.message }]
    : found.names.length === 0
      ? [{ type: "text", text: "No tool was found." }]
      : found.names.map((name) => ({ type: "opaque", dialect, value: reference(name) }));
  return { type: "tool-result", callId, content, isError };
}

const reference = (name: string): Record<string, unknown> => ({ type: "tool_reference", tool_name: name });
