// A tool that must be called, for a model that always thinks: its vendor refuses a forced choice, and words are ignored at times.
// The program holds its model to one tool of its own, that of answers with a schema; here it stands for the client's.
// It must never stand for one of several: which of them is to be called, only words can say.

import type { ChatRequest, Tool } from "../../canon/request.ts";

/** The program's own tool, as its model sees it. */
export const structuredOutput = "StructuredOutput";

/** Nobody may call another one: the client named it, or has no other. Null: nothing is forced, or nothing to be forced so. */
function forcedOrOnlyTool({ toolChoice, tools }: ChatRequest): Tool | null {
  if (toolChoice?.type === "tool") return tools.find(({ name }) => name === toolChoice.name) ?? null;
  // Tools that run at a vendor are set aside here.
  return toolChoice?.type === "required" && tools.length === 1 ? (tools[0] ?? null) : null;
}

/** The client's tool for which the program's stands in this answer. */
export function forcedTool(request: ChatRequest, alwaysThinks: boolean): Tool | null {
  // There is one schema only, and the answer's is taken then.
  if (!alwaysThinks || request.format?.type === "json-schema") return null;
  return forcedOrOnlyTool(request);
}

/** Said behind the client's last words. */
export function standsFor({ name, description }: Tool): string {
  const purpose = description === null || description === "" ? "" : ` What that is for: ${description}`;
  return `Answer this with a call of ${structuredOutput}: now it is the tool "${name}", and your call of it is run as a call of that.${purpose}`;
}
