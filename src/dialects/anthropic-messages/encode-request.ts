// ChatRequest -> a Messages API body that asks for a stream. Losses are named functions; nothing is dropped in passing.
// It must never read another dialect's pocket.

import type { ChatRequest, Tool } from "../../canon/request.ts";
import type { TargetFacts } from "../dialect.ts";
import { isRecord } from "../decoding.ts";
import { encodePlain, marks, type WireBlock } from "./encode-content.ts";
import { encodeConversation, type WireMessage } from "./encode-messages.ts";
import { planForeignThinking, planOwnThinking, wantsThinking } from "./encode-thinking.ts";
import { name, pocketOf } from "./pocket.ts";

type Body = Record<string, unknown>;

/** The API accepts at most this many cache marks in a request. */
const maxMarks = 4;
/** `metadata.user_id` above this length is refused. */
const maxUserLength = 256;

export function encodeRequest(request: ChatRequest, target: TargetFacts): Body {
  const isOwn = request.extras[name] !== undefined;
  const pocket = pocketOf(request.extras);
  const keepsThinking = isOwn || wantsThinking(request);
  const { messages, hoisted } = encodeConversation(request.messages, { isOwn, keepsThinking });
  const plan = isOwn ? planOwnThinking(request, target) : planForeignThinking(request, target, messages);
  const system = [
    ...request.system.flatMap((block) => encodePlain(block, keepsThinking)),
    ...hoisted,
    ...askForJsonObject(request),
  ];
  const tools = encodeTools(request, messages);
  const body: Body = {
    ...pocket,
    model: target.model,
    messages,
    max_tokens: plan.maxTokens,
    stream: true,
    ...(system.length > 0 ? { system } : {}),
    ...(tools.length > 0 ? { tools, ...encodeToolChoice(request, tools) } : {}),
    ...(plan.thinking === null ? {} : { thinking: plan.thinking }),
    ...encodeOutput(request, plan.effort),
    ...encodeSampling(request, plan.thinking),
    ...encodeStop(request.stop),
    ...encodeUser(request, isOwn),
  };
  keepLastMarks(body, system, tools, messages);
  return body;
}

/** OpenAI's json_object has no form here: a line asks for it. The loss: the API does not enforce it. */
function askForJsonObject(request: ChatRequest): WireBlock[] {
  if (request.format?.type !== "json-object") return [];
  return [
    { type: "text", text: "Answer with a single JSON object and nothing else: no prose, no code fence." },
  ];
}

function encodeTools(request: ChatRequest, messages: readonly WireMessage[]): Body[] {
  // Vendor tools follow the ordinary ones: the canonical form does not hold their common order.
  const vendor = request.opaqueTools.flatMap((tool) =>
    tool.dialect === name && isRecord(tool.value) ? [{ ...tool.value }] : [],
  );
  const tools = [...request.tools.map(encodeTool), ...vendor];
  return tools.length > 0 ? tools : toolsOfHistory(messages);
}

function encodeTool(tool: Tool): Body {
  return {
    name: tool.name,
    ...(tool.description === null ? {} : { description: tool.description }),
    input_schema: objectSchema(tool.schema),
    ...marks(tool),
  };
}

/** The API demands `type: "object"` at the top; OpenAI's functions may leave their parameters out. */
function objectSchema(schema: unknown): Body {
  if (!isRecord(schema)) return { type: "object", properties: {} };
  return schema["type"] === undefined ? { type: "object", ...schema } : schema;
}

/** "Requests which include tool_use or tool_result blocks must define tools": clients leave them out of a last turn. */
function toolsOfHistory(messages: readonly WireMessage[]): Body[] {
  const names = new Set<string>();
  for (const message of messages)
    for (const block of message.content)
      if (block["type"] === "tool_use" && typeof block["name"] === "string") names.add(block["name"]);
  return [...names].map((each) => ({ name: each, input_schema: { type: "object", properties: {} } }));
}

function encodeToolChoice(request: ChatRequest, tools: readonly Body[]): Body {
  const hasOwnTools = request.tools.length + request.opaqueTools.length > 0;
  if (!hasOwnTools && tools.length > 0) return { tool_choice: { type: "none" } };
  const { toolChoice, parallelTools } = request;
  if (toolChoice?.type === "none") return { tool_choice: { type: "none" } };
  // "At most one call" can only be said inside a tool choice; true is the API's default.
  const single = parallelTools === null ? {} : { disable_parallel_tool_use: !parallelTools };
  switch (toolChoice?.type) {
    case undefined:
      return parallelTools === false ? { tool_choice: { type: "auto", ...single } } : {};
    case "auto":
      return { tool_choice: { type: "auto", ...single } };
    case "required":
      return { tool_choice: { type: "any", ...single } };
    case "tool":
      return { tool_choice: { type: "tool", name: toolChoice.name, ...single } };
  }
}

function encodeOutput(request: ChatRequest, effort: string | null): Body {
  const pocket = pocketOf(request.extras);
  const kept = isRecord(pocket["output_config"]) ? pocket["output_config"] : {};
  const config: Body = { ...kept };
  if (effort !== null) config["effort"] = effort;
  // A client of the older beta said it in `output_format`, which goes back with its pocket.
  if (request.format?.type === "json-schema" && pocket["output_format"] === undefined)
    config["format"] = { type: "json_schema", schema: request.format.schema };
  return Object.keys(config).length > 0 ? { output_config: config } : {};
}

/** Thinking takes only temperature 1, a top_p from 0.95 and no top_k; the API refuses the rest. */
function encodeSampling(request: ChatRequest, thinking: Body | null): Body {
  const isThinking = thinking !== null && thinking["type"] !== "disabled";
  const { temperature, topP, topK } = request;
  const sampling: Body = {};
  if (temperature !== null && (!isThinking || temperature === 1))
    sampling["temperature"] = Math.min(1, Math.max(0, temperature));
  if (topP !== null && (!isThinking || topP >= 0.95)) sampling["top_p"] = topP;
  if (topK !== null && !isThinking) sampling["top_k"] = topK;
  return sampling;
}

/** "each stop sequence must contain non-whitespace". */
function encodeStop(stop: readonly string[]): Body {
  const kept = stop.filter((each) => each.trim() !== "");
  return kept.length > 0 ? { stop_sequences: kept } : {};
}

function encodeUser(request: ChatRequest, isOwn: boolean): Body {
  const kept = pocketOf(request.extras)["metadata"];
  const { user } = request;
  if (user === null || (!isOwn && user.length > maxUserLength)) return {};
  return { metadata: { ...(isRecord(kept) ? kept : {}), user_id: user } };
}

/** The last marks cover the longest prefix, so the first ones go. */
function keepLastMarks(
  body: Body,
  system: readonly WireBlock[],
  tools: readonly Body[],
  messages: readonly WireMessage[],
): void {
  const holders: Body[] = [];
  const collect = (blocks: readonly Body[]): void => {
    for (const block of blocks) {
      // Only results nest blocks of our own making; what lies inside an opaque block is the client's.
      if (block["type"] === "tool_result" && Array.isArray(block["content"]))
        collect(block["content"].filter(isRecord));
      if (block["cache_control"] !== undefined && block["cache_control"] !== null) holders.push(block);
    }
  };
  collect(tools);
  collect(system);
  for (const message of messages) collect(message.content);
  const allowed = maxMarks - (isRecord(body["cache_control"]) ? 1 : 0);
  for (const block of holders.slice(0, Math.max(0, holders.length - allowed))) delete block["cache_control"];
}
