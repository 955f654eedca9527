// A search for the tools that a Messages client holds back (`defer_loading`), for APIs that have none: what they get of the tools, and how
// a search is shown. What is held back: canon/loaded-tools.ts.

import { loadedTools } from "../canon/loaded-tools.ts";
import type { ChatRequest, OpaqueBlock, ToolResultBlock } from "../canon/request.ts";

const dialect = "anthropic-messages";

/** A search that the vendor would run itself (tool_search_tool_regex, tool_search_tool_bm25). */
export const isVendorSearch = ({ type }: ChatRequest["opaqueTools"][number]): boolean =>
  /^tool_search_tool_(?:regex|bm25)/.test(type);

/** The same request with the tools that a model may see by now. */
export function withLoadedTools(request: ChatRequest): ChatRequest {
  // Where a search by the vendor is still in it, nobody runs it: all tools are shown.
  if (request.opaqueTools.some(isVendorSearch)) return request;
  const tools = loadedTools(request);
  return tools === request.tools ? request : { ...request, tools };
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
