// Turns canonical tools into this format's, each in the kind that its client declared. It must never send another
// dialect's own tools: they are refused by name.

import type { ChatRequest, Tool, ToolChoice } from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import { unsupported } from "../read-fields.ts";
import { isFound, isSearching } from "./client-tool-search.ts";
import { name, extrasOf, type Wire } from "./extras.ts";

export function encodeTools(request: ChatRequest): Wire[] {
  const wire: Wire[] = [];
  const namespaces = new Map<string, Wire[]>();
  const isSameDialect = request.extras[name] !== undefined;
  for (const tool of request.tools) {
    if (isFound(tool)) continue;
    const { namespace } = extrasOf(tool.extras);
    if (!isRecord(namespace)) {
      wire.push(encodeTool(tool, isSameDialect));
      continue;
    }
    const key = JSON.stringify(namespace);
    let inner = namespaces.get(key);
    if (inner === undefined) {
      inner = [];
      namespaces.set(key, inner);
      wire.push({ ...namespace, tools: inner });
    }
    inner.push(encodeTool(tool, isSameDialect));
  }
  for (const tool of request.opaqueTools) {
    if (tool.dialect !== name || !isRecord(tool.value))
      throw unsupported(
        "tools",
        `Tools of type "${tool.type}" cannot be sent to this model: its API does not know them.`,
      );
    wire.push(tool.value);
  }
  return wire;
}

function encodeTool(tool: Tool, isSameDialect: boolean): Wire {
  const { type, name: ownName, namespace: _namespace, ...rest } = extrasOf(tool.extras);
  if (isSearching(tool) && isRecord(rest.item)) return rest.item;
  const called = typeof ownName === "string" ? ownName : tool.name;
  if (type === "custom") return { type, name: called, ...rest };
  return {
    type: "function",
    name: called,
    ...(tool.description === null ? {} : { description: tool.description }),
    parameters: tool.schema,
    // Absent means strict here, unlike everywhere else, and strict refuses most schemas.
    ...(isSameDialect ? {} : { strict: tool.strict === true }),
    ...rest,
  };
}

export function encodeToolChoice(choice: ToolChoice, tools: readonly Tool[]): unknown {
  if (choice.type !== "tool") return choice.type;
  const tool = tools.find((each) => each.name === choice.name);
  const { type, name: ownName } = extrasOf(tool?.extras);
  return {
    type: type === "custom" ? "custom" : "function",
    name: typeof ownName === "string" ? ownName : choice.name,
  };
}
