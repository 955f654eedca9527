// A Messages API request body -> ChatRequest. Hand-written checks; zod serves only the API description (schema.ts).
// It must never throw anything but Failure `invalid-request` with the exact `param`.

import { isEffort } from "../../canon/effort.ts";
import type {
  AnswerFormat,
  ChatRequest,
  Message,
  OpaqueTool,
  Thinking,
  Tool,
  ToolChoice,
} from "../../canon/request.ts";
import { isRecord } from "../decoding.ts";
import { decodeContent, decodeSystem, invalid, marksOf, stringAt } from "./decode-content.ts";
import { toExtras, name, restOf } from "./extras.ts";
import { requestMembers } from "./members.ts";

type Members = Record<string, unknown>;

const messageMembers = new Set(["role", "content"]);
const toolMembers = new Set(["name", "description", "input_schema", "cache_control"]);
const outputMembers = new Set(["effort", "format"]);
const metadataMembers = new Set(["user_id"]);
const thinkingMembers = new Set(["type", "budget_tokens"]);

export function decodeRequest(body: unknown): ChatRequest {
  return decodeBody(body, true);
}

/** `needsMaxTokens` is false for /v1/messages/count_tokens, which requests no answer. */
export function decodeBody(body: unknown, needsMaxTokens: boolean): ChatRequest {
  if (!isRecord(body)) throw invalid("body", "must be a JSON object");
  // What a request cannot do without is missed first, whatever else is wrong with it.
  requestMembers.refuseUpstream(body);
  requestMembers.read(body, "thread");
  const model = requestMembers.read(body, "model");
  const messages = requestMembers.read(body, "messages");
  const maxTokens = requestMembers.read(body, "max_tokens");
  if (maxTokens === null && needsMaxTokens) throw invalid("max_tokens", "is required");
  const extras = requestMembers.decodeExtras(body);
  const choice = decodeToolChoice(body["tool_choice"]);
  const output = decodeOutput(body);
  const metadata = decodeMetadata(body["metadata"]);
  const thinking = decodeThinking(body["thinking"]);
  const { tools, opaqueTools } = decodeTools(body["tools"]);
  return {
    model,
    system: decodeSystem(body["system"]),
    messages: messages.map(decodeMessage),
    tools,
    opaqueTools,
    toolChoice: choice.toolChoice,
    parallelTools: choice.parallelTools,
    maxTokens,
    temperature: requestMembers.read(body, "temperature"),
    topP: requestMembers.read(body, "top_p"),
    topK: requestMembers.read(body, "top_k"),
    stop: requestMembers.read(body, "stop_sequences"),
    effort: output.effort,
    thinking: thinking.known,
    format: output.format,
    stream: requestMembers.read(body, "stream") ?? false,
    wantsUsage: true,
    user: metadata.user,
    // Set even when empty: the encoder recognises a request of its own dialect by it.
    extras: {
      [name]: { ...extras, ...output.rest, ...metadata.rest, ...thinking.rest },
    },
  };
}

function decodeMessage(value: unknown, index: number): Message {
  const path = `messages[${index}]`;
  if (!isRecord(value)) throw invalid(path, "must be an object");
  const role = value["role"];
  if (role !== "user" && role !== "assistant" && role !== "system")
    throw invalid(`${path}.role`, 'must be "user", "assistant" or "system"');
  const content = decodeContent(value["content"], `${path}.content`);
  return { role, content, ...toExtras(restOf(value, messageMembers)) };
}

function decodeTools(value: unknown): { tools: Tool[]; opaqueTools: OpaqueTool[] } {
  const tools: Tool[] = [];
  const opaqueTools: OpaqueTool[] = [];
  if (value === undefined || value === null) return { tools, opaqueTools };
  if (!Array.isArray(value)) throw invalid("tools", "must be an array");
  value.forEach((each: unknown, index) => {
    const path = `tools[${index}]`;
    if (!isRecord(each)) throw invalid(path, "must be an object");
    const type = each["type"] ?? "custom";
    if (typeof type !== "string") throw invalid(`${path}.type`, "must be a string");
    if (type !== "custom") {
      opaqueTools.push({ dialect: name, type, value: each });
      return;
    }
    const toolName = stringAt(each, "name", path);
    if (toolName === "") throw invalid(`${path}.name`, "must not be empty");
    const description = each["description"] ?? null;
    if (description !== null && typeof description !== "string")
      throw invalid(`${path}.description`, "must be a string");
    const schema = each["input_schema"];
    if (!isRecord(schema)) throw invalid(`${path}.input_schema`, "must be an object");
    const strict = each["strict"] === true ? { strict: true as const } : {};
    tools.push({ name: toolName, description, schema, ...strict, ...marksOf(each, toolMembers, path) });
  });
  return { tools, opaqueTools };
}

function decodeToolChoice(value: unknown): { toolChoice: ToolChoice | null; parallelTools: boolean | null } {
  if (value === undefined || value === null) return { toolChoice: null, parallelTools: null };
  if (!isRecord(value)) throw invalid("tool_choice", "must be an object");
  const single = value["disable_parallel_tool_use"] ?? null;
  if (single !== null && typeof single !== "boolean")
    throw invalid("tool_choice.disable_parallel_tool_use", "must be true or false");
  const parallelTools = single === null ? null : !single;
  switch (value["type"]) {
    case "auto":
      return { toolChoice: { type: "auto" }, parallelTools };
    case "none":
      return { toolChoice: { type: "none" }, parallelTools };
    case "any":
      return { toolChoice: { type: "required" }, parallelTools };
    case "tool":
      return { toolChoice: { type: "tool", name: stringAt(value, "name", "tool_choice") }, parallelTools };
    default:
      throw invalid("tool_choice.type", 'must be "auto", "any", "tool" or "none"');
  }
}

function decodeThinking(value: unknown): { known: Thinking | null; rest: Members | null } {
  if (value === undefined || value === null) return { known: null, rest: null };
  if (!isRecord(value)) throw invalid("thinking", "must be an object");
  const type = stringAt(value, "type", "thinking");
  const extras = toExtras(restOf(value, thinkingMembers));
  if (type === "disabled") return { known: { mode: "off" }, rest: null };
  if (type === "adaptive") return { known: { mode: "adaptive", ...extras }, rest: null };
  if (type !== "enabled") return { known: null, rest: { thinking: value } };
  const budgetTokens = value["budget_tokens"];
  if (typeof budgetTokens !== "number" || !Number.isSafeInteger(budgetTokens) || budgetTokens < 1)
    throw invalid("thinking.budget_tokens", "must be a positive whole number");
  return { known: { mode: "budget", budgetTokens, ...extras }, rest: null };
}

/** `output_config`, and `output_format` of the structured-outputs-2025-11-13 beta (opencode sends it). */
function decodeOutput(body: Members): {
  effort: ChatRequest["effort"];
  format: AnswerFormat | null;
  rest: Members | null;
} {
  const config = body["output_config"] ?? {};
  if (!isRecord(config)) throw invalid("output_config", "must be an object");
  const effort = config["effort"] ?? null;
  if (effort !== null && typeof effort !== "string")
    throw invalid("output_config.effort", "must be a string");
  const rest: Members = { ...restOf(config, outputMembers) };
  if (effort !== null && !isEffort(effort)) rest["effort"] = effort;
  const format = decodeFormat(config["format"], "output_config.format");
  if (format === null && config["format"] != null) rest["format"] = config["format"];
  return {
    effort: isEffort(effort) ? effort : null,
    format: format ?? decodeFormat(body["output_format"], "output_format"),
    rest: Object.keys(rest).length > 0 ? { output_config: rest } : null,
  };
}

function decodeFormat(value: unknown, path: string): AnswerFormat | null {
  if (value === undefined || value === null) return null;
  if (!isRecord(value)) throw invalid(path, "must be an object");
  if (stringAt(value, "type", path) !== "json_schema") return null;
  const schema = value["schema"];
  if (!isRecord(schema)) throw invalid(`${path}.schema`, "must be an object");
  // Anthropic's form has no name; other formats demand one.
  return { type: "json-schema", name: "answer", schema, strict: null };
}

function decodeMetadata(value: unknown): { user: string | null; rest: Members | null } {
  if (value === undefined || value === null) return { user: null, rest: null };
  if (!isRecord(value)) throw invalid("metadata", "must be an object");
  const user = value["user_id"] ?? null;
  if (user !== null && typeof user !== "string") throw invalid("metadata.user_id", "must be a string");
  const rest = restOf(value, metadataMembers);
  return { user, rest: rest === null ? null : { metadata: rest } };
}
