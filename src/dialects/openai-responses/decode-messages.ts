// Turns the client's `input` into system blocks and canonical messages. Items of one turn share one message. It must
// never drop an item silently: what has no canonical form stays as it is, for this API only.

import type { Block, Extras, Message, TextBlock, ThinkingBlock } from "../../canon/request.ts";
import { summaryIn } from "./compaction.ts";
import { decodeSearchItem } from "./client-tool-search.ts";
import { wrapText } from "../free-text-tools.ts";
import { decodeContent, decodeTexts } from "./decode-content.ts";
import {
  invalid,
  optionalList,
  optionalText,
  recordAt,
  shown,
  textAt,
  wordAt,
  wrongKind,
} from "../read-fields.ts";
import { toExtras, name, extrasOf, type Wire } from "./extras.ts";
import { decodeEncryptedReasoning } from "./encrypted-reasoning.ts";
import { joinedName } from "./tool-id.ts";

export type DecodedMessages = { readonly system: TextBlock[]; readonly messages: Message[] };

/**
 * Items that other APIs do not need: the vendor's own searches, whose result is in the text that follows, and references
 * to stored reasoning (the `ai` SDK sends them by default), which could not be read anyway.
 */
function isAside(type: string, raw: Wire): boolean {
  if (type === "item_reference") return typeof raw.id === "string" && raw.id.startsWith("rs_");
  return type === "web_search_call" || type === "file_search_call";
}

export function decodeMessages(value: unknown): DecodedMessages {
  const system: TextBlock[] = [];
  const messages: Message[] = [];
  if (typeof value === "string") {
    messages.push({ role: "user", content: decodeContent(value, "input") });
    return { system, messages };
  }
  if (!Array.isArray(value)) throw wrongKind("input", "a string or an array of items", value);
  if (value.length === 0) throw invalid("input", "input must contain at least one item.");
  // Consecutive items belong to one turn, until an item of the other side follows.
  let run: { role: "assistant" | "user"; content: Block[] } | null = null;
  let asides: Wire[] = [];
  const enter = (role: "assistant" | "user"): Block[] => {
    if (run?.role !== role) {
      run = { role, content: [] };
      messages.push(run);
    }
    return run.content;
  };
  /** Items that no block can carry; references to reasoning mean nothing without one. */
  const standAlone = (): void => {
    for (const value of asides)
      if (value.type !== "item_reference") enter("assistant").push({ type: "opaque", dialect: name, value });
    asides = [];
  };
  const add = (role: "assistant" | "user", ...blocks: Block[]): void => {
    if (role === "user") standAlone();
    for (const block of blocks) {
      if (block.type === "opaque") standAlone();
      enter(role).push(asides.length === 0 ? block : withAsides(block, asides));
      asides = [];
    }
  };
  for (const [i, each] of value.entries()) {
    const param = `input[${i}]`;
    const raw = recordAt(each, param);
    const type = raw.type === undefined || raw.type === null ? "message" : wordAt(raw.type, `${param}.type`);
    if (type !== "message") {
      const summary = summaryIn(raw);
      if (summary !== null) {
        standAlone();
        run = null;
        messages.push({ role: "user", content: [summary] });
        continue;
      }
      if (isAside(type, raw)) asides.push(raw);
      else add(sideOf(type), decodeItem(type, raw, param));
      continue;
    }
    const role = textAt(raw.role, `${param}.role`);
    if (role === "assistant") {
      add(role, ...decodeAssistant(raw, param));
      continue;
    }
    standAlone();
    run = null;
    const at = `${param}.content`;
    if (role === "user") messages.push({ role, content: decodeContent(raw.content, at) });
    else if (role === "system" || role === "developer") {
      const content = decodeTexts(raw.content, at).map((block) => ({ ...block, ...toExtras({ role }) }));
      if (messages.length === 0) system.push(...content);
      else messages.push({ role: "system", content });
    } else
      throw invalid(
        `${param}.role`,
        `${param}.role must be system, developer, user or assistant, not ${shown(role)}.`,
      );
  }
  standAlone();
  return { system, messages };
}

/** Results of calls come from the client; everything else in an answer came from the model. */
const sideOf = (type: string): "assistant" | "user" =>
  type.endsWith("_output") || type === "mcp_approval_response" ? "user" : "assistant";

function withAsides(block: Block, before: readonly Wire[]): Block {
  if (block.type === "opaque") return block;
  return { ...block, ...toExtras({ ...extrasOf(block.extras), before }) };
}

function decodeAssistant(raw: Wire, param: string): Block[] {
  const phase = optionalText(raw.phase, `${param}.phase`);
  const kept = phase === null ? {} : { phase };
  return decodeContent(raw.content, `${param}.content`).map((block) => {
    if (block.type === "text") return { ...block, ...toExtras({ ...extrasOf(block.extras), ...kept }) };
    if (block.type === "image") return block;
    // An unknown part stays wrapped in its message: outside it would not be a valid item.
    return {
      type: "opaque",
      dialect: name,
      value: { type: "message", role: "assistant", content: [block.value], ...kept },
    };
  });
}

function decodeItem(type: string, raw: Wire, param: string): Block {
  switch (type) {
    case "function_call":
      return decodeCall(raw, param, textAt(raw.arguments, `${param}.arguments`), {});
    case "custom_tool_call":
      return decodeCall(raw, param, wrapText(textAt(raw.input, `${param}.input`)), { type: "custom" });
    case "function_call_output":
      return decodeResult(raw, param, {});
    case "custom_tool_call_output":
      return decodeResult(raw, param, { type: "custom" });
    case "reasoning":
      return decodeReasoning(raw, param);
    default:
      return decodeSearchItem(type, raw) ?? { type: "opaque", dialect: name, value: raw };
  }
}

function decodeCall(raw: Wire, param: string, input: string, ownExtras: Wire): Block {
  const called = wordAt(raw.name, `${param}.name`);
  const namespace = optionalText(raw.namespace, `${param}.namespace`);
  return {
    type: "tool-call",
    id: wordAt(raw.call_id, `${param}.call_id`),
    name: namespace === null ? called : joinedName(namespace, called),
    input,
    ...toExtras(namespace === null ? ownExtras : { ...ownExtras, name: called, namespace }),
  };
}

function decodeResult(raw: Wire, param: string, ownExtras: Wire): Block {
  return {
    type: "tool-result",
    callId: wordAt(raw.call_id, `${param}.call_id`),
    content: decodeContent(raw.output, `${param}.output`),
    isError: false,
    ...toExtras(ownExtras),
  };
}

/** Extras keep what a re-sent item must hold: its id, its encrypted content, and texts that are more than one summary. */
function decodeReasoning(raw: Wire, param: string): ThinkingBlock {
  const texts = (key: "summary" | "content"): string[] =>
    optionalList(raw[key], `${param}.${key}`).map((each, i) => {
      const at = `${param}.${key}[${i}]`;
      return textAt(recordAt(each, at).text, `${at}.text`);
    });
  const summary = texts("summary");
  const content = texts("content");
  optionalText(raw.encrypted_content, `${param}.encrypted_content`);
  const { signature, extras } = decodeEncryptedReasoning(raw);
  const isForeign = signature !== null;
  const id = optionalText(raw.id, `${param}.id`);
  const kept: Wire = {
    ...(id === null ? {} : { id }),
    ...extrasOf(extras),
    ...(summary.length > 1 ? { summary: raw.summary } : {}),
    ...(content.length > 0 ? { content: raw.content } : {}),
  };
  const ownExtras: { extras?: Extras } = isForeign ? {} : toExtras(kept);
  return {
    type: "thinking",
    text: (summary.length > 0 ? summary : content).join("\n\n"),
    signature,
    ...ownExtras,
  };
}
