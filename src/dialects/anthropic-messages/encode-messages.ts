// Turns a canonical conversation into the alternating turns that the Messages API accepts; order-history.ts puts it in
// order. It must never drop a word of the user's or the model's; what the API refuses is moved, renamed or turned into
// text.

import type { Message, OpaqueBlock } from "../../canon/request.ts";
import type { Note } from "../dialect.ts";
import { isRecord } from "../decoding.ts";
import { orderHistory, type HistoryRules } from "../order-history.ts";
import {
  encodePlain,
  encodeText,
  encodeToolCall,
  encodeToolResult,
  isOwnThinking,
  type WireBlock,
} from "./encode-content.ts";
import { name, extrasOf } from "./extras.ts";

export type WireMessage = { role: Message["role"]; content: WireBlock[] } & Record<string, unknown>;

export type EncodedMessages = {
  readonly messages: WireMessage[];
  /** Text of system messages from the middle, for the end of `system`. */
  readonly hoisted: WireBlock[];
};

export type EncodeOptions = {
  readonly isSameDialect: boolean;
  readonly keepsThinking: boolean;
  /** The target has neither the vendor's own tools nor the files stored at the vendor. */
  readonly isWithoutServerTools?: boolean;
  readonly note: Note;
};

/**
 * `isSameDialect`: the request came in through this dialect. Its system messages stay where they are (the API knows the role
 * since 2026) and its thinking blocks are its own; those of other formats are hoisted and dropped.
 */
export function historyRules(options: Omit<EncodeOptions, "note">): HistoryRules {
  return {
    format: name,
    ...(options.isWithoutServerTools === true ? { keeps: isPlain } : {}),
    systemMessages: options.isSameDialect ? "stay" : "hoist",
    // "text content blocks must contain non-whitespace text".
    dropsBlanks: true,
    acceptsThinking: (block) => options.keepsThinking && isOwnThinking(block),
    fitId: (id) => id.replace(/[^a-zA-Z0-9_-]/g, "_") || "toolu",
    startsWithUser: true,
    mayJoin: () => true,
  };
}

/** Real content, as opposed to the remains of a server tool call. */
function isPlain({ value }: OpaqueBlock): boolean {
  if (!isRecord(value)) return false;
  const { type, source } = value;
  if (type === "redacted_thinking") return true;
  return type === "document" && !(isRecord(source) && source["type"] === "file");
}

export function encodeMessages(messages: readonly Message[], options: EncodeOptions): EncodedMessages {
  const { note } = options;
  const { turns, hoisted } = orderHistory(messages, historyRules(options), note);
  const out = turns.map(({ role, extras, answers, content }): WireMessage => ({
    ...extrasOf(extras),
    role,
    content: [
      ...answers.map(({ result }) => encodeToolResult(result)),
      ...content.flatMap((block) =>
        block.type === "tool-call" ? [encodeToolCall(block, note)] : encodePlain(block),
      ),
    ],
  }));
  trimPrefill(out);
  return { messages: out, hoisted: hoisted.flatMap(encodeText) };
}

/** "final assistant content cannot end with trailing whitespace". */
function trimPrefill(messages: readonly WireMessage[]): void {
  const last = messages.at(-1);
  const block = last?.role === "assistant" ? last.content.at(-1) : undefined;
  if (block?.["type"] === "text" && typeof block["text"] === "string")
    block["text"] = block["text"].trimEnd();
}
