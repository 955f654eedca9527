// Turns the client's `messages` into system blocks and canonical messages. It must never drop content silently: what
// has no canonical form is refused by name.

import type {
  Block,
  Extras,
  Message,
  TextBlock,
  ThinkingBlock,
  ToolCallBlock,
  ToolResultBlock,
} from "../../canon/request.ts";
import {
  invalid,
  isAbsent,
  optionalList,
  optionalText,
  recordAt,
  shown,
  textAt,
  wordAt,
  wrongKind,
} from "../read-fields.ts";
import { isRecord } from "../decoding.ts";
import { clientExtraContent } from "../call-signatures.ts";
import { detailsIn, textOfDetails } from "./reasoning-details.ts";
import { reasoningFieldIn } from "./reasoning-fields.ts";
import { decodeContent, decodeTexts } from "./decode-content.ts";
import { name as dialect, type Wire } from "./extras.ts";

export type DecodedMessages = { readonly system: TextBlock[]; readonly messages: Message[] };

export function decodeMessages(value: unknown): DecodedMessages {
  if (!Array.isArray(value)) throw wrongKind("messages", "an array of messages", value);
  if (value.length === 0) throw invalid("messages", "messages must contain at least one message.");
  const system: TextBlock[] = [];
  const messages: Message[] = [];
  // Tool messages in a row are the results of one turn: they share one user message.
  let results: ToolResultBlock[] | null = null;
  for (let i = 0; i < value.length; i++) {
    const param = `messages[${i}]`;
    const raw = recordAt(value[i], param);
    const role = textAt(raw.role, `${param}.role`);
    if (role === "tool" || role === "function") {
      const result = role === "tool" ? decodeToolResult(raw, param) : decodeFunctionResult(raw, param);
      if (results === null) {
        results = [result];
        messages.push({ role: "user", content: results });
      } else results.push(result);
      continue;
    }
    results = null;
    if (role === "system" || role === "developer") {
      const content = decodeTexts(raw.content, `${param}.content`);
      const message = withName({ role: "system", content }, raw, param);
      if (messages.length === 0) system.push(...content);
      else messages.push(message);
    } else if (role === "user") {
      const content = decodeContent(raw.content, `${param}.content`, "user");
      messages.push(withName({ role, content }, raw, param));
    } else if (role === "assistant") {
      messages.push(withName({ role, content: decodeAssistant(raw, param) }, raw, param));
    } else throw unknownRole(role, param);
  }
  return { system, messages };
}

const unknownRole = (role: string, param: string): Error =>
  invalid(
    `${param}.role`,
    `${param}.role must be system, developer, user, assistant or tool, not ${shown(role)}.`,
  );

function withName(message: Message, raw: Wire, param: string): Message {
  const name = optionalText(raw.name, `${param}.name`);
  return name === null ? message : { ...message, extras: { [dialect]: { name } } };
}

function decodeToolResult(raw: Wire, param: string): ToolResultBlock {
  const callId = wordAt(raw.tool_call_id, `${param}.tool_call_id`);
  const content = raw.content === null ? [] : decodeContent(raw.content, `${param}.content`, "tool");
  return { type: "tool-result", callId, content, isError: false };
}

/** In the older form a turn has one call without an id: the function's name serves as id. */
const functionId = (name: string): string => `function_${name}`;

function decodeFunctionResult(raw: Wire, param: string): ToolResultBlock {
  const content = isAbsent(raw.content) ? [] : decodeContent(raw.content, `${param}.content`, "tool");
  const callId = functionId(wordAt(raw.name, `${param}.name`));
  return { type: "tool-result", callId, content, isError: false };
}

function decodeFunctionCall(value: unknown, param: string): ToolCallBlock {
  const called = recordAt(value, param);
  const name = wordAt(called.name, `${param}.name`);
  return {
    type: "tool-call",
    id: functionId(name),
    name,
    input: textAt(called.arguments, `${param}.arguments`),
  };
}

function decodeAssistant(raw: Wire, param: string): Block[] {
  const content: Block[] = [];
  const thinking = decodeThinking(raw, param);
  if (thinking !== null) content.push(thinking);
  if (!isAbsent(raw.content)) {
    const texts = decodeContent(raw.content, `${param}.content`, "assistant");
    const { annotations } = raw;
    const isCited = Array.isArray(annotations) && annotations.length > 0;
    content.push(...(isCited ? texts.map((block) => cited(block, annotations)) : texts));
  } else if (typeof raw.refusal === "string" && raw.refusal !== "")
    content.push({ type: "text", text: raw.refusal });
  // Spoken output is stored at the vendor that made it.
  if (!isAbsent(raw.audio))
    content.push({
      type: "opaque",
      dialect,
      value: { ...recordAt(raw.audio, `${param}.audio`), type: "audio" },
    });
  if (!isAbsent(raw.function_call))
    content.push(decodeFunctionCall(raw.function_call, `${param}.function_call`));
  const calls = optionalList(raw.tool_calls, `${param}.tool_calls`);
  for (let i = 0; i < calls.length; i++) content.push(decodeCall(calls[i], `${param}.tool_calls[${i}]`));
  return content;
}

/** An earlier answer's citations, which only this format's vendors can read. */
const cited = (block: Block, annotations: readonly unknown[]): Block =>
  block.type === "text" ? { ...block, extras: { ...block.extras, [dialect]: { annotations } } } : block;

/** Vendors' names for the same member; extras record which one was used. */
function decodeThinking(raw: Wire, param: string): ThinkingBlock | null {
  for (const known of ["reasoning_content", "reasoning"]) optionalText(raw[known], `${param}.${known}`);
  const details = detailsIn(raw);
  const field = reasoningFieldIn(raw);
  const text = field === null ? textOfDetails(details) : String(raw[field]);
  if (text === "" && details.length === 0) return null;
  const ownExtras = {
    ...(field === null ? {} : { field }),
    ...(details.length === 0 ? {} : { reasoning_details: details }),
  };
  return { type: "thinking", text, signature: null, extras: { [dialect]: ownExtras } };
}

function decodeCall(value: unknown, param: string): ToolCallBlock {
  const raw = recordAt(value, param);
  const id = wordAt(raw.id, `${param}.id`);
  if (!isAbsent(raw.type) && raw.type !== "function") return decodeOtherCall(raw, id, param);
  const called = recordAt(raw.function, `${param}.function`);
  return {
    type: "tool-call",
    id,
    name: wordAt(called.name, `${param}.function.name`),
    input: textAt(called.arguments, `${param}.function.arguments`),
    ...(isRecord(raw.extra_content) ? { extras: clientExtraContent(raw.extra_content) } : {}),
  };
}

/** Free text and newer kinds of calls: the client's own call goes back to vendors of this format. */
function decodeOtherCall(raw: Wire, id: string, param: string): ToolCallBlock {
  const type = wordAt(raw.type, `${param}.type`);
  const extras: Extras = { [dialect]: { call: raw } };
  if (type === "custom") {
    const called = recordAt(raw.custom, `${param}.custom`);
    const input = JSON.stringify({ input: textAt(called.input, `${param}.custom.input`) });
    return { type: "tool-call", id, name: wordAt(called.name, `${param}.custom.name`), input, extras };
  }
  const { name, ...input } = isRecord(raw[type]) ? raw[type] : {};
  const called = typeof name === "string" && name !== "" ? name : type;
  return { type: "tool-call", id, name: called, input: JSON.stringify(input), extras };
}
