// A canonical conversation -> the alternating turns that the Messages API accepts.
// It must never drop a word of the user's or the model's; what the API refuses is moved, renamed or turned into text.

import type { Message } from "../../canon/request.ts";
import {
  encodeOrphan,
  encodePlain,
  encodeText,
  encodeToolCall,
  encodeToolResult,
  missingResult,
  type WireBlock,
} from "./encode-content.ts";
import type { Note } from "../dialect.ts";
import { type Call, matchTools } from "./match-tools.ts";
import { pocketOf } from "./pocket.ts";

export type WireMessage = { role: Message["role"]; content: WireBlock[] } & Record<string, unknown>;

export type Conversation = {
  readonly messages: WireMessage[];
  /** Text of system messages from the middle, for the end of `system`. */
  readonly hoisted: WireBlock[];
};

type Turn = {
  readonly role: Message["role"];
  readonly extras: Readonly<Record<string, unknown>>;
  readonly results: WireBlock[];
  readonly blocks: WireBlock[];
  readonly calls: Call[];
};

export type ConversationOptions = {
  readonly isOwn: boolean;
  readonly keepsThinking: boolean;
  readonly note: Note;
};

/**
 * `isOwn`: the request came in through this dialect. Its system messages stay where they are (the API knows the role
 * since 2026) and its thinking blocks are its own; those of other formats are hoisted and dropped.
 */
export function encodeConversation(messages: readonly Message[], options: ConversationOptions): Conversation {
  const hoisted: WireBlock[] = [];
  const turns = placeResults(readTurns(messages, options, hoisted), options.note);
  const out: WireMessage[] = [];
  for (const turn of turns) {
    const content = [...turn.results, ...turn.blocks];
    if (content.length === 0) continue;
    const last = out.at(-1);
    if (last?.role === turn.role) last.content.push(...content);
    else out.push({ ...turn.extras, role: turn.role, content });
  }
  startWithUser(out, options.note);
  trimPrefill(out);
  return { messages: out, hoisted };
}

function readTurns(messages: readonly Message[], options: ConversationOptions, hoisted: WireBlock[]): Turn[] {
  const { note } = options;
  const match = matchTools(messages);
  const turns: Turn[] = [];
  for (const message of messages) {
    if (message.role === "system" && !options.isOwn) {
      for (const block of message.content) if (block.type === "text") hoisted.push(...encodeText(block));
      note("system-messages-moved");
      continue;
    }
    const blocks: WireBlock[] = [];
    const calls: Call[] = [];
    let holdsResults = false;
    for (const block of message.content) {
      if (block.type === "tool-call") {
        const call = match.calls.get(block);
        blocks.push(encodeToolCall(block, call?.wireId ?? block.id, note));
        if (call !== undefined) calls.push(call);
      } else if (block.type === "tool-result") {
        if (match.answered.has(block)) holdsResults = true;
        else blocks.push(...encodeOrphan(block, note));
      } else blocks.push(...encodePlain(block, options.keepsThinking, note));
    }
    // A turn that held nothing but results stays for now: it separates the assistant turns around it.
    if (blocks.length === 0 && !holdsResults) continue;
    const last = turns.at(-1);
    if (last?.role === message.role) {
      last.blocks.push(...blocks);
      last.calls.push(...calls);
    } else {
      const extras = pocketOf(message.extras);
      turns.push({ role: message.role, extras, results: [], blocks, calls });
    }
  }
  return turns;
}

/** The API wants all results at the head of the user turn right behind their calls. */
function placeResults(turns: readonly Turn[], note: Note): Turn[] {
  const placed: Turn[] = [];
  for (const [index, turn] of turns.entries()) {
    placed.push(turn);
    if (turn.calls.length === 0) continue;
    let next = turns[index + 1];
    for (let ahead = index + 2; next?.role === "system"; ahead++) next = turns[ahead];
    if (next?.role !== "user") {
      // The conversation ends with calls: without an answer yet nothing is missing.
      if (turn.calls.every((call) => call.result === null)) continue;
      next = { role: "user", extras: {}, results: [], blocks: [], calls: [] };
      placed.push(next);
    }
    for (const { wireId, result } of turn.calls) {
      if (result === null) note("tool-results-filled-in");
      next.results.push(result === null ? missingResult(wireId) : encodeToolResult(result, wireId, note));
    }
  }
  return placed;
}

/** The API refuses a conversation without a user turn at its head: cut histories and system-only requests have none. */
function startWithUser(messages: WireMessage[], note: Note): void {
  if (messages.find((each) => each.role !== "system")?.role === "user") return;
  note("user-turn-added");
  messages.unshift({ role: "user", content: [{ type: "text", text: "(continued)" }] });
}

/** "final assistant content cannot end with trailing whitespace". */
function trimPrefill(messages: readonly WireMessage[]): void {
  const last = messages.at(-1);
  const block = last?.role === "assistant" ? last.content.at(-1) : undefined;
  if (block?.["type"] === "text" && typeof block["text"] === "string")
    block["text"] = block["text"].trimEnd();
}
