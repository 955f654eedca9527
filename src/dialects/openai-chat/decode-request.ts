// The client's chat request -> canonical, and what of it no other format can say.
// Checks are written by hand: a third of the schema's cost, and they name the field and the way out.
// It must never throw anything but Failure.

import { isEffort, type Effort, efforts } from "../../canon/effort.ts";
import type { Failure } from "../../canon/failure.ts";
import type { Block, ChatRequest, Tool } from "../../canon/request.ts";
import { noteDropped, noteUnknown } from "../adaptation-notes.ts";
import { isRecord } from "../decoding.ts";
import type { Note } from "../dialect.ts";
import {
  invalid,
  optionalBoolean,
  optionalCount,
  optionalInteger,
  optionalList,
  optionalNumber,
  optionalRecord,
  optionalText,
  shown,
  textAt,
  unsupported,
  wrongKind,
} from "../read-fields.ts";
import { wrappedText } from "../free-text-tools.ts";
import { type DecodedMessages, decodeMessages } from "./decode-messages.ts";
import { decodeFormat, decodeToolChoice, decodeTools, isFreeText, isOpenAiChoice } from "./decode-tools.ts";

/** Body members that clients of other gateways use to choose the upstream: here the operator chooses. */
export const upstreamKeys: ReadonlySet<string> = new Set([
  "api_base",
  "base_url",
  "api_key",
  "headers",
  "extra_headers",
  "organization",
  "endpoint",
  "proxy",
  "extra_body",
]);

export function upstreamKeyRefused(key: string): Failure {
  return invalid(
    key,
    `${key} is not accepted in a request: the gateway's configuration decides where requests go.`,
  );
}

/** Members with a canonical home. Everything else travels in the pocket, under its own name. */
const canonicalKeys: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "max_tokens",
  "temperature",
  "top_p",
  "stop",
  "stream",
  "stream_options",
  "reasoning_effort",
  "response_format",
  "user",
  "functions",
  "function_call",
]);

const obsoleteMembers: readonly (readonly [string, string])[] = [
  ["functions", "tools"],
  ["function_call", "tool_choice"],
];

const maxStops = 64;

export function decodeRequest(value: unknown): ChatRequest {
  if (!isRecord(value)) throw invalid(null, `The request body must be a JSON object, not ${shown(value)}.`);
  const ownExtras = decodeExtras(value);
  for (const [key, instead] of obsoleteMembers)
    if (value[key] !== undefined && value[key] !== null)
      throw unsupported(key, `${key} is obsolete and not supported here; use ${instead}.`);
  const model = textAt(value.model, "model");
  const { tools, opaqueTools } = decodeTools(value.tools);
  const { system, messages } = withWrappedTexts(decodeMessages(value.messages), tools);
  if (isOpenAiChoice(value.tool_choice)) ownExtras.tool_choice = value.tool_choice;
  const { format, description } = decodeFormat(value.response_format);
  if (description !== null) ownExtras["response_format.description"] = description;
  const streamOptions = optionalRecord(value.stream_options, "stream_options");
  const { include_usage: includeUsage, ...otherOptions } = streamOptions ?? {};
  if (Object.keys(otherOptions).length > 0) ownExtras.stream_options = otherOptions;
  const maxTokens = optionalCount(value.max_tokens, "max_tokens");
  const safetyId = optionalText(value.safety_identifier, "safety_identifier");
  return {
    model,
    system,
    messages,
    tools,
    opaqueTools,
    toolChoice: decodeToolChoice(value.tool_choice, tools),
    parallelTools: optionalBoolean(value.parallel_tool_calls, "parallel_tool_calls"),
    maxTokens: optionalCount(value.max_completion_tokens, "max_completion_tokens") ?? maxTokens,
    temperature: optionalNumber(value.temperature, "temperature", 0, 2),
    topP: optionalNumber(value.top_p, "top_p", 0, 1),
    topK: null,
    stop: decodeStop(value.stop),
    effort: decodeEffort(value.reasoning_effort),
    thinking: null,
    format,
    stream: optionalBoolean(value.stream, "stream") ?? false,
    wantsUsage: optionalBoolean(includeUsage, "stream_options.include_usage") ?? false,
    user: optionalText(value.user, "user") ?? safetyId,
    extras: Object.keys(ownExtras).length > 0 ? { "openai-chat": ownExtras } : {},
  };
}

/** Cursor sends calls of free-text tools back as functions' with the bare text as arguments. */
function withWrappedTexts(conversation: DecodedMessages, tools: readonly Tool[]): DecodedMessages {
  const names = new Set(tools.filter(isFreeText).map(({ name }) => name));
  if (names.size === 0) return conversation;
  const wrapped = (block: Block): Block =>
    block.type === "tool-call" && names.has(block.name)
      ? { ...block, input: wrappedText(block.input) }
      : block;
  const messages = conversation.messages.map((message) =>
    message.role === "assistant" ? { ...message, content: message.content.map(wrapped) } : message,
  );
  return { ...conversation, messages };
}

/** Members without a canonical home, as the client wrote them; null means absent. */
function decodeExtras(body: Record<string, unknown>): Record<string, unknown> {
  const ownExtras: Record<string, unknown> = {};
  for (const key of Object.keys(body)) {
    if (upstreamKeys.has(key)) throw upstreamKeyRefused(key);
    const value = body[key];
    if (canonicalKeys.has(key) || key === "__proto__" || value === null) continue;
    ownExtras[key] = value;
  }
  optionalCount(body.n, "n", 128);
  optionalInteger(body.seed, "seed");
  optionalBoolean(body.logprobs, "logprobs");
  optionalBoolean(body.store, "store");
  for (const [i, each] of optionalList(body.modalities, "modalities").entries())
    textAt(each, `modalities[${i}]`);
  optionalRecord(body.audio, "audio");
  optionalRecord(body.metadata, "metadata");
  optionalText(body.prompt_cache_key, "prompt_cache_key");
  optionalText(body.service_tier, "service_tier");
  return ownExtras;
}

export function decodeStop(value: unknown): string[] {
  if (value === undefined || value === null || value === "") return [];
  if (typeof value === "string") return [value];
  if (!Array.isArray(value)) throw wrongKind("stop", "a string or an array of strings", value);
  if (value.length > maxStops) throw invalid("stop", `stop must not hold more than ${maxStops} strings.`);
  return value.map((each, i) => textAt(each, `stop[${i}]`)).filter((each) => each !== "");
}

export function decodeEffort(value: unknown): Effort | null {
  if (value === undefined || value === null) return null;
  if (!isEffort(value)) throw wrongKind("reasoning_effort", `one of ${efforts.join(", ")}`, value);
  return value;
}

/** Members that steer this format's own models and that no other API gets. */
const answerMembers = [
  "seed",
  "logit_bias",
  "frequency_penalty",
  "presence_penalty",
  "verbosity",
  "prediction",
  "web_search_options",
];

/** What is told above, what is refused or said in other words, and book-keeping without which the answer is the same. */
const knownExtras: ReadonlySet<string> = new Set([
  ...answerMembers,
  "n",
  "logprobs",
  "top_logprobs",
  "modalities",
  "audio",
  "store",
  "metadata",
  "prompt_cache_key",
  "prompt_cache_retention",
  "safety_identifier",
  "max_completion_tokens",
  "stream_options",
  "response_format.description",
  "tool_choice",
]);

export function noteLosses(
  request: ChatRequest,
  note: Note,
  unsupported?: (parameter: string) => void,
): void {
  const ownExtras = request.extras["openai-chat"] ?? {};
  if (request.tools.some(isFreeText)) note("custom-tools-as-functions");
  const isCited = (block: Block): boolean =>
    block.type === "text" && block.extras?.["openai-chat"]?.annotations !== undefined;
  if (request.messages.some(({ content }) => content.some(isCited))) note("citations-dropped");
  noteDropped(ownExtras, answerMembers, note, unsupported);
  noteUnknown(ownExtras, knownExtras, note, unsupported);
}

/** What the client asked for that only this format's own answers can hold; the canonical form would lose it. */
export function refuseAnswerOptions(request: ChatRequest): Failure | null {
  const ownExtras = request.extras["openai-chat"];
  if (ownExtras === undefined) return null;
  const because = "cannot be carried by the translation that this request needs";
  if (typeof ownExtras.n === "number" && ownExtras.n > 1)
    return unsupported("n", `n greater than 1 ${because}. Send several requests instead.`);
  if (ownExtras.logprobs === true) return unsupported("logprobs", `logprobs ${because}.`);
  if (Array.isArray(ownExtras.modalities) && ownExtras.modalities.some((each) => each !== "text"))
    return unsupported("modalities", `Output other than text ${because}.`);
  if (ownExtras.audio !== undefined) return unsupported("audio", `Spoken output ${because}.`);
  return null;
}

/** The same for tools. What stands in the messages has a rule of its own (retell.ts, unsupported-content.ts). */
export function refuseTranslation(request: ChatRequest): Failure | null {
  const plain = refuseAnswerOptions(request);
  if (plain !== null) return plain;
  const because = "the chosen model's API has no equivalent for";
  const tool = request.opaqueTools.find((each) => each.dialect === "openai-chat");
  if (tool !== undefined)
    return unsupported("tools", `tools: ${because} a tool of type "${tool.type}"; use function tools.`);
  const choice = request.extras["openai-chat"]?.tool_choice;
  if (isRecord(choice))
    return unsupported("tool_choice", `tool_choice: ${because} a choice of type ${shown(choice.type)}.`);
  return null;
}
