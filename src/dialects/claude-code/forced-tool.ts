// A tool that must be called, for a model that always thinks: its vendor refuses a forced choice, and the model sometimes ignores words.
// The program holds its model to one tool of its own, the one for answers with a schema; here it takes the place of the client's tool.
// It must never take the place of one of several: only words can say which of them is to be called.

import type { ChatRequest, Tool } from "../../canon/request.ts";

/** The program's own tool, as its model sees it. */
export const structuredOutput = "StructuredOutput";

/** The only tool that may be called: the client named it, or has no other. Null: no call is forced, or this way cannot force it. */
function forcedOrOnlyTool({ toolChoice, tools }: ChatRequest): Tool | null {
  if (toolChoice?.type === "tool") return tools.find(({ name }) => name === toolChoice.name) ?? null;
  // Tools that run at a vendor are set aside here.
  return toolChoice?.type === "required" && tools.length === 1 ? (tools[0] ?? null) : null;
}

/** The client's tool whose place the program's tool takes in this answer. */
export function forcedTool(request: ChatRequest, alwaysThinks: boolean): Tool | null {
  // There is one schema only, and the answer's is taken then.
  if (!alwaysThinks || request.format?.type === "json-schema") return null;
  return forcedOrOnlyTool(request);
}

/** Text after the client's last message. */
export function standsFor({ name, description }: Tool): string {
  const purpose = description === null || description === "" ? "" : ` What that is for: ${description}`;
  return `Answer this with a call of ${structuredOutput}: now it is the tool "${name}", and your call of it is run as a call of that.${purpose}`;
}
