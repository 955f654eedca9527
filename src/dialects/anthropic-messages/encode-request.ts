// ChatRequest -> a Messages API body that asks for a stream. Every loss is a named function; nothing else is dropped.
// It must never read another dialect's extras.

import type { ChatRequest, Tool } from "../../canon/request.ts";
import { thinkingBlocksDropped, ignoreNote } from "../adaptation-notes.ts";
import type { Note, TargetFacts } from "../dialect.ts";
import { isRecord } from "../decoding.ts";
import { orderSystem } from "../order-history.ts";
import { fitToModel } from "../fit-to-model.ts";
import { encodePlain, marks, type WireBlock } from "./encode-content.ts";
import { encodeMessages, historyRules, type WireMessage } from "./encode-messages.ts";
import { planForeignThinking, planOwnThinking, wantsThinking } from "./encode-thinking.ts";
import { name, extrasOf } from "./extras.ts";
import { requestMembers } from "./members.ts";
import { withFittingKeys } from "./property-keys.ts";

type Body = Record<string, unknown>;

/** The API accepts at most this many cache marks in a request. */
const maxMarks = 4;
/** `metadata.user_id` above this length is refused. */
const maxUserLength = 256;

export function encodeRequest(asked: ChatRequest, target: TargetFacts, note: Note = ignoreNote): Body {
  const request = fitToModel(asked, target, note);
  const isSameDialect = request.extras[name] !== undefined;
  const ownExtras = extrasOf(request.extras);
  const keepsThinking = isSameDialect || wantsThinking(request);
  let isWithoutThoughts = false;
  const placement = { isSameDialect, keepsThinking };
  const { messages, hoisted } = encodeMessages(request.messages, {
    ...placement,
    note(adaptation) {
      isWithoutThoughts ||= adaptation === thinkingBlocksDropped;
      note(adaptation);
    },
  });
  const needsHead = isWithoutThoughts || target.takes?.thinking === "budget";
  const plan = isSameDialect
    ? planOwnThinking(request, target, needsHead ? messages : [], note)
    : planForeignThinking(request, target, messages, note);
  const system = [
    ...orderSystem(request.system, historyRules(placement), note).flatMap(encodePlain),
    ...hoisted,
    ...askForJsonObject(request, note),
  ];
  const tools = encodeTools(request, messages, note);
  const body: Body = {
    ...requestMembers.passedOn(ownExtras),
    model: target.model,
    messages,
    max_tokens: plan.maxTokens,
    stream: true,
    ...(system.length > 0 ? { system } : {}),
    ...(tools.length > 0 ? { tools, ...encodeToolChoice(request, tools) } : {}),
    ...(plan.thinking === null ? {} : { thinking: plan.thinking }),
    ...encodeOutput(request, plan.effort),
    ...encodeSampling(request, plan.thinking, note),
    ...encodeStop(request.stop),
    ...encodeUser(request, isSameDialect),
  };
  if (plan.thinking === null && asked.thinking !== null) dropThinkingEdits(body, note);
  keepLastMarks(body, { system, tools, messages }, note);
  return body;
}

/** OpenAI's json_object has no equivalent here: an instruction asks for JSON. The loss: the API does not enforce it. */
function askForJsonObject(request: ChatRequest, note: Note): WireBlock[] {
  if (request.format?.type !== "json-object") return [];
  note("json-object-in-words");
  return [
    { type: "text", text: "Answer with a single JSON object and nothing else: no prose, no code fence." },
  ];
}

function encodeTools(request: ChatRequest, messages: readonly WireMessage[], note: Note): Body[] {
  // Vendor tools follow the ordinary ones: the canonical form does not keep their relative order.
  const vendor = request.opaqueTools.flatMap((tool) =>
    tool.dialect === name && isRecord(tool.value) ? [{ ...tool.value }] : [],
  );
  // Only some of its models know `strict`, and the others refuse it.
  if (request.tools.some((tool) => tool.strict === true && extrasOf(tool.extras)["strict"] === undefined))
    note("strict-tools-dropped");
  const tools = [...request.tools.map((tool) => encodeTool(tool, note)), ...vendor];
  if (tools.length > 0) return tools;
  const called = toolsOfHistory(messages);
  if (called.length > 0) note("tools-declared-from-history");
  return called;
}

function encodeTool(tool: Tool, note: Note): Body {
  const declared = objectSchema(tool.schema);
  const schema = withFittingKeys(declared);
  if (schema !== declared) note("tool-schema-mended");
  return {
    name: tool.name,
    ...(tool.description === null ? {} : { description: tool.description }),
    input_schema: schema,
    ...marks(tool),
  };
}

/** The API requires `type: "object"` at the top; OpenAI's functions may have no parameters. */
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
  // "At most one call" can only be expressed inside a tool choice; true is the API's default.
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
  const ownExtras = extrasOf(request.extras);
  const kept = isRecord(ownExtras["output_config"]) ? ownExtras["output_config"] : {};
  const config: Body = { ...kept };
  if (effort !== null) config["effort"] = effort;
  // A client of the older beta wrote it into `output_format`, which goes up with the extras.
  if (request.format?.type === "json-schema" && ownExtras["output_format"] === undefined)
    config["format"] = { type: "json_schema", schema: request.format.schema };
  return Object.keys(config).length > 0 ? { output_config: config } : {};
}

/** Thinking takes only temperature 1, a top_p from 0.95 and no top_k; the API refuses the rest. */
function encodeSampling(request: ChatRequest, thinking: Body | null, note: Note): Body {
  const isThinking = thinking !== null && thinking["type"] !== "disabled";
  const { temperature, topP, topK } = request;
  const sampling: Body = {};
  if (temperature !== null) {
    if (isThinking && temperature !== 1) note("temperature-dropped");
    else sampling["temperature"] = Math.min(1, Math.max(0, temperature));
    if (!isThinking && temperature > 1) note("temperature-cut:1");
  }
  if (topP !== null) {
    if (isThinking && topP < 0.95) note("top-p-dropped");
    else sampling["top_p"] = topP;
  }
  if (topK !== null) {
    if (isThinking) note("top-k-dropped");
    else sampling["top_k"] = topK;
  }
  return sampling;
}

/** "each stop sequence must contain non-whitespace". */
const isBlank = (stop: string): boolean => stop.trim() === "";

export function unsupportedStops(request: ChatRequest): readonly string[] {
  return request.stop.filter(isBlank);
}

function encodeStop(stop: readonly string[]): Body {
  const kept = stop.filter((each) => !isBlank(each));
  return kept.length > 0 ? { stop_sequences: kept } : {};
}

function encodeUser(request: ChatRequest, isSameDialect: boolean): Body {
  const kept = extrasOf(request.extras)["metadata"];
  const { user } = request;
  if (user === null || (!isSameDialect && user.length > maxUserLength)) return {};
  return { metadata: { ...(isRecord(kept) ? kept : {}), user_id: user } };
}

/** "clear_thinking strategy requires thinking to be enabled": Claude Code sends it with every request. */
function dropThinkingEdits(body: Body, note: Note): void {
  const management = body["context_management"];
  if (!isRecord(management) || !Array.isArray(management["edits"])) return;
  const edits: readonly unknown[] = management["edits"];
  const kept = edits.filter((edit) => !isRecord(edit) || !String(edit["type"]).startsWith("clear_thinking"));
  if (kept.length === edits.length) return;
  note("context-management-cut");
  if (kept.length === 0) delete body["context_management"];
  else body["context_management"] = { ...management, edits: kept };
}

/** Where cache marks may be. */
type MarkedParts = {
  readonly system: readonly WireBlock[];
  readonly tools: readonly Body[];
  readonly messages: readonly WireMessage[];
};

/** The last marks cover the longest prefix, so the first ones go. */
function keepLastMarks(body: Body, { system, tools, messages }: MarkedParts, note: Note): void {
  const holders: Body[] = [];
  const collect = (blocks: readonly Body[]): void => {
    for (const block of blocks) {
      // Only results contain blocks that this encoder built; the content of an opaque block is the client's.
      if (block["type"] === "tool_result" && Array.isArray(block["content"]))
        collect(block["content"].filter(isRecord));
      if (block["cache_control"] !== undefined && block["cache_control"] !== null) holders.push(block);
    }
  };
  collect(tools);
  collect(system);
  for (const message of messages) collect(message.content);
  const allowed = maxMarks - (isRecord(body["cache_control"]) ? 1 : 0);
  const tooMany = holders.slice(0, Math.max(0, holders.length - allowed));
  if (tooMany.length > 0) note("cache-marks-dropped");
  for (const block of tooMany) delete block["cache_control"];
}
