// The optional profile for OpenClaw: its tool names are shown to the model under the names that Claude Code's models know best,
// and blocks of its system prompt that only repeat the declared tools are left out. OpenClaw's name, words and skills stay as
// they are: the profile must never hide which client is asking.

import type { StreamEvent } from "../../canon/event.ts";
import type { Block, ChatRequest, Message } from "../../canon/request.ts";

export type ProfileSettings = { readonly mapsToolNames: boolean; readonly filtersPrompt: boolean };

export type Profiled = {
  readonly request: ChatRequest;
  /** The model's name of a tool -> the client's. */
  readonly restore: ((event: StreamEvent) => StreamEvent) | null;
};

const modelNames: Readonly<Record<string, string>> = {
  exec: "Bash",
  read: "Read",
  write: "Write",
  edit: "Edit",
  web_search: "WebSearch",
  web_fetch: "WebFetch",
  browser: "Browser",
  canvas: "Canvas",
};

export function withProfile(
  request: ChatRequest,
  settings: ProfileSettings,
  note: (adaptation: string) => void = () => undefined,
): Profiled {
  const filtered = settings.filtersPrompt ? withoutToolBlocks(request, note) : request;
  const names = settings.mapsToolNames ? namesFor(request) : new Map<string, string>();
  if (names.size === 0) return { request: filtered, restore: null };
  const back = new Map([...names].map(([client, model]) => [model, client]));
  return {
    request: renamed(filtered, (name) => names.get(name) ?? name),
    restore: (event) =>
      event.type === "tool-start" ? { ...event, name: back.get(event.name) ?? event.name } : event,
  };
}

/**
 * Only names of this request, and none that collides with one of the client's own names: the reverse mapping must be
 * unique.
 */
function namesFor(request: ChatRequest): ReadonlyMap<string, string> {
  const used = new Set(request.tools.map((tool) => tool.name));
  for (const { content } of request.messages)
    for (const block of content) if (block.type === "tool-call") used.add(block.name);
  return new Map(
    Object.entries(modelNames).filter(([client, model]) => used.has(client) && !used.has(model)),
  );
}

/** Everywhere, including the history: a model that sees two names for one tool calls the missing one. */
function renamed(request: ChatRequest, name: (written: string) => string): ChatRequest {
  const block = (each: Block): Block =>
    each.type === "tool-call" ? { ...each, name: name(each.name) } : each;
  const message = (each: Message): Message =>
    each.content.some((part) => part.type === "tool-call")
      ? { ...each, content: each.content.map(block) }
      : each;
  const { toolChoice } = request;
  return {
    ...request,
    tools: request.tools.map((tool) => ({ ...tool, name: name(tool.name) })),
    messages: request.messages.map(message),
    toolChoice: toolChoice?.type === "tool" ? { ...toolChoice, name: name(toolChoice.name) } : toolChoice,
  };
}

/**
 * Tags that contain only a list of tools. Not the skills: they are only in the prompt, and without them OpenClaw has
 * none.
 */
const toolTags = [
  "tools",
  "available-tools",
  "tool-definitions",
  "system-tools",
  "tool-use-instructions",
  "functions",
];

function withoutToolBlocks(request: ChatRequest, note: (adaptation: string) => void): ChatRequest {
  // Without declared tools, the block is all that the model knows about them.
  if (request.tools.length === 0) return request;
  let isChanged = false;
  const system = request.system.map((block) => {
    if (block.type !== "text") return block;
    const text = withoutBlocks(block.text);
    if (text === block.text) return block;
    isChanged = true;
    return { ...block, text };
  });
  if (!isChanged) return request;
  note("tool-blocks-left-out");
  return { ...request, system };
}

/** Blocks whose opening and closing tags are each alone on a line, outside fenced code; an unclosed one is kept. */
function withoutBlocks(text: string): string {
  const lines = text.split("\n");
  const kept: string[] = [];
  let isFenced = false;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (/^\s*(?:```|~~~)/.test(line)) isFenced = !isFenced;
    const tag = isFenced ? null : openingTag(line);
    const end = tag === null ? -1 : closingLine(lines, at + 1, tag);
    if (end < 0) kept.push(line);
    else {
      at = end;
      // Leaves at most one blank line between the text around the block.
      while (kept.at(-1)?.trim() === "" && lines[at + 1]?.trim() === "") at++;
    }
  }
  return kept.join("\n");
}

function openingTag(line: string): string | null {
  const written = /^\s*<([a-z_-]+)>\s*$/.exec(line)?.[1] ?? null;
  return written !== null && toolTags.includes(written.replaceAll("_", "-")) ? written : null;
}

function closingLine(lines: readonly string[], from: number, tag: string): number {
  for (let at = from; at < lines.length; at++) {
    const line = lines[at]?.trim();
    if (line === `</${tag}>`) return at;
    // A nested block is not a plain list.
    if (line === `<${tag}>`) return -1;
  }
  return -1;
}
