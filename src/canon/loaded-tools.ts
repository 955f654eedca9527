// Tools that a Messages client holds back (`defer_loading`) until a search finds them: which ones a model may see by now. A tool that the
// history has called is never lost, and the order of the others never changes.

import type { Block, ChatRequest, Tool } from "./request.ts";

const dialect = "anthropic-messages";

export const isDeferred = (tool: Tool): boolean => tool.extras?.[dialect]?.["defer_loading"] === true;

type Named = Pick<ChatRequest, "tools" | "messages"> & Partial<Pick<ChatRequest, "toolChoice">>;

/** Those that were found come last, in the order in which they were found. */
export function loadedTools(request: Named): readonly Tool[] {
  const { tools } = request;
  if (!tools.some(isDeferred)) return tools;
  const held = new Map(tools.filter(isDeferred).map((tool) => [tool.name, tool]));
  const loaded = [...namesLoaded(request)].flatMap((name) => held.get(name) ?? []);
  return [...tools.filter((tool) => !isDeferred(tool)), ...loaded];
}

function namesLoaded({ messages, toolChoice }: Named): ReadonlySet<string> {
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

const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? { ...value } : {};

function collectReferences(value: unknown, names: Set<string>): void {
  const { type, tool_name: found, content, tool } = membersOf(value);
  // A client's own change of the tools in mid-conversation, which names them in another member.
  const { name: changed } = membersOf(tool);
  if (type === "tool_reference" && typeof found === "string") names.add(found);
  else if (type === "tool_addition" && typeof changed === "string") names.add(changed);
  else if (type === "tool_removal" && typeof changed === "string") names.delete(changed);
  if (type !== "tool_search_tool_result") return;
  const { tool_references: references } = membersOf(content);
  if (Array.isArray(references)) for (const each of references) collectReferences(each, names);
}
