// Tool search run by the client (Codex): for other APIs it is an ordinary function, and the tools it finds are ordinary tools.
// This API must always get it in the client's own form.

import type { Block, Tool, ToolCallBlock, ToolResultBlock } from "../../canon/request.ts";
import { isRecord, parseLoosely } from "../decoding.ts";
import { toExtras, extrasOf, type Wire } from "./extras.ts";

/** The kind of its tool, calls and results in extras. */
export const searchType = "tool_search";

/** Null for a search that the vendor runs, or that does not describe its arguments. */
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

/** Tools that the client declares within the history: found by its searches, or in a separate item. */
export function toolsFound(input: unknown): readonly unknown[] {
  if (!Array.isArray(input)) return [];
  return input.flatMap((item) => {
    if (!isRecord(item) || !Array.isArray(item.tools)) return [];
    const isFound = item.type === "tool_search_output" && item.execution === "client";
    return isFound || item.type === declaringItem ? (item.tools as readonly unknown[]) : [];
  });
}

/** Codex's item for tools added after the request's own (CLIProxyAPI#4414). */
export const declaringItem = "additional_tools";

export const isSearching = (holder: { readonly extras?: Tool["extras"] }): boolean =>
  extrasOf(holder.extras).type === searchType;

/** Found by a search: this API knows the tool from the search's result. */
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

/** A model's call in the form that the searching client reads. */
export const searchCallItem = (id: string, callId: string, input: string): Wire => ({
  id,
  type: "tool_search_call",
  execution: "client",
  call_id: callId,
  status: "completed",
  arguments: parseLoosely(input) ?? {},
});
