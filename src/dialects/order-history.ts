// Puts any history into an order that the vendor accepts: one pass before every encoder. Results directly follow their calls,
// what is missing is filled in, and what has no valid place becomes text. It must never drop text of the user's or the model's,
// and never refuse: the client cannot change its history.

import type {
  Block,
  ChatRequest,
  DialectName,
  FileBlock,
  ImageBlock,
  Message,
  OpaqueBlock,
  TextBlock,
  ThinkingBlock,
  ToolCallBlock,
  ToolResultBlock,
} from "../canon/request.ts";
import { thinkingBlocksDropped, toolIdsRewritten } from "./adaptation-notes.ts";
import type { Note } from "./dialect.ts";
import { acceptsFile } from "./file-support.ts";
import { matchTools, type ToolMatch } from "./match-tools.ts";
import { retellBlock } from "./retell-table.ts";
import { callAsText, fileAsText, imageAsText } from "./retold.ts";

/** What a format requires of a history beyond what all formats require. */
export type HistoryRules = {
  readonly format: DialectName;
  /** Which of its own opaque blocks go back unchanged. Absent: all. */
  readonly keeps?: (block: OpaqueBlock) => boolean;
  /** System messages in the middle `stay`, move to the head, or become user messages. */
  readonly systemMessages: "stay" | "hoist" | "as-user";
  /** The vendor refuses text that is only white space. */
  readonly dropsBlanks?: boolean;
  /** Which thinking goes back. */
  readonly acceptsThinking: (block: ThinkingBlock) => boolean;
  /** A call id that the vendor accepts; deterministic, and an id that fits stays unchanged. */
  readonly fitId: (id: string) => string;
  readonly startsWithUser: boolean;
  /** Whether two adjacent user messages may be merged. Two of the model's always are. */
  readonly mayJoin: (left: Turn, right: Message) => boolean;
};

export type Answer = { readonly call: ToolCallBlock; readonly result: ToolResultBlock };

export type Turn = {
  readonly role: Message["role"];
  readonly extras: Message["extras"];
  /** Results of the previous turn's calls, in call order: they come first. */
  readonly answers: Answer[];
  /** Everything else, with calls under their outgoing ids; no results. */
  readonly content: Block[];
};

export type OrderedHistory = {
  readonly turns: readonly Turn[];
  /** Text of system messages from the middle, for formats where it moves to the head. */
  readonly hoisted: readonly TextBlock[];
};

type OpenTurn = Turn & { readonly calls: { call: ToolCallBlock; result: ToolResultBlock | null }[] };

export function orderHistory(asked: readonly Message[], rules: HistoryRules, note: Note): OrderedHistory {
  const messages = asked.map((message) => fitMessage(message, rules, note));
  const match = matchTools(messages, rules.fitId);
  const { open, hoisted } = readTurns(messages, match, rules, note);
  const turns: Turn[] = [];
  for (const turn of withAnswers(open, note)) {
    if (turn.content.length === 0 && turn.answers.length === 0) continue;
    const last = turns.at(-1);
    // They became neighbours because an empty turn between them was removed; there are no results, so nothing separates
    // them.
    if (last !== undefined && turn.answers.length === 0 && isJoined(last, turn, rules))
      last.content.push(...turn.content);
    else turns.push(turn);
  }
  if (rules.startsWithUser && turns.find(({ role }) => role !== "system")?.role !== "user")
    startWithUser(turns, note);
  return { turns, hoisted };
}

/** Truncated histories and requests with only a system prompt do not begin with a user's turn. */
function startWithUser(turns: Turn[], note: Note): void {
  note("user-turn-added");
  turns.unshift({
    role: "user",
    extras: undefined,
    answers: [],
    content: [{ type: "text", text: "(continued)" }],
  });
}

function isJoined(left: Turn, right: Message, rules: HistoryRules): boolean {
  if (left.role !== right.role) return false;
  if (left.role === "assistant") return true;
  return left.role === "user" && rules.mayJoin(left, right);
}

function readTurns(
  messages: readonly Message[],
  match: ToolMatch,
  rules: HistoryRules,
  note: Note,
): { open: OpenTurn[]; hoisted: TextBlock[] } {
  const open: OpenTurn[] = [];
  const hoisted: TextBlock[] = [];
  for (const message of messages) {
    const isSystem = message.role === "system";
    // Before the first user turn it is a system prompt, wherever the format allows it later.
    const isHoisted =
      isSystem &&
      (rules.systemMessages === "hoist" ||
        (rules.systemMessages === "stay" && rules.startsWithUser && open.length === 0));
    if (isHoisted) note("system-messages-moved");
    else if (isSystem && rules.systemMessages === "as-user") note("system-messages-as-user");
    const role = isSystem && rules.systemMessages === "as-user" ? "user" : message.role;
    const content: Block[] = [];
    const calls: OpenTurn["calls"] = [];
    let holdsAnswers = false;
    for (const block of message.content) {
      if (block.type === "tool-call") {
        const { wireId, result } = match.calls.get(block) ?? { wireId: block.id, result: null };
        if (wireId !== block.id) note(toolIdsRewritten);
        const call = wireId === block.id ? block : { ...block, id: wireId };
        content.push(call);
        calls.push({ call, result });
      } else if (block.type !== "tool-result") content.push(block);
      else if (match.answered.has(block)) holdsAnswers = true;
      else {
        // Only a user message can hold the content that only a result can have.
        const place = role === "user" ? rules : { ...rules, keeps: () => false };
        content.push(...orphanAsText(block, note).flatMap((each) => fitBlock(each, role, place, note)));
      }
    }
    if (isHoisted) {
      for (const block of content) if (block.type === "text") hoisted.push(block);
      continue;
    }
    // A turn with only results is kept for now: it separates the model's turns around it.
    if (content.length === 0 && !holdsAnswers) continue;
    const last = open.at(-1);
    if (last !== undefined && isJoined(last, { ...message, role }, rules)) {
      last.content.push(...content);
      last.calls.push(...calls);
    } else open.push({ role, extras: message.extras, answers: [], content, calls });
  }
  return { open, hoisted };
}

/** Nothing may come between a call and its results. */
function withAnswers(turns: readonly OpenTurn[], note: Note): OpenTurn[] {
  const placed: OpenTurn[] = [];
  let open: OpenTurn["calls"] = [];
  const answer = (turn: OpenTurn): void => {
    for (const { call, result } of open) {
      if (result === null) note("tool-results-filled-in");
      turn.answers.push({
        call,
        result: result === null ? missingResult(call.id) : { ...result, callId: call.id },
      });
    }
  };
  for (const turn of turns) {
    if (open.length > 0 && turn.role !== "user") {
      const added = userTurn();
      answer(added);
      placed.push(added);
    } else answer(turn);
    open = turn.calls;
    placed.push(turn);
  }
  if (open.length > 0) {
    const added = userTurn();
    answer(added);
    placed.push(added);
  }
  return placed;
}

const userTurn = (): OpenTurn => ({ role: "user", extras: undefined, answers: [], content: [], calls: [] });

/** Replaces a result that the client dropped: every vendor refuses a call without one. */
const missingResult = (callId: string): ToolResultBlock => ({
  type: "tool-result",
  callId,
  content: [{ type: "text", text: "(no result was returned)" }],
  isError: true,
});

/** A result whose call is gone, or a duplicate one: vendors refuse it as a result, but its text may still matter. */
function orphanAsText(block: ToolResultBlock, note: Note): Block[] {
  note("tool-results-as-text");
  const head = `[Result of an earlier tool call${block.isError ? ", an error" : ""}]`;
  return [{ type: "text", text: head }, ...block.content];
}

/** The message reduced to what its role can hold in this format; the same object where nothing changes. */
function fitMessage(message: Message, rules: HistoryRules, note: Note): Message {
  const { role, content } = message;
  if (content.every((block) => isAccepted(block, role, rules))) return message;
  return { ...message, content: content.flatMap((block) => fitBlock(block, role, rules, note)) };
}

const isKeptBlock = (block: OpaqueBlock, { format, keeps }: HistoryRules): boolean =>
  block.dialect === format && (keeps === undefined || keeps(block));

function isAccepted(block: Block, role: Message["role"], rules: HistoryRules): boolean {
  switch (block.type) {
    case "text":
      return rules.dropsBlanks === true ? block.text.trim() !== "" : block.text !== "";
    case "thinking":
      return role === "assistant" && rules.acceptsThinking(block);
    case "tool-call":
      return role === "assistant";
    case "image":
      return role === "user";
    case "file":
      return role === "user" && acceptsFile(rules.format, block);
    case "opaque":
      return isKeptBlock(block, rules);
    case "tool-result":
      return block.content.every((each) => isAccepted(each, "user", rules));
  }
}

function fitBlock(block: Block, role: Message["role"], rules: HistoryRules, note: Note): Block[] {
  if (isAccepted(block, role, rules)) return [block];
  switch (block.type) {
    case "text":
      return [];
    case "thinking":
      note(thinkingBlocksDropped);
      return [];
    case "tool-call":
      note("tool-calls-as-text");
      return [{ type: "text", text: callAsText(block.name, block.input) }];
    case "image":
    case "file":
      return [asText(block, note)];
    case "opaque": {
      const { blocks, note: retoldNote } = retellBlock(block);
      if (retoldNote !== null) note(retoldNote);
      const fit = blocks.flatMap((each) => fitBlock(each, role, rules, note));
      return role === "assistant" ? fit.map(separated) : fit;
    }
    case "tool-result": {
      const content = block.content.flatMap((each) => fitBlock(each, "user", rules, note));
      return [{ ...block, content: content.filter(isContent) }];
    }
  }
}

/** Some formats write a model turn as one text, so each described block ends with a line break. */
const separated = (block: Block): Block =>
  block.type === "text" && !block.text.endsWith("\n") ? { ...block, text: `${block.text}\n` } : block;

const isContent = (block: Block): block is ToolResultBlock["content"][number] =>
  block.type === "text" || block.type === "image" || block.type === "file" || block.type === "opaque";

function asText(block: ImageBlock | FileBlock, note: Note): TextBlock {
  note(block.type === "image" ? "pictures-as-text" : "files-as-text");
  return block.type === "image" ? imageAsText(block) : fileAsText(block);
}

/** The system prompt: texts, and what only this format can express. */
export function orderSystem(
  system: ChatRequest["system"],
  rules: HistoryRules,
  note: Note,
): (TextBlock | OpaqueBlock)[] {
  return system
    .flatMap((block) => fitBlock(block, "system", rules, note))
    .filter((block): block is TextBlock | OpaqueBlock => block.type === "text" || block.type === "opaque");
}
