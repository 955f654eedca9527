// A tool that must be called, for a model that always thinks: its vendor refuses a forced choice, and the model sometimes ignores
// an instruction. The program forces its model to call one tool of its own, the answer tool; here that tool replaces the
// client's. It must never replace one of several tools: only an instruction can name which one to call.

import type { ChatRequest, Tool } from "../../canon/request.ts";

/** The program's own tool, as its model sees it. */
export const structuredOutput = "StructuredOutput";

/**
 * The only tool that may be called: the client named it, or has no other. Null: no call is forced, or it cannot be forced this
 * way.
 */
function forcedOrOnlyTool({ toolChoice, tools }: ChatRequest): Tool | null {
  if (toolChoice?.type === "tool") return tools.find(({ name }) => name === toolChoice.name) ?? null;
  // Tools that run at a vendor do not count here.
  return toolChoice?.type === "required" && tools.length === 1 ? (tools[0] ?? null) : null;
}

/** The client's tool that the program's answer tool replaces in this answer. */
export function forcedTool(request: ChatRequest, alwaysThinks: boolean): Tool | null {
  // Only one schema is possible, and the answer format uses it.
  if (!alwaysThinks || request.format?.type === "json-schema") return null;
  return forcedOrOnlyTool(request);
}

/** Text after the client's last message. */
export function standsFor({ name, description }: Tool): string {
  const purpose = description === null || description === "" ? "" : ` What that is for: ${description}`;
  return `Answer this with a call of ${structuredOutput}: now it is the tool "${name}", and your call of it is run as a call of that.${purpose}`;
}
