// The search for tools that the client makes itself (Codex): for other APIs an ordinary function, and what it has found are tools
// like any others. It must never reach this API in another form than its client's own.

import type { Block, Tool, ToolCallBlock, ToolResultBlock } from "../../canon/request.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import { toExtras, extrasOf, type Wire } from "./extras.ts";

/** The kind of its tool, calls and results in extras. */
export const searchType = "tool_search";

/** Null for a search that the vendor makes, or that says nothing of its arguments. */
export function decodeSearchTool(raw: Wire): Tool | null {
  const { type, execution, description, parameters } = raw;
  if (type !== searchType || execution !== "client" || !isRecord(parameters)) return null;
  return {
    name: searchType,
    description: typeof description === "string" ? description : null,
    schema: parameters,
    ...toExtras({ type: searchType, item: raw }),
  };
}

/** A call or a result in the history. Null: the vendor's own. */
export function decodeSearchItem(type: string, raw: Wire): Block | null {
  const { call_id: id, execution } = raw;
  if (execution !== "client" || typeof id !== "string" || id === "") return null;
  const ownExtras = toExtras({ type: searchType, item: raw });
  if (type === "tool_search_call") {
    const input = typeof raw.arguments === "string" ? raw.arguments : JSON.stringify(raw.arguments ?? {});
    return { type: "tool-call", id, name: searchType, input, ...ownExtras };
  }
  if (type !== "tool_search_output") return null;
  return {
    type: "tool-result",
    callId: id,
    content: [{ type: "text", text: foundToolsAsText(raw.tools) }],
    isError: false,
    ...ownExtras,
  };
}

function foundToolsAsText(tools: unknown): string {
  const lines = (Array.isArray(tools) ? tools : []).flatMap((tool) => {
    if (!isRecord(tool)) return [];
    const { name, description } = tool;
    const inner = Array.isArray(tool.tools) ? tool.tools.filter(isRecord) : [];
    const named = inner.map((each) => `- ${String(name)}: ${String(each.name)}`);
    const text = typeof description === "string" ? `: ${description}` : "";
    return inner.length > 0 ? named : [`- ${String(name)}${text}`];
  });
  return lines.length === 0 ? "No tool was found." : `These tools can be called now:\n${lines.join("\n")}`;
}

/** What the client declares in the middle: by what its searches have found, or in an item of its own. */
export function toolsFound(input: unknown): readonly unknown[] {
  if (!Array.isArray(input)) return [];
  return input.flatMap((item) => {
    if (!isRecord(item) || !Array.isArray(item.tools)) return [];
    const isFound = item.type === "tool_search_output" && item.execution === "client";
    return isFound || item.type === declaringItem ? (item.tools as readonly unknown[]) : [];
  });
}

/** Codex's, for tools that come later than the request's own (CLIProxyAPI#4414). */
export const declaringItem = "additional_tools";

export const isSearching = (holder: { readonly extras?: Tool["extras"] }): boolean =>
  extrasOf(holder.extras).type === searchType;

/** Found by a search: this API knows it by the search's result. */
export const asFound = (tool: Tool): Tool => ({
  ...tool,
  ...toExtras({ ...extrasOf(tool.extras), isFound: true }),
});

export const isFound = (tool: Tool): boolean => extrasOf(tool.extras).isFound === true;

export function encodeSearchCall(call: ToolCallBlock): Wire {
  const { item } = extrasOf(call.extras);
  return { ...(isRecord(item) ? item : {}), call_id: call.id };
}

export function encodeSearchResult(result: ToolResultBlock): Wire {
  const { item } = extrasOf(result.extras);
  const own = isRecord(item) ? item : { type: "tool_search_output", execution: "client", tools: [] };
  return { ...own, call_id: result.callId };
}

/** A model's call as the client that searches reads it. */
export const searchCallItem = (id: string, callId: string, input: string): Wire => ({
  id,
  type: "tool_search_call",
  execution: "client",
  call_id: callId,
  status: "completed",
  arguments: parseLoosely(input) ?? {},
});
