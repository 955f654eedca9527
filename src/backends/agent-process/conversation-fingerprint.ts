// Recognises requests of the same conversation: a digest of what the model would see, normalised for what clients
// change. It must never depend on what clients do not send back: thinking, cache marks, the punctuation of ids.

import { createHash, type Hash } from "node:crypto";
import { normaliseToolId } from "../../canon/id.ts";
import type { Block, ChatRequest, Message, ToolResultBlock } from "../../canon/request.ts";
import { parseLoosely } from "../../dialects/decoding.ts";

/** OpenClaw appends a note about its own state to the newest message of every request, so it moves with each turn. */
const movingNote = {
  begin: "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>",
  end: "<<<END_OPENCLAW_INTERNAL_CONTEXT>>>",
} as const;

function isMoving(block: Block): boolean {
  if (block.type !== "text") return false;
  const text = block.text.trim();
  return text.startsWith(movingNote.begin) && text.endsWith(movingNote.end);
}

/** Messages without such notes. */
function lasting(messages: readonly Message[]): readonly Message[] {
  if (!messages.some(({ role, content }) => role === "user" && content.some(isMoving))) return messages;
  return messages
    .map((message) =>
      message.role === "user"
        ? { ...message, content: message.content.filter((block) => !isMoving(block)) }
        : message,
    )
    .filter(({ content }) => content.length > 0);
}

/** `launchKey`: what the process was started with. */
export function conversationFingerprint(
  request: ChatRequest,
  messages: readonly Message[],
  launchKey: string,
): string {
  const hash = createHash("sha256");
  const tools = request.tools.map(({ name, description, schema }) => ({ name, description, schema }));
  add(hash, "frame", stable({ launchKey, tools, format: request.format }));
  for (const block of request.system) addBlock(hash, block, "system");
  // Its position does not matter, but a process that was sent a different note does not know this one.
  const note = request.messages.flatMap(({ content }) => content).findLast(isMoving);
  if (note !== undefined) addBlock(hash, note, "note");
  // Clients cut one turn into several messages, or join them.
  let role: Message["role"] | null = null;
  let text = "";
  const flush = (): void => {
    if (text !== "") add(hash, "text", text);
    text = "";
  };
  for (const message of lasting(messages)) {
    if (message.role !== role) {
      flush();
      role = message.role;
      add(hash, "role", role);
    }
    for (const block of message.content) {
      if (block.type !== "text") {
        flush();
        addBlock(hash, block, role);
        // The model's own words come back joined, trimmed or wrapped; a user's do not.
      } else if (role === "assistant") text += block.text.replace(/\s+/g, "");
      else text += `${block.text}\n`;
    }
  }
  flush();
  return hash.digest("base64");
}

function add(hash: Hash, kind: string, value: string): void {
  hash.update(`${kind}:${value.length}:`);
  hash.update(value);
}

function addBlock(hash: Hash, block: Block, role: string): void {
  switch (block.type) {
    case "text":
      return add(hash, `${role}-text`, block.text);
    case "thinking":
      return;
    case "image":
      return add(hash, "image", block.source.kind === "url" ? block.source.url : block.source.data);
    case "tool-call":
      add(hash, "call", `${normaliseToolId(block.id)} ${block.name}`);
      return add(hash, "input", stable(inputOf(block.input)));
    case "tool-result":
      add(hash, "result", `${normaliseToolId(block.callId)} ${block.isError}`);
      for (const part of block.content) addBlock(hash, part, "result");
      return;
    case "opaque": {
      // Anything besides text and calls in a model turn is encrypted, and clients of other formats never saw it.
      if (role !== "assistant") add(hash, "opaque", stable(block.value));
    }
  }
}

function inputOf(input: string): unknown {
  return input.trim() === "" ? {} : (parseLoosely(input) ?? input);
}

/** JSON with its members in order and without cache marks, which clients move from turn to turn. */
function stable(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stable).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value)
    .filter(([name, member]) => name !== "cache_control" && member !== undefined)
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${stable(member)}`).join(",")}}`;
}

export type Continuation = {
  /** Everything up to and including the model's last turn. */
  readonly prefix: readonly Message[];
  /** The user's new text, without results. Empty where there are results. */
  readonly words: readonly Message[];
  readonly results: readonly ToolResultBlock[];
};

/** What a request adds to a conversation; null where it cannot continue one: mixed content, or no earlier turn. */
export function continuationOf({ messages }: ChatRequest): Continuation | null {
  const at = messages.findLastIndex((message) => message.role === "assistant");
  const tail = lasting(messages.slice(at + 1));
  if (at < 0 || tail.length === 0 || tail.some((message) => message.role !== "user")) return null;
  const prefix = messages.slice(0, at + 1);
  const blocks = tail.flatMap((message) => message.content);
  const results = blocks.filter((block) => block.type === "tool-result");
  if (results.length === 0) return blocks.length === 0 ? null : { prefix, words: tail, results };
  // Blank text can be ignored; anything else would have to go into the same turn.
  const others = blocks.filter((block) => block.type !== "tool-result");
  const isPure = others.every((block) => block.type === "text" && block.text.trim() === "");
  return isPure ? { prefix, words: [], results } : null;
}

/** Normalised ids in order, as a key. */
export function callKey(ids: readonly string[]): string {
  return ids.map(normaliseToolId).toSorted().join(" ");
}
