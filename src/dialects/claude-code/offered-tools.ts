// Describes the client's tools for our tool server inside the program, and encodes their results. It must never change
// a valid schema; what the program cuts off a long description goes into the system prompt.

import type { ChatRequest, Tool, ToolResultBlock } from "../../canon/request.ts";
import type { Note } from "../dialect.ts";
import { isRecord } from "../decoding.ts";
import type { ToolNames } from "./client-tool-names.ts";
import { toolSchema } from "./tool-schema.ts";

export type OfferedTool = Readonly<Record<string, unknown>> & { readonly name: string };

export type Offer = {
  readonly tools: readonly OfferedTool[];
  /** What did not fit into descriptions, one text per tool. */
  readonly remarks: readonly string[];
  /** The tools are declared only because the history calls them: none may be called now. */
  readonly isHistoryOnly: boolean;
};

/** The program cuts a description after this many characters. */
const longestDescription = 2_048;
const keptDescription = 1_900;
/** Larger results than this are saved to a file by the program and replaced by a note. */
const largestResult = 400_000;

export function offerTools(request: ChatRequest, names: ToolNames, note: Note): Offer {
  const remarks: string[] = [];
  const tools = request.tools.map((tool) => offered(tool, names, remarks, note));
  if (tools.length > 0) return { tools, remarks, isHistoryOnly: false };
  // The API refuses a history with calls in a request without tools.
  const called = calledNames(request);
  if (called.length > 0) note("tools-declared-from-history");
  const stubs = called.map((name) => ({ name, description: null, schema: null }));
  return {
    tools: stubs.map((tool) => offered(tool, names, remarks, note)),
    remarks,
    isHistoryOnly: stubs.length > 0,
  };
}

export function calledNames(request: ChatRequest): string[] {
  const found = new Set<string>();
  for (const { content } of request.messages)
    for (const block of content) if (block.type === "tool-call") found.add(block.name);
  return [...found];
}

function offered(tool: Tool, names: ToolNames, remarks: string[], note: Note): OfferedTool {
  const declared = objectSchema(tool.schema);
  const inputSchema = toolSchema(declared);
  if (inputSchema !== declared) note("tool-schema-mended");
  const name = names.toWire(tool.name);
  let description = tool.description ?? "";
  if (description.length > longestDescription) {
    const space = description.lastIndexOf(" ", keptDescription);
    const at = space > keptDescription / 2 ? space : keptDescription;
    remarks.push(`# Tool ${name}, description continued\n${description.slice(at).trimStart()}`);
    description = `${description.slice(0, at)}\n(Continued in the system prompt under "Tool ${name}".)`;
  }
  return {
    name,
    description,
    inputSchema,
    // Calls of one message then arrive together and may be answered in any order.
    annotations: { readOnlyHint: true },
    _meta: { "anthropic/maxResultSizeChars": 2_000_000 },
  };
}

/** The protocol requires `type: "object"` at the top; OpenAI's functions may have no parameters. */
export function objectSchema(schema: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(schema)) return { type: "object", properties: {} };
  return schema["type"] === "object" ? schema : { ...schema, type: "object" };
}

/** A result as our tool server returns it; null when only a conversation message can carry it. */
export function toolResult(block: ToolResultBlock): Readonly<Record<string, unknown>> | null {
  const content: Record<string, unknown>[] = [];
  let size = 0;
  for (const part of block.content) {
    if (part.type === "text") {
      size += part.text.length;
      content.push({ type: "text", text: part.text });
    } else if (part.type === "image" && part.source.kind === "base64")
      content.push({ type: "image", data: part.source.data, mimeType: part.source.mediaType });
    else return null;
  }
  if (size > largestResult) return null;
  // The program replaces an empty error with "Unknown error".
  if (content.length === 0 && block.isError) content.push({ type: "text", text: "(no output)" });
  return { content, isError: block.isError };
}
